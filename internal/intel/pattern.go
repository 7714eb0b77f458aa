package intel

import (
	"errors"
	"fmt"
	"strings"
)

// patternValue is one comparison of a STIX pattern that can be matched by itself.
type patternValue struct {
	kind Kind
	text string
	hash bool // of a file
}

// parsePattern reads what it can of a STIX pattern: one observation whose comparisons are = or IN over addresses, names, URLs and hashes
// of files, joined by OR; joined by AND where they are hashes of one file. The error says what is beyond that.
// https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html, section 9
func parsePattern(text string) ([]patternValue, error) {
	tokens, err := tokensOf(text)
	if err != nil {
		return nil, err
	}
	p := &patternParser{tokens: tokens}
	if !p.take("[") {
		return nil, errors.New("a pattern that does not begin with [")
	}
	values, err := p.or()
	if err != nil {
		return nil, err
	}
	if !p.take("]") {
		return nil, fmt.Errorf("unexpected %q in the pattern", shorten(p.peek()))
	}
	if p.peek() != "" {
		return nil, errors.New("several observations, or a time qualifier: both need memory of earlier events")
	}
	return values, nil
}

type patternParser struct {
	tokens []string
	deep   int
}

func (p *patternParser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *patternParser) next() string {
	t := p.peek()
	if t != "" {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *patternParser) take(t string) bool {
	if strings.EqualFold(p.peek(), t) {
		p.next()
		return true
	}
	return false
}

func (p *patternParser) or() ([]patternValue, error) {
	all, err := p.and()
	for err == nil && p.take("OR") {
		var more []patternValue
		more, err = p.and()
		all = append(all, more...)
	}
	return all, err
}

func (p *patternParser) and() ([]patternValue, error) {
	all, err := p.one()
	for err == nil && p.take("AND") {
		var more []patternValue
		if more, err = p.one(); err == nil {
			if !hashes(all) || !hashes(more) {
				return nil, errors.New("AND over different things: one of them alone would accuse too many")
			}
			all = append(all, more...)
		}
	}
	return all, err
}

func hashes(list []patternValue) bool {
	for _, v := range list {
		if !v.hash {
			return false
		}
	}
	return true
}

func (p *patternParser) one() ([]patternValue, error) {
	if p.take("(") {
		if p.deep++; p.deep > 32 {
			return nil, errors.New("a pattern nested too deep")
		}
		all, err := p.or()
		if err == nil && !p.take(")") {
			err = errors.New("a ( without )")
		}
		return all, err
	}
	path := p.next()
	kind, hash, err := kindOfPath(path)
	if err != nil {
		return nil, err
	}
	operator := strings.ToUpper(p.next())
	var texts []string
	switch operator {
	case "=", "ISSUBSET":
		texts = []string{p.next()}
	case "IN":
		if !p.take("(") {
			return nil, errors.New("IN without (")
		}
		for !p.take(")") {
			if t := p.next(); t == "" {
				return nil, errors.New("IN without )")
			} else if t != "," {
				texts = append(texts, t)
			}
		}
	default:
		return nil, fmt.Errorf("the operator %s", shorten(operator))
	}
	var out []patternValue
	for _, t := range texts {
		if len(t) < 2 || t[0] != '\'' {
			return nil, fmt.Errorf("a value that is no text: %s", shorten(t))
		}
		out = append(out, patternValue{kind, t[1:], hash})
	}
	return out, nil
}

// kindOfPath says what a path of STIX names.
func kindOfPath(path string) (kind Kind, hash bool, err error) {
	switch p := strings.ToLower(path); {
	case p == "ipv4-addr:value", p == "ipv6-addr:value":
		return IP, false, nil
	case p == "domain-name:value":
		return Domain, false, nil
	case p == "url:value":
		return 0, false, nil // a URL that is a whole host becomes a name
	case strings.HasPrefix(p, "file:hashes."), strings.HasPrefix(p, "artifact:hashes."):
		return Hash, true, nil
	}
	return 0, false, fmt.Errorf("%s, which no log that is read holds", shorten(path))
}

// tokensOf cuts a pattern. A text is returned with its first quote, unescaped.
func tokensOf(s string) ([]string, error) {
	var out []string
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case strings.IndexByte("[](),", c) >= 0:
			out = append(out, s[i:i+1])
			i++
		case c == '\'':
			text, n, ok := quoted(s[i:])
			if !ok {
				return nil, errors.New("a text without its end")
			}
			out = append(out, "'"+text)
			i += n
		case strings.IndexByte("=<>!", c) >= 0:
			n := 1
			if i+1 < len(s) && strings.IndexByte("=>", s[i+1]) >= 0 {
				n = 2
			}
			out = append(out, s[i:i+n])
			i += n
		default:
			word, n := wordOf(s[i:])
			out = append(out, word)
			i += n
		}
	}
	return out, nil
}

// quoted reads a text in single quotes.
func quoted(s string) (text string, length int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '\'':
			return b.String(), i + 1, true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, false
}

// wordOf reads a path or a keyword; a path may hold quoted keys ('SHA-256') and indices ([*]).
func wordOf(s string) (word string, length int) {
	var b strings.Builder
	i := 0
	for i < len(s) && strings.IndexByte(" \t\r\n()],=<>!", s[i]) < 0 {
		if s[i] == '\'' {
			text, n, ok := quoted(s[i:])
			if !ok {
				break
			}
			b.WriteString(text)
			i += n
			continue
		}
		if s[i] == '[' {
			end := strings.IndexByte(s[i:], ']')
			if end < 0 {
				break
			}
			b.WriteString(s[i : i+end+1])
			i += end + 1
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	if i == 0 { // a lone quote
		return s, len(s)
	}
	return b.String(), i
}
