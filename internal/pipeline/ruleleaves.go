package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/ledger"
)

// ProveRules tells the ledger which rules are in force, where these are others than the last that it was told of: a leaf for each rule that is new,
// changed or withdrawn, and one for the set. mark is a file that holds what was told last; where it is not there, the ledger is read for that.
func ProveRules(ctx context.Context, l *ledger.Ledger, mark string, rules *detect.Rules) error {
	told, err := toldRules(ctx, l, mark)
	if err != nil {
		return err
	}
	now, leaves := map[string]ledger.Hash{}, []ledger.Leaf{}
	for _, r := range ruleFindings(rules) {
		var h ledger.Hash
		if err := h.UnmarshalText([]byte(r.Hash)); err != nil {
			return fmt.Errorf("rule %s: %w", r.ID, err)
		}
		if now[r.ID] = h; told[r.ID] != h {
			leaves = append(leaves, ledger.RuleVersion{Author: "configuration", ID: r.ID, SHA256: h, State: ledger.RuleInForce, Title: r.Title})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(told)) {
		if _, is := now[id]; !is {
			leaves = append(leaves, ledger.RuleVersion{Author: "configuration", ID: id, SHA256: told[id], State: ledger.RuleWithdrawn})
		}
	}
	if len(leaves) == 0 {
		return nil
	}
	if err := os.Remove(mark); err != nil && !errors.Is(err, fs.ErrNotExist) { // a kill from here on leaves no mark that is older than the ledger
		return err
	}
	if _, err := l.Append(ctx, append(leaves, ledger.RuleSet{Rules: len(now), SHA256: ledger.RuleSetHash(now)})...); err != nil {
		return err
	}
	raw, err := json.Marshal(now)
	if err != nil {
		return err
	}
	if err := os.WriteFile(mark+".next", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(mark+".next", mark)
}

func ruleFindings(rules *detect.Rules) []*finding.Rule {
	var out []*finding.Rule
	for _, r := range rules.All {
		out = append(out, &r.Finding)
	}
	for _, r := range rules.Correlations {
		out = append(out, &r.Finding)
	}
	return out
}

func toldRules(ctx context.Context, l *ledger.Ledger, mark string) (map[string]ledger.Hash, error) {
	raw, err := os.ReadFile(mark) //nolint:gosec // in the ledger's folder
	if errors.Is(err, fs.ErrNotExist) {
		return l.RulesInForce(ctx)
	}
	if err != nil {
		return nil, err
	}
	told := map[string]ledger.Hash{}
	if err := json.Unmarshal(raw, &told); err != nil {
		return nil, fmt.Errorf("%s (remove it: the ledger is read for what it held): %w", mark, err)
	}
	return told, nil
}
