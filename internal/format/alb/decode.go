package alb

import (
	"bytes"
	"slices"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// The reasons for which a line is not an access log record of an Application Load Balancer.
const (
	ReasonNoRecord = "not an access log record of an Application Load Balancer"
	ReasonBadTime  = "load balancer record without a usable time"
)

// Shape is how access logs are packed and recognised.
func Shape() ocsf.Shape {
	return ocsf.Shape{Mapping: Mapping, Check: check, Lines: func() ocsf.Lines { return &lines{} }}
}

// types are the kinds of request that the first cell names.
var types = []string{"http", "https", "h2", "grpcs", "ws", "wss"}

// Recognise reports whether the first line of a stream is an access log record.
func Recognise(head []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n"), []byte("\n"))
	cells := ocsf.Cells(line, nil)
	if len(cells) < 5 || !slices.Contains(types, string(cells[0])) || bytes.Count(cells[2], []byte("/")) != 2 {
		return false
	}
	_, err := ocsf.ParseTime(string(cells[1]))
	return err == nil
}

var when = ocsf.ParsePath("time")

func check(e *ocsf.Event) *ocsf.Unreadable {
	if e.Doc.Type() != fastjson.TypeObject || !slices.Contains(types, e.Text(kind)) || e.Doc.Get("elb") == nil {
		return &ocsf.Unreadable{Reason: ReasonNoRecord, Detail: "its type is none of http, https, h2, grpcs, ws and wss, or it names no load balancer"}
	}
	millis, err := ocsf.ParseTime(e.Text(when))
	if err != nil {
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: "time " + err.Error()}
	}
	e.Millis = millis
	return nil
}

var kind = ocsf.ParsePath("type")
