// Package cloudtrail reads AWS CloudTrail records, versions 1.0 to today's, in every wrapping in which they are met.
//
// In: decompressed bytes. Out: events, or unreadable records with position and reason. decode.go takes envelopes off
// (a delivered file with Records, a list, JSON lines, LookupEvents, EventBridge, CloudWatch Logs, SNS) and checks that
// what is inside is a record; mapping.go is the table to OCSF. Types of other members are never trusted: a field
// of the wrong type reads as what it is, and no field is required beyond what makes a record.
package cloudtrail
