package cloudtrail

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/cloudwatch"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// The reasons for which a JSON value is not a CloudTrail record.
const (
	ReasonNoRecord = "JSON, but not a CloudTrail record"
	ReasonBadTime  = "CloudTrail record without a usable time"
	ReasonDigest   = "CloudTrail digest file, which holds no events"
)

// lists are the members that hold an array of records: a delivered file, LookupEvents, CloudWatch Logs.
var lists = []string{"Records", "Events", "logEvents"}

// texts are the members that hold a record as text: LookupEvents, CloudWatch Logs, SNS, SQS.
var texts = []string{"CloudTrailEvent", "message", "Message", "body", "Body"}

// Shape is how CloudTrail records are packed and recognised.
func Shape() ocsf.Shape {
	return ocsf.Shape{Mapping: Mapping, Arrays: lists, Unwrap: unwrap, Check: check}
}

// Recognise reports whether the first bytes of a stream are CloudTrail's, whatever its name: records by their own
// members, envelopes where something in them looks like a record. An envelope of CloudWatch Logs in which no message can be seen is
// taken for CloudTrail's: it holds nothing, or its reason is told.
func Recognise(head []byte) bool {
	other := false
	if own, isEnvelope := cloudwatch.Messages(head, func(text []byte) bool {
		own := bytes.HasPrefix(text, []byte("{")) && recordLike(text)
		other = other || !own
		return own
	}); isEnvelope {
		return own || !other
	}
	inside := bytes.Contains(head, []byte("eventSource")) || bytes.Contains(head, []byte("CloudTrailEvent")) || bytes.Contains(head, []byte("eventVersion"))
	if len(head) < 256 && bytes.Equal(bytes.Join(bytes.Fields(head), nil), []byte(`{"Records":[]}`)) {
		return true
	}
	return ocsf.Sniff(head, func(names [][]byte) bool {
		own := 0
		for _, name := range names {
			switch string(name) {
			case "CloudTrailEvent", "digestS3Object", "insightDetails":
				return true
			case "eventVersion", "eventSource", "eventName", "eventTime", "userIdentity":
				own++
			case "Records", "Events", "detail", "message", "Message", "body", "Body":
				if inside {
					return true
				}
			}
		}
		return own >= 2
	})
}

// recordLike reports whether a message is a record.
func recordLike(text []byte) bool {
	return bytes.Contains(text, []byte(`"eventSource"`)) && bytes.Contains(text, []byte(`"eventName"`)) || bytes.Contains(text, []byte(`"insightDetails"`))
}

// unwrap takes one envelope off.
func unwrap(raw []byte, doc *fastjson.Value) *ocsf.Wrapped {
	if doc.Type() != fastjson.TypeObject || doc.Exists("eventSource") && doc.Exists("eventName") || doc.Exists("insightDetails") {
		return nil
	}
	for _, member := range texts {
		if v := doc.Get(member); v != nil && v.Type() == fastjson.TypeString {
			text := bytes.TrimSpace(v.GetStringBytes())
			switch {
			case bytes.HasPrefix(text, []byte("{")):
				return &ocsf.Wrapped{Text: text}
			case bytes.HasPrefix(text, []byte("CWL CONTROL MESSAGE")):
				return &ocsf.Wrapped{Skip: true}
			}
		}
	}
	if v := doc.Get("detail"); v != nil && v.Type() == fastjson.TypeObject { // EventBridge
		return &ocsf.Wrapped{Text: records.Member(raw, "detail")}
	}
	if data := doc.GetStringBytes("awslogs", "data"); data != nil { // subscription to Lambda
		return &ocsf.Wrapped{Stream: cloudwatch.Open(data)}
	}
	for _, member := range lists { // an array that stands too far in to be seen as an envelope
		if list := records.Member(raw, member); len(list) > 0 && list[0] == '[' {
			return &ocsf.Wrapped{Stream: bytes.NewReader(list)}
		}
	}
	return nil
}

// check makes an event of a record: it needs eventSource, eventName and a time, which Insights keep elsewhere.
func check(e *ocsf.Event) *ocsf.Unreadable {
	if e.Doc.Type() != fastjson.TypeObject {
		return &ocsf.Unreadable{Reason: ReasonNoRecord, Detail: "a " + e.Doc.Type().String() + " where a record should be"}
	}
	if e.Doc.Exists("digestS3Object") {
		return &ocsf.Unreadable{Reason: ReasonDigest, Detail: "verify it with 'aws cloudtrail validate-logs'"}
	}
	subject, prefix := e.Doc, ""
	if insight := e.Doc.Get("insightDetails"); insight != nil && !e.Doc.Exists("eventName") {
		subject, prefix = insight, "insightDetails."
	}
	for _, u := range [...]*ocsf.Unreadable{required(subject, prefix, "eventSource"), required(subject, prefix, "eventName"), required(e.Doc, "", "eventTime")} {
		if u != nil {
			return u
		}
	}
	if source := subject.GetStringBytes("eventSource"); bytes.HasPrefix(source, []byte("aws:")) {
		return &ocsf.Unreadable{Reason: ReasonNoRecord, Detail: "its eventSource is " + string(source) + ": a notification of an event, not CloudTrail's record of it"}
	}
	millis, err := ocsf.ParseTime(e.Text(eventTime))
	if err != nil {
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: "eventTime " + err.Error()}
	}
	e.Millis = millis
	if id := e.Doc.Get("eventID"); id != nil && id.Type() == fastjson.TypeString {
		e.ID = strings.TrimSpace(e.Str(ocsf.MetadataUID))
	}
	return nil
}

func required(doc *fastjson.Value, prefix, member string) *ocsf.Unreadable {
	switch v := doc.Get(member); {
	case v == nil:
		return &ocsf.Unreadable{Reason: ReasonNoRecord, Detail: "it has no " + prefix + member}
	case v.Type() != fastjson.TypeString:
		return &ocsf.Unreadable{Reason: ReasonNoRecord, Detail: fmt.Sprintf("its %s%s is %s, not text", prefix, member, v.Type())}
	case len(bytes.TrimSpace(v.GetStringBytes())) == 0:
		return &ocsf.Unreadable{Reason: ReasonNoRecord, Detail: "its " + prefix + member + " is empty"}
	}
	return nil
}
