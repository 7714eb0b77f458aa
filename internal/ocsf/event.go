package ocsf

import (
	"slices"
	"strconv"
	"time"

	"github.com/valyala/fastjson"
)

// Position says where a record was read, for messages and for evidence.
type Position struct {
	// Source names the file, with archive members after "!": "logs.zip!a/b.json.gz".
	Source string
	// Record is the record's ordinal in its source, from 0. Unreadable records count, health probes do not.
	Record int
	// Offset is the byte offset of the record's first byte in the decompressed source. A record that was wrapped in
	// another (a string inside an envelope) has the offset of the envelope.
	Offset int64
}

// Event is one record: its bytes, parsed once and read lazily through its format's Mapping. An Event and every Value
// read from it are valid until the callback that it was given to returns. It has one owner at a time: reading changes
// what it keeps, so even two readers at once are one too many.
type Event struct {
	Raw     []byte          // the vendor record, exactly as received
	Doc     *fastjson.Value // Raw, parsed
	Mapping *Mapping        // the table that reads Doc
	At      Position
	Millis  int64  // when it occurred, epoch milliseconds; set by the format
	ID      string // the vendor's id, or one made from At where it gave none
	memory  memory
	vendor  vendorView
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

// row returns the row that fills a field of this event's class, or nil.
func (e *Event) row(f FieldID) *Row {
	r := e.Mapping.byField[f]
	if r == nil || len(r.Classes) == 0 {
		return r
	}
	if class, _ := e.Mapping.Class(e); slices.Contains(r.Classes, class) {
		return r
	}
	return nil
}

// Str returns the first value of an OCSF field as text, or "".
func (e *Event) Str(f FieldID) string {
	r := e.row(f)
	if r == nil {
		return ""
	}
	if r.From == "" {
		return r.Const
	}
	v, _ := e.first(e.Doc, r.path)
	if r.Convert != nil {
		return r.Convert(v, e).Str
	}
	return v.Str
}

// Values appends the values of an OCSF field to dst: several where an array lies on its path.
func (e *Event) Values(f FieldID, dst []Value) []Value {
	r := e.row(f)
	if r == nil {
		return dst
	}
	if r.From == "" {
		return append(dst, Value{String, r.Const})
	}
	n := len(dst)
	dst = e.collect(e.Doc, r.path, dst)
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
func (e *Event) Vendor(p Path, dst []Value) []Value { return e.Mapping.read(e, p, dst) }

// Text returns the first value at a vendor path as text, or "".
func (e *Event) Text(p Path) string {
	if e.Mapping.Stored == nil {
		v, _ := e.first(e.Doc, p)
		return v.Str
	}
	var few [4]Value
	for _, v := range e.Mapping.read(e, p, few[:0]) {
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

// BoolOf reads "true" and "false" in any kind that vendors write them in.
func BoolOf(v Value) (value, ok bool) {
	b, err := strconv.ParseBool(v.Str)
	return b, err == nil
}

// Leaf is the Value of a member that a Convert found by itself; none for nil.
func (e *Event) Leaf(v *fastjson.Value) Value {
	if v == nil {
		return Value{}
	}
	return e.leaf(v)
}
