package detect

import (
	"fmt"
	"strings"

	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Find returns the rules and correlations that a person may mean by an id, a title or a part of a file's path.
func (r *Rules) Find(what string) (rules []int, correlations []int) {
	means := func(id, title, name, file string) bool {
		return what == id || strings.EqualFold(what, title) || what == name && name != "" || strings.HasSuffix(file, what)
	}
	for i, rule := range r.All {
		if means(rule.Finding.ID, rule.Title, rule.Name, rule.File) {
			rules = append(rules, i)
		}
	}
	for i, c := range r.Correlations {
		if means(c.Finding.ID, c.Title, c.Name, c.File) {
			correlations = append(correlations, i)
		}
	}
	return rules, correlations
}

// Plan prints how a rule is evaluated.
func (r *Rules) Plan(rule int) string { return r.set.Plan(rule) }

// CorrelationPlan prints what a correlation counts over which rules.
func (r *Rules) CorrelationPlan(i int) string {
	c := r.Correlations[i]
	var b strings.Builder
	fmt.Fprintf(&b, "correlation %s (%s)\n%s within %s", c.Title, c.Finding.ID, c.Type, c.Timespan)
	if len(c.GroupBy) > 0 {
		fmt.Fprintf(&b, ", for each %s", strings.Join(c.GroupBy, " and "))
	}
	for _, bound := range c.Condition {
		fmt.Fprintf(&b, ", %s %v", bound.How, bound.N)
	}
	if c.Field != "" {
		fmt.Fprintf(&b, " different values of %s", c.Field)
	}
	b.WriteString("\nover\n")
	for _, base := range c.bases {
		for _, line := range strings.Split(strings.TrimRight(r.Plan(base), "\n"), "\n") {
			b.WriteString("  " + line + "\n")
		}
	}
	return b.String()
}

// Bases returns the single rules that a correlation is over.
func (r *Rules) Bases(correlation int) []int { return r.Correlations[correlation].bases }

// Explain says for one event which parts of a rule held.
func (r *Rules) Explain(rule int, e *ocsf.Event, f *enrich.Facts) (holds bool, text string) {
	v := &view{fields: r.fields, ev: e, facts: f}
	holds, _ = r.set.ExplainMatch(rule, v)
	return holds, r.set.ExplainText(rule, v)
}
