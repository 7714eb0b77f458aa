package desk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

func ptr[T any](v T) *T { return &v }

var ann = By{Name: "ann", Kind: "person", At: noon}

func byAt(at time.Time) By { return By{Name: "ann", Kind: "person", At: at} }

func decision(t *testing.T, d *Desk, kind, uid string) Decision {
	t.Helper()
	got, err := d.Decision(t.Context(), access.Everything(), kind, uid)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestOneOfManyWins lets many decide about the same version at the same time: one does, the others hear that somebody was faster.
func TestOneOfManyWins(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		save(t, d, Conclusion{Findings: true, Loose: []finding.Alert{alertOf("a", own)}})
		for version := range int64(3) {
			var mu sync.Mutex
			var all sync.WaitGroup
			won := 0
			for i := range 8 {
				all.Go(func() {
					who := fmt.Sprint("p", i)
					_, err := d.Decide(t.Context(), access.Everything(), Alerts, []string{"a"}, &version, Change{Assignee: &who}, ann)
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						won++
					} else if !errors.Is(err, ErrChanged) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if got := decision(t, d, Alerts, "a"); won != 1 || got.Version != version+1 || len(got.Activity) != int(version)+1 {
				t.Errorf("%d decided about version %d; it is now %d, with %d activities", won, version, got.Version, len(got.Activity))
			}
		}
	})
}

// TestAVerdictStands gives verdicts on an incident and concludes again: alerts without a verdict take the incident's, conclusions change
// none, and each rule's precision counts them.
func TestAVerdictStands(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		c := Conclusion{Findings: true, Incidents: []incident.Incident{incidentOf("i", alertOf("a", own), alertOf("b", own))}, Loose: []finding.Alert{alertOf("c", foreign)}}
		save(t, d, c)
		if _, err := d.Decide(t.Context(), access.Everything(), Alerts, []string{"a"}, nil, Change{Verdict: ptr(FalsePositive), Reason: ptr("rule too broad")}, ann); err != nil {
			t.Fatal(err)
		}
		done, err := d.Decide(t.Context(), access.Everything(), Incidents, []string{"i", "nothing", "i"}, nil, Change{Verdict: ptr(TruePositive), Comment: "# raw *Markdown* <script>\x00"}, byAt(noon.Add(time.Second)))
		if err != nil || !slices.Equal(done.Changed, []string{"i", "b"}) || !slices.Equal(done.Missing, []string{"nothing"}) {
			t.Fatalf("%+v, %v", done, err)
		}
		c.Position, c.Incidents[0].Headline = 2, "another headline"
		save(t, d, c)
		i, a, b := decision(t, d, Incidents, "i"), decision(t, d, Alerts, "a"), decision(t, d, Alerts, "b")
		if i.Verdict != TruePositive || i.Status != "in_progress" || i.Declared.IsZero() || a.Verdict != FalsePositive || a.Status != "closed" || b.Verdict != TruePositive || a.Closed.IsZero() {
			t.Errorf("%+v\n%+v\n%+v", i, a, b)
		}
		if got := i.Activity[0].Decided.Comment; got != "# raw *Markdown* <script>\uFFFD" {
			t.Errorf("the note is kept as %q", got)
		}
		got, err := d.Precisions(t.Context(), access.Everything())
		if err != nil || len(got) != 1 || got[0] != (Precision{"rule", 3, 1, 0, 1}) {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := d.Precisions(t.Context(), access.Accounts(foreign)); err != nil || len(got) != 1 || got[0].True+got[0].False != 0 {
			t.Errorf("another account's verdicts are told: %+v, %v", got, err)
		}
	})
}

func TestWhatCannotBeDecidedIsSaid(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		save(t, d, Conclusion{Findings: true, Loose: []finding.Alert{alertOf("a", own)}})
		for name, c := range map[string]Change{
			"nothing": {}, "blank note": {Comment: " \n"}, "reason alone": {Reason: ptr("duplicate")}, "reason of another verdict": {Verdict: ptr(TruePositive), Reason: ptr("duplicate")},
			"severity without reason": {Severity: ptr(finding.Low)}, "severity with a blank one": {Severity: ptr(finding.Low), SeverityReason: ptr(" ")},
		} {
			var mistake MistakeError
			if _, err := d.Decide(t.Context(), access.Everything(), Alerts, []string{"a"}, nil, c, ann); !errors.As(err, &mistake) {
				t.Errorf("%s: %v", name, err)
			}
		}
		done, err := d.Decide(t.Context(), access.Accounts(foreign), Alerts, []string{"a"}, nil, Change{Comment: "seen"}, ann)
		if err != nil || len(done.Changed) != 0 || len(done.Missing) != 1 {
			t.Errorf("one of another account: %+v, %v", done, err)
		}
		if got := decision(t, d, Alerts, "a"); got.Version != 0 || len(got.Activity) != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// TestUndo takes decisions back, and not: too late, by another, by another kind of the same name, out of scope, after a later decision.
func TestUndo(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		save(t, d, Conclusion{Findings: true, Incidents: []incident.Incident{incidentOf("i", alertOf("a", own), alertOf("b", own))}})
		all := access.Everything()
		give := func() Changed {
			t.Helper()
			done, err := d.Decide(t.Context(), all, Incidents, []string{"i"}, nil, Change{Verdict: ptr(FalsePositive), Severity: ptr(finding.Low), SeverityReason: ptr("known")}, ann)
			if err != nil {
				t.Fatal(err)
			}
			return done
		}
		done := give()
		for name, by := range map[string]By{"late": byAt(noon.Add(UndoFor + time.Millisecond)), "another": {Name: "bob", Kind: "person", At: noon}, "a token of that name": {Name: "ann", Kind: "token", At: noon}} {
			if got, err := d.Undo(t.Context(), all, done.ID, by); !errors.Is(err, ErrTooLate) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		if got, err := d.Undo(t.Context(), access.Accounts(foreign), done.ID, ann); err != nil || len(got.Changed) != 0 {
			t.Errorf("out of scope: %+v, %v", got, err)
		}
		if got, err := d.Undo(t.Context(), all, done.ID, byAt(noon.Add(UndoFor))); err != nil || len(got.Changed) != 3 {
			t.Errorf("in time: %+v, %v", got, err)
		}
		if got, err := d.Undo(t.Context(), all, done.ID, ann); !errors.Is(err, ErrTooLate) {
			t.Errorf("twice: %+v, %v", got, err)
		}
		i := decision(t, d, Incidents, "i")
		if i.Verdict != "" || i.Status != "new" || i.SetByPerson || !i.Acknowledged.IsZero() || i.Version != 2 || !i.Activity[0].Undone {
			t.Errorf("%+v", i)
		}
		done = give()
		if _, err := d.Decide(t.Context(), all, Alerts, []string{"b"}, nil, Change{Comment: "wait"}, ann); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Undo(t.Context(), all, done.ID, ann); err != nil || !slices.Equal(got.Missing, []string{"b"}) || len(got.Changed) != 2 {
			t.Errorf("after a later decision: %+v, %v", got, err)
		}
	})
}

// TestEveryDecisionIsAudited counts audit entries beside activities.
func TestEveryDecisionIsAudited(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		save(t, d, Conclusion{Findings: true, Incidents: []incident.Incident{incidentOf("i", alertOf("a", own))}})
		all := access.Everything()
		if _, err := d.Decide(t.Context(), all, Incidents, []string{"i"}, nil, Change{Verdict: ptr(FalsePositive)}, ann); err != nil {
			t.Fatal(err)
		}
		if _, err := d.AddTask(t.Context(), all, "i", "call her", "bob", ann); err != nil {
			t.Fatal(err)
		}
		if _, err := d.AddLink(t.Context(), all, "i", "https://tickets.example/1", "ticket", ann); err != nil {
			t.Fatal(err)
		}
		l, err := audit.Open(t.Context(), d.Store())
		if err != nil {
			t.Fatal(err)
		}
		list, err := l.List(t.Context(), audit.Query{})
		var got []string
		for _, e := range list {
			got = append(got, e.Action+" "+e.Object)
		}
		slices.Sort(got)
		if want := []string{"alert.verdict a", "incident.link i", "incident.task i", "incident.verdict i"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestAThousandVerdicts gives one on 1,000 alerts at once, and takes it back.
func TestAThousandVerdicts(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		c := Conclusion{Findings: true}
		var uids []string
		for i := range 1000 {
			uids = append(uids, fmt.Sprintf("a%04d", i))
			c.Loose = append(c.Loose, alertOf(uids[i], own))
		}
		save(t, d, c)
		start := time.Now()
		done, err := d.Decide(t.Context(), access.Everything(), Alerts, uids, nil, Change{Verdict: ptr(FalsePositive)}, ann)
		took := time.Since(start)
		if err != nil || len(done.Changed) != 1000 {
			t.Fatal(len(done.Changed), err)
		}
		t.Logf("1,000 verdicts in %s", took)
		if took > 20*time.Second { // 2 s on a machine that does nothing else
			t.Errorf("1,000 verdicts took %s", took)
		}
		if done, err = d.Undo(t.Context(), access.Everything(), done.ID, ann); err != nil || len(done.Changed) != 1000 {
			t.Error(len(done.Changed), err)
		}
	})
}

// TestTasksAndLinks walks what people do about an incident, and what they cannot.
func TestTasksAndLinks(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		save(t, d, Conclusion{Findings: true, Incidents: []incident.Incident{incidentOf("i", alertOf("a", own))}})
		all := access.Everything()
		id, err := d.AddTask(t.Context(), all, "i", "call her", "bob", ann)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.ChangeTask(t.Context(), all, "i", id, TaskChange{Done: ptr(true), Version: ptr(int64(0))}, ann); err != nil {
			t.Error(err)
		}
		if err := d.ChangeTask(t.Context(), all, "i", id, TaskChange{Title: ptr("x"), Version: ptr(int64(0))}, ann); !errors.Is(err, ErrChanged) {
			t.Errorf("an old version is changed: %v", err)
		}
		link, err := d.AddLink(t.Context(), all, "i", "https://tickets.example/1?a=b", "ticket", ann)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"javascript:alert(1)", "data:text/html,x", "//host/x", "https://", "ftp://x/y", "https://user:secret@x/y", "\x00", " https://x"} {
			var mistake MistakeError
			if _, err := d.AddLink(t.Context(), all, "i", bad, "", ann); !errors.As(err, &mistake) {
				t.Errorf("link %q: %v", bad, err)
			}
		}
		if _, err := d.AddTask(t.Context(), access.Accounts(foreign), "i", "x", "", ann); !errors.Is(err, ErrNotFound) {
			t.Errorf("out of scope: %v", err)
		}
		c, err := d.Case(t.Context(), all, "i")
		if err != nil || len(c.Tasks) != 1 || c.Tasks[0].DoneBy != "ann" || c.Tasks[0].Version != 1 || len(c.Links) != 1 || len(c.Decision.Activity) != 3 || c.Decision.Version != 3 {
			t.Errorf("%+v, %v", c, err)
		}
		if err := d.DropLink(t.Context(), all, "i", link, ann); err != nil {
			t.Error(err)
		}
		if err := d.DropLink(t.Context(), all, "i", link, ann); !errors.Is(err, ErrNotFound) {
			t.Errorf("a link is taken away twice: %v", err)
		}
	})
}

func TestPresence(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		save(t, d, Conclusion{Findings: true, Incidents: []incident.Incident{incidentOf("i", alertOf("a", own))}})
		all := access.Everything()
		look := func(who, stream string, at time.Time) string {
			t.Helper()
			names, err := d.Look(t.Context(), all, "i", who, stream, at)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Join(names, " ")
		}
		got := []string{look("bob", "1", noon), look("ann", "2", noon), look("ann", "3", noon), look("ann", "2", noon.Add(PresenceFor+time.Second))}
		if err := d.LookAway(t.Context(), "2"); err != nil {
			t.Fatal(err)
		}
		got = append(got, look("cid", "4", noon.Add(PresenceFor+time.Second)))
		if want := []string{"bob", "ann bob", "ann bob", "ann", "cid"}; !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		if _, err := d.Look(t.Context(), access.Accounts(foreign), "i", "eve", "5", noon); !errors.Is(err, ErrNotFound) {
			t.Errorf("out of scope: %v", err)
		}
	})
}
