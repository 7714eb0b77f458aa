// Package cloudwatch opens what Amazon CloudWatch Logs delivers: envelopes whose logEvents hold the records of any log as text.
//
// In: the bytes and the parsed form of a JSON value, or the first bytes of a stream. Out: what the envelope holds, packed once less
// (Unwrap), or the first messages in it (Messages), by which a format recognises its own records.
//
// The shapes are those of a subscription (Lambda's awslogs.data, Firehose's and Kinesis' object) and of a log event alone. What a
// gzip in an envelope opens to is bounded.
package cloudwatch
