// Package eksaudit reads the audit log of a Kubernetes API server, as EKS gives it and as any cluster writes it.
//
// In: decompressed bytes: audit.k8s.io events one a line, in an EventList, or in the batches of CloudWatch Logs (also as exported
// text). Out: OCSF API Activity, or unreadable records with position and reason. An event does not say whose cluster it was: of a
// batch, each keeps the owner and the log group in a member cloudWatchLogs of its own. The other logs of the control plane that
// share the log group are no audit events, and are told as such.
package eksaudit
