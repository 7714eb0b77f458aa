package waf

import (
	"fmt"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/cloudwatch"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// The reasons for which a JSON value is not a WAF log record.
const (
	ReasonNoRecord = "JSON, but not an AWS WAF log record"
	ReasonBadTime  = "WAF log record without a usable time"
)

// Shape is how WAF logs are packed and recognised.
func Shape() ocsf.Shape {
	return ocsf.Shape{Mapping: Mapping, Arrays: []string{cloudwatch.List}, Unwrap: cloudwatch.Unwrap, Check: check}
}

// Recognise reports whether the first bytes of a stream are WAF logs, by members of their own.
func Recognise(head []byte) bool {
	if found, isEnvelope := cloudwatch.Messages(head, recordObject); isEnvelope {
		return found
	}
	return recordObject(head)
}

func recordObject(text []byte) bool {
	return ocsf.Sniff(text, func(names [][]byte) bool {
		own := 0
		for _, name := range names {
			switch string(name) {
			case "webaclId", "terminatingRuleId", "httpSourceId", "httpRequest":
				own++
			}
		}
		return own >= 2
	})
}

func check(e *ocsf.Event) *ocsf.Unreadable {
	if e.Doc.Type() != fastjson.TypeObject || e.Doc.Get("webaclId") == nil || e.Doc.Get("httpRequest") == nil {
		return &ocsf.Unreadable{Reason: ReasonNoRecord, Detail: "it has no webaclId or no httpRequest"}
	}
	t := e.Doc.Get("timestamp")
	if t == nil || t.Type() != fastjson.TypeNumber {
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: "its timestamp is missing or no number"}
	}
	e.Millis = t.GetInt64()
	if e.Millis < ocsf.MinSeconds*1000 || e.Millis > ocsf.MaxSeconds*1000 {
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: fmt.Sprintf("timestamp %d is not between the years %d and %d in milliseconds", e.Millis, ocsf.MinYear, ocsf.MaxYear)}
	}
	if e.Str(ocsf.SrcIP) == "" && e.Str(ocsf.SrcUID) == "" && e.Str(ocsf.SrcServiceName) == "" {
		return &ocsf.Unreadable{Reason: ReasonNoRecord, Detail: "it names neither a client nor what the web ACL protects"}
	}
	return nil
}
