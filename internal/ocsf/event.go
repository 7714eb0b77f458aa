package ocsf

import (
	"strconv"
	"time"
	"unsafe"

	"github.com/valyala/fastjson"
)

// Position says where a record was read, for messages and for evidence.
type Position struct {
	// Source names the file, with archive members after "!": "logs.zip!a/b.json.gz".
	Source string
	// Record is the record's ordinal in its source, from 0.
	Record int
	// Offset is the byte offset of the record's first byte in the decompressed source. A record that was wrapped in
	// another (a string inside an envelope) has the offset of the envelope.
	Offset int64
}

// Event is one record: its bytes, parsed once and read lazily through its format's Mapping. An Event and every Value
// read from it are valid until the callback that it was given to returns; it has one owner at a time.
type Event struct {
	Raw     []byte          // the vendor record, exactly as received
	Doc     *fastjson.Value // Raw, parsed
	Mapping *Mapping        // the table that reads Doc
	At      Position
	Millis  int64  // when it occurred, epoch milliseconds; set by the format
	ID      string // the vendor's id, or "" where it gave none
}

// Kind is the JSON kind of a Value.
type Kind uint8

// The kinds of a Value. A Value of kind JSON holds an object's or array's text.
const (
	Missing Kind = iota
	Null
	String
	Number
	Bool
	JSON
)

// Value is one leaf of an event. Str is the unescaped text of a String, the literal of a Number or Bool and the
// compact text of a JSON value; it may point into the event's memory and is valid only as long as the event.
type Value struct {
	Kind Kind
	Str  string
}

// Time is when the event occurred.
func (e *Event) Time() time.Time { return time.UnixMilli(e.Millis).UTC() }

// Str returns the first value of an OCSF field as text, or "".
func (e *Event) Str(f FieldID) string {
	r := e.Mapping.byField[f]
	if r == nil {
		return ""
	}
	if r.From == "" {
		return r.Const
	}
	v := first(e.Doc, r.path)
	if r.Convert != nil {
		return r.Convert(v, e).Str
	}
	return v.Str
}

// Values appends the values of an OCSF field to dst: several where an array lies on its path.
func (e *Event) Values(f FieldID, dst []Value) []Value {
	r := e.Mapping.byField[f]
	if r == nil {
		return dst
	}
	if r.From == "" {
		return append(dst, Value{String, r.Const})
	}
	n := len(dst)
	dst = collect(e.Doc, r.path, dst)
	if r.Convert != nil {
		for i := n; i < len(dst); i++ {
			dst[i] = r.Convert(dst[i], e)
		}
		if len(dst) == n { // a conversion may know a fallback
			if v := r.Convert(Value{}, e); v.Str != "" {
				dst = append(dst, v)
			}
		}
	}
	return dst
}

// Vendor appends the values at a vendor path to dst.
func (e *Event) Vendor(p Path, dst []Value) []Value { return e.Mapping.vendor(e, p, dst) }

// Text returns the first value at a vendor path as text, or "".
func (e *Event) Text(p Path) string {
	var few [4]Value
	for _, v := range e.Mapping.vendor(e, p, few[:0]) {
		return v.Str
	}
	return ""
}

// Strings calls yield with every string in the event, for keyword searches, until yield returns false.
func (e *Event) Strings(yield func(string) bool) { walkStrings(e.Doc, yield) }

func walkStrings(v *fastjson.Value, yield func(string) bool) bool {
	switch v.Type() {
	case fastjson.TypeString:
		return yield(text(v))
	case fastjson.TypeArray:
		for _, item := range v.GetArray() {
			if !walkStrings(item, yield) {
				return false
			}
		}
	case fastjson.TypeObject:
		more := true
		v.GetObject().Visit(func(_ []byte, item *fastjson.Value) { more = more && walkStrings(item, yield) })
		return more
	}
	return true
}

// Path is a compiled member path. Arrays on the way are walked through.
type Path []string

// ParsePath compiles a dotted path.
func ParsePath(dotted string) Path {
	var p Path
	start := 0
	for i := 0; i <= len(dotted); i++ {
		if i == len(dotted) || dotted[i] == '.' {
			p = append(p, dotted[start:i])
			start = i + 1
		}
	}
	return p
}

// String joins the path with dots.
func (p Path) String() string {
	out := ""
	for i, s := range p {
		if i > 0 {
			out += "."
		}
		out += s
	}
	return out
}

// collect appends the leaves at path below v. A member whose name contains the dots of the path is found too.
func collect(v *fastjson.Value, path Path, dst []Value) []Value {
	if v == nil {
		return dst
	}
	switch v.Type() {
	case fastjson.TypeArray:
		for _, item := range v.GetArray() {
			dst = collect(item, path, dst)
		}
		return dst
	case fastjson.TypeObject:
		if len(path) == 0 {
			return append(dst, leaf(v))
		}
		if next := v.Get(path[0]); next != nil {
			return collect(next, path[1:], dst)
		}
		if len(path) > 1 {
			if next := v.Get(path.String()); next != nil {
				return collect(next, nil, dst)
			}
		}
		return dst
	}
	if len(path) > 0 {
		return dst
	}
	return append(dst, leaf(v))
}

// first is collect for callers that want one value.
func first(v *fastjson.Value, path Path) Value {
	for _, name := range path {
		if v == nil {
			return Value{}
		}
		if v.Type() == fastjson.TypeArray {
			var few [4]Value
			for _, found := range collect(v, ParsePath(name), few[:0]) {
				return found
			}
			return Value{}
		}
		v = v.Get(name)
	}
	if v == nil {
		return Value{}
	}
	return leaf(v)
}

func leaf(v *fastjson.Value) Value {
	switch v.Type() {
	case fastjson.TypeString:
		return Value{String, text(v)}
	case fastjson.TypeNumber:
		return Value{Number, string(v.MarshalTo(nil))}
	case fastjson.TypeTrue:
		return Value{Bool, "true"}
	case fastjson.TypeFalse:
		return Value{Bool, "false"}
	case fastjson.TypeNull:
		return Value{Null, ""}
	}
	return Value{JSON, string(v.MarshalTo(nil))}
}

// text is the string's bytes without a copy: they live as long as the event.
func text(v *fastjson.Value) string {
	b := v.GetStringBytes()
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // read-only view, see Event
}

// BoolOf reads "true" and "false" in any kind that vendors write them in.
func BoolOf(v Value) (value, ok bool) {
	b, err := strconv.ParseBool(v.Str)
	return b, err == nil
}
