package desk

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

func uidsOf(alerts []finding.Alert) []string {
	out := []string{}
	for i := range alerts {
		out = append(out, alerts[i].UID)
	}
	slices.Sort(out)
	return out
}

// TestMergeAndSplitAreRemembered merges two incidents and splits alerts off, and concludes again with more alerts: what people grouped
// stays so, new alerts go where their incident went, and who sees one account only sees none of it.
func TestMergeAndSplitAreRemembered(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		ctx, all := t.Context(), access.Everything()
		c := Conclusion{Findings: true, Incidents: []incident.Incident{incidentOf("i", alertOf("a", own), alertOf("b", own)), incidentOf("k", alertOf("c", foreign))}}
		save(t, d, c)
		holds := func(uid string, want ...string) {
			t.Helper()
			got, err := d.Case(ctx, all, uid)
			rows, err2 := d.Alerts(ctx, all, Query{Incident: uid})
			listed := []string{}
			for _, r := range rows.Items {
				listed = append(listed, r.UID)
				if r.Incident != uid {
					t.Errorf("alert %s says that it is of %s", r.UID, r.Incident)
				}
			}
			slices.Sort(listed)
			if err != nil || err2 != nil || got.UID != uid || !slices.Equal(uidsOf(got.Alerts), want) || !slices.Equal(listed, want) {
				t.Errorf("%s holds %q, lists %q, not %q (%v, %v)", uid, uidsOf(got.Alerts), listed, want, err, err2)
			}
			page, err := d.Incidents(ctx, all, Query{})
			for _, r := range page.Items {
				if r.UID == uid && r.Alerts != len(want) {
					t.Errorf("%s counts %d (%v)", uid, r.Alerts, err)
				}
			}
		}
		if _, err := d.Merge(ctx, access.Accounts(own), "k", "i", "", nil, ann); !errors.Is(err, ErrNotFound) {
			t.Errorf("out of scope: %v", err)
		}
		if _, err := d.Merge(ctx, all, "k", "i", "", ptr(int64(9)), ann); !errors.Is(err, ErrChanged) {
			t.Errorf("an old version: %v", err)
		}
		if _, err := d.Merge(ctx, all, "k", "i", "the same key", ptr(int64(0)), ann); err != nil {
			t.Fatal(err)
		}
		holds("i", "a", "b", "c")
		if page, err := d.Incidents(ctx, all, Query{}); err != nil || page.Total != 1 || len(page.Items) != 1 {
			t.Errorf("%+v, %v", page, err)
		}
		for _, account := range []string{own, foreign} {
			if _, err := d.Case(ctx, access.Accounts(account), "i"); !errors.Is(err, ErrNotFound) {
				t.Errorf("who sees one account only reads the merged incident: %v", err)
			}
		}
		c.Position, c.Incidents[1] = 2, incidentOf("k", alertOf("c", foreign), alertOf("d", foreign))
		save(t, d, c)
		holds("i", "a", "b", "c", "d")
		part, _, err := d.Split(ctx, all, "i", SplitOff{Alerts: []string{"b", "d"}}, nil, byAt(noon.Add(time.Second)))
		if err != nil {
			t.Fatal(err)
		}
		c.Position = 3
		c.Incidents[0] = incidentOf("i", alertOf("a", own), alertOf("b", own), alertOf("e", own))
		save(t, d, c)
		holds("i", "a", "c", "e")
		holds(part, "b", "d")
		if _, _, err := d.Split(ctx, all, "i", SplitOff{Incident: "k"}, nil, byAt(noon.Add(time.Minute))); err != nil {
			t.Fatal(err)
		}
		holds("i", "a", "e")
		holds("k", "c")
		if _, err := d.Case(ctx, access.Accounts(own), "i"); err != nil {
			t.Errorf("after the split: %v", err)
		}
		got, err := d.Case(ctx, all, "i")
		kinds := ""
		for _, a := range got.Decision.Activity {
			kinds += a.Kind + " "
		}
		if err != nil || kinds != "merge split split " {
			t.Errorf("its memory: %q, %v", kinds, err)
		}
		if m := got.Decision.Activity[0].Regrouped; m == nil || *m != (Regrouped{Did: "took in", Other: "k", Why: "the same key"}) {
			t.Errorf("who merged what and why: %+v", m)
		}
	})
}

func TestWhatCannotBeRegroupedIsSaid(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		save(t, d, Conclusion{Findings: true, Incidents: []incident.Incident{incidentOf("i", alertOf("a", own)), incidentOf("k", alertOf("b", own)), incidentOf("l", alertOf("c", own))}})
		all := access.Everything()
		if _, err := d.Merge(t.Context(), all, "k", "i", "", nil, ann); err != nil {
			t.Fatal(err)
		}
		merge := func(uid, into string) error {
			_, err := d.Merge(t.Context(), all, uid, into, "", nil, ann)
			return err
		}
		var mistake MistakeError
		for name, err := range map[string]error{
			"into itself": merge("i", "i"), "a part": merge("k", "l"), "into a part": merge("l", "k"),
		} {
			if !errors.As(err, &mistake) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, off := range map[string]SplitOff{"nothing": {}, "both": {Incident: "k", Alerts: []string{"a"}}, "no part": {Incident: "l"}, "all": {Alerts: []string{"a", "b"}}, "foreign": {Alerts: []string{"c"}}} {
			if _, _, err := d.Split(t.Context(), all, "i", off, nil, ann); !errors.As(err, &mistake) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestARegroupingIsUndone takes a merge and a split back within 30 seconds: all is as it was, and what is concluded later goes where it went before.
func TestARegroupingIsUndone(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		ctx, all := t.Context(), access.Everything()
		c := Conclusion{Findings: true, Incidents: []incident.Incident{incidentOf("i", alertOf("a", own), alertOf("b", own)), incidentOf("k", alertOf("c", foreign)), incidentOf("l", alertOf("d", own))}}
		save(t, d, c)
		holds := func(uid string, want ...string) {
			t.Helper()
			rows, err := d.Alerts(ctx, all, Query{Incident: uid})
			got := []string{}
			for _, r := range rows.Items {
				got = append(got, r.UID)
			}
			slices.Sort(got)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s holds %q, not %q (%v)", uid, got, want, err)
			}
		}
		if _, err := d.Merge(ctx, all, "l", "k", "", nil, ann); err != nil {
			t.Fatal(err)
		}
		change, err := d.Merge(ctx, all, "k", "i", "", nil, ann)
		if err != nil {
			t.Fatal(err)
		}
		holds("i", "a", "b", "c", "d")
		if _, err := d.Undo(ctx, access.Accounts(own), change, byAt(noon.Add(time.Second))); err == nil {
			t.Error("who sees one account only undoes it")
		}
		if _, err := d.Undo(ctx, all, change, byAt(noon.Add(time.Minute))); !errors.Is(err, ErrTooLate) {
			t.Errorf("after a minute: %v", err)
		}
		if _, err := d.Undo(ctx, all, change, byAt(noon.Add(time.Second))); err != nil {
			t.Fatal(err)
		}
		holds("i", "a", "b")
		holds("k", "c", "d")
		if _, err := d.Case(ctx, access.Accounts(own), "i"); err != nil {
			t.Errorf("whose it is was not put back: %v", err)
		}
		part, change, err := d.Split(ctx, all, "i", SplitOff{Alerts: []string{"b"}}, nil, byAt(noon.Add(2*time.Second)))
		if err != nil {
			t.Fatal(err)
		}
		holds(part, "b")
		if _, err := d.Undo(ctx, all, change, byAt(noon.Add(3*time.Second))); err != nil {
			t.Fatal(err)
		}
		holds("i", "a", "b")
		holds(part)
		if page, err := d.Incidents(ctx, all, Query{}); err != nil || page.Total != 2 {
			t.Errorf("%+v, %v", page, err)
		}
		c.Position, c.Incidents[0] = 2, incidentOf("i", alertOf("a", own), alertOf("b", own), alertOf("e", own))
		save(t, d, c)
		holds("i", "a", "b", "e")
		part, change, err = d.Split(ctx, all, "i", SplitOff{Alerts: []string{"b"}}, nil, byAt(noon.Add(4*time.Second)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.AddTask(ctx, all, part, "look", "", byAt(noon.Add(5*time.Second))); err != nil {
			t.Fatal(err)
		}
		var mistake MistakeError
		if _, err := d.Undo(ctx, all, change, byAt(noon.Add(6*time.Second))); !errors.As(err, &mistake) {
			t.Errorf("it is undone though somebody worked on the part: %v", err)
		}
		holds(part, "b")
	})
}

// TestARegroupingIsForeseen asks what a merge and a split would make, and then makes them: it is what was said.
func TestARegroupingIsForeseen(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		ctx, all := t.Context(), access.Everything()
		save(t, d, Conclusion{Findings: true, Incidents: []incident.Incident{incidentOf("i", alertOf("a", own), alertOf("b", own)), incidentOf("k", alertOf("c", foreign))}})
		is := func(uid string, want Told) {
			t.Helper()
			c, err := d.Case(ctx, all, uid)
			if got := brief(&c.Incident); err != nil || got.Headline != want.Headline || got.Score != want.Score || got.Alerts != want.Alerts || got.Severity != want.Severity {
				t.Errorf("%s was foreseen as %+v, and is %+v (%v)", uid, want, got, err)
			}
		}
		if _, err := d.ForeseeMerge(ctx, access.Accounts(own), "k", "i"); !errors.Is(err, ErrNotFound) {
			t.Errorf("out of scope: %v", err)
		}
		f, err := d.ForeseeMerge(ctx, all, "k", "i")
		if err != nil || f.Then.Alerts != 3 || f.Other == nil || f.Other.Alerts != 1 || f.Now.Alerts != 2 {
			t.Fatalf("%+v, %v", f, err)
		}
		if _, err := d.Merge(ctx, all, "k", "i", "", nil, ann); err != nil {
			t.Fatal(err)
		}
		is("i", f.Then)
		for _, off := range []SplitOff{{Alerts: []string{"b"}}, {Incident: "k"}} {
			f, err := d.ForeseeSplit(ctx, all, "i", off)
			if err != nil || f.Part == nil || f.Part.Alerts != 1 {
				t.Fatalf("%+v, %v", f, err)
			}
			part, _, err := d.Split(ctx, all, "i", off, nil, byAt(noon.Add(time.Second)))
			if err != nil {
				t.Fatal(err)
			}
			is("i", f.Then)
			if off.Incident == "" {
				is(part, *f.Part)
			}
		}
		var mistake MistakeError
		if _, err := d.ForeseeSplit(ctx, all, "i", SplitOff{Incident: "k"}); !errors.As(err, &mistake) {
			t.Errorf("no part of it: %v", err)
		}
	})
}

// TestUpdatesAreToldInOrder lets many write while one reads on: it hears of every finding at its last version, and never of a place twice.
func TestUpdatesAreToldInOrder(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		c := Conclusion{Findings: true}
		for i := range 10 {
			c.Loose = append(c.Loose, alertOf(fmt.Sprint("a", i), []string{own, foreign}[i%2]))
		}
		save(t, d, c)
		var all sync.WaitGroup
		done := make(chan struct{})
		for i := range 10 {
			all.Go(func() {
				for range 5 {
					if _, err := d.Decide(t.Context(), access.Everything(), Alerts, []string{fmt.Sprint("a", i)}, nil, Change{Comment: "x"}, ann); err != nil {
						t.Error(err)
					}
				}
			})
		}
		go func() { all.Wait(); close(done) }()
		at, last, ended := int64(0), map[string]int64{}, false
		for {
			list, upTo, err := d.Updates(t.Context(), access.Accounts(own), at)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range list {
				if u.Seq <= at {
					t.Errorf("place %d is told after %d", u.Seq, at)
				}
				at, last[u.UID] = u.Seq, u.Version
			}
			at = max(at, upTo)
			if ended {
				break
			}
			select {
			case <-done:
				ended = true
			default:
			}
		}
		if len(last) != 5 {
			t.Errorf("told of %v", last)
		}
		for uid, version := range last {
			if version != 5 {
				t.Errorf("%s was told last at version %d", uid, version)
			}
		}
	})
}

// TestPagesHoldStill reads pages while what was read changes: each finding that was there stands on one page, once.
func TestPagesHoldStill(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		c := Conclusion{Findings: true}
		for i := range 30 {
			a := alertOf(fmt.Sprintf("a%02d", i), own)
			a.Score, a.Last = float64(i%4), noon.Add(-time.Duration(i%3)*time.Minute)
			c.Loose = append(c.Loose, a)
			in := incidentOf(fmt.Sprintf("i%02d", i), alertOf(fmt.Sprintf("b%02d", i), own))
			in.Score = float64(i%4) / 3
			c.Incidents = append(c.Incidents, in)
		}
		save(t, d, c)
		for _, sort := range []string{"rank", "newest"} {
			q, seen := Query{Sort: sort, Limit: 7}, map[string]int{}
			for {
				page, err := d.Alerts(t.Context(), access.Accounts(own), q)
				if err != nil || page.Total < 60 {
					t.Fatal(page.Total, err)
				}
				for _, r := range page.Items {
					seen[r.UID]++
				}
				top := alertOf("new-"+sort+q.After, own) // comes in before all
				top.Score, top.Last = 99, noon
				c.Position++
				c.Loose = append(c.Loose, top)
				save(t, d, c)
				if q.After = page.Next; q.After == "" {
					break
				}
			}
			for i := range 30 {
				if uid := fmt.Sprintf("a%02d", i); seen[uid] != 1 {
					t.Errorf("%s: %s stands on %d pages", sort, uid, seen[uid])
				}
			}
			incidents := map[string]bool{}
			for q := (Query{Sort: sort, Limit: 7}); ; {
				page, err := d.Incidents(t.Context(), access.Accounts(own), q)
				if err != nil || page.Total != 30 {
					t.Fatal(page.Total, err)
				}
				for _, r := range page.Items {
					incidents[r.UID] = true
				}
				if q.After = page.Next; q.After == "" {
					break
				}
			}
			if len(incidents) != 30 {
				t.Errorf("%s: %d incidents", sort, len(incidents))
			}
		}
		for _, bad := range []string{"x", "AAAA", "\x00", place(true, 1, noon, "a"), place(false, 1, noon, "a")[1:]} {
			if _, err := d.Alerts(t.Context(), access.Everything(), Query{After: bad}); !errors.Is(err, ErrCursor) {
				t.Errorf("after %q: %v", bad, err)
			}
		}
	})
}
