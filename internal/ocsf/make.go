package ocsf

import (
	"math"
	"strconv"

	"github.com/valyala/fastjson"
)

// Maker writes JSON for a Convert: lists of objects, which a row alone cannot say. What is empty is left out: a member without
// text, an object without members, a list without items.
type Maker struct {
	b    []byte
	open [12]frame // objects and lists that are not closed yet
	deep int
}

type frame struct {
	undo, start int // where the frame began with and without its name and bracket
	end         byte
}

// Make returns the JSON that write makes, valid as long as the event. write may read the event's fields and must not Make.
func (e *Event) Make(write func(m *Maker, e *Event)) Value {
	m := &e.memory.maker
	m.deep = 0
	start := len(m.b)
	write(m, e)
	for m.deep > 0 {
		m.End()
	}
	if len(m.b) == start {
		return Value{}
	}
	return Value{JSON, view(m.b[start:])}
}

// Object begins an object: a member of the object that is open, or an item of the list (name "").
func (m *Maker) Object(name string) { m.begin(name, '{', '}') }

// List begins a list.
func (m *Maker) List(name string) { m.begin(name, '[', ']') }

func (m *Maker) begin(name string, open, end byte) {
	if m.deep == len(m.open) {
		panic("BUG: an object of OCSF is made deeper than any is")
	}
	undo := len(m.b)
	m.name(name)
	m.b = append(m.b, open)
	m.open[m.deep] = frame{undo, len(m.b), end}
	m.deep++
}

// End closes what was begun last.
func (m *Maker) End() {
	m.deep--
	f := m.open[m.deep]
	if len(m.b) == f.start {
		m.b = m.b[:f.undo]
		return
	}
	m.b = append(m.b, f.end)
}

func (m *Maker) name(name string) {
	if m.deep > 0 && len(m.b) > m.open[m.deep-1].start {
		m.b = append(m.b, ',')
	}
	if name != "" {
		m.b = append(appendString(m.b, []byte(name)), ':')
	}
}

// Text writes a text, if it is not empty.
func (m *Maker) Text(name, s string) {
	if s != "" {
		m.name(name)
		m.b = appendString(m.b, []byte(s))
	}
}

// Int writes a whole number.
func (m *Maker) Int(name string, n int64) {
	m.name(name)
	m.b = strconv.AppendInt(m.b, n, 10)
}

// Number writes a text that is a whole number, and nothing where it is none.
func (m *Maker) Number(name, literal string) {
	if n, err := strconv.ParseInt(literal, 10, 64); err == nil {
		m.Int(name, n)
	}
}

// Millis writes an RFC 3339 time as epoch milliseconds, and nothing where it is none.
func (m *Maker) Millis(name, s string) {
	if t, err := ParseTime(s); s != "" && err == nil {
		m.Int(name, t)
	}
}

// JSON writes a value of a record as it is, if there is one.
func (m *Maker) JSON(name string, v *fastjson.Value) {
	if v != nil && v.Type() != fastjson.TypeNull {
		m.name(name)
		m.b = appendJSON(m.b, v)
	}
}

// Words is the text of a member of v, or "".
func Words(v *fastjson.Value, path ...string) string {
	return view(v.GetStringBytes(path...))
}

// IsNumber reports whether v is a number that JSON knows: the parser also reads nan and the like.
func IsNumber(v *fastjson.Value) bool {
	if v == nil || v.Type() != fastjson.TypeNumber {
		return false
	}
	n, err := v.Float64()
	return err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// Join is a text made for this event of several.
func (e *Event) Join(parts ...string) Value {
	start := len(e.memory.scratch)
	for _, p := range parts {
		e.memory.scratch = append(e.memory.scratch, p...)
	}
	return Value{String, view(e.memory.scratch[start:])}
}

// Millis reads a value as an RFC 3339 time and returns epoch milliseconds: the Convert of most times.
func Millis(v Value, e *Event) Value {
	if v.Kind != String {
		return Value{}
	}
	t, err := ParseTime(v.Str)
	if err != nil {
		return Value{}
	}
	return e.Int(t)
}
