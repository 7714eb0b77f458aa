// Package s3access reads Amazon S3 server access logs.
//
// In: decompressed bytes, a record a line. Out: events, or unreadable lines with their reason. lines.go takes a line apart: cells
// between blanks, in quotes or square brackets; fields that S3 adds at the end later are left alone. mapping.go is the table to OCSF's API
// Activity, which fits what S3 writes (who asked for which operation on which bucket) better than HTTP Activity; the HTTP
// request and response are there as well.
//
// The log names the bucket's owner by canonical id and no account: the account is that of the access point's ARN where there is one, else
// it is missing. S3 may deliver a record twice; the id, made of the request's own and of what it acted on, tells that. The request
// line, referer and user agent are the client's words, and S3 does not escape quotes in them: a client can shift the cells that
// follow, of its own record alone.
package s3access
