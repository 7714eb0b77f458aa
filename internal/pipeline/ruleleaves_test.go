package pipeline

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/ledger"
)

// ruleFile is a rule as a file.
func ruleFile(id, operation string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(`title: Calls ` + operation + `
id: ` + id + `
status: experimental
description: A call.
author: test
date: 2026-03-10
tags: [attack.discovery]
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: ` + operation + `}
  condition: selection
level: medium
tocsin:
  tier: decisive
  outcome: success
  data: [management]
  story: "{actor} called it."
`)}
}

// TestRulesInForceAreProven: a rule that is added, changed, withdrawn; the same set again; and a mark that was lost.
func TestRulesInForceAreProven(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mark := filepath.Join(dir, "rules")
	now := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: filepath.Join(dir, "ledger"), Origin: "test.example/ledger", Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a test
	const one, two, three = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002", "00000000-0000-4000-8000-000000000003"
	both := fstest.MapFS{"rules/1.yml": ruleFile(one, "ListUsers"), "rules/2.yml": ruleFile(two, "ListRoles")}
	changed := fstest.MapFS{"rules/1.yml": ruleFile(one, "ListGroups"), "rules/3.yml": ruleFile(three, "ListKeys")}
	hashes := map[string]string{}
	put := func(tree fstest.MapFS, lose bool) ledger.Report {
		t.Helper()
		rules, _, err := detect.Load(tree, "rules")
		if err != nil || len(rules.All) != 2 {
			t.Fatal(rules, err)
		}
		for _, r := range rules.All {
			hashes[r.Finding.ID] = r.Finding.Hash
		}
		if lose {
			if err := os.Remove(mark); err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(time.Hour)
		if err := ProveRules(t.Context(), l, mark, rules); err != nil {
			t.Fatal(err)
		}
		r, err := ledger.Verify(t.Context(), filepath.Join(dir, "ledger"), l.PublicKey(), nil, time.Time{}, time.Time{})
		if err != nil || len(r.Problems) > 0 {
			t.Fatal(err, r.Problems)
		}
		return r
	}
	first := put(both, false)
	if first.Leaves[ledger.KindRuleVersion] != 2 || first.Leaves[ledger.KindRuleSet] != 1 || first.RuleSet.Rules != 2 || first.Rules[0].SHA256.String() != hashes[one] {
		t.Errorf("at first: %+v", first)
	}
	before := hashes[one]
	if again := put(both, false); again.Size != first.Size {
		t.Errorf("the same rules again make %d leaves", again.Size-first.Size)
	}
	r := put(changed, true)
	if r.Leaves[ledger.KindRuleVersion] != 5 || r.Leaves[ledger.KindRuleSet] != 2 || len(r.Rules) != 4 || r.RuleSet.SHA256 == first.RuleSet.SHA256 {
		t.Errorf("one is changed, one added, one withdrawn: %+v", r)
	}
	ended := 0
	for _, p := range r.Rules {
		if !p.To.IsZero() {
			ended++
		}
		if p.ID == one && p.To.IsZero() && (p.SHA256.String() != hashes[one] || hashes[one] == before) {
			t.Errorf("rule 1 is in force as %s, its file is %s", p.SHA256, hashes[one])
		}
	}
	if ended != 2 {
		t.Errorf("%d versions have an end, want 2: %+v", ended, r.Rules)
	}
	if back := put(both, true); len(back.Rules) != 6 || back.RuleSet.SHA256 != first.RuleSet.SHA256 {
		t.Errorf("back to the first set: %+v", back)
	}
}
