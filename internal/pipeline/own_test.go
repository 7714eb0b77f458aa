package pipeline

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/lake"
)

// TestSigningInDoesNotEndAnArchive: somebody signs in today, before and while an archive of last season's logs is taken in. What Tocsin writes
// of that is no end of the window that detection reaches back to; the archive is judged as a scan does, also after a start from the lake.
func TestSigningInDoesNotEndAnArchive(t *testing.T) {
	t.Parallel()
	inv := simulated(t, "all")
	scan, err := Run(t.Context(), Files{inv}, Options{Rules: rules(t)})
	if err != nil {
		t.Fatal(err)
	}
	want := headlinesOf(scan)
	b := newBench(t, t.TempDir())
	defer b.close(t)
	signedIn(t, b, "1")
	w := b.worker(t, Timing{Conclude: 50 * time.Millisecond, Commit: 100 * time.Millisecond, Window: 60 * 24 * time.Hour})
	for i := range inv.Files {
		b.receive(t, inv.Files[i].Name)
		if i == len(inv.Files)/2 {
			signedIn(t, b, "2")
		}
	}
	last := b.last(t)
	until(t, w, func() bool { return w.Status.Position.Load() == last })
	w = b.worker(t, Timing{Conclude: 50 * time.Millisecond, Commit: 100 * time.Millisecond, Window: 60 * 24 * time.Hour})
	until(t, w, func() bool { return w.Status.Rebuilds.Load() > 0 })
	if d := cmp.Diff(want, b.headlines(t)); d != "" {
		t.Errorf("the desk differs from the scan:\n%s", d)
	}
	if age := time.Since(time.UnixMilli(w.Status.Since.Load())); age < 90*24*time.Hour {
		t.Errorf("detection reaches back %s only: the window ends with what Tocsin wrote of itself", age)
	}
}

// signedIn delivers what Tocsin writes of a sign-in of this moment.
func signedIn(t *testing.T, b *bench, id string) {
	t.Helper()
	text, err := audit.Events([]audit.Entry{{ID: id, At: time.Now(), Actor: "ada", Kind: "person", Address: "203.0.113.9", Action: "signin", Outcome: audit.Success}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "events.jsonl")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	inv, err := collect.List(t.Context(), []string{file}, nil, collect.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close() //nolint:errcheck // a test
	r := &Receiver{Stream: b.stream, Desk: b.desk, Now: time.Now}
	if _, err := r.Receive(t.Context(), Delivery{Source: audit.Source, Object: "audit/" + id, ETag: id, Lane: lake.LaneLive, Received: time.Now(), Inventory: inv}); err != nil {
		t.Fatal(err)
	}
}
