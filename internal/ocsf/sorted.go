package ocsf

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"
)

// AppendText writes a JSON value as a column of text holds it: a string as it is, an object or array as JSON with its members sorted
// by name, so that the same value always gives the same text. It says what Document says, without making it.
func AppendText(dst []byte, v *fastjson.Value) []byte {
	if v.Type() == fastjson.TypeString {
		return append(dst, valid(text(v))...)
	}
	if v.Type() == fastjson.TypeNumber {
		return v.MarshalTo(dst)
	}
	return appendSorted(dst, v)
}

// member is one of an object, on its way to be sorted.
type member struct {
	name  string
	value *fastjson.Value
}

// appendSorted writes what encode(tree(v)) does.
func appendSorted(dst []byte, v *fastjson.Value) []byte {
	switch v.Type() {
	case fastjson.TypeObject:
		var few [16]member
		dst = append(dst, '{')
		for i, m := range membersOf(v.GetObject(), few[:0]) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendQuoted(dst, m.name), ':')
			dst = appendSorted(dst, m.value)
		}
		return append(dst, '}')
	case fastjson.TypeArray:
		dst = append(dst, '[')
		for i, item := range v.GetArray() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendSorted(dst, item)
		}
		return append(dst, ']')
	case fastjson.TypeString:
		return appendQuoted(dst, valid(text(v)))
	case fastjson.TypeNumber:
		return appendNumber(dst, v)
	}
	return v.MarshalTo(dst)
}

// appendNumber writes a number; one that is none in JSON ("nan") becomes text.
func appendNumber(dst []byte, v *fastjson.Value) []byte {
	from := len(dst)
	dst = v.MarshalTo(dst)
	if c := dst[len(dst)-1]; c >= '0' && c <= '9' && json.Valid(dst[from:]) {
		return dst
	}
	literal := string(dst[from:])
	return appendQuoted(dst[:from], literal)
}

// membersOf lists the members of an object by name, the first of each.
func membersOf(o *fastjson.Object, dst []member) []member {
	eachMember(o, func(key []byte, v *fastjson.Value) { dst = append(dst, member{valid(view(key)), v}) })
	slices.SortStableFunc(dst, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return slices.CompactFunc(dst, func(a, b member) bool { return a.name == b.name }) // names that were no UTF-8
}

// appendQuoted writes a string as encoding/json does that does not write for HTML.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != '\u2028' && r != '\u2029' {
				i += n
				continue
			}
			dst = append(append(dst, s[start:i]...), '\\', 'u', '2', '0', '2', hexDigits[r&15])
			i += n
			start = i
			continue
		}
		dst = append(dst, s[start:i]...)
		if at := bytes.IndexByte([]byte("\"\\\b\f\n\r\t"), c); at >= 0 {
			dst = append(dst, '\\', `"\bfnrt`[at])
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}
