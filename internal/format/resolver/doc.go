// Package resolver reads the query logs of Amazon Route 53: those of the Resolver of a VPC (JSON), and those of public hosted zones (a line
// a query).
//
// In: decompressed bytes, or envelopes of CloudWatch Logs. Out: events, or unreadable records with their reason. lines.go gives a line of a
// public zone the names that the Resolver's log uses, where it has the same fact; mapping.go is the table to OCSF's DNS Activity. An
// event of a public zone has hosted_zone_id and no account.
package resolver
