package sigma

import (
	"fmt"
	"strings"
)

// Plan prints how a rule is evaluated: its log source, condition and what of it the index looks up.
func (s *Set) Plan(rule int) string {
	r, p := s.rules[rule], s.plans[rule]
	var b strings.Builder
	fmt.Fprintf(&b, "rule %s (%s)\nlog source %s\n", r.Title, r.ID, r.LogSource)
	if p.need == nil {
		b.WriteString("evaluated on every event of its log source: no exact value is necessary\n")
	} else {
		fmt.Fprintf(&b, "looked up by %s, %d values: %s\n", s.fields[p.need.field], len(p.need.literals), firstFew(p.need.literals))
	}
	b.WriteString("condition\n")
	printExpr(&b, r.expr, 1)
	return b.String()
}

func firstFew(list []string) string {
	const most = 5
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
}

// Part is one item of a rule and whether it held for an event.
type Part struct {
	Selection string
	Field     string
	Test      string
	Values    []string // what the event has there
	Holds     bool
}

// ExplainMatch evaluates one rule on one event, item by item, without the index or shared verdicts: it is the plain
// evaluator that the fast one is tested against.
func (s *Set) ExplainMatch(rule int, ev Event) (holds bool, parts []Part) {
	x := explainer{set: s, ev: ev, fields: s.index}
	for _, sel := range s.rules[rule].selections {
		x.selection = sel.name
		x.walk(sel.expr)
	}
	parts = x.parts
	x.parts = nil
	return x.walk(s.rules[rule].expr), parts
}

// ExplainText prints the condition with what held (+) and what did not (-).
func (s *Set) ExplainText(rule int, ev Event) string {
	holds, parts := s.ExplainMatch(rule, ev)
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", s.rules[rule].Title, map[bool]string{true: "matches", false: "does not match"}[holds])
	for _, p := range parts {
		sign := map[bool]string{true: "+", false: "-"}[p.Holds]
		have := "(the event has no such field)"
		if len(p.Values) > 0 {
			have = "it has " + firstFew(p.Values)
		}
		if p.Field == "" {
			have = ""
		}
		fmt.Fprintf(&b, "  %s %s: %s  %s\n", sign, p.Selection, p.Test, have)
	}
	return b.String()
}

type explainer struct {
	scratch   Scratch // used again for each item
	set       *Set
	ev        Event
	fields    map[string]int
	selection string
	parts     []Part
}

func (x *explainer) walk(e *expr) bool {
	if e == nil {
		return false
	}
	switch e.op {
	case opItem:
		return x.item(e.item)
	case opNot:
		return !x.walk(e.kids[0])
	case opNamed:
		return x.walk(e.kids[0])
	}
	all, any := true, false
	for _, kid := range e.kids { // each of them, so that each part is explained
		holds := x.walk(kid)
		all, any = all && holds, any || holds
	}
	if e.op == opAnd {
		return all
	}
	return any
}

func (x *explainer) item(it *item) bool {
	x.scratch.begin(x.set)
	p := predicate{field: -1, matchers: it.matchers, all: it.all}
	if it.field != "" {
		p.field = x.fields[it.field]
		for _, m := range it.matchers {
			switch m := m.(type) {
			case nullMatcher:
				p.negative = true
			case existsMatcher:
				p.negative = p.negative || !bool(m)
			}
		}
	}
	holds := x.scratch.evaluate(x.ev, &p)
	part := Part{Selection: x.selection, Field: it.field, Test: it.text, Holds: holds}
	if p.field >= 0 {
		for _, v := range x.ev.Values(nil, p.field) {
			part.Values = append(part.Values, v.Str)
		}
	}
	x.parts = append(x.parts, part)
	return holds
}

func printExpr(b *strings.Builder, e *expr, depth int) {
	pad := strings.Repeat("  ", depth)
	if e == nil {
		b.WriteString(pad + "never\n")
		return
	}
	switch e.op {
	case opItem:
		b.WriteString(pad + e.item.text + "\n")
	case opNamed:
		b.WriteString(pad + e.name + ":\n")
		printExpr(b, e.kids[0], depth+1)
	default:
		b.WriteString(pad + map[op]string{opAnd: "all of", opOr: "any of", opNot: "not"}[e.op] + "\n")
		for _, kid := range e.kids {
			printExpr(b, kid, depth+1)
		}
	}
}
