package ocsf

import (
	"bytes"
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
		} else if bytes.HasPrefix(line, []byte("{")) { // an envelope among lines
			err = d.record(ctx, line, 0)
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

// Columns makes the object of a line from its cells. A cell that is "-" or empty, and what is beyond names, is left out; a cell whose
// column is numeric becomes a number where it is one. It keeps cells for as long as the object lives.
func Columns(a *fastjson.Arena, names []string, numeric []bool, cells [][]byte) *fastjson.Value {
	doc := a.NewObject()
	for i := range min(len(names), len(cells)) {
		c := cells[i]
		switch {
		case len(c) == 0 || len(c) == 1 && c[0] == '-':
		case i < len(numeric) && numeric[i] && isInteger(c):
			doc.Set(names[i], a.NewNumberString(view(c)))
		default:
			doc.Set(names[i], a.NewStringBytes(c))
		}
	}
	return doc
}

// isInteger reports whether a cell is an integer that JSON writes the same.
func isInteger(c []byte) bool {
	if c[0] == '-' {
		c = c[1:]
	}
	if len(c) == 0 || len(c) > 19 || c[0] == '0' && len(c) > 1 {
		return false
	}
	for _, b := range c {
		if b < '0' || b > '9' {
			return false
		}
	}
	return true
}

// Cells appends the cells of a line that is separated by blanks to dst. A cell that begins with a quote ends with a quote before a
// blank or the end, so that a quote inside is harmless; one that begins with a square bracket ends with one. Both lose these.
func Cells(line []byte, dst [][]byte) [][]byte {
	for {
		line = bytes.TrimLeft(line, " \t")
		if len(line) == 0 {
			return dst
		}
		var cell []byte
		cell, line = cut(line)
		dst = append(dst, cell)
	}
}

func cut(line []byte) (cell, rest []byte) {
	closing := byte(0)
	switch line[0] {
	case '"':
		closing = '"'
	case '[':
		closing = ']'
	}
	for i := 1; closing != 0 && i < len(line); i++ {
		if line[i] == closing && (i+1 == len(line) || line[i+1] == ' ') {
			return line[1:i], line[i+1:]
		}
	}
	if i := bytes.IndexByte(line, ' '); i >= 0 {
		return line[:i], line[i:]
	}
	return line, nil
}

// ExportedLine takes the time off that a CloudWatch Logs export puts before each message.
func ExportedLine(line []byte) []byte {
	if len(line) > 24 && line[10] == 'T' && line[13] == ':' && line[16] == ':' && line[23] == 'Z' && line[24] == ' ' {
		return line[25:]
	}
	return line
}
