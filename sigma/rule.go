package sigma

import "go.yaml.in/yaml/v3"

// Document is one YAML document of a rule file: a *Rule or a *Correlation.
type Document interface {
	// Head returns what both kinds have in common.
	Head() *Header
}

// Header is what rules and correlations have in common.
type Header struct {
	Title          string
	ID             string
	Name           string
	Status         string
	Description    string
	Author         string
	Date           string
	Level          string // informational to critical, or "" where the rule names none
	References     []string
	Tags           []string
	FalsePositives []string
	Fields         []string
	File           string
	Line           int                   // of the document in File, from 1
	Custom         map[string]*yaml.Node // attributes that the specification does not name
}

// Head returns the header itself.
func (h *Header) Head() *Header { return h }

// LogSource says which events a rule speaks about. An empty member stands for any.
type LogSource struct {
	Category, Product, Service string
}

// covers reports whether a rule for l speaks about events of source.
func (l LogSource) covers(source LogSource) bool {
	return (l.Category == "" || l.Category == source.Category) &&
		(l.Product == "" || l.Product == source.Product) &&
		(l.Service == "" || l.Service == source.Service)
}

// String joins the members that are given.
func (l LogSource) String() string {
	out := ""
	for _, m := range [][2]string{{"product", l.Product}, {"category", l.Category}, {"service", l.Service}} {
		if m[1] != "" {
			if out != "" {
				out += ", "
			}
			out += m[0] + ": " + m[1]
		}
	}
	return out
}

// Rule is one detection rule, checked.
type Rule struct {
	Header
	LogSource LogSource
	// Conditions are the rule's conditions, as written; a rule matches when any holds.
	Conditions []string
	expr       *expr
	selections []selection
}

// selection is one named search identifier of the detection.
type selection struct {
	name string
	expr *expr
}

// op is what an expr does.
type op uint8

const (
	opItem op = iota
	opAnd
	opOr
	opNot
	opNamed // one selection; kids[0] is its expression, shared
)

// expr is a condition, down to items.
type expr struct {
	op   op
	kids []*expr
	item *item
	name string
}

// item is one field with its matchers: any of them holds, or all with the modifier all.
type item struct {
	field    string // "" searches all strings of the event
	matchers []matcher
	all      bool
	text     string // as written, for Explain
}
