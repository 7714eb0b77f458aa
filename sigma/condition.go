package sigma

import (
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// condition compiles one condition over the selections. Precedence, from the specification: parentheses, "x of",
// not, and, or.
func (p *parser) condition(n *yaml.Node, selections []selection) *expr {
	if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" {
		p.fail(n, "the condition is empty")
		return nil
	}
	c := &conditionParser{p: p, at: n, tokens: tokens(n.Value), selections: selections}
	e := c.or(0)
	if !c.failed && c.pos < len(c.tokens) {
		c.fail("%q cannot stand there", c.tokens[c.pos].text)
	}
	if c.failed {
		return nil
	}
	return e
}

type token struct {
	text   string
	offset int
}

func tokens(s string) []token {
	var out []token
	start := -1
	flush := func(end int) {
		if start >= 0 {
			out = append(out, token{s[start:end], start})
			start = -1
		}
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			flush(i)
		case c == '(' || c == ')' || c == '|':
			flush(i)
			out = append(out, token{s[i : i+1], i})
		case start < 0:
			start = i
		}
	}
	flush(len(s))
	return out
}

type conditionParser struct {
	p          *parser
	at         *yaml.Node
	tokens     []token
	pos        int
	selections []selection
	failed     bool
}

func (c *conditionParser) fail(format string, args ...any) {
	if c.failed {
		return
	}
	c.failed = true
	at := *c.at
	if c.pos < len(c.tokens) && at.Style == 0 && !strings.Contains(at.Value, "\n") {
		at.Column += c.tokens[c.pos].offset
	}
	c.p.fail(&at, "condition: "+format, args...)
}

func (c *conditionParser) peek() string {
	if c.pos < len(c.tokens) {
		return strings.ToLower(c.tokens[c.pos].text)
	}
	return ""
}

func (c *conditionParser) accept(word string) bool {
	if c.peek() == word {
		c.pos++
		return true
	}
	return false
}

func (c *conditionParser) or(depth int) *expr {
	kids := []*expr{c.and(depth)}
	for !c.failed && c.accept("or") {
		kids = append(kids, c.and(depth))
	}
	return combine(opOr, kids)
}

func (c *conditionParser) and(depth int) *expr {
	kids := []*expr{c.not(depth)}
	for !c.failed && c.accept("and") {
		kids = append(kids, c.not(depth))
	}
	return combine(opAnd, kids)
}

func (c *conditionParser) not(depth int) *expr {
	if depth > maxDepth {
		c.fail("nested deeper than %d levels", maxDepth)
		return nil
	}
	if c.accept("not") {
		return &expr{op: opNot, kids: []*expr{c.not(depth + 1)}}
	}
	return c.primary(depth)
}

func (c *conditionParser) primary(depth int) *expr {
	if c.accept("(") {
		e := c.or(depth + 1)
		if !c.failed && !c.accept(")") {
			c.fail("a parenthesis is not closed")
		}
		return e
	}
	if c.pos >= len(c.tokens) {
		c.fail("it ends where a search identifier should stand")
		return nil
	}
	if c.pos+1 < len(c.tokens) && strings.EqualFold(c.tokens[c.pos+1].text, "of") {
		return c.quantified()
	}
	word := c.tokens[c.pos].text
	switch strings.ToLower(word) {
	case "and", "or", "of", ")", "|":
		c.fail("%q cannot stand there", word)
		return nil
	}
	for _, s := range c.selections {
		if s.name == word {
			c.pos++
			return named(s)
		}
	}
	c.fail("there is no search identifier %q", word)
	return nil
}

func named(s selection) *expr {
	if s.expr == nil { // its own mistake was reported
		return &expr{op: opOr}
	}
	return &expr{op: opNamed, name: s.name, kids: []*expr{s.expr}}
}

// quantified reads "1 of them", "all of filter_*", "2 of sel*".
func (c *conditionParser) quantified() *expr {
	word := strings.ToLower(c.tokens[c.pos].text)
	least, err := strconv.Atoi(word)
	switch {
	case word == "all":
		least = -1
	case word == "any":
		least = 1
	case err != nil || least < 0:
		c.fail("%q is not a number, any or all", word)
		return nil
	}
	c.pos += 2
	if c.pos >= len(c.tokens) {
		c.fail("of what?")
		return nil
	}
	pattern := c.tokens[c.pos].text
	var kids []*expr
	for _, s := range c.selections {
		if matchesName(pattern, s.name) {
			kids = append(kids, named(s))
		}
	}
	if len(kids) == 0 {
		c.fail("no search identifier fits %q", pattern)
		return nil
	}
	c.pos++
	switch {
	case least == -1 || least == len(kids):
		return combine(opAnd, kids)
	case least == 1:
		return combine(opOr, kids)
	case least == 0:
		return &expr{op: opAnd}
	case least > len(kids):
		c.fail("%d of %s, of which there are %d", least, pattern, len(kids))
		return nil
	}
	const most = 16 // atLeast expands
	if len(kids) > most {
		c.fail("%d of %d search identifiers (limit: %d)", least, len(kids), most)
		return nil
	}
	return atLeast(least, kids)
}

func matchesName(pattern, name string) bool {
	if strings.EqualFold(pattern, "them") {
		return !strings.HasPrefix(name, "_")
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// atLeast expands "n of": n of k is (first and n-1 of the rest) or (n of the rest).
func atLeast(n int, kids []*expr) *expr {
	switch {
	case n == 0:
		return &expr{op: opAnd}
	case n == len(kids):
		return combine(opAnd, kids)
	case n == 1:
		return combine(opOr, kids)
	}
	with := &expr{op: opAnd, kids: []*expr{kids[0], atLeast(n-1, kids[1:])}}
	return &expr{op: opOr, kids: []*expr{with, atLeast(n, kids[1:])}}
}
