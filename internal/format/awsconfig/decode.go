package awsconfig

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// The reasons for which a JSON value is not a record of AWS Config.
const (
	ReasonNoItem  = "JSON, but nothing that AWS Config records"
	ReasonBadTime = "AWS Config record without a usable time"
)

// lists are the members that hold an array of items or of envelopes.
var lists = []string{"configurationItems", "Records"}

// texts are the members that hold a notification as text: rules, SNS, SQS.
var texts = []string{"invokingEvent", "Message", "body", "Body"}

// notices are messages without an item: that a file was delivered, or that a rule is due.
var notices = []string{"ConfigurationSnapshotDeliveryStarted", "ConfigurationSnapshotDeliveryCompleted", "ConfigurationSnapshotDeliveryFailed", "ConfigurationHistoryDeliveryCompleted", "ScheduledNotification", "ConfigRulesEvaluationStarted"}

// Shape is how records of AWS Config are packed and recognised.
func Shape() ocsf.Shape {
	return ocsf.Shape{Mapping: Mapping, Arrays: lists, Unwrap: unwrap, Check: check}
}

// Recognise reports whether the first bytes of a stream are AWS Config's: files and items by their own members, EventBridge events
// that say so.
func Recognise(head []byte) bool {
	if isOwn(head) {
		return true
	}
	head = ocsf.Peel(head)
	switch ocsf.DetailType(head) {
	case "Config Configuration Item Change", "Config Rules Compliance Change", "Config Configuration Snapshot Delivery Status", "Config Configuration History Delivery Status":
		return true
	}
	return isOwn(head)
}

func isOwn(head []byte) bool {
	return ocsf.Sniff(head, func(names [][]byte) bool {
		own := 0
		for _, name := range names {
			switch string(name) {
			case "configurationItems", "configurationItemCaptureTime", "configurationItemDiff", "newEvaluationResult", "configurationItemSummary", "configSnapshotId":
				return true
			case "messageType", "notificationCreationTime", "recordVersion":
				own++
			case "eventSource", "class_uid":
				return false
			}
		}
		return own >= 3
	})
}

func unwrap(raw []byte, doc *fastjson.Value) *ocsf.Wrapped {
	if doc.Type() != fastjson.TypeObject {
		return nil
	}
	kind := doc.GetStringBytes("messageType")
	for _, n := range notices {
		if string(kind) == n {
			return &ocsf.Wrapped{Skip: true}
		}
	}
	if len(kind) > 0 || doc.Exists("configurationItemCaptureTime") {
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

// check asks for what an item or a result is about, and for a time.
func check(e *ocsf.Event) *ocsf.Unreadable {
	if e.Doc.Type() != fastjson.TypeObject {
		return &ocsf.Unreadable{Reason: ReasonNoItem, Detail: "a " + e.Doc.Type().String() + " where an item should be"}
	}
	if e.Str(ocsf.ResourceUID) == "" {
		return &ocsf.Unreadable{Reason: ReasonNoItem, Detail: "it names no resource"}
	}
	when := ""
	for _, p := range times {
		if when = e.Text(p); when != "" {
			break
		}
	}
	millis, err := millisOf(when)
	if err != nil {
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: "its time " + err.Error()}
	}
	e.Millis = millis
	e.ID = e.Str(ocsf.MetadataUID)
	return nil
}

// millisOf reads a time as files write it, or in seconds since 1970 as the API does.
func millisOf(when string) (int64, error) {
	if !strings.ContainsAny(when, "-:") {
		if seconds, err := strconv.ParseFloat(when, 64); err == nil && seconds > minSeconds && seconds < maxSeconds {
			return int64(seconds * 1000), nil
		}
	}
	return ocsf.ParseTime(when)
}

// The years of ocsf.MinYear and ocsf.MaxYear in seconds since 1970.
const minSeconds, maxSeconds = 1136073600, 4133980800
