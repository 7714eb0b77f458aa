package ocsf

import (
	"bytes"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/valyala/fastjson"
)

// memory is what an event keeps for its readers, used again for the next event: texts that do not stand in the record
// as such, and documents that stand in it as text.
type memory struct {
	scratch []byte
	texts   []textOf
	index   map[*fastjson.Value]int // into texts, from fewTexts on
	inner   []*innerDoc
	used    int  // of inner
	looked  bool // for names with dots
	dots    bool
}

type textOf struct {
	of       *fastjson.Value
	from, to int
}

type innerDoc struct {
	of, doc *fastjson.Value
	parser  fastjson.Parser
}

// keepScratch bounds what is carried from one event to the next.
const keepScratch = 1 << 20

func (m *memory) reset() {
	if cap(m.scratch) > keepScratch {
		m.scratch = nil
	}
	m.scratch = m.scratch[:0]
	if len(m.texts) > fewTexts {
		m.index, m.texts = nil, nil
	}
	m.texts = m.texts[:0]
	m.used = 0
	m.looked = false
}

// dotted reports whether any name in the event holds a dot: most hold none, and need no second look for each member that
// is missing.
func (m *memory) dotted(doc *fastjson.Value) bool {
	if !m.looked {
		m.looked, m.dots = true, hasDots(doc)
	}
	return m.dots || m.used > 0
}

func hasDots(v *fastjson.Value) bool {
	found := false
	switch v.Type() {
	case fastjson.TypeObject:
		v.GetObject().Visit(func(key []byte, item *fastjson.Value) {
			found = found || bytes.IndexByte(key, '.') >= 0 || hasDots(item)
		})
	case fastjson.TypeArray:
		for _, item := range v.GetArray() {
			found = found || hasDots(item)
		}
	}
	return found
}

// Int is a Number made for this event, without an allocation of its own.
func (e *Event) Int(n int64) Value {
	start := len(e.memory.scratch)
	e.memory.scratch = strconv.AppendInt(e.memory.scratch, n, 10)
	return Value{Number, view(e.memory.scratch[start:])}
}

// leaf is the Value of one JSON value.
func (e *Event) leaf(v *fastjson.Value) Value {
	switch v.Type() {
	case fastjson.TypeString:
		return Value{String, text(v)}
	case fastjson.TypeTrue:
		return Value{Bool, "true"}
	case fastjson.TypeFalse:
		return Value{Bool, "false"}
	case fastjson.TypeNull:
		return Value{Null, ""}
	case fastjson.TypeNumber:
		return Value{Number, e.memory.textOf(v)}
	}
	return Value{JSON, e.memory.textOf(v)}
}

// fewTexts is how many texts are searched one by one. Ordinary records have no more; a list of 100,000 objects has.
const fewTexts = 32

// textOf writes a value as compact JSON, once per event.
func (m *memory) textOf(v *fastjson.Value) string {
	if i := m.find(v); i >= 0 {
		return view(m.scratch[m.texts[i].from:m.texts[i].to])
	}
	start := len(m.scratch)
	m.scratch = appendJSON(m.scratch, v)
	m.texts = append(m.texts, textOf{v, start, len(m.scratch)})
	if len(m.texts) > fewTexts {
		if m.index == nil {
			m.index = map[*fastjson.Value]int{}
		}
		m.index[v] = len(m.texts) - 1
	}
	return view(m.scratch[start:])
}

func (m *memory) find(v *fastjson.Value) int {
	for i, t := range m.texts[:min(len(m.texts), fewTexts)] {
		if t.of == v {
			return i
		}
	}
	if i, ok := m.index[v]; ok {
		return i
	}
	return -1
}

// document returns the object that a text member holds, parsed once per event, or v itself where it is one; else nil.
func (m *memory) document(v *fastjson.Value) *fastjson.Value {
	if v == nil || v.Type() == fastjson.TypeObject {
		return v
	}
	if v.Type() != fastjson.TypeString {
		return nil
	}
	for _, d := range m.inner[:m.used] {
		if d.of == v {
			return d.doc
		}
	}
	if m.used == len(m.inner) {
		m.inner = append(m.inner, &innerDoc{})
	}
	d := m.inner[m.used]
	m.used++
	d.of, d.doc = v, nil
	if b := bytes.TrimSpace(v.GetStringBytes()); len(b) > 0 && b[0] == '{' {
		if doc, reason, _ := parse(&d.parser, b); reason == "" {
			d.doc = doc
		}
	}
	return d.doc
}

// view is bytes read as text without a copy: it lives as long as they do.
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // read-only view, see Event
}

func text(v *fastjson.Value) string { return view(v.GetStringBytes()) }

// appendJSON writes a value compactly and as valid JSON whatever the bytes of its strings: fastjson's own writer escapes as
// Go does. Of members with one name the first is written, as everywhere here.
func appendJSON(dst []byte, v *fastjson.Value) []byte {
	switch v.Type() {
	case fastjson.TypeObject:
		return appendObject(dst, v.GetObject())
	case fastjson.TypeArray:
		dst = append(dst, '[')
		for i, item := range v.GetArray() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, item)
		}
		return append(dst, ']')
	case fastjson.TypeString:
		return appendString(dst, v.GetStringBytes())
	}
	return v.MarshalTo(dst)
}

func appendObject(dst []byte, o *fastjson.Object) []byte {
	dst = append(dst, '{')
	start := len(dst)
	eachMember(o, func(key []byte, v *fastjson.Value) {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, key), ':')
		dst = appendJSON(dst, v)
	})
	return append(dst, '}')
}

// eachMember visits the members of an object, the first of each name.
func eachMember(o *fastjson.Object, visit func(key []byte, v *fastjson.Value)) {
	const few = 64 // above it a set is faster than looking each name up
	var seen map[string]bool
	if o.Len() > few {
		seen = make(map[string]bool, o.Len())
	}
	o.Visit(func(key []byte, v *fastjson.Value) {
		if seen == nil {
			if o.Get(view(key)) == v {
				visit(key, v)
			}
			return
		}
		if !seen[view(key)] {
			seen[string(key)] = true
			visit(key, v)
		}
	})
}

const hexDigits = "0123456789abcdef"

func appendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for len(s) > 0 {
		c := s[0]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRune(s)
			dst = utf8.AppendRune(dst, r) // U+FFFD for a byte that is no UTF-8
			s = s[n:]
			continue
		}
		s = s[1:]
	}
	return append(dst, '"')
}

// Prefixed is a text made for this event, such as an ARN of a name. An empty text stays one.
func (e *Event) Prefixed(prefix, s string) Value {
	if s == "" {
		return Value{}
	}
	start := len(e.memory.scratch)
	e.memory.scratch = append(append(e.memory.scratch, prefix...), s...)
	return Value{String, view(e.memory.scratch[start:])}
}
