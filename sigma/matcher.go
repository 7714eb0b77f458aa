package sigma

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind is the kind of a Value.
type Kind uint8

// The kinds of a Value.
const (
	Missing Kind = iota // the event has no such field
	Null
	String
	Number
	Bool
)

// Value is one value of a field. Str is its text: of a Number or Bool its literal.
type Value struct {
	Kind Kind
	Str  string
}

// matcher is one test of one value. text is what makes two of them the same.
type matcher interface {
	match(v Value) bool
	text() string
}

// pattern is a value with wildcards: literals between * and ?.
type pattern []patternPart

type patternPart struct {
	text string
	wild byte // 0, '*' or '?'
}

// parsePattern reads wildcards and escapes: \* and \? are literal, \\ is one backslash, any other backslash is itself.
func parsePattern(s string) pattern {
	var out pattern
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			out = append(out, patternPart{text: b.String()})
			b.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?'):
			i++
			b.WriteByte(s[i])
		case c == '\\' && i+1 < len(s) && s[i+1] == '\\':
			i++
			b.WriteByte('\\')
		case c == '*' || c == '?':
			flush()
			if c == '*' && len(out) > 0 && out[len(out)-1].wild == '*' {
				continue
			}
			out = append(out, patternPart{wild: c})
		default:
			b.WriteByte(c)
		}
	}
	flush()
	return out
}

// literal returns the pattern's text where it has no wildcard.
func (p pattern) literal() (string, bool) {
	switch {
	case len(p) == 0:
		return "", true
	case len(p) == 1 && p[0].wild == 0:
		return p[0].text, true
	}
	return "", false
}

// textMatcher compares text: whole, or with wildcards.
type textMatcher struct {
	parts   pattern // folded unless cased
	cased   bool
	exact   string // where isExact
	isExact bool
}

// newTextMatcher applies the shape. A keyword is found anywhere.
func newTextMatcher(p pattern, shape string, cased, keyword bool) matcher {
	star := patternPart{wild: '*'}
	if (shape == "contains" || shape == "endswith" || keyword) && (len(p) == 0 || p[0].wild != '*') {
		p = append(pattern{star}, p...)
	}
	if (shape == "contains" || shape == "startswith" || keyword) && (len(p) == 0 || p[len(p)-1].wild != '*') {
		p = append(append(pattern{}, p...), star)
	}
	m := &textMatcher{cased: cased}
	for _, part := range p {
		if !cased {
			part.text = fold(part.text)
		}
		m.parts = append(m.parts, part)
	}
	m.exact, m.isExact = m.parts.literal()
	return m
}

// fold is the letter case that insensitive comparison uses.
func fold(s string) string { return strings.ToLower(s) }

func (m *textMatcher) match(v Value) bool {
	switch {
	case v.Kind == Missing || v.Kind == Null:
		return false
	case m.isExact && m.cased:
		return v.Str == m.exact
	case m.isExact:
		return equalFold(v.Str, m.exact)
	}
	s := v.Str
	if !m.cased && !isASCII(s) {
		s = fold(s)
	}
	return m.wild(s, m.parts)
}

func (m *textMatcher) text() string {
	var b strings.Builder
	if m.cased {
		b.WriteString("cased ")
	}
	for _, p := range m.parts {
		if p.wild != 0 {
			b.WriteByte(p.wild)
			continue
		}
		b.WriteString(strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(p.text))
	}
	return strconv.Quote(b.String())
}

// wild matches parts against s without going back over more than the last star, so in len(s) × len(parts).
func (m *textMatcher) wild(s string, parts pattern) bool {
	for i, p := range parts {
		switch p.wild {
		case '*':
			rest := parts[i+1:]
			if len(rest) == 0 {
				return true
			}
			return m.afterStar(s, rest)
		case '?':
			_, size := utf8.DecodeRuneInString(s)
			if size == 0 {
				return false
			}
			s = s[size:]
		default:
			if !m.hasPrefix(s, p.text) {
				return false
			}
			s = s[len(p.text):]
		}
	}
	return s == ""
}

// afterStar finds parts at the first place that fits up to the next star; going on from the first fit is enough.
func (m *textMatcher) afterStar(s string, parts pattern) bool {
	segment := parts
	for i, p := range parts {
		if p.wild == '*' {
			segment = parts[:i+1]
			break
		}
	}
	if len(segment) == len(parts) && segment[len(segment)-1].wild != '*' { // the last segment is anchored at the end
		return m.suffix(s, segment)
	}
	for at := 0; at <= len(s); at++ {
		if segment[0].wild == 0 {
			next := m.index(s[at:], segment[0].text)
			if next < 0 {
				return false
			}
			at += next
		}
		if end, ok := m.here(s[at:], segment[:len(segment)-1]); ok {
			rest := parts[len(segment):]
			if len(rest) == 0 {
				return true
			}
			return m.afterStar(s[at+end:], rest)
		}
	}
	return false
}

// here matches literals and ? at the beginning of s and returns the length.
func (m *textMatcher) here(s string, parts pattern) (int, bool) {
	at := 0
	for _, p := range parts {
		if p.wild == '?' {
			_, size := utf8.DecodeRuneInString(s[at:])
			if size == 0 {
				return 0, false
			}
			at += size
			continue
		}
		if !m.hasPrefix(s[at:], p.text) {
			return 0, false
		}
		at += len(p.text)
	}
	return at, true
}

func (m *textMatcher) suffix(s string, parts pattern) bool {
	for i := len(parts) - 1; i >= 0; i-- {
		if parts[i].wild == '?' {
			_, size := utf8.DecodeLastRuneInString(s)
			if size == 0 {
				return false
			}
			s = s[:len(s)-size]
			continue
		}
		n := len(parts[i].text)
		if len(s) < n || !m.hasPrefix(s[len(s)-n:], parts[i].text) {
			return false
		}
		s = s[:len(s)-n]
	}
	return true
}

func (m *textMatcher) hasPrefix(s, p string) bool {
	if len(s) < len(p) {
		return false
	}
	if m.cased {
		return s[:len(p)] == p
	}
	return equalLower(s[:len(p)], p)
}

func (m *textMatcher) index(s, sub string) int {
	if m.cased {
		return strings.Index(s, sub)
	}
	return indexLower(s, sub)
}

// equalFold compares s with an already folded text, without allocation for ASCII.
func equalFold(s, folded string) bool {
	if isASCII(s) {
		return len(s) == len(folded) && equalLower(s, folded)
	}
	return fold(s) == folded
}

// equalLower compares texts of one length, s folded as ASCII.
func equalLower(s, lower string) bool {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// indexLower finds an already folded text in s, folded as ASCII.
func indexLower(s, lower string) int {
	if lower == "" {
		return 0
	}
	lo := lower[0]
	up := lo
	if 'a' <= lo && lo <= 'z' {
		up = lo - ('a' - 'A')
	}
	for i := 0; i+len(lower) <= len(s); i++ {
		if c := s[i]; (c == lo || c == up) && equalLower(s[i:i+len(lower)], lower) {
			return i
		}
	}
	return -1
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

type nullMatcher struct{}

func (nullMatcher) match(v Value) bool { return v.Kind == Missing || v.Kind == Null }
func (nullMatcher) text() string       { return "null" }

type existsMatcher bool

func (m existsMatcher) match(v Value) bool { return (v.Kind != Missing) == bool(m) }
func (m existsMatcher) text() string       { return fmt.Sprintf("exists %t", bool(m)) }

type anyMatcher []matcher

func (m anyMatcher) match(v Value) bool {
	for _, one := range m {
		if one.match(v) {
			return true
		}
	}
	return false
}

func (m anyMatcher) text() string {
	var parts []string
	for _, one := range m {
		parts = append(parts, one.text())
	}
	return "any(" + strings.Join(parts, " ") + ")"
}

type cidrMatcher struct{ prefix netip.Prefix }

func (m cidrMatcher) match(v Value) bool {
	a, err := netip.ParseAddr(v.Str)
	return err == nil && m.prefix.Contains(a.Unmap())
}
func (m cidrMatcher) text() string { return "cidr " + m.prefix.String() }

type orderMatcher struct {
	how string
	n   float64
}

func (m orderMatcher) match(v Value) bool {
	x, err := strconv.ParseFloat(v.Str, 64)
	if err != nil {
		return false
	}
	switch m.how {
	case "lt":
		return x < m.n
	case "lte":
		return x <= m.n
	case "gt":
		return x > m.n
	}
	return x >= m.n
}
func (m orderMatcher) text() string { return fmt.Sprintf("%s %v", m.how, m.n) }

// timeMatcher takes a part of an RFC 3339 time, in UTC.
type timeMatcher struct {
	part string
	n    int
}

func (m timeMatcher) match(v Value) bool {
	t, err := time.Parse(time.RFC3339, v.Str)
	if err != nil {
		return false
	}
	t = t.UTC()
	_, week := t.ISOWeek()
	return map[string]int{"minute": t.Minute(), "hour": t.Hour(), "day": t.Day(), "week": week, "month": int(t.Month()), "year": t.Year()}[m.part] == m.n
}
func (m timeMatcher) text() string { return fmt.Sprintf("%s %d", m.part, m.n) }

// refMatcher compares with another field of the event; the Set resolves it.
type refMatcher struct {
	field, shape string
	cased        bool
	index        int // of field in Set.Fields
}

func (m *refMatcher) match(Value) bool { return false } // see Scratch.ref
func (m *refMatcher) text() string {
	return fmt.Sprintf("fieldref %s %s %t", m.field, m.shape, m.cased)
}

func (m *refMatcher) compare(a, b Value) bool {
	if a.Kind == Missing || b.Kind == Missing {
		return false
	}
	x, y := a.Str, b.Str
	if !m.cased {
		x, y = fold(x), fold(y)
	}
	switch m.shape {
	case "contains":
		return strings.Contains(x, y)
	case "startswith":
		return strings.HasPrefix(x, y)
	case "endswith":
		return strings.HasSuffix(x, y)
	}
	return x == y
}

type regexMatcher struct {
	re   *regexp.Regexp
	from string
}

func (m *regexMatcher) match(v Value) bool {
	return v.Kind != Missing && v.Kind != Null && m.re.MatchString(v.Str)
}
func (m *regexMatcher) text() string { return "re " + strconv.Quote(m.from) }

// maxRegex bounds the text of a regular expression and, by RE2's own limit of 1,000 repetitions, what it compiles to.
const maxRegex = 8 << 10

func newRegex(text, flags string) (matcher, error) {
	if len(text) > maxRegex {
		return nil, fmt.Errorf("the regular expression has %d bytes (limit: %d)", len(text), maxRegex)
	}
	full := text
	if flags != "" {
		full = "(?" + flags + ")" + text
	}
	re, err := regexp.Compile(full)
	if err == nil {
		return &regexMatcher{re, full}, nil
	}
	var se *syntax.Error
	if errors.As(err, &se) {
		switch {
		case strings.HasPrefix(se.Expr, "(?=") || strings.HasPrefix(se.Expr, "(?!") || strings.HasPrefix(se.Expr, "(?<"):
			return nil, fmt.Errorf("the regular expression looks around (%s), which cannot run in linear time; say it with a second search identifier", se.Expr)
		case se.Code == syntax.ErrInvalidEscape:
			if relaxed := relaxEscapes(full); relaxed != full {
				if re, err := regexp.Compile(relaxed); err == nil {
					return &regexMatcher{re, full}, nil
				}
			}
		}
	}
	return nil, fmt.Errorf("the regular expression does not read: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
}

// relaxEscapes removes the backslash before characters that need none; other engines allow it.
func relaxEscapes(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if c := s[i+1]; c < utf8.RuneSelf && (c == '/' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '%' || c == '@' || c == '!' || c == '#' || c == '&' || c == '=' || c == ':' || c == ';' || c == ',' || c == '_' || c == ' ' || c == '`' || c == '~') {
				b.WriteByte(c)
			} else {
				b.WriteString(s[i : i+2])
			}
			i++
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
