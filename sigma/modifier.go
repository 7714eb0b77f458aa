package sigma

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"
)

// item reads one field with modifiers and values and gives its expression.
func (p *parser) item(key *yaml.Node, field string, modifiers []string, values []*yaml.Node) *expr {
	m := modification{p: p, key: key, field: field}
	if !m.modifiers(modifiers) {
		return nil
	}
	var matchers []matcher
	for _, v := range values {
		made, ok := m.value(v)
		if !ok {
			return nil
		}
		if m.all && len(made) > 1 { // all is about values; variants of one value are alternatives
			made = []matcher{anyMatcher(made)}
		}
		matchers = append(matchers, made...)
	}
	it := &item{field: field, matchers: matchers, all: m.all, text: itemText(field, modifiers, values)}
	e := &expr{op: opItem, item: it}
	if m.neq {
		e = &expr{op: opNot, kids: []*expr{e}}
	}
	return e
}

func itemText(field string, modifiers []string, values []*yaml.Node) string {
	var shown []string
	for _, v := range values[:min(len(values), 4)] {
		shown = append(shown, strconv.Quote(v.Value))
	}
	if more := len(values) - 4; more > 0 {
		shown = append(shown, fmt.Sprintf("%d more", more))
	}
	name := strings.Join(append([]string{field}, modifiers...), "|")
	if field == "" {
		name = strings.TrimPrefix(name, "|")
		return strings.TrimSpace("keyword " + name + " " + strings.Join(shown, " or "))
	}
	return name + " = " + strings.Join(shown, " or ")
}

// modification is what the modifiers of one item ask for.
type modification struct {
	p                       *parser
	key                     *yaml.Node
	field                   string
	all, neq, cased, expand bool
	shape                   string // contains, startswith, endswith or ""
	kind                    string // re, cidr, lt, lte, gt, gte, exists, fieldref, or ""
	reFlags                 string
	encode                  []string // transformations of the value, in order
}

// timeParts are modifiers of the specification that take a part of a time. No rule of SigmaHQ uses them.
var timeParts = []string{"minute", "hour", "day", "week", "month", "year"}

func (m *modification) modifiers(list []string) bool {
	for _, name := range list {
		switch name {
		case "all":
			m.all = true
		case "neq":
			m.neq = true
		case "cased":
			m.cased = true
		case "expand":
			m.expand = true
		case "contains", "startswith", "endswith":
			m.shape = name
		case "re", "cidr", "lt", "lte", "gt", "gte", "exists", "fieldref":
			m.kind = name
		case "i", "m", "s":
			if m.kind != "re" {
				m.p.fail(m.key, "the modifier %s goes with re", name)
				return false
			}
			m.reFlags += name
		case "ignorecase", "multiline", "dotall":
			m.reFlags += map[string]string{"ignorecase": "i", "multiline": "m", "dotall": "s"}[name]
		case "base64", "base64offset", "utf16", "utf16le", "utf16be", "wide", "windash":
			m.encode = append(m.encode, name)
		default:
			if slices.Contains(timeParts, name) {
				m.kind = name
				continue
			}
			m.p.fail(m.key, "there is no modifier %q", name)
			return false
		}
	}
	if m.field == "" && m.kind != "" && m.kind != "re" {
		m.p.fail(m.key, "the modifier %s needs a field", m.kind)
		return false
	}
	return true
}

// value makes the matchers of one value: several where a modifier gives variants.
func (m *modification) value(v *yaml.Node) ([]matcher, bool) {
	if v.Tag == "!!null" && m.kind == "" {
		return []matcher{nullMatcher{}}, true
	}
	switch m.kind {
	case "re":
		return m.regex(v)
	case "cidr":
		return m.cidr(v)
	case "lt", "lte", "gt", "gte":
		n, err := strconv.ParseFloat(v.Value, 64)
		if err != nil {
			m.p.fail(v, "%s wants a number, not %q", m.kind, v.Value)
			return nil, false
		}
		return []matcher{orderMatcher{m.kind, n}}, true
	case "exists":
		want, err := strconv.ParseBool(v.Value)
		if err != nil {
			m.p.fail(v, "exists wants true or false, not %q", v.Value)
			return nil, false
		}
		return []matcher{existsMatcher(want)}, true
	case "fieldref":
		return []matcher{&refMatcher{field: v.Value, shape: m.shape, cased: m.cased}}, true
	case "":
		return m.texts(v)
	}
	n, err := strconv.Atoi(v.Value)
	if err != nil {
		m.p.fail(v, "%s wants a whole number, not %q", m.kind, v.Value)
		return nil, false
	}
	return []matcher{timeMatcher{m.kind, n}}, true
}

func (m *modification) regex(v *yaml.Node) ([]matcher, bool) {
	made, err := newRegex(v.Value, m.reFlags)
	if err != nil {
		m.p.fail(v, "%s", err)
		return nil, false
	}
	return []matcher{made}, true
}

func (m *modification) cidr(v *yaml.Node) ([]matcher, bool) {
	text := v.Value
	if !strings.Contains(text, "/") {
		if strings.Contains(text, ":") {
			text += "/128"
		} else {
			text += "/32"
		}
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		m.p.fail(v, "%q is no network such as 10.0.0.0/8", v.Value)
		return nil, false
	}
	return []matcher{cidrMatcher{prefix.Masked()}}, true
}

// texts makes string matchers: placeholders, then encodings, then the shape.
func (m *modification) texts(v *yaml.Node) ([]matcher, bool) {
	plain := []string{v.Value}
	if m.expand {
		var ok bool
		if plain, ok = m.placeholders(v); !ok {
			return nil, false
		}
	}
	var out []matcher
	for _, text := range plain {
		literals := []pattern{parsePattern(text)}
		if len(m.encode) > 0 {
			var err error
			if literals, err = encoded(literals[0], m.encode); err != nil {
				m.p.fail(v, "%s", err)
				return nil, false
			}
		}
		for _, l := range literals {
			out = append(out, newTextMatcher(l, m.shape, m.cased || m.binary(), m.field == ""))
		}
	}
	return out, true
}

// binary reports whether the value is encoded, so that letter case carries meaning.
func (m *modification) binary() bool {
	return slices.Contains(m.encode, "base64") || slices.Contains(m.encode, "base64offset")
}

func (m *modification) placeholders(v *yaml.Node) ([]string, bool) {
	out := []string{v.Value}
	for range 8 {
		_, after, found := strings.Cut(out[0], "%")
		name, _, closed := strings.Cut(after, "%")
		if !found || !closed {
			return out, true
		}
		values, known := m.p.options.Expand[name]
		if !known {
			m.p.fail(v, "the placeholder %%%s%% has no values; give them, or leave the rule out", name)
			return nil, false
		}
		var next []string
		for _, text := range out {
			for _, value := range values {
				next = append(next, strings.ReplaceAll(text, "%"+name+"%", value))
			}
		}
		out = next
		if len(out) == 0 || len(out) > 10_000 {
			m.p.fail(v, "the placeholder %%%s%% gives %d values (1 to 10000 are right)", name, len(out))
			return nil, false
		}
	}
	return out, true
}

// encoded applies encodings in order. A wildcard cannot be encoded.
func encoded(in pattern, how []string) ([]pattern, error) {
	out := []pattern{in}
	for _, name := range how {
		var next []pattern
		for _, p := range out {
			if name == "windash" {
				next = append(next, windash(p)...)
				continue
			}
			literal, ok := p.literal()
			if !ok {
				return nil, fmt.Errorf("%s cannot encode a value with wildcards", name)
			}
			for _, text := range encodeText(literal, name) {
				next = append(next, pattern{{text: text}})
			}
		}
		out = next
	}
	return out, nil
}

func encodeText(s, how string) []string {
	switch how {
	case "base64":
		return []string{base64.StdEncoding.EncodeToString([]byte(s))}
	case "base64offset":
		return base64Offsets(s)
	case "utf16be":
		return []string{utf16Bytes(s, true)}
	case "utf16": // with byte order mark, as the specification has it
		return []string{"\xff\xfe" + utf16Bytes(s, false)}
	}
	return []string{utf16Bytes(s, false)} // utf16le, wide
}

func utf16Bytes(s string, big bool) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		hi, lo := byte(u>>8), byte(u&0xff)
		if big {
			b = append(b, hi, lo)
		} else {
			b = append(b, lo, hi)
		}
	}
	return string(b)
}

// base64Offsets gives the three texts that s can have inside longer base64: shifted by 0, 1 and 2 bytes, without the
// characters that depend on what stands around it.
func base64Offsets(s string) []string {
	out := make([]string, 0, 3)
	starts := [3]int{0, 2, 3}
	for shift := range 3 {
		e := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + s))
		end := len(e)
		switch (len(s) + shift) % 3 {
		case 1:
			end -= 3
		case 2:
			end -= 2
		}
		out = append(out, e[min(starts[shift], end):end])
	}
	return out
}

// windash gives the value with each kind of dash in place of a dash that begins a word.
func windash(in pattern) []pattern {
	out := []pattern{in}
	for _, dash := range []string{"/", "–", "—", "―", "-"} {
		changed := slices.Clone(in)
		differs := false
		for i, part := range in {
			if part.wild != 0 {
				continue
			}
			text := replaceDashes(part.text, dash, i == 0)
			differs = differs || text != part.text
			changed[i].text = text
		}
		if differs {
			out = append(out, changed)
		}
	}
	return out
}

func replaceDashes(s, dash string, atStart bool) string {
	var b strings.Builder
	before := ' '
	if !atStart {
		before = 'x'
	}
	for _, r := range s {
		if (r == '-' || r == '/') && before == ' ' {
			b.WriteString(dash)
		} else {
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}
