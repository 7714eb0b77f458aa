package desk

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/health"
	"github.com/tocsin-security/tocsin/internal/store"
)

var midday = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func openTest(t *testing.T) *Desk {
	t.Helper()
	d, err := Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func hoursOf(t *testing.T, d *Desk, since time.Time) []health.Hour {
	t.Helper()
	out := []health.Hour{}
	if err := d.Hours(t.Context(), since, func(h health.Hour) { out = append(out, h) }); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestHoursAddUpAndKeepTheirPosition(t *testing.T) {
	t.Parallel()
	d := openTest(t)
	k := health.Key{Source: "trail", Format: "cloudtrail", Account: "111122223333", Region: "eu-west-1"}
	delivered := func(at time.Time, records int64) health.Hour {
		h := health.Hour{Key: k, Start: health.HourOf(at), Counts: health.Counts{Received: records, Stored: records}, Bytes: 10 * records, LastOccurred: at.Add(-time.Minute)}
		h.Arrived(at)
		h.Lags.Add(time.Minute)
		return h
	}
	for i, at := range []time.Time{midday.Add(5 * time.Minute), midday.Add(45 * time.Minute), midday.Add(3 * time.Hour)} {
		position := uint64(10 * (i + 1)) //nolint:gosec // small
		c := &Conclusion{Partition: "0", Position: position + 5, Tally: &Tally{Position: position, Hours: []health.Hour{delivered(at, 7)}}, Now: at}
		if err := d.Save(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := d.Tallied(t.Context(), "0"); err != nil || got != 30 {
		t.Errorf("counted up to %d, %v; want 30", got, err)
	}
	if got, err := d.Position(t.Context(), "0"); err != nil || got != 35 {
		t.Errorf("the findings reach %d, %v; want 35", got, err)
	}
	got := hoursOf(t, d, time.Time{})
	lags := func(n int64) health.Lags { l := make(health.Lags, len(got[0].Lags)); l[4] = n; return l }
	want := []health.Hour{
		{Key: k, Start: midday, Counts: health.Counts{Received: 14, Stored: 14}, Bytes: 140, Lags: lags(2), First: midday.Add(5 * time.Minute), Last: midday.Add(45 * time.Minute), LastOccurred: midday.Add(44 * time.Minute), Gap: 40 * time.Minute},
		{Key: k, Start: midday.Add(3 * time.Hour), Counts: health.Counts{Received: 7, Stored: 7}, Bytes: 70, Lags: lags(1), First: midday.Add(3 * time.Hour), Last: midday.Add(3 * time.Hour), LastOccurred: midday.Add(3*time.Hour - time.Minute), Gap: 135 * time.Minute},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(hoursOf(t, d, midday.Add(2*time.Hour))); n != 1 {
		t.Errorf("%d hours changed in the last hour, want 1", n)
	}
	if err := d.Watched(t.Context(), []string{"trail"}, 30*time.Second, midday.Add(health.Kept+2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if left := hoursOf(t, d, time.Time{}); len(left) != 2 || !left[0].Start.After(midday) || left[1].Watched != 30*time.Second {
		t.Errorf("after 15 days there is %+v", left)
	}
}

func TestAFailedSaveCountsNothing(t *testing.T) {
	t.Parallel()
	d := openTest(t)
	h := health.Hour{Key: health.Key{Source: "trail"}, Start: midday, Counts: health.Counts{Received: 1, Stored: 1}}
	bad := &Conclusion{Partition: "0", Position: 9, Tally: &Tally{Position: 9, Hours: []health.Hour{h}}, Now: midday, Findings: true, Loose: []finding.Alert{{UID: "a", Signals: []finding.Signal{{Event: finding.Card{Raw: []byte("{")}}}}}}
	if err := d.Save(t.Context(), bad); err == nil {
		t.Fatal("an alert that cannot be written is written")
	}
	if got, err := d.Tallied(t.Context(), "0"); err != nil || got != 0 || len(hoursOf(t, d, time.Time{})) != 0 {
		t.Errorf("something was counted: up to %d, %v", got, err)
	}
}

func healthAlerts(t *testing.T, d *Desk) []AlertRow {
	t.Helper()
	rows, err := d.Alerts(t.Context(), access.Everything(), Query{Withdrawn: true})
	if err != nil {
		t.Fatal(err)
	}
	return rows.Items
}

func TestATroubleLivesOnce(t *testing.T) {
	t.Parallel()
	d := openTest(t)
	trouble := func(since time.Time, sentence string) []health.Trouble {
		return []health.Trouble{{Key: health.Key{Source: "trail", Format: "cloudtrail", Account: "111122223333"}, Kind: health.KindSilence, Since: since, Severity: finding.Medium, Streams: 1, Sentence: sentence}}
	}
	save := func(list []health.Trouble, now time.Time) {
		t.Helper()
		if _, err := d.SaveTroubles(t.Context(), list, now); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		save(trouble(midday, fmt.Sprintf("silent for %d min", 15+i)), midday.Add(time.Duration(15+i)*time.Minute))
	}
	rows := healthAlerts(t, d)
	if len(rows) != 1 || rows[0].Sentence != "silent for 19 min" || rows[0].Status != "new" || rows[0].Kind != KindHealth || !rows[0].Created.Equal(midday.Add(15*time.Minute)) || rows[0].Severity != finding.Medium {
		t.Fatalf("five looks make %+v", rows)
	}
	if doc, err := d.Alert(t.Context(), access.Accounts("111122223333"), rows[0].UID); err != nil || !strings.Contains(string(doc), "silent for 19 min") {
		t.Errorf("its document: %s, %v", doc, err)
	}
	// A conclusion that knows nothing of it does not withdraw it.
	if err := d.Save(t.Context(), &Conclusion{Partition: "0", Position: 1, Findings: true, Now: midday.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if rows = healthAlerts(t, d); !rows[0].Withdrawn.IsZero() {
		t.Error("a conclusion withdrew it")
	}
	save(nil, midday.Add(2*time.Hour))
	rows = healthAlerts(t, d)
	if len(rows) != 1 || rows[0].Status != "closed" || !rows[0].Closed.Equal(midday.Add(2*time.Hour)) || !strings.HasPrefix(rows[0].Sentence, "Over since 2026-03-02T14:00:00Z, after 2 h 0 min. silent for 19 min") {
		t.Fatalf("when it is over: %+v", rows)
	}
	save(trouble(midday.Add(3*time.Hour), "silent again"), midday.Add(4*time.Hour))
	if rows = healthAlerts(t, d); len(rows) != 2 {
		t.Fatalf("the next silence is another alert: %+v", rows)
	}
	// The beginning of a drop can be reckoned otherwise later: it stays the same alert.
	save(trouble(midday.Add(200*time.Minute), "silent again, for longer"), midday.Add(5*time.Hour))
	if rows = healthAlerts(t, d); len(rows) != 2 {
		t.Errorf("one silence is told twice: %+v", rows)
	}
}

// TestADeskOfTheVersionBeforeOpens makes the tables as the first schema had them, with an alert in them.
func TestADeskOfTheVersionBeforeOpens(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "desk.db")
	first, err := fs.ReadFile(migrations, "migrations/00001_desk.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context(), fstest.MapFS{"00001_desk.sql": {Data: first}}); err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `INSERT INTO alerts (uid, title, sentence, severity, score, rule_id, rule_hash, account, origin, count, first_seen, last_seen, status, late, doc, created_at, updated_at)
		VALUES ('a', 't', 's', 4, 50, 'r', 'h', '111122223333', 'o', 1, 1, 2, 'new', 0, '{}', 1, 1)`)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if have, newest, err := Version(t.Context(), path); err != nil || have != 1 || newest <= have {
		t.Errorf("version %d of %d, %v", have, newest, err)
	}
	d, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if rows := healthAlerts(t, d); len(rows) != 1 || rows[0].Kind != KindDetection || rows[0].UID != "a" {
		t.Errorf("after the upgrade there is %+v", rows)
	}
	if have, newest, err := Version(t.Context(), path); err != nil || have != newest {
		t.Errorf("after the upgrade it is version %d of %d, %v", have, newest, err)
	}
}
