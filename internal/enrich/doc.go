// Package enrich adds to an event what Tocsin knows beyond its record: who really acted and with what proof, from
// where, on whose accounts, and what the request would open to whom.
//
// In: events twice over. In the first reading a Survey learns accounts and sessions; in the second a Judge makes
// the Facts of each event. Out: facts, named tocsin.* for rules, computed when they are asked for.
//
//	survey.go      what the first reading learns: own accounts, who issued which session
//	actor.go       actor kind with its proof, and the origin at the start of a role chain
//	facts.go       the table of facts
//	request.go     whom a request would let in: shared accounts, public access, powerful policies, open ports
//	resources.go   what a call named, and what identities it made usable
//	other.go       the same of logs that are not CloudTrail's, by OCSF paths
//	network.go     the same of logs of traffic
//	environment.go environment.yaml; propose.go drafts one
//
// Promises: a fact that is not known is absent, never false. A client's own claims (user agent, session name) are
// marked as claimed. The result depends on the set of records only.
package enrich
