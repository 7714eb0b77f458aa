package ocsf

import (
	"context"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/records"
)

// Lines reads the lines of one stream of a text format. It may remember what an earlier line said, such as a header.
type Lines interface {
	// Line makes of a line the object that the format's mapping reads, from a, and the bytes to keep as the record: enough to be
	// read again by themselves. No object and no reason mean that the line holds no record: a header, a comment, nothing. Both
	// slices and the object are used before the next call only.
	Line(line []byte, a *fastjson.Arena) (raw []byte, doc *fastjson.Value, reason, detail string)
}

// text delivers the lines of a stream.
func (d *Decoder) text(ctx context.Context, s *records.Lines) error {
	for n := 0; ; n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line, offset, err := s.Next()
		d.at.Offset, d.raw = offset, line
		end := false
		if err != nil {
			end, err = d.fault(err, 0)
		} else {
			err = d.line(line)
		}
		if end || err != nil {
			return err
		}
	}
}

func (d *Decoder) line(line []byte) error {
	d.arena.Reset()
	raw, doc, reason, detail := d.lines.Line(line, &d.arena)
	switch {
	case reason != "":
		return d.unreadable(reason, detail)
	case doc == nil:
		return nil
	}
	return d.deliver(raw, doc)
}
