package sigma

import (
	"slices"
	"sort"
	"strings"
)

// Set is many rules compiled to be matched at once. It is read-only and shared; each goroutine has its own Scratch.
type Set struct {
	rules      []*Rule
	fields     []string
	index      map[string]int // of fields
	predicates []predicate
	plans      []plan
}

// predicate is one distinct item: a field and its matchers. Rules share it.
type predicate struct {
	field    int // index in fields; -1 searches all strings
	matchers []matcher
	all      bool
	negative bool // a missing field can satisfy it: null, exists: false
}

// plan is one rule, resolved to predicates.
type plan struct {
	cond node
	// need lists literals of which at least one must be a value of the field, if the rule is to match.
	need *need
}

// node is an expr over predicate numbers.
type node struct {
	op        op
	predicate int
	kids      []node
}

// need is a necessary condition that the index can look up.
type need struct {
	field    int
	literals []string // folded, exact
}

// Compile plans rules together. The order of rules is the order of the indexes that Match returns.
func Compile(rules []*Rule) *Set {
	s := &Set{rules: rules}
	c := &compiler{set: s, fields: map[string]int{}, predicates: map[string]int{}}
	options := make([][]need, len(rules))
	for i, r := range rules {
		p := plan{cond: c.node(r.expr)}
		options[i] = c.needs(p.cond)
		s.plans = append(s.plans, p)
	}
	c.choose(options)
	s.index = c.fields
	return s
}

// Rules returns the compiled rules.
func (s *Set) Rules() []*Rule { return s.rules }

// Fields returns every field that a rule asks for; Event.Values is given an index of it.
func (s *Set) Fields() []string { return s.fields }

// Predicates returns how many distinct tests the rules share.
func (s *Set) Predicates() int { return len(s.predicates) }

type compiler struct {
	set        *Set
	fields     map[string]int
	predicates map[string]int
}

func (c *compiler) field(name string) int {
	if i, ok := c.fields[name]; ok {
		return i
	}
	i := len(c.set.fields)
	c.fields[name] = i
	c.set.fields = append(c.set.fields, name)
	return i
}

func (c *compiler) node(e *expr) node {
	switch {
	case e == nil:
		return node{op: opOr} // nothing holds
	case e.op == opItem:
		return node{op: opItem, predicate: c.predicate(e.item)}
	case e.op == opNamed:
		return c.node(e.kids[0])
	}
	n := node{op: e.op}
	for _, kid := range e.kids {
		n.kids = append(n.kids, c.node(kid))
	}
	return n
}

func (c *compiler) predicate(it *item) int {
	p := predicate{field: -1, matchers: it.matchers, all: it.all}
	if it.field != "" {
		p.field = c.field(it.field)
	}
	var key strings.Builder
	key.WriteString(it.field)
	if it.all {
		key.WriteString(" all")
	}
	for _, m := range it.matchers {
		key.WriteByte(0)
		key.WriteString(m.text())
		switch m := m.(type) {
		case *refMatcher:
			m.index = c.field(m.field)
		case nullMatcher:
			p.negative = true
		case existsMatcher:
			p.negative = p.negative || !bool(m)
		}
	}
	if i, ok := c.predicates[key.String()]; ok {
		return i
	}
	i := len(c.set.predicates)
	c.predicates[key.String()] = i
	c.set.predicates = append(c.set.predicates, p)
	return i
}

// maxNeedLiterals bounds the literals that one rule puts into the index.
const maxNeedLiterals = 512

// needs returns the conditions of which each alone is necessary for n.
func (c *compiler) needs(n node) []need {
	switch n.op {
	case opItem:
		p := c.set.predicates[n.predicate]
		if p.field < 0 {
			return nil
		}
		if literals, ok := literalsOf(p); ok {
			return []need{{p.field, literals}}
		}
	case opAnd:
		var out []need
		for _, kid := range n.kids {
			out = append(out, c.needs(kid)...)
		}
		return out
	case opOr:
		return c.needsOfAll(n.kids)
	}
	return nil
}

// needsOfAll joins the alternatives of an or: a field that every one of them needs is needed, with any of their literals.
func (c *compiler) needsOfAll(kids []node) []need {
	if len(kids) == 0 {
		return nil
	}
	out := c.needs(kids[0])
	for _, kid := range kids[1:] {
		theirs := c.needs(kid)
		var joined []need
		for _, a := range out {
			for _, b := range theirs {
				if a.field == b.field && len(a.literals)+len(b.literals) <= maxNeedLiterals {
					joined = append(joined, need{a.field, append(slices.Clone(a.literals), b.literals...)})
					break
				}
			}
		}
		out = joined
	}
	return out
}

func literalsOf(p predicate) ([]string, bool) {
	var out []string
	for _, m := range p.matchers {
		t, ok := m.(*textMatcher)
		if !ok || !t.isExact || t.exact == "" {
			return nil, false
		}
		out = append(out, fold(t.exact))
		if p.all {
			break // each value is necessary; one is enough for the index
		}
	}
	return out, len(out) > 0 && len(out) <= maxNeedLiterals
}

// choose takes for each rule the condition that selects best: the field with the most distinct literals over all
// rules, divided by how many of them the rule takes.
func (c *compiler) choose(options [][]need) {
	distinct := map[int]map[string]bool{}
	for _, list := range options {
		for _, n := range list {
			if distinct[n.field] == nil {
				distinct[n.field] = map[string]bool{}
			}
			for _, l := range n.literals {
				distinct[n.field][l] = true
			}
		}
	}
	for i, list := range options {
		best := -1.0
		for _, n := range list {
			if score := float64(len(distinct[n.field])) / float64(len(n.literals)); score > best {
				best = score
				chosen := n
				c.set.plans[i].need = &chosen
			}
		}
	}
}

// Route is the index over the rules that speak about one kind of event.
type Route struct {
	set     *Set
	fields  []routeField
	always  []int32 // rules that no literal selects
	covered int
}

type routeField struct {
	field int
	rules map[string][]int32 // folded literal → rules
}

// Route prepares the rules for events of any of the log sources.
func (s *Set) Route(sources ...LogSource) *Route {
	r := &Route{set: s}
	at := map[int]int{}
	for i, rule := range s.rules {
		if !slices.ContainsFunc(sources, rule.LogSource.covers) {
			continue
		}
		r.covered++
		n := s.plans[i].need
		id := int32(i) //nolint:gosec // rules are fewer than 2^31
		if n == nil {
			r.always = append(r.always, id)
			continue
		}
		k, ok := at[n.field]
		if !ok {
			k = len(r.fields)
			at[n.field] = k
			r.fields = append(r.fields, routeField{n.field, map[string][]int32{}})
		}
		for _, l := range n.literals {
			if list := r.fields[k].rules[l]; len(list) == 0 || list[len(list)-1] != id {
				r.fields[k].rules[l] = append(list, id)
			}
		}
	}
	sort.Slice(r.fields, func(i, j int) bool { return r.fields[i].field < r.fields[j].field })
	return r
}

// Rules returns how many rules speak about the route's events.
func (r *Route) Rules() int { return r.covered }

// Unindexed returns how many of them are evaluated on every event.
func (r *Route) Unindexed() int { return len(r.always) }

// Need returns what a rule cannot match without: at least one of some values, in lower case, in a field. ok is false where no exact value
// is necessary. Whoever keeps events can pick by it those that are worth matching.
func (s *Set) Need(rule int) (field string, values []string, ok bool) {
	n := s.plans[rule].need
	if n == nil {
		return "", nil, false
	}
	return s.fields[n.field], slices.Clone(n.literals), true
}
