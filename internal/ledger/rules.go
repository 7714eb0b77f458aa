package ledger

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"
)

// RulePeriod is the time in which one version of a rule was in force.
type RulePeriod struct {
	ID, Title, Version, Author string
	SHA256                     Hash // of the rule's file, as a finding names it
	Leaf                       uint64
	From                       time.Time
	To                         time.Time // zero while it is in force
}

// RuleSetSince is the set of rules that is in force.
type RuleSetSince struct {
	SHA256 Hash
	Rules  int
	Leaf   uint64
	Since  time.Time // zero where no leaf tells of rules
}

// RuleSetHash names a set of rules by their ids and the hashes of their files; their order does not matter.
func RuleSetHash(rules map[string]Hash) Hash {
	sum := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(rules)) {
		fmt.Fprintf(sum, "%s %s\n", id, rules[id])
	}
	return Hash(sum.Sum(nil))
}

// RulesInForce reads the whole log for the rules that are in force by it, with the hashes of their files.
func (l *Ledger) RulesInForce(ctx context.Context) (map[string]Hash, error) {
	r, err := Verify(ctx, l.dir, l.first, nil, time.Time{}, time.Time{})
	if err != nil {
		return nil, err
	}
	out := map[string]Hash{}
	for _, p := range r.Rules {
		if p.To.IsZero() {
			out[p.ID] = p.SHA256
		}
	}
	return out, nil
}

// ruleHistory turns leaves into the periods of rules. Repeated leaves change nothing.
type ruleHistory struct {
	periods []RulePeriod
	open    map[string]int // by rule: its period that has no end
	set     RuleSetSince
}

// take returns what is wrong with a leaf about rules.
func (h *ruleHistory) take(e entry) string {
	switch leaf := e.leaf.(type) {
	case RuleVersion:
		h.version(e, leaf)
	case RuleSet:
		if leaf.SHA256 != h.set.SHA256 || h.set.Since.IsZero() {
			h.set = RuleSetSince{leaf.SHA256, leaf.Rules, e.index, e.time}
		}
		inForce := map[string]Hash{}
		for id, i := range h.open {
			inForce[id] = h.periods[i].SHA256
		}
		if is := RuleSetHash(inForce); is != leaf.SHA256 || len(inForce) != leaf.Rules {
			return fmt.Sprintf("leaf %d says that %d rules make up the set %s; the leaves before it leave %d, which make up %s", e.index, leaf.Rules, leaf.SHA256, len(inForce), is)
		}
	}
	return ""
}

func (h *ruleHistory) version(e entry, leaf RuleVersion) {
	if h.open == nil {
		h.open = map[string]int{}
	}
	i, open := h.open[leaf.ID]
	if open && leaf.State == RuleInForce && h.periods[i].SHA256 == leaf.SHA256 {
		return
	}
	if open {
		h.periods[i].To = e.time
		delete(h.open, leaf.ID)
	}
	if leaf.State == RuleInForce {
		h.open[leaf.ID] = len(h.periods)
		h.periods = append(h.periods, RulePeriod{leaf.ID, leaf.Title, leaf.Version, leaf.Author, leaf.SHA256, e.index, e.time, time.Time{}})
	}
}
