package ocsf

import (
	"bytes"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/records"
)

// ReasonTooMany is why a record with an absurd number of values is refused: parsed, each value takes about 90 bytes.
const ReasonTooMany = "record with too many values"

// maxValues bounds the parsed form of one record to about 25 MB. CloudTrail's largest records (1 MB) hold some thousands.
const maxValues = 250_000

// parse parses one JSON text, or says why not. It leaves no escape in any name or string, so that what a lookup finds does
// not depend on what was looked up before: fastjson unescapes names on the first miss, and of {"a":1,"\u0061":2} or
// its reverse only a fixed order lets the first win.
func parse(p *fastjson.Parser, raw []byte) (doc *fastjson.Value, reason, detail string) {
	if len(raw) > maxValues && countValues(raw) > maxValues {
		return nil, ReasonTooMany, "more than 250,000 (limit for one record)"
	}
	doc, err := p.ParseBytes(raw)
	if err != nil {
		return nil, records.ReasonNotJSON, err.Error()
	}
	if bytes.IndexByte(raw, '\\') >= 0 {
		unescape(doc)
	}
	return doc, "", ""
}

func unescape(v *fastjson.Value) {
	switch v.Type() { // unescapes a string
	case fastjson.TypeObject:
		v.GetObject().Visit(func(_ []byte, item *fastjson.Value) { unescape(item) }) // unescapes the names
	case fastjson.TypeArray:
		for _, item := range v.GetArray() {
			unescape(item)
		}
	}
}

// countValues counts commas and opening brackets outside strings: an upper bound of the values but for one.
func countValues(raw []byte) int {
	if bytes.Count(raw, []byte{','})+bytes.Count(raw, []byte{'['})+bytes.Count(raw, []byte{'{'}) <= maxValues {
		return 0 // cannot be over, strings or not
	}
	n, inString := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == ',' || c == '[' || c == '{'):
			n++
		}
	}
	return n
}
