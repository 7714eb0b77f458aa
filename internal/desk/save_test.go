package desk

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

const (
	own     = "111111111111"
	foreign = "222222222222"
)

func TestSaveTwiceIsSaveOnce(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		c := Conclusion{
			Position: 7, Findings: true, Incidents: []incident.Incident{incidentOf("i1", alertOf("a1", own), alertOf("a2", own))}, Loose: []finding.Alert{alertOf("a3", own)},
			DeadLetters: []DeadLetter{{ID: "d1", Source: "logs", Object: "o", Reason: "r", Raw: []byte{0, 255}, ReceivedAt: noon}},
			Received:    func(string, string) time.Time { return noon.Add(-30 * time.Minute) },
		}
		save(t, d, c)
		first := map[string][]map[string]any{}
		for _, table := range []string{"incidents", "alerts", "dead_letters", "positions"} {
			first[table] = dump(t, d, table)
		}
		if len(first["incidents"]) != 1 || len(first["alerts"]) != 3 || len(first["dead_letters"]) != 1 {
			t.Fatalf("saved %v", first)
		}
		c.Now = noon.Add(time.Hour)
		save(t, d, c)
		for table, want := range first {
			if diff := cmp.Diff(want, dump(t, d, table)); diff != "" {
				t.Errorf("%s changed:\n%s", table, diff)
			}
		}
	})
}

func TestPositionsOnlyGrow(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		for _, p := range []struct {
			partition      string
			position, want uint64
		}{{"0", 5, 5}, {"0", 3, 5}, {"0", 9, 9}, {"1", 2, 2}, {"0", 9, 9}} {
			save(t, d, Conclusion{Partition: p.partition, Position: p.position})
			if got, err := d.Position(t.Context(), p.partition); err != nil || got != p.want {
				t.Errorf("after saving %d the position of %s is %d (%v), not %d", p.position, p.partition, got, err, p.want)
			}
		}
		if got, err := d.Position(t.Context(), "never"); err != nil || got != 0 {
			t.Errorf("a partition without a position: %d, %v", got, err)
		}
	})
}

func TestWhatIsNoLongerConcludedIsWithdrawn(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		old := alertOf("old", own)
		old.First, old.Last = noon.AddDate(0, 0, -40), noon.AddDate(0, 0, -39)
		taken := alertOf("taken", own)
		save(t, d, Conclusion{Findings: true, Incidents: []incident.Incident{incidentOf("i1", alertOf("a1", own))}, Loose: []finding.Alert{alertOf("a2", own), old, taken}})
		if _, err := d.db.ExecContext(t.Context(), "UPDATE alerts SET acknowledged_at = 5 WHERE uid = 'taken'"); err != nil {
			t.Fatal(err)
		}
		since := noon.AddDate(0, 0, -30)
		save(t, d, Conclusion{Findings: true, Since: since, Loose: []finding.Alert{alertOf("a2", own)}, Now: noon.Add(time.Hour)})
		if got, want := uids(t, d, Query{}), []string{"a2", "old", "taken"}; !cmp.Equal(got, want) {
			t.Errorf("left are %v, not %v", got, want)
		}
		if got := uids(t, d, Query{Withdrawn: true}); len(got) != 4 {
			t.Errorf("nothing is deleted, and yet there are %v", got)
		}
		save(t, d, Conclusion{Since: since, Now: noon.Add(2 * time.Hour)}) // no findings: all stays as it was
		save(t, d, Conclusion{Findings: true, Since: since, Loose: []finding.Alert{alertOf("a1", own), alertOf("a2", own)}, Now: noon.Add(3 * time.Hour)})
		if got, want := uids(t, d, Query{}), []string{"a1", "a2", "old", "taken"}; !cmp.Equal(got, want) {
			t.Errorf("after it came back there are %v, not %v", got, want)
		}
		if rows, err := d.Incidents(t.Context(), access.Everything(), Query{}); err != nil || len(rows.Items) != 0 {
			t.Errorf("the incident was withdrawn: %v, %v", rows, err)
		}
	})
}

func uids(t *testing.T, d *Desk, q Query) (out []string) {
	t.Helper()
	rows, err := d.Alerts(t.Context(), access.Everything(), q)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows.Items {
		out = append(out, r.UID)
	}
	if len(out) > 1 && !q.Withdrawn {
		for i := 1; i < len(out); i++ { // the lists are ordered by time; these tests compare sets
			for k := i; k > 0 && out[k] < out[k-1]; k-- {
				out[k], out[k-1] = out[k-1], out[k]
			}
		}
	}
	return out
}

// TestTimePointsStay saves a case again, changed, after people set every time point: none moves but for the first, which an
// earlier event moves back until the case is closed.
func TestTimePointsStay(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		received := noon.Add(-20 * time.Minute)
		at := func(first time.Time, count int, now time.Time) {
			a := alertOf("a1", own)
			a.First, a.Count = first, count
			in := incidentOf("i1", a)
			in.First, in.Score = first, float64(count)
			save(t, d, Conclusion{Findings: true, Incidents: []incident.Incident{in}, Received: func(string, string) time.Time { return received }, Now: now})
		}
		at(noon.Add(-time.Hour), 1, noon)
		for _, table := range []string{"alerts", "incidents"} {
			if _, err := d.db.ExecContext(t.Context(), "UPDATE "+table+` SET acknowledged_at = 3, triaged_at = 4, declared_at = 5, scoped_at = 6, contained_at = 7, eradicated_at = 8, recovered_at = 9`); err != nil {
				t.Fatal(err)
			}
		}
		received = noon
		at(noon.Add(-2*time.Hour), 2, noon.Add(time.Hour))
		want := map[string]int64{
			"occurred_at": noon.Add(-2 * time.Hour).UnixMilli(), "ingested_at": noon.Add(-20 * time.Minute).UnixMilli(), "created_at": noon.UnixMilli(),
			"acknowledged_at": 3, "triaged_at": 4, "declared_at": 5, "scoped_at": 6, "contained_at": 7, "eradicated_at": 8, "recovered_at": 9,
		}
		check := func(when string) {
			t.Helper()
			for _, table := range []string{"alerts", "incidents"} {
				row := dump(t, d, table)[0]
				for name, v := range want {
					if row[name] != v {
						t.Errorf("%s: %s of %s is %v, not %v", when, name, table, row[name], v)
					}
				}
			}
		}
		check("after an earlier event")
		at(noon.Add(-30*time.Minute), 3, noon.Add(2*time.Hour))
		check("after the earlier events are gone")
		for _, table := range []string{"alerts", "incidents"} {
			if _, err := d.db.ExecContext(t.Context(), "UPDATE "+table+" SET closed_at = 10"); err != nil {
				t.Fatal(err)
			}
		}
		want["closed_at"] = 10
		at(noon.Add(-5*time.Hour), 4, noon.Add(3*time.Hour))
		check("after it was closed")
		if n := dump(t, d, "alerts")[0]["count"]; n != int64(4) {
			t.Errorf("the count did not follow: %v", n)
		}
	})
}

// TestHostileTextIsKept saves what a log may hold and a database of text may refuse: the character 0, bytes that are no UTF-8, quotes.
func TestHostileTextIsKept(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		bad := "a\x00b\xff'; DROP TABLE alerts; --\u202e %s $1"
		a := alertOf("a1", bad)
		a.Title, a.Sentence, a.Origin.ID, a.Rule.ID = bad, bad, bad, bad
		in := incidentOf("i1", a)
		in.Headline = bad
		save(t, d, Conclusion{
			Findings: true, Incidents: []incident.Incident{in},
			DeadLetters: []DeadLetter{{ID: "d1", Source: bad, Object: bad, Format: bad, Reason: bad, Detail: bad, Raw: []byte(bad), ReceivedAt: noon}},
		})
		alerts, err := d.Alerts(t.Context(), access.Everything(), Query{})
		if err != nil || len(alerts.Items) != 1 || alerts.Items[0].Title != text(bad) {
			t.Errorf("%+v, %v", alerts, err)
		}
		dead, err := d.DeadLetters(t.Context(), access.Everything(), bad, 10)
		if err != nil || len(dead) != 1 || string(dead[0].Raw) != bad {
			t.Errorf("%+v, %v", dead, err)
		}
		if err := d.Delivered(t.Context(), Delivery{Source: bad, Object: bad, ETag: bad}); err != nil {
			t.Error(err)
		}
		if known, err := d.WasDelivered(t.Context(), bad, bad, bad); err != nil || !known {
			t.Errorf("a delivery with such a name: %v, %v", known, err)
		}
		if _, err := d.Alerts(t.Context(), access.Everything(), Query{Status: bad, Incident: bad}); err != nil {
			t.Error(err)
		}
		if _, err := d.Alert(t.Context(), access.Everything(), bad); err == nil {
			t.Error("there is an alert of that name")
		}
	})
}

// TestManyWriters saves from many goroutines while others read: everyone gets a turn, and nothing is lost.
func TestManyWriters(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		const writers, each = 8, 15
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for i := range each {
					c := Conclusion{Partition: fmt.Sprint(w), Position: uint64(i + 1), Now: noon, DeadLetters: []DeadLetter{{ID: fmt.Sprintf("%d-%d", w, i), ReceivedAt: noon}}}
					if err := d.Save(t.Context(), &c); err != nil {
						t.Error(err)
					}
					if err := d.Delivered(t.Context(), Delivery{Source: "logs", Object: fmt.Sprint(i), ETag: "e"}); err != nil {
						t.Error(err)
					}
					if _, err := d.DeadLetters(t.Context(), access.Everything(), "", 5); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if n := len(dump(t, d, "dead_letters")); n != writers*each {
			t.Errorf("%d dead letters of %d", n, writers*each)
		}
		for w := range writers {
			if p, err := d.Position(t.Context(), fmt.Sprint(w)); err != nil || p != each {
				t.Errorf("position of %d is %d, %v", w, p, err)
			}
		}
	})
}

// killedChild is set for the process that is killed: the address of its desk.
const killedChild = "TOCSIN_TEST_DESK"

// saveUntilKilled saves one position after the other, each with as many dead letters and one alert as its number says.
func saveUntilKilled(address string) {
	ctx := context.Background()
	d, err := Open(ctx, address)
	for err == nil {
		var at uint64
		if at, err = d.Position(ctx, "0"); err == nil {
			err = d.Save(ctx, numbered(at+1))
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func numbered(n uint64) *Conclusion {
	c := &Conclusion{Partition: "0", Position: n, Findings: true, Now: noon, Since: noon}
	for i := range 20 {
		c.DeadLetters = append(c.DeadLetters, DeadLetter{ID: fmt.Sprintf("%d-%d", n, i), ReceivedAt: noon, Raw: make([]byte, 2000)})
		c.Loose = append(c.Loose, alertOf(fmt.Sprintf("%d-%d", n, i), own))
	}
	return c
}

// TestKilledWhileItSaves kills a process again and again while it saves: position, findings and dead letters are always those of one moment.
func TestKilledWhileItSaves(t *testing.T) {
	t.Parallel()
	address := filepath.Join(t.TempDir(), "desk.db")
	at := uint64(0)
	for kill := range 12 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(150+37*kill)*time.Millisecond)
		child := exec.CommandContext(ctx, os.Args[0])
		child.Env = append(os.Environ(), killedChild+"="+address)
		out, _ := child.CombinedOutput()
		cancel()
		if child.ProcessState == nil || child.ProcessState.Exited() {
			t.Fatalf("the child ended by itself: %s", out)
		}
		d := open(t, address)
		reached, err := d.Position(t.Context(), "0")
		if err != nil || reached < at {
			t.Fatalf("the position fell from %d to %d: %v", at, reached, err)
		}
		at = reached
		for _, table := range []string{"dead_letters", "alerts"} {
			if n := len(dump(t, d, table)); uint64(n) != 20*at {
				t.Fatalf("after kill %d: position %d and %d rows in %s", kill+1, at, n, table)
			}
		}
	}
	if at == 0 {
		t.Error("nothing was ever saved: the kills come too soon")
	}
	t.Logf("12 kills, %d saves", at)
}
