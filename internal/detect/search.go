package detect

import (
	"slices"

	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/sigma"
)

// Parse reads the rules of one file. Rules that are right are returned also where others are wrong.
func Parse(name string, raw []byte) (*Rules, sigma.Errors) {
	b := builder{rules: &Rules{feeds: map[int][]feed{}}, named: map[string][]int{}}
	b.file(name, raw)
	return b.build(), b.errors
}

// Searcher says which single-record rules hold for an event, and nothing of counts, sequences and first uses. It has one owner.
type Searcher struct {
	rules   *Rules
	view    view
	scratch sigma.Scratch
	routes  map[*ocsf.Mapping]*sigma.Route
}

// Searcher returns one.
func (r *Rules) Searcher() *Searcher {
	return &Searcher{rules: r, view: view{fields: r.fields}, routes: map[*ocsf.Mapping]*sigma.Route{}}
}

// Event returns the indexes of the rules in Rules.All that hold; the slice is valid until the next call.
func (s *Searcher) Event(e *ocsf.Event, f *enrich.Facts) []int {
	s.view.ev, s.view.facts = e, f
	route := s.routes[e.Mapping]
	if route == nil {
		route = s.rules.set.Route(format.LogSource(e.Mapping.Name))
		s.routes[e.Mapping] = route
	}
	return route.Match(&s.view, &s.scratch)
}

// Candidates says by what the events that any single-record rule could hold for can be picked from a store: the formats that the rules
// speak about, and for each rule the values of one field of which it needs one. ok is false where a rule needs none.
func (r *Rules) Candidates() (formats []string, needs []Candidate) {
	for _, f := range format.All() {
		if r.set.Route(format.LogSource(f.Name)).Rules() > 0 {
			formats = append(formats, f.Name)
		}
	}
	for i := range r.All {
		field, values, ok := r.set.Need(i)
		needs = append(needs, Candidate{field, values, ok})
	}
	return formats, needs
}

// Candidate is what a rule needs of an event; nothing where OK is false.
type Candidate struct {
	Field  string
	Values []string // in lower case
	OK     bool
}

// AsksFacts reports whether a rule asks for facts beyond the record, such as who stands behind a session.
func (r *Rules) AsksFacts() bool {
	return slices.ContainsFunc(r.fields, func(f field) bool { return f.kind == fromFact })
}

// Only is a set of one of the single-record rules, by its index.
func (r *Rules) Only(rule int) *Rules {
	b := builder{rules: &Rules{All: []*Rule{r.All[rule]}, feeds: map[int][]feed{}}, named: map[string][]int{}}
	return b.build()
}
