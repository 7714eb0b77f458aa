// Package alb reads access logs of Application Load Balancers.
//
// In: decompressed bytes, a record a line. Out: events, or unreadable lines with their reason. lines.go takes a line apart and names the
// cells as AWS's own table for Athena does: addresses and ports, and the parts of the request, are members of their own. Fields that
// AWS adds at the end later are left alone. mapping.go is the table to OCSF's HTTP Activity with the load_balancer profile.
//
// The log names no account: it is that of the target group's or the certificate's ARN, and missing for a request that reached neither. Logs
// of Classic and Network Load Balancers have other fields: their lines are unreadable here, and say so.
package alb
