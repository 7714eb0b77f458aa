package ocsf

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/records"
)

// Shape is what a JSON format adds to the common way of decoding: how its records are packed and what makes one.
type Shape struct {
	Mapping *Mapping
	// Arrays names the members of an outer object whose array holds records.
	Arrays []string
	// Unwrap finds the record within an envelope. It returns nil where doc is the record itself.
	Unwrap func(raw []byte, doc *fastjson.Value) *Wrapped
	// Check sets e.Millis and e.ID, or says why e is no record of this format.
	Check func(e *Event) *Unreadable
	// Lines starts the reading of a stream of text lines; nil where records are JSON. A stream that begins with a bracket is
	// JSON all the same: an envelope whose texts are such lines.
	Lines func() Lines
}

// Wrapped is a record within an envelope.
type Wrapped struct {
	Skip   bool      // nothing in it, and nothing amiss: a health probe
	Text   []byte    // the record's own JSON
	Stream io.Reader // more records, packed again
}

// Unreadable is a record, or a stretch of bytes, that is not an event. Reason is short and stable, so that such
// records can be grouped; Detail is for the one at hand.
type Unreadable struct {
	At     Position
	Reason string
	Detail string
	Raw    []byte // the record, where it could be told from its neighbours; valid as long as the call that it is given to
}

// Sink takes what a decoder finds. Event is valid during the call only. An error of either ends the decoding.
type Sink struct {
	Event      func(e *Event) error
	Unreadable func(u Unreadable) error
}

// Decoder decodes streams of one Shape. It keeps buffers between streams and has one owner at a time.
type Decoder struct {
	shape    Shape
	limits   records.Limits
	splitter records.Splitter
	outer    fastjson.Parser
	inner    fastjson.Parser
	arena    fastjson.Arena // of the line's object
	lines    Lines          // of this stream
	headed   bool           // lines may have seen a header
	event    Event
	at       Position
	raw      []byte // of the outermost record at hand
	id       string // that the record at hand is to have
	sink     Sink
	child    *Decoder // for records packed in a record, whose bytes this one's parsers hold meanwhile
}

// NewDecoder returns a decoder for a shape.
func NewDecoder(shape Shape, limits records.Limits) *Decoder {
	return &Decoder{shape: shape, limits: limits}
}

// maxWraps bounds envelopes within envelopes.
const maxWraps = 4

// Decode reads a stream to its end. What cannot be read goes to sink.Unreadable and the rest goes on; the error is the
// context's, the sink's, or the source's own (after which what came before it was still delivered).
func (d *Decoder) Decode(ctx context.Context, r io.Reader, source string, sink Sink) error {
	d.at, d.sink = Position{Source: source}, sink
	if d.shape.Lines != nil {
		d.lines, d.headed = d.shape.Lines(), true
		head := bufio.NewReaderSize(r, 64<<10)
		if !beginsJSON(head) {
			return d.text(ctx, records.NewLines(head, d.limits))
		}
		r = head
	}
	d.splitter.Reset(r, d.limits, d.shape.Arrays...)
	return d.stream(ctx, &d.splitter, 0)
}

// beginsJSON reports whether the first byte of a stream that is no white space or byte order mark is a bracket.
func beginsJSON(r *bufio.Reader) bool {
	const look = 512
	head, _ := r.Peek(look)
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")), " \t\r\n")
	return len(head) == 0 || head[0] == '{' || head[0] == '['
}

// stream delivers the records of s. Positions are those of the outermost stream; an inner one leaves them alone.
func (d *Decoder) stream(ctx context.Context, s *records.Splitter, wraps int) error {
	for n := 0; ; n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		raw, offset, err := s.Next()
		if wraps == 0 {
			d.at.Offset, d.raw = offset, raw
		}
		end := false
		if err != nil {
			end, err = d.fault(err, wraps)
		} else {
			err = d.record(ctx, raw, wraps)
		}
		if end || err != nil {
			return err
		}
	}
}

// fault handles what a splitter returns in place of a record and says whether that was the end.
func (d *Decoder) fault(err error, wraps int) (end bool, _ error) {
	var fault *records.Fault
	switch {
	case errors.As(err, &fault):
		if wraps == 0 {
			d.at.Offset = fault.Offset
		}
		return false, d.unreadable(fault.Reason, fault.Detail)
	case errors.Is(err, io.EOF):
		return true, nil
	case wraps == 0:
		return true, err
	}
	return true, d.unreadable(ReasonBroken, err.Error())
}

// ReasonBroken is why what an envelope holds cannot be opened.
const ReasonBroken = "envelope with broken contents"

func (d *Decoder) unreadable(reason, detail string) error {
	err := d.sink.Unreadable(Unreadable{d.at, reason, oneLine(detail), d.raw})
	d.at.Record++
	return err
}

func (d *Decoder) record(ctx context.Context, raw []byte, wraps int) error {
	doc, reason, detail := parse(&d.outer, raw)
	if reason != "" {
		return d.unreadable(reason, detail)
	}
	for ; d.shape.Unwrap != nil && wraps < maxWraps; wraps++ {
		w := d.shape.Unwrap(raw, doc)
		if w == nil {
			break
		}
		if w.Skip {
			return nil
		}
		if w.Stream != nil {
			return d.unpack(ctx, w.Stream, wraps+1)
		}
		raw = w.Text
		if d.lines != nil && !bytes.HasPrefix(raw, []byte("{")) {
			return d.line(raw)
		}
		// Two parsers in turn: raw may point into the other one's document.
		d.outer, d.inner = d.inner, d.outer
		if doc, reason, detail = parse(&d.outer, raw); reason != "" {
			return d.unreadable(reason, "inside its envelope: "+detail)
		}
	}
	return d.deliver(raw, doc)
}

func (d *Decoder) unpack(ctx context.Context, r io.Reader, wraps int) error {
	if d.child == nil {
		d.child = NewDecoder(d.shape, d.limits)
	}
	c := d.child
	c.at, c.sink, c.raw = d.at, d.sink, d.raw
	c.splitter.Reset(r, c.limits, c.shape.Arrays...)
	err := c.stream(ctx, &c.splitter, wraps)
	d.at.Record = c.at.Record
	return err
}

// Record reads one record again, as an Event's Raw was kept. id is the identity that the event had then.
func (d *Decoder) Record(raw []byte, id string, at Position, sink Sink) error {
	d.at, d.sink, d.id, d.raw = at, sink, id, raw
	defer func() { d.id = "" }()
	if d.shape.Lines == nil || bytes.HasPrefix(raw, []byte("{")) {
		doc, reason, detail := parse(&d.outer, raw)
		if reason != "" {
			return d.unreadable(reason, detail)
		}
		return d.deliver(raw, doc)
	}
	if d.lines == nil || d.headed {
		d.lines, d.headed = d.shape.Lines(), false
	}
	if header, line, ok := bytes.Cut(raw, []byte("\n")); ok {
		d.arena.Reset()
		d.lines.Line(header, &d.arena)
		d.headed = true
		raw = line
	}
	return d.line(raw)
}

func (d *Decoder) deliver(raw []byte, doc *fastjson.Value) error {
	d.event.memory.reset()
	d.event = Event{Raw: raw, Doc: doc, Mapping: d.shape.Mapping, At: d.at, memory: d.event.memory}
	if u := d.shape.Check(&d.event); u != nil {
		return d.unreadable(u.Reason, u.Detail)
	}
	switch {
	case d.id != "":
		d.event.ID = d.id
	case d.event.ID == "":
		d.event.ID = d.event.positionID()
	}
	err := d.sink.Event(&d.event)
	d.at.Record++
	return err
}

// positionID identifies a record without a vendor id by where it stands, never by content: two equal lines are two events.
func (e *Event) positionID() string {
	m := &e.memory
	start := len(m.scratch)
	m.scratch = append(append(m.scratch, e.At.Source...), 0)
	m.scratch = strconv.AppendInt(m.scratch, int64(e.At.Record), 10)
	sum := sha256.Sum256(m.scratch[start:])
	m.scratch = hex.AppendEncode(append(m.scratch[:start], "at-"...), sum[:12])
	return view(m.scratch[start:])
}

// oneLine makes a detail fit for a line: details quote what a stranger wrote. It keeps the first 160 characters and writes
// those that are not printable as escapes.
func oneLine(s string) string {
	const most = 160
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > most {
			b.WriteString("…")
			break
		}
		if strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// The years that an event may be from. AWS began in 2006; what claims to be from beyond MaxYear is a broken clock or a lie.
const (
	MinYear = 2006
	MaxYear = 2100
)

// The same bounds in epoch seconds: the first second of MinYear and of the year after MaxYear.
const (
	MinSeconds = 1136073600
	MaxSeconds = 4133980800 - 1
)

// ParseTime reads an RFC 3339 time as epoch milliseconds and refuses what no log can have recorded.
func ParseTime(s string) (int64, error) {
	millis, err := parseTime(s)
	if err != nil {
		return 0, fmt.Errorf("%q is no time such as 2026-03-10T10:00:00Z", oneLine(s))
	}
	if y := yearOf(millis); y < MinYear || y > MaxYear {
		return 0, fmt.Errorf("%q is not between the years %d and %d", oneLine(s), MinYear, MaxYear)
	}
	return millis, nil
}
