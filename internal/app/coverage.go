package app

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"

	"github.com/tocsin-security/tocsin/content"
	"github.com/tocsin-security/tocsin/internal/attack"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/report"
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
	names := attack.ReadNames(content.AttackNames)
	for _, tactic := range detect.Tactics {
		n := len(byTactic[tactic])
		fmt.Fprintf(io.Out, "%s: %d %s\n", names.Of(tactic), n, map[bool]string{true: "technique", false: "techniques"}[n == 1])
		for _, technique := range sortedTechniques(byTactic[tactic]) {
			rules := byTactic[tactic][technique]
			fmt.Fprintf(io.Out, "  %-10s %2d %s, best level %-13s %s\n", technique, len(rules), map[bool]string{true: "rule", false: "rules"}[len(rules) == 1], best(rules), report.Clean(names.Of(technique)))
		}
	}
	if layer == "" {
		return nil
	}
	text, err := json.MarshalIndent(attack.LayerOf(rules), "", "  ")
	if err != nil {
		return fmt.Errorf("write the layer: %w", err)
	}
	if err := os.WriteFile(layer, append(text, '\n'), 0o644); err != nil { //nolint:gosec // a report
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
