package ocsfjson

import (
	"fmt"

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

// Recognise reports whether the first bytes of a stream are OCSF's: an object with a class_uid of its own.
func Recognise(head []byte) bool {
	return ocsf.Sniff(head, func(names [][]byte) bool {
		for _, name := range names {
			if string(name) == "class_uid" {
				return true
			}
		}
		return false
	})
}

func check(e *ocsf.Event) *ocsf.Unreadable {
	if e.Doc.GetInt("class_uid") < 1 { // 0 where it is missing or of another type
		return &ocsf.Unreadable{Reason: ReasonNoEvent, Detail: "it has no class_uid that is a number"}
	}
	switch t := e.Doc.Get("time"); {
	case t == nil:
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: "it has no time"}
	case t.Type() == fastjson.TypeNumber:
		e.Millis = t.GetInt64()
	default:
		millis, err := ocsf.ParseTime(e.Str(ocsf.Time))
		if err != nil {
			return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: "time " + err.Error()}
		}
		e.Millis = millis
	}
	if y := e.Time().Year(); y < ocsf.MinYear || y > ocsf.MaxYear {
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: fmt.Sprintf("time %d is in the year %d; OCSF wants epoch milliseconds", e.Millis, y)}
	}
	if id := e.Doc.Get("metadata", "uid"); id != nil && id.Type() == fastjson.TypeString {
		e.ID = e.Str(ocsf.MetadataUID)
	}
	return nil
}
