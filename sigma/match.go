package sigma

import "slices"

// Event is what rules are matched against. Its methods are called from one goroutine during Match only; the values
// they give need to live no longer.
type Event interface {
	// Values appends the values of Set.Fields()[field] to dst: none where the event lacks it, several for an array.
	Values(dst []Value, field int) []Value
	// Strings calls yield on every string of the event, for keywords, until yield returns false.
	Strings(yield func(string) bool)
}

// Scratch is the memory of one goroutine's matching. The zero value is ready for any Set.
type Scratch struct {
	set     *Set
	round   uint32
	fields  []fetched
	verdict []verdict
	tried   []uint32 // by rule
	values  []Value
	folded  []byte
	hits    []int
}

type fetched struct {
	round    uint32
	from, to int // in values
}

type verdict struct {
	round uint32
	holds bool
}

func (s *Scratch) begin(set *Set) {
	if s.set != set {
		*s = Scratch{set: set, fields: make([]fetched, len(set.fields)), verdict: make([]verdict, len(set.predicates)), tried: make([]uint32, len(set.rules))}
	}
	s.round++
	if s.round == 0 { // wrapped: old marks would look fresh
		clear(s.fields)
		clear(s.verdict)
		clear(s.tried)
		s.round = 1
	}
	s.values = s.values[:0]
	s.hits = s.hits[:0]
}

// Match returns the indexes of the rules that match, in order; the slice is valid until the next Match.
func (r *Route) Match(ev Event, s *Scratch) []int {
	s.begin(r.set)
	for i := range r.fields {
		f := &r.fields[i]
		from, to := s.fetch(ev, f.field)
		for k := from; k < to; k++ {
			s.try(ev, f.rules[string(s.foldBytes(s.values[k].Str))])
		}
	}
	s.try(ev, r.always)
	if len(s.hits) > 1 {
		slices.Sort(s.hits)
	}
	return s.hits
}

// foldBytes folds into the scratch buffer, so that a map look-up by it costs no allocation.
func (s *Scratch) foldBytes(text string) []byte {
	if !isASCII(text) {
		return append(s.folded[:0], fold(text)...)
	}
	s.folded = append(s.folded[:0], text...)
	for i, c := range s.folded {
		if 'A' <= c && c <= 'Z' {
			s.folded[i] = c + ('a' - 'A')
		}
	}
	return s.folded
}

func (s *Scratch) try(ev Event, rules []int32) {
	for _, id := range rules {
		if s.tried[id] == s.round {
			continue
		}
		s.tried[id] = s.round
		if s.holds(ev, &s.set.plans[id].cond) {
			s.hits = append(s.hits, int(id))
		}
	}
}

func (s *Scratch) fetch(ev Event, field int) (from, to int) {
	f := &s.fields[field]
	if f.round != s.round {
		f.round = s.round
		f.from = len(s.values)
		s.values = ev.Values(s.values, field)
		f.to = len(s.values)
	}
	return f.from, f.to
}

func (s *Scratch) holds(ev Event, n *node) bool {
	switch n.op {
	case opItem:
		return s.predicate(ev, n.predicate)
	case opNot:
		return !s.holds(ev, &n.kids[0])
	case opAnd:
		for i := range n.kids {
			if !s.holds(ev, &n.kids[i]) {
				return false
			}
		}
		return true
	}
	for i := range n.kids {
		if s.holds(ev, &n.kids[i]) {
			return true
		}
	}
	return false
}

func (s *Scratch) predicate(ev Event, i int) bool {
	v := &s.verdict[i]
	if v.round != s.round {
		holds := s.evaluate(ev, &s.set.predicates[i])
		*v = verdict{s.round, holds}
	}
	return v.holds
}

func (s *Scratch) evaluate(ev Event, p *predicate) bool {
	if p.field < 0 {
		return s.keyword(ev, p)
	}
	from, to := s.fetch(ev, p.field)
	if from == to {
		return p.negative && anyMatches(p.matchers, Value{}) && (!p.all || len(p.matchers) == 1)
	}
	if p.all {
		for _, m := range p.matchers {
			if !s.some(ev, m, from, to) {
				return false
			}
		}
		return true
	}
	for _, m := range p.matchers {
		if s.some(ev, m, from, to) {
			return true
		}
	}
	return false
}

// some reports whether any of the field's values satisfies the matcher.
func (s *Scratch) some(ev Event, m matcher, from, to int) bool {
	ref, isRef := m.(*refMatcher)
	for k := from; k < to; k++ {
		if isRef {
			if s.ref(ev, ref, s.values[k]) {
				return true
			}
			continue
		}
		if m.match(s.values[k]) {
			return true
		}
	}
	return false
}

func (s *Scratch) ref(ev Event, m *refMatcher, v Value) bool {
	from, to := s.fetch(ev, m.index)
	for k := from; k < to; k++ {
		if m.compare(v, s.values[k]) {
			return true
		}
	}
	return false
}

func (s *Scratch) keyword(ev Event, p *predicate) bool {
	if !p.all {
		found := false
		ev.Strings(func(text string) bool {
			found = anyMatches(p.matchers, Value{String, text})
			return !found
		})
		return found
	}
	for _, m := range p.matchers {
		found := false
		ev.Strings(func(text string) bool {
			found = m.match(Value{String, text})
			return !found
		})
		if !found {
			return false
		}
	}
	return true
}

func anyMatches(list []matcher, v Value) bool {
	for _, m := range list {
		if m.match(v) {
			return true
		}
	}
	return false
}
