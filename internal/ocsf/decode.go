package ocsf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"

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
	event    Event
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
	at := Position{Source: source}
	d.splitter.Reset(r, d.limits, d.shape.Arrays...)
	return d.stream(ctx, &d.splitter, &at, sink, 0)
}

func (d *Decoder) stream(ctx context.Context, s *records.Splitter, at *Position, sink Sink, wraps int) error {
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		raw, offset, err := s.Next()
		if wraps == 0 {
			at.Offset = offset
		}
		var fault *records.Fault
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &fault):
			if wraps == 0 {
				at.Offset = fault.Offset
			}
			err = sink.Unreadable(Unreadable{*at, fault.Reason, fault.Detail})
		case err != nil:
			return err
		default:
			err = d.record(ctx, raw, at, sink, wraps)
		}
		if err != nil {
			return err
		}
		if wraps == 0 {
			at.Record++
		}
	}
}

func (d *Decoder) record(ctx context.Context, raw []byte, at *Position, sink Sink, wraps int) error {
	doc, err := d.outer.ParseBytes(raw)
	if err != nil {
		return sink.Unreadable(Unreadable{*at, records.ReasonNotJSON, short(err.Error())})
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
			return d.stream(ctx, records.New(w.Stream, d.limits, d.shape.Arrays...), at, sink, wraps+1)
		}
		raw = w.Text
		// Two parsers in turn: raw may point into the other one's document.
		d.outer, d.inner = d.inner, d.outer
		if doc, err = d.outer.ParseBytes(raw); err != nil {
			return sink.Unreadable(Unreadable{*at, records.ReasonNotJSON, "inside its envelope: " + short(err.Error())})
		}
	}
	d.event = Event{Raw: raw, Doc: doc, Mapping: d.shape.Mapping, At: *at}
	if u := d.shape.Check(&d.event); u != nil {
		u.At = *at
		return sink.Unreadable(*u)
	}
	if d.event.ID == "" {
		d.event.ID = positionID(at)
	}
	return sink.Event(&d.event)
}

// positionID identifies a record without a vendor id by where it stands, never by content: two equal lines are two events.
func positionID(at *Position) string {
	sum := sha256.Sum256([]byte(at.Source + "\x00" + strconv.Itoa(at.Record) + "\x00" + strconv.FormatInt(at.Offset, 10)))
	return "at-" + hex.EncodeToString(sum[:12])
}

func short(s string) string {
	const most = 160
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// The years that an event may be from. AWS began in 2006; what claims to be from beyond MaxYear is a broken clock or a lie.
const (
	MinYear = 2006
	MaxYear = 2100
)

// ParseTime reads an RFC 3339 time as epoch milliseconds and refuses what no log can have recorded.
func ParseTime(s string) (int64, error) {
	millis, err := parseTime(s)
	if err != nil {
		return 0, fmt.Errorf("%q is no time such as 2026-03-10T10:00:00Z", short(s))
	}
	if y := yearOf(millis); y < MinYear || y > MaxYear {
		return 0, fmt.Errorf("%q is not between the years %d and %d", short(s), MinYear, MaxYear)
	}
	return millis, nil
}
