// Package waf reads AWS WAF logs: web requests and what a web ACL did with each.
//
// In: decompressed bytes: JSON lines as S3 or Firehose gets them, or envelopes of CloudWatch Logs. Out: events, or unreadable records
// with their reason. mapping.go is the table to OCSF's HTTP Activity with the security_control profile: what the web ACL did, and the
// rule that ended the request. Account and Region are those of the web ACL's ARN; an ACL of WAF Classic has an id and neither.
//
// Types of members are never trusted: a member of the wrong type reads as what it is, and what is required beyond webaclId, httpRequest and
// timestamp is one name of who asked or of what was asked.
package waf
