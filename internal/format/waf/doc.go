// Package waf reads AWS WAF logs.
//
// In: decompressed bytes: JSON lines as S3 or Firehose gets them, or envelopes of CloudWatch Logs. Out: events, or unreadable records
// with their reason. mapping.go is the table to OCSF's HTTP Activity with the security_control profile: what the web ACL did, and the
// rule that ended the request. Account and Region are those of the web ACL's ARN; an ACL of WAF Classic has an id and neither.
package waf
