package resolver

import (
	"bytes"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/cloudwatch"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// The reasons for which a record is not a query log record.
const (
	ReasonNoRecord = "not a Route 53 query log record"
	ReasonBadTime  = "query log record without a usable time"
)

// Shape is how query logs are packed and recognised.
func Shape() ocsf.Shape {
	return ocsf.Shape{
		Mapping: Mapping, Arrays: []string{cloudwatch.List}, Unwrap: cloudwatch.Unwrap, Check: check,
		Lines: func() ocsf.Lines { return &lines{} },
	}
}

// Recognise reports whether the first bytes of a stream are query logs: objects by their own members, or a line of a public zone's log.
func Recognise(head []byte) bool {
	if found, isEnvelope := cloudwatch.Messages(head, func(text []byte) bool { return recordObject(text) || recordLine(text) }); isEnvelope {
		return found
	}
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n"), []byte("\n"))
	return recordObject(head) || recordLine(line)
}

// recordObject looks for the members that tell a query of the Resolver from other JSON about DNS.
func recordObject(text []byte) bool {
	return ocsf.Sniff(text, func(names [][]byte) bool {
		own := 0
		for _, name := range names {
			switch string(name) {
			case "query_timestamp", "query_name", "query_type", "vpc_id", "srcids", "rcode":
				own++
			}
		}
		return own >= 4
	})
}

var (
	when = ocsf.ParsePath("query_timestamp")
	name = ocsf.ParsePath("query_name")
)

func check(e *ocsf.Event) *ocsf.Unreadable {
	if e.Doc.Type() != fastjson.TypeObject || e.Text(name) == "" {
		return &ocsf.Unreadable{Reason: ReasonNoRecord, Detail: "it has no query_name"}
	}
	millis, err := ocsf.ParseTime(e.Text(when))
	if err != nil {
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: "query_timestamp " + err.Error()}
	}
	e.Millis = millis
	return nil
}
