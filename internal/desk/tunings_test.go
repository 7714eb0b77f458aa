package desk

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
)

// TestAFilterHidesAndGivesBack accepts a filter, applies it and ends it: what it took is counted and found all the while.
func TestAFilterHidesAndGivesBack(t *testing.T) {
	t.Parallel()
	ctx, at := t.Context(), time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	d, err := Open(ctx, filepath.Join(t.TempDir(), "desk.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // a test
	alert := func(uid, account, ip string) finding.Alert {
		return finding.Alert{UID: uid, Title: uid, Severity: finding.High, Rule: finding.Rule{ID: "r1"}, Account: account, First: at, Last: at, Count: 1, Signals: []finding.Signal{{Event: finding.Card{UID: "e" + uid, Account: account, SrcIP: ip}}}}
	}
	if err := d.Save(ctx, &Conclusion{Partition: "p", Position: 1, Findings: true, Now: at, Loose: []finding.Alert{alert("a", "111111111111", "10.0.0.1"), alert("b", "222222222222", "10.0.0.1"), alert("c", "111111111111", "10.0.0.2")}}); err != nil {
		t.Fatal(err)
	}
	by := By{Name: "maria", Kind: "person", At: at}
	names := func(scope access.Scope, value string) (out []string) {
		list, err := d.Mentions(ctx, scope, value, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			out = append(out, r.UID)
		}
		return out
	}
	if got := names(access.Everything(), "10.0.0.1"); len(got) != 2 {
		t.Errorf("who names the address: %v", got)
	}
	if got := names(access.Accounts("222222222222"), "10.0.0.1"); len(got) != 1 || got[0] != "b" {
		t.Errorf("of one account: %v", got)
	}
	if got := names(access.Scope{}, "10.0.0.1"); len(got) != 0 {
		t.Errorf("of none: %v", got)
	}
	verdict := TruePositive
	if _, err := d.Decide(ctx, access.Everything(), Alerts, []string{"b"}, nil, Change{Verdict: &verdict}, by); err != nil {
		t.Fatal(err)
	}
	if err := d.AcceptTuning(ctx, &Tuning{ID: "f1", Rule: "r1", Title: "Expected", Sigma: "x", Owner: "maria", Proof: []byte("{}"), Expires: at.Add(time.Hour)}, by); err != nil {
		t.Fatal(err)
	}
	n, err := d.Suppress(ctx, "r1", func(a *finding.Alert) string {
		if a.Signals[0].Event.SrcIP == "10.0.0.1" {
			return "f1"
		}
		return ""
	}, at)
	if err != nil || n != 1 { // the true positive stays
		t.Errorf("%d alerts changed, %v", n, err)
	}
	count := func(q Query) int {
		p, err := d.Alerts(ctx, access.Everything(), q)
		if err != nil {
			t.Fatal(err)
		}
		return p.Total
	}
	for q, want := range map[Query]int{{}: 1, {Suppressed: true}: 0, {Rule: "r1"}: 1, {Rule: "r2"}: 0, {Withdrawn: true}: 1} {
		if p, err := d.Alerts(ctx, access.Everything(), q); err != nil || p.Hidden != want {
			t.Errorf("%+v: %d are said to be hidden, %v", q, p.Hidden, err)
		}
	}
	if all := count(Query{Withdrawn: true}); all != 2 {
		t.Errorf("%d shown with what was withdrawn", all)
	}
	uses, err := d.RuleUses(ctx, access.Everything(), at)
	if err != nil || uses["r1"].Hidden != 1 {
		t.Errorf("%+v, %v", uses, err)
	}
	if shown, hidden := count(Query{}), count(Query{Suppressed: true}); shown != 2 || hidden != 1 {
		t.Errorf("%d shown, %d hidden", shown, hidden)
	}
	if got := names(access.Everything(), "10.0.0.1"); len(got) != 2 {
		t.Errorf("what a filter takes is not found any more: %v", got)
	}
	list, err := d.Tunings(ctx, access.Everything())
	if err != nil || len(list) != 1 || list[0].Takes != 1 || !list[0].Lives(at) || list[0].Lives(at.Add(2*time.Hour)) {
		t.Errorf("%+v, %v", list, err)
	}
	if own, err := d.Tunings(ctx, access.Accounts("111111111111")); err != nil || len(own) != 0 {
		t.Errorf("who sees one account reads filters: %v, %v", own, err)
	}
	if err := d.EndTuning(ctx, "f1", by); err != nil || count(Query{}) != 3 {
		t.Errorf("after its end: %d shown, %v", count(Query{}), err)
	}
	if err := d.EndTuning(ctx, "f1", by); !errors.Is(err, ErrNotFound) {
		t.Errorf("ended twice: %v", err)
	}
	for range 2 {
		if err := d.Tell(ctx, "keys", "New keys", "3 hits", 3, at); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(access.Everything(), "hunt:keys"); len(got) != 1 {
		t.Errorf("alerts of the hunt: %v", got)
	}
}

// TestAFilterLeavesWhatChangesMeanwhile decides about alerts, and ends the filter, between the look of the filters and their write.
func TestAFilterLeavesWhatChangesMeanwhile(t *testing.T) {
	onEach(t, filterLeavesWhatChanges)
}

func filterLeavesWhatChanges(t *testing.T, d *Desk) {
	ctx, at := t.Context(), time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	c := Conclusion{Partition: "p", Position: 1, Findings: true, Now: at}
	for _, uid := range []string{"closed", "judged", "same", "worked"} {
		c.Loose = append(c.Loose, finding.Alert{UID: uid, Severity: finding.High, Rule: finding.Rule{ID: "r1"}, Account: "111111111111", First: at, Last: at, Signals: []finding.Signal{}})
	}
	if err := d.Save(ctx, &c); err != nil {
		t.Fatal(err)
	}
	by := By{Name: "maria", Kind: "person", At: at}
	if err := d.AcceptTuning(ctx, &Tuning{ID: "f1", Rule: "r1", Proof: []byte("{}"), Expires: at.Add(time.Hour)}, by); err != nil {
		t.Fatal(err)
	}
	works, closed, verdict := "in_progress", "closed", TruePositive
	changes := map[string]Change{"worked": {Status: &works}, "closed": {Status: &closed}, "judged": {Verdict: &verdict}}
	meanwhile := func(a *finding.Alert) string {
		if c, is := changes[a.UID]; is {
			if _, err := d.Decide(ctx, access.Everything(), Alerts, []string{a.UID}, nil, c, by); err != nil {
				t.Error(err)
			}
		}
		return "f1"
	}
	if n, err := d.Suppress(ctx, "r1", meanwhile, at); n != 1 || err != nil {
		t.Errorf("%d are taken, %v", n, err)
	}
	p, err := d.Alerts(ctx, access.Everything(), Query{Suppressed: true})
	if err != nil || len(p.Items) != 1 || p.Items[0].UID != "same" {
		t.Errorf("taken are %+v, %v", p.Items, err)
	}
	if err := d.EndTuning(ctx, "f1", by); err != nil {
		t.Fatal(err)
	}
	if n, err := d.Suppress(ctx, "r1", func(*finding.Alert) string { return "f1" }, at); n != 0 || err != nil {
		t.Errorf("a filter that ended takes %d, %v", n, err)
	}
}
