package ocsfjson

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// The reasons for which a JSON value is not an OCSF event.
const (
	ReasonNoEvent = "JSON, but not an OCSF event"
	ReasonBadTime = "OCSF event without a usable time"
)

// Shape is how OCSF events are packed and recognised.
func Shape() ocsf.Shape { return ocsf.Shape{Mapping: Mapping, Check: check} }

// Recognise reports whether the first bytes of a stream look like OCSF.
func Recognise(head []byte) bool { return bytes.Contains(head, []byte(`"class_uid"`)) }

func check(e *ocsf.Event) *ocsf.Unreadable {
	class := e.Doc.Get("class_uid")
	if class == nil || class.Type() != fastjson.TypeNumber {
		return &ocsf.Unreadable{Reason: ReasonNoEvent, Detail: "it has no class_uid that is a number"}
	}
	switch t := e.Doc.Get("time"); {
	case t == nil:
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: "it has no time"}
	case t.Type() == fastjson.TypeNumber:
		e.Millis = t.GetInt64()
	default:
		millis, err := ocsf.ParseTime(string(t.GetStringBytes()))
		if err != nil {
			return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: "time " + err.Error()}
		}
		e.Millis = millis
	}
	if y := e.Time().Year(); y < ocsf.MinYear || y > ocsf.MaxYear {
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: fmt.Sprintf("time %s is in the year %d; OCSF wants epoch milliseconds", strconv.FormatInt(e.Millis, 10), y)}
	}
	e.ID = e.Str(ocsf.MetadataUID)
	return nil
}
