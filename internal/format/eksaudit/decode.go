package eksaudit

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/cloudwatch"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// The reasons for which a value is not an audit event.
const (
	ReasonNoEvent = "not an event of the Kubernetes audit log"
	ReasonBadTime = "Kubernetes audit event without a usable time"
)

// Shape is how audit events are packed and recognised.
func Shape() ocsf.Shape {
	return ocsf.Shape{Mapping: Mapping, Arrays: []string{"items"}, Unwrap: unwrap, Check: check}
}

// Recognise reports whether the first bytes of a stream are an audit log: events by their own members, batches of CloudWatch Logs by
// the name of the log group that EKS gives or by the first event in them.
func Recognise(head []byte) bool {
	head = cloudwatch.Opened(head)
	return ocsf.Sniff(ocsf.Peel(head), func(names [][]byte) bool {
		own := 0
		for _, name := range names {
			switch string(name) {
			case "auditID", "stage", "requestURI", "verb", "objectRef":
				own++
			case "eventSource", "eventName", "class_uid":
				return false
			}
		}
		return own >= 3
	}) || strings.HasPrefix(ocsf.TextAt(head, "logGroup"), "/aws/eks/")
}

func unwrap(raw []byte, doc *fastjson.Value) *ocsf.Wrapped {
	if doc.Type() != fastjson.TypeObject || doc.Exists("auditID") {
		return nil
	}
	if events := doc.GetArray("logEvents"); len(events) > 0 {
		if string(doc.GetStringBytes("messageType")) == "CONTROL_MESSAGE" {
			return &ocsf.Wrapped{Skip: true}
		}
		return &ocsf.Wrapped{Stream: bytes.NewReader(batch(doc, events))}
	}
	if data := doc.GetStringBytes("awslogs", "data"); data != nil { // subscription to Lambda
		return &ocsf.Wrapped{Stream: cloudwatch.Open(data)}
	}
	for _, member := range [...]string{"message", "Message", "body", "Body"} {
		if text := bytes.TrimSpace(doc.GetStringBytes(member)); bytes.HasPrefix(text, []byte("{")) {
			return &ocsf.Wrapped{Text: text}
		}
	}
	if list := records.Member(raw, "items"); len(list) > 0 && list[0] == '[' {
		return &ocsf.Wrapped{Stream: bytes.NewReader(list)}
	}
	return nil
}

// batch writes the events of a batch of CloudWatch Logs one a line, each with what the batch says of all of them. A message that is
// no object is written as text, which is no event.
func batch(doc *fastjson.Value, events []*fastjson.Value) []byte {
	origin := []byte(`{"cloudWatchLogs":{`)
	for i, name := range [...]string{"owner", "logGroup", "logStream"} {
		if i > 0 {
			origin = append(origin, ',')
		}
		origin = append(append(origin, `"`+name+`":`...), quoted(doc.GetStringBytes(name))...)
	}
	origin = append(origin, '}')
	var out []byte
	for _, e := range events {
		text := bytes.TrimSpace(e.GetStringBytes("message"))
		rest, isObject := bytes.CutPrefix(text, []byte("{"))
		switch rest = bytes.TrimSpace(rest); {
		case !isObject || bytes.HasPrefix(rest, []byte("}")):
			out = append(out, `{"cloudWatchLogs":{},"text":`...)
			out = append(append(out, quoted(text)...), '}')
		default:
			out = append(append(append(out, origin...), ','), rest...)
		}
		out = append(out, '\n')
	}
	return out
}

// quoted writes any bytes as a text of JSON.
func quoted(s []byte) []byte {
	return (&fastjson.Arena{}).NewString(string(bytes.ToValidUTF8(s, []byte("\uFFFD")))).MarshalTo(nil)
}

// check asks for what makes an audit event: its id, its verb, its stage and a time.
func check(e *ocsf.Event) *ocsf.Unreadable {
	if e.Doc.Type() != fastjson.TypeObject {
		return &ocsf.Unreadable{Reason: ReasonNoEvent, Detail: "a " + e.Doc.Type().String() + " where an event should be"}
	}
	if text := e.Doc.GetStringBytes("text"); len(text) > 0 && !e.Doc.Exists("auditID") {
		return &ocsf.Unreadable{Reason: ReasonNoEvent, Detail: "a line of another log: " + strconv.Quote(string(text[:min(len(text), 80)]))}
	}
	for _, member := range [...]string{"auditID", "verb"} {
		if len(e.Doc.GetStringBytes(member)) == 0 {
			return &ocsf.Unreadable{Reason: ReasonNoEvent, Detail: "it has no " + member}
		}
	}
	when := ""
	for _, p := range times {
		if when = e.Text(p); when != "" {
			break
		}
	}
	millis, err := ocsf.ParseTime(when)
	if err != nil {
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: "stageTimestamp " + err.Error()}
	}
	e.Millis = millis
	e.ID = e.Str(ocsf.MetadataUID)
	return nil
}
