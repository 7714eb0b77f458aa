package asff

import (
	"bytes"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// The reasons for which a JSON value is not a finding of Security Hub.
const (
	ReasonNoFinding = "JSON, but not a finding in the AWS Security Finding Format"
	ReasonBadTime   = "Security Hub finding without a usable time"
)

// lists are the members that hold an array of findings or of envelopes.
var lists = []string{"Findings", "findings", "Records"}

// texts are the members that hold an event as text: SNS, SQS.
var texts = []string{"Message", "body", "Body"}

// Shape is how findings are packed and recognised.
func Shape() ocsf.Shape {
	return ocsf.Shape{Mapping: Mapping, Arrays: lists, Unwrap: unwrap, Check: check}
}

// Recognise reports whether the first bytes of a stream are Security Hub's: an EventBridge event that says so, or a finding by its
// own members.
func Recognise(head []byte) bool {
	head = ocsf.Peel(head)
	switch ocsf.DetailType(head) {
	case "Security Hub Findings - Imported", "Security Hub Findings - Custom Action", "Security Hub Insight Results":
		return true
	}
	return ocsf.Sniff(head, func(names [][]byte) bool {
		own := 0
		for _, name := range names {
			switch string(name) {
			case "ProductArn", "GeneratorId", "AwsAccountId", "SchemaVersion", "ProductFields":
				own++
			case "eventSource", "eventName", "class_uid":
				return false
			}
		}
		return own >= 3
	})
}

func unwrap(raw []byte, doc *fastjson.Value) *ocsf.Wrapped {
	if doc.Type() != fastjson.TypeObject || doc.Exists("ProductArn") {
		return nil
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

// check asks for what joins the updates of a finding: its id and account, and when it was updated.
func check(e *ocsf.Event) *ocsf.Unreadable {
	if e.Doc.Type() != fastjson.TypeObject {
		return &ocsf.Unreadable{Reason: ReasonNoFinding, Detail: "a " + e.Doc.Type().String() + " where a finding should be"}
	}
	for _, member := range [...]string{"Id", "AwsAccountId", "ProductArn"} {
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
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: "UpdatedAt " + err.Error()}
	}
	e.Millis = millis
	e.ID = e.Str(ocsf.MetadataUID)
	return nil
}
