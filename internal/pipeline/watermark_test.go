package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
)

// TestALateEventSaysSo: a record from 2099 does not move the watermark past its receipt, one that is a year late is stored and judged, and its
// alert says that it came late; one in time does not.
func TestALateEventSaysSo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "in"), 0o750); err != nil {
		t.Fatal(err)
	}
	admin := func(n int, at time.Time) string {
		return record(fmt.Sprintf("%02d", n), "00", "AttachUserPolicy", map[string]any{"type": "IAMUser", "userName": "u", "arn": fmt.Sprintf("arn:aws:iam::111122223333:user/u%d", n), "accountId": "111122223333"},
			map[string]any{"eventTime": at.UTC().Format(time.RFC3339), "requestParameters": map[string]any{"userName": "bob", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}})
	}
	now := time.Now()
	b := newBench(t, dir)
	defer b.close(t)
	w := b.brisk(rules(t))
	for i, at := range []time.Time{time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), now.Add(-time.Minute), now.AddDate(-1, 0, 0)} {
		if err := os.WriteFile(filepath.Join(dir, "in", fmt.Sprintf("%d.json", i)), []byte(admin(i, at)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := deliverAll(t.Context(), b, nil); err != nil {
			t.Fatal(err)
		}
	}
	until(t, w, func() bool { return b.position() == 3 && w.Status.Incidents.Load() > 0 })
	alerts, err := b.desk.Alerts(t.Context(), access.Everything(), desk.Query{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[bool]int{}
	for _, a := range alerts.Items {
		old := a.First.Before(now.AddDate(0, -6, 0))
		if a.Late != old && a.First.Year() != 2099 {
			t.Errorf("an alert of %s says late: %v (%s)", a.First, a.Late, a.Title)
		}
		seen[old]++
	}
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("%d alerts of a year ago, %d of today: nothing is compared", seen[true], seen[false])
	}
	marks, err := b.desk.Watermarks(t.Context(), "test")
	if err != nil || len(marks) != 1 || marks[0].Account != "111122223333" || marks[0].Region != "us-east-1" || marks[0].At.After(time.Now().Add(clockSkew)) || marks[0].At.Before(now) {
		t.Errorf("watermarks %+v, %v; want one, five minutes after its receipt", marks, err)
	}
	if rows := b.lake.Marks().Totals["test/stored"]; rows != 3 {
		t.Errorf("%d events are stored, want 3", rows)
	}
}
