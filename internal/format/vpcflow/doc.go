// Package vpcflow reads VPC Flow Logs: text, any order of fields by the header line, versions 2 to 10, flow logs of transit gateways
// included.
//
// In: decompressed bytes: files as S3 gets them, exports of CloudWatch Logs, or its envelopes. Out: one event a line, or an
// unreadable line with its reason. lines.go reads headers and lines; a line without a header is read by the order that the guide
// lists the fields in, if it fits; what has no start and no end has no time and is unreadable. A record keeps its header, so that it can be
// read by itself; the default header is left out.
//
// A line that says NODATA (nothing flowed) or SKIPDATA (AWS lost records) is an event like others, with that status and without a flow:
// the one tells a silent interface from a missing log, the other is a hole that an investigation must see.
package vpcflow
