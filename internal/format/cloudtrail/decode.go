package cloudtrail

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
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

// lists are the members that hold an array of records: a delivered file, LookupEvents, CloudWatch Logs.
var lists = []string{"Records", "Events", "logEvents"}

// texts are the members that hold a record as text: LookupEvents, CloudWatch Logs, SNS, SQS.
var texts = []string{"CloudTrailEvent", "message", "Message", "body", "Body"}

// Shape is how CloudTrail records are packed and recognised.
func Shape() ocsf.Shape {
	return ocsf.Shape{Mapping: Mapping, Arrays: lists, Unwrap: unwrap, Check: check}
}

// Recognise reports whether the first bytes of a stream are CloudTrail's, whatever its name: records by their own
// members, envelopes where something in them looks like a record.
func Recognise(head []byte) bool {
	inside := bytes.Contains(head, []byte("eventSource")) || bytes.Contains(head, []byte("CloudTrailEvent")) || bytes.Contains(head, []byte("eventVersion"))
	if len(head) < 256 && bytes.Equal(bytes.Join(bytes.Fields(head), nil), []byte(`{"Records":[]}`)) {
		return true
	}
	return ocsf.Sniff(head, func(names [][]byte) bool {
		own := 0
		for _, name := range names {
			switch string(name) {
			case "CloudTrailEvent", "digestS3Object", "insightDetails", "awslogs", "logEvents":
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
		return &ocsf.Wrapped{Stream: &packed{data: data}}
	}
	for _, member := range lists { // an array that stands too far in to be seen as an envelope
		if list := records.Member(raw, member); len(list) > 0 && list[0] == '[' {
			return &ocsf.Wrapped{Stream: bytes.NewReader(list)}
		}
	}
	return nil
}

// maxUnpacked bounds what one awslogs.data opens to. CloudWatch Logs packs at most 6 MB for Lambda.
const maxUnpacked = 64 << 20

var errUnpacked = errors.New("awslogs.data opens to more than 64 MiB (limit for one envelope)")

// packed is base64 of gzip, opened on the first read.
type packed struct {
	data []byte
	z    *gzip.Reader
	left int
}

func (p *packed) Read(b []byte) (int, error) {
	if p.z == nil {
		z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(p.data)))
		if err != nil {
			return 0, fmt.Errorf("open awslogs.data: %w", err)
		}
		p.z, p.left = z, maxUnpacked
	}
	n, err := p.z.Read(b)
	if p.left -= n; p.left < 0 {
		return n, errUnpacked
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("open awslogs.data: %w", err)
	}
	return n, err
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
