package attack_test

import (
	"reflect"
	"testing"

	"github.com/tocsin-security/tocsin/content"
	"github.com/tocsin-security/tocsin/internal/attack"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/finding"
)

func load(t *testing.T) *detect.Rules {
	t.Helper()
	rules, faults, err := detect.Load(content.Rules, "rules")
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	return rules
}

// TestEveryTechniqueOfARuleHasAName looks every id that a rule names up.
func TestEveryTechniqueOfARuleHasAName(t *testing.T) {
	t.Parallel()
	names, rules := attack.ReadNames(content.AttackNames), load(t)
	var list []finding.Rule
	for _, r := range rules.All {
		list = append(list, r.Finding)
	}
	for _, c := range rules.Correlations {
		list = append(list, c.Finding)
	}
	n := 0
	for _, r := range list {
		for _, a := range r.Attacks {
			for _, id := range []string{a.Tactic, a.Technique} {
				if id == "" {
					continue
				}
				n++
				if names.Of(id) == "" {
					t.Errorf("%s of the rule %q has no name: write the table again with go run ./build/attack FOLDER", id, r.Title)
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("the rules name only %d tactics and techniques", n)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	names := attack.ReadNames("# T1000\tno name\nT1098\tAccount Manipulation\nT1098.001\tAdditional Cloud Credentials\nT1.001\tAlone\nbroken\n\nstealth\tStealth")
	for id, want := range map[string]string{
		"T1098": "Account Manipulation", "T1098.001": "Account Manipulation: Additional Cloud Credentials", "T1.001": "Alone", "stealth": "Stealth", "T1000": "", "broken": "", "": "", "T1098.002": "",
	} {
		if got := names.Of(id); got != want {
			t.Errorf("%q is %q, want %q", id, got, want)
		}
	}
}

// TestLayer wants each technique once under each tactic, and as many points as rules.
func TestLayer(t *testing.T) {
	t.Parallel()
	rules := load(t)
	l := attack.LayerOf(rules)
	seen := map[[2]string]bool{}
	for _, s := range l.Techniques {
		if key := [2]string{s.ID, s.Tactic}; seen[key] || s.Score < 1 || s.Score > l.Gradient.MaxValue || s.Comment == "" {
			t.Errorf("%+v, or it is there twice", s)
		} else {
			seen[key] = true
		}
	}
	if again := attack.LayerOf(rules); len(seen) < 50 || !reflect.DeepEqual(l, again) {
		t.Errorf("%d techniques; twice the same: %v", len(seen), reflect.DeepEqual(l, again))
	}
}
