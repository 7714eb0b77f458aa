package guardduty

import (
	"bytes"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// The reasons for which a JSON value is not a GuardDuty finding.
const (
	ReasonNoFinding = "JSON, but not a GuardDuty finding"
	ReasonBadTime   = "GuardDuty finding without a usable time"
)

// lists are the members that hold an array of findings or of envelopes.
var lists = []string{"findings", "Findings", "Records"}

// texts are the members that hold an event as text: SNS, SQS.
var texts = []string{"Message", "body", "Body"}

// Shape is how findings are packed and recognised.
func Shape() ocsf.Shape {
	return ocsf.Shape{Mapping: Mapping, Arrays: lists, Unwrap: unwrap, Check: check}
}

// Recognise reports whether the first bytes of a stream are GuardDuty's: an EventBridge event that says so, or a finding by its
// own members.
func Recognise(head []byte) bool {
	head = ocsf.Peel(head)
	if ocsf.DetailType(head) == "GuardDuty Finding" {
		return true
	}
	return ocsf.Sniff(head, func(names [][]byte) bool {
		own := 0
		for _, name := range names {
			switch string(name) {
			case "accountId", "arn", "resource", "service", "severity", "type", "schemaVersion", "AccountId", "Arn", "Resource", "Service", "Severity", "Type", "SchemaVersion":
				own++
			case "ProductArn", "eventSource", "eventName", "class_uid":
				return false
			}
		}
		return own >= 6
	})
}

func unwrap(raw []byte, doc *fastjson.Value) *ocsf.Wrapped {
	if doc.Type() != fastjson.TypeObject || doc.Exists("service") && doc.Exists("resource") {
		return nil
	}
	if doc.Exists("Service") && doc.Exists("Resource") {
		return &ocsf.Wrapped{Text: lowered(doc)}
	}
	for _, member := range texts {
		if text := bytes.TrimSpace(doc.GetStringBytes(member)); bytes.HasPrefix(text, []byte("{")) {
			return &ocsf.Wrapped{Text: text}
		}
	}
	if v := doc.Get("detail"); v != nil && v.Type() == fastjson.TypeObject {
		return &ocsf.Wrapped{Text: records.Member(raw, "detail")}
	}
	for _, member := range lists {
		if list := records.Member(raw, member); len(list) > 0 && list[0] == '[' {
			return &ocsf.Wrapped{Stream: bytes.NewReader(list)}
		}
	}
	return nil
}

// lowered writes a finding of the SDKs with the names of the service's own JSON.
func lowered(v *fastjson.Value) []byte {
	var walk func(v *fastjson.Value) *fastjson.Value
	arena := &fastjson.Arena{}
	walk = func(v *fastjson.Value) *fastjson.Value {
		switch v.Type() {
		case fastjson.TypeObject:
			out := arena.NewObject()
			v.GetObject().Visit(func(key []byte, item *fastjson.Value) {
				name := bytes.Clone(key)
				if len(name) > 0 && name[0] >= 'A' && name[0] <= 'Z' {
					name[0] += 'a' - 'A'
				}
				if out.Get(string(name)) == nil { // the first of two wins, as everywhere
					out.Set(string(name), walk(item))
				}
			})
			return out
		case fastjson.TypeArray:
			out := arena.NewArray()
			for i, item := range v.GetArray() {
				out.SetArrayItem(i, walk(item))
			}
			return out
		}
		return v
	}
	return walk(v).MarshalTo(nil)
}

// check asks for what makes a finding: its id, its type, its account and when it was updated.
func check(e *ocsf.Event) *ocsf.Unreadable {
	if e.Doc.Type() != fastjson.TypeObject {
		return &ocsf.Unreadable{Reason: ReasonNoFinding, Detail: "a " + e.Doc.Type().String() + " where a finding should be"}
	}
	for _, member := range [...]string{"id", "type", "accountId"} {
		if len(e.Doc.GetStringBytes(member)) == 0 {
			return &ocsf.Unreadable{Reason: ReasonNoFinding, Detail: "it has no " + member}
		}
	}
	when := e.Text(updatedAt)
	if when == "" {
		when = e.Text(createdAt)
	}
	millis, err := ocsf.ParseTime(when)
	if err != nil {
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: "updatedAt " + err.Error()}
	}
	e.Millis = millis
	e.ID = e.Str(ocsf.MetadataUID)
	return nil
}
