package cloudtrail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// The reasons for which a JSON value is not a CloudTrail record.
const (
	ReasonNoRecord = "JSON, but not a CloudTrail record"
	ReasonBadTime  = "CloudTrail record without a usable time"
	ReasonDigest   = "CloudTrail digest file, which holds no events"
)

// Shape is how CloudTrail records are packed and recognised.
func Shape() ocsf.Shape {
	return ocsf.Shape{Mapping: Mapping, Arrays: []string{"Records", "Events", "logEvents"}, Unwrap: unwrap, Check: check}
}

// Recognise reports whether the first bytes of a stream look like CloudTrail, whatever its name.
func Recognise(head []byte) bool {
	for _, sign := range []string{`eventSource`, `CloudTrailEvent`, `digestS3Object`, `{"Records":[`, `"awslogs"`, `"logEvents"`, `eventVersion`} {
		if bytes.Contains(head, []byte(sign)) {
			return true
		}
	}
	return false
}

// unwrap takes one envelope off.
func unwrap(raw []byte, doc *fastjson.Value) *ocsf.Wrapped {
	if doc.Type() != fastjson.TypeObject || doc.Exists("eventSource") && doc.Exists("eventName") {
		return nil
	}
	for _, member := range []string{"CloudTrailEvent", "message", "Message"} { // LookupEvents, CloudWatch Logs, SNS
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
		return &ocsf.Wrapped{Stream: &packed{data: data}}
	}
	if doc.Exists("Records") || doc.Exists("logEvents") || doc.Exists("Events") { // its array stands too far in to be seen as an envelope
		return &ocsf.Wrapped{Stream: bytes.NewReader(longestArray(raw))}
	}
	return nil
}

func longestArray(raw []byte) []byte {
	for _, member := range []string{"Records", "logEvents", "Events"} {
		if a := records.Member(raw, member); len(a) > 0 && a[0] == '[' {
			return a
		}
	}
	return []byte("null")
}

// packed is base64 of gzip, opened on the first read.
type packed struct {
	data []byte
	z    *gzip.Reader
}

func (p *packed) Read(b []byte) (int, error) {
	if p.z == nil {
		z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(p.data)))
		if err != nil {
			return 0, fmt.Errorf("open awslogs.data: %w", err)
		}
		p.z = z
	}
	return p.z.Read(b)
}

// check makes an event of a record: it needs eventSource, eventName and a time.
func check(e *ocsf.Event) *ocsf.Unreadable {
	if e.Doc.Type() != fastjson.TypeObject {
		return &ocsf.Unreadable{Reason: ReasonNoRecord, Detail: "a " + e.Doc.Type().String() + " where a record should be"}
	}
	if e.Doc.Exists("digestS3Object") {
		return &ocsf.Unreadable{Reason: ReasonDigest, Detail: "verify it with 'aws cloudtrail validate-logs'"}
	}
	for _, member := range []string{"eventSource", "eventName", "eventTime"} {
		switch v := e.Doc.Get(member); {
		case v == nil:
			return &ocsf.Unreadable{Reason: ReasonNoRecord, Detail: "it has no " + member}
		case v.Type() != fastjson.TypeString || len(v.GetStringBytes()) == 0:
			return &ocsf.Unreadable{Reason: ReasonNoRecord, Detail: fmt.Sprintf("its %s is a %s, not text", member, v.Type())}
		}
	}
	millis, err := ocsf.ParseTime(string(e.Doc.GetStringBytes("eventTime")))
	if err != nil {
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: "eventTime " + err.Error()}
	}
	e.Millis = millis
	if id := e.Str(ocsf.MetadataUID); strings.TrimSpace(id) != "" {
		e.ID = id
	}
	return nil
}
