// Package ocsfjson reads events that are OCSF already, as JSON: lines, a list, or single objects.
//
// In: decompressed bytes. Out: events, or unreadable records with position and reason. The table is the identity, so every OCSF
// field is read where it stands. Events that were CloudTrail records (as Security Lake stores them) also answer to
// CloudTrail's field names, so that a Sigma rule for CloudTrail reads both forms: mapping.go holds that alias table.
package ocsfjson
