package app

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"

	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/finding"
)

// Coverage prints which techniques the rules cover, by tactic, and writes a Navigator layer where one is asked for.
func Coverage(folder, layer string, io Streams) error {
	rules, err := LoadRules(folder)
	if err != nil {
		return err
	}
	list := listing(rules)
	byTactic := map[string]map[string][]listed{}
	for _, l := range list {
		for _, a := range l.Attacks {
			if a.Technique == "" {
				continue
			}
			if byTactic[a.Tactic] == nil {
				byTactic[a.Tactic] = map[string][]listed{}
			}
			byTactic[a.Tactic][a.Technique] = append(byTactic[a.Tactic][a.Technique], l)
		}
	}
	for _, tactic := range detect.Tactics {
		fmt.Fprintf(io.Out, "%s: %d techniques\n", tactic, len(byTactic[tactic]))
		for _, technique := range sortedTechniques(byTactic[tactic]) {
			rules := byTactic[tactic][technique]
			fmt.Fprintf(io.Out, "  %-10s %2d %s, best level %s\n", technique, len(rules), map[bool]string{true: "rule", false: "rules"}[len(rules) == 1], best(rules))
		}
	}
	if layer == "" {
		return nil
	}
	if err := os.WriteFile(layer, navigator(list), 0o644); err != nil { //nolint:gosec // a report
		return UsageError{Err: err, Hint: "give a file in a folder that exists"}
	}
	fmt.Fprintf(io.Err, "wrote %s; open it in the ATT&CK Navigator\n", layer)
	return nil
}

func sortedTechniques(m map[string][]listed) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func best(rules []listed) finding.Level {
	var l finding.Level
	for _, r := range rules {
		l = max(l, r.Level)
	}
	return l
}

// navigator makes an ATT&CK Navigator layer (format 4.5): the score of a technique is its number of rules.
func navigator(list []listed) []byte {
	type technique struct {
		ID      string `json:"techniqueID"`
		Tactic  string `json:"tactic,omitempty"`
		Score   int    `json:"score"`
		Comment string `json:"comment"`
	}
	byKey := map[finding.Attack]*technique{}
	for _, l := range list {
		for _, a := range l.Attacks {
			if a.Technique == "" {
				continue
			}
			key := finding.Attack{Tactic: a.Tactic, Technique: a.Technique}
			if byKey[key] == nil {
				byKey[key] = &technique{ID: a.Technique, Tactic: a.Tactic}
			}
			t := byKey[key]
			t.Score++
			t.Comment = strings.TrimPrefix(t.Comment+"\n"+l.Title, "\n")
		}
	}
	all := make([]technique, 0, len(byKey))
	top := 1
	for _, t := range byKey {
		all = append(all, *t)
		top = max(top, t.Score)
	}
	slices.SortFunc(all, func(a, b technique) int { return strings.Compare(a.ID+a.Tactic, b.ID+b.Tactic) })
	out, err := json.MarshalIndent(map[string]any{
		"name": "Tocsin rules", "domain": "enterprise-attack", "description": "Techniques with at least one rule; the score counts rules",
		"versions": map[string]string{"attack": "19", "navigator": "5.2.0", "layer": "4.5"},
		"filters":  map[string]any{"platforms": []string{"IaaS"}}, "techniques": all,
		"gradient": map[string]any{"colors": []string{"#dbeafe", "#1d4ed8"}, "minValue": 0, "maxValue": top},
	}, "", "  ")
	if err != nil {
		panic("BUG: a layer of plain values does not encode: " + err.Error())
	}
	return append(out, '\n')
}
