package attack

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/finding"
)

// Layer is what the ATT&CK Navigator opens, in format 4.5 (https://github.com/mitre-attack/attack-navigator, layers/spec/v4.5).
type Layer struct {
	Name        string            `json:"name"`
	Domain      string            `json:"domain"`
	Description string            `json:"description"`
	Versions    map[string]string `json:"versions"`
	Filters     Filters           `json:"filters"`
	Techniques  []Scored          `json:"techniques"`
	Gradient    Gradient          `json:"gradient"`
}

// Filters say which platforms are shown.
type Filters struct {
	Platforms []string `json:"platforms"`
}

// Scored is one technique under one tactic. Its score is how many rules there are.
type Scored struct {
	ID      string `json:"techniqueID"`
	Tactic  string `json:"tactic,omitempty"`
	Score   int    `json:"score"`
	Comment string `json:"comment"` // titles of the rules, one a line
}

// Gradient colours scores.
type Gradient struct {
	Colors   []string `json:"colors"`
	MinValue int      `json:"minValue"`
	MaxValue int      `json:"maxValue"`
}

// LayerOf lays rules and correlations out by technique.
func LayerOf(rules *detect.Rules) Layer {
	list := findings(rules)
	byKey := map[[2]string]*Scored{}
	for _, r := range list {
		for _, a := range r.Attacks {
			if a.Technique == "" {
				continue
			}
			key := [2]string{a.Tactic, a.Technique}
			if byKey[key] == nil {
				byKey[key] = &Scored{ID: a.Technique, Tactic: a.Tactic}
			}
			t := byKey[key]
			t.Score++
			t.Comment = strings.TrimPrefix(t.Comment+"\n"+r.Title, "\n")
		}
	}
	all, top := make([]Scored, 0, len(byKey)), 1
	for _, t := range byKey {
		all = append(all, *t)
		top = max(top, t.Score)
	}
	slices.SortFunc(all, func(a, b Scored) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Tactic, b.Tactic)) })
	return Layer{
		Name: "Tocsin rules", Domain: "enterprise-attack", Description: "Techniques with at least one rule; the score counts rules",
		Versions: map[string]string{"attack": "19", "navigator": "5.2.0", "layer": "4.5"}, Filters: Filters{[]string{"IaaS"}}, Techniques: all,
		Gradient: Gradient{[]string{"#dbeafe", "#1d4ed8"}, 0, top},
	}
}

// findings are what findings keep of each rule, the highest level first, then by title.
func findings(rules *detect.Rules) []finding.Rule {
	var out []finding.Rule
	for _, r := range rules.All {
		out = append(out, r.Finding)
	}
	for _, c := range rules.Correlations {
		out = append(out, c.Finding)
	}
	slices.SortStableFunc(out, func(a, b finding.Rule) int {
		return cmp.Or(cmp.Compare(b.Level, a.Level), cmp.Compare(a.Title, b.Title))
	})
	return out
}
