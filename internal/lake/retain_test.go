package lake

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

func TestRetentionPerSource(t *testing.T) {
	l := opened(t, t.TempDir())
	w := writer(t, l)
	add(t, w, record(1, noon), record(2, noon), record(3, noon.Add(48*time.Hour)))
	commit(t, w, map[string]uint64{"0": 7})
	ids := held(t, l)
	if len(ids) != 3 {
		t.Fatalf("%d events", len(ids))
	}
	if r, err := l.Retain(t.Context(), Retention{}, noon.AddDate(9, 0, 0)); err != nil || r.Files != 0 {
		t.Errorf("without a policy %+v goes (%v)", r, err)
	}
	if r, err := l.Retain(t.Context(), Retention{Otherwise: 1}, noon.Add(24*time.Hour)); err != nil || r.Files != 0 {
		t.Errorf("within its time %+v goes (%v)", r, err)
	}
	if r, err := l.Retain(t.Context(), Retention{Days: map[string]int{"another": 1}}, noon.AddDate(1, 0, 0)); err != nil || r.Files != 0 {
		t.Errorf("of another source %+v goes (%v)", r, err)
	}
	r, err := l.Retain(t.Context(), Retention{Otherwise: 1}, noon.Add(48*time.Hour))
	if err != nil || r.Rows != 2 || len(held(t, l)) != 1 || l.Positions()["0"] != 7 {
		t.Errorf("%+v went (%v), %d events are left, positions %v", r, err, len(held(t, l)), l.Positions())
	}
	changes, _, err := l.Changes(0)
	if err != nil || len(changes) == 0 || changes[len(changes)-1].Policy != "retention: others 1 days" || len(changes[len(changes)-1].Replaced) != 1 {
		t.Errorf("changes %+v (%v)", changes, err)
	}
}

func TestRetentionWritesAnewWhatStays(t *testing.T) {
	dir := t.TempDir()
	l := opened(t, dir)
	w := writer(t, l)
	for n, source := range []string{"flow", "trail", "flow", "trail"} {
		d := ocsf.NewDecoder(cloudtrail.Shape(), records.Limits{})
		err := d.Record([]byte(record(n, noon)), "", ocsf.Position{}, ocsf.Sink{
			Event: func(e *ocsf.Event) error {
				w.Append(Prepare(&Row{Event: e, SourceID: source, Received: noon}, noon))
				return nil
			},
			Unreadable: func(u ocsf.Unreadable) error { return errors.New(u.Reason) },
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	commit(t, w, nil)
	keep := Retention{Days: map[string]int{"flow": 30}}
	r, err := l.Retain(t.Context(), keep, noon.AddDate(0, 0, 31))
	if err != nil || r.Files != 1 || r.Rows != 2 {
		t.Fatalf("%+v went (%v), want the 2 rows of flow", r, err)
	}
	got := held(t, l)
	for _, n := range []string{"1", "3"} {
		if got["111122223333/00000000-0000-4000-8000-00000000000"+n] != 1 || len(got) != 2 {
			t.Errorf("left are %v, want 1 and 3", got)
		}
	}
	if r, err := l.Retain(t.Context(), keep, noon.AddDate(0, 0, 31)); err != nil || r.Files != 0 {
		t.Errorf("a second time %+v goes (%v)", r, err)
	}
	// What is known of a file is not read again: it cannot even be.
	files, err := l.Plan(t.Context(), time.Time{}, time.Time{})
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := os.Rename(files[0].Path, files[0].Path+".away"); err != nil {
		t.Fatal(err)
	}
	if r, err := l.Retain(t.Context(), keep, noon.AddDate(0, 0, 31)); err != nil || r.Files != 0 {
		t.Errorf("a file that is known is read again: %+v (%v)", r, err)
	}
	if _, err := l.Retain(t.Context(), Retention{Otherwise: 1}, noon.AddDate(0, 0, 31)); err == nil || !errors.As(err, new(*DamagedError)) {
		t.Errorf("under another policy it would go, and it cannot be read: %v", err)
	}
	if err := os.Rename(files[0].Path+".away", files[0].Path); err != nil {
		t.Fatal(err)
	}
	if err := l.Expire(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Sweep(t.Context(), time.Now().Add(time.Hour)); err != nil || dataFiles(t, dir) != 1 {
		t.Errorf("%d data files are left (%v), want 1", dataFiles(t, dir), err)
	}
}
