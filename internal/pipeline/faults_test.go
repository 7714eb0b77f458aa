package pipeline

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ledger"
)

// TestTwoWorkersOnOnePartition: both read the same batches and commit to one lake. The second to commit is refused, begins again where the lake is,
// and nothing is there twice.
func TestTwoWorkersOnOnePartition(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	poisoned(t, dir)
	b := newBench(t, dir)
	other, err := lake.Open(t.Context(), filepath.Join(dir, "lake"))
	if err != nil {
		t.Fatal(err)
	}
	if err := deliverAll(t.Context(), b, nil); err != nil {
		t.Fatal(err)
	}
	first, second := b.brisk(rules(t)), b.brisk(rules(t))
	second.Lake, second.Follow, second.Trials = other, nil, ""
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
	defer stop()
	conflict, committed := make(chan struct{}), make(chan struct{})
	second.At = func(step Step, _ []byte) {
		if step == StepDesk { // it has everything, and is about to commit on the lake as it was
			<-committed
		}
	}
	go func() {
		defer close(conflict)
		if err := second.Run(ctx); !errors.Is(err, lake.ErrConflict) {
			t.Errorf("the second worker ended with %v, want ErrConflict", err)
		}
	}()
	until(t, first, func() bool { return b.position() == 2 })
	close(committed)
	<-conflict
	if err := other.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	second.At = nil
	until(t, second, func() bool { return second.Status.Rebuilds.Load() > 0 })
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if err := b.lake.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := (&Follower{Lake: b.lake, Ledger: b.ledger, Mark: filepath.Join(dir, "ledger", "followed")}).Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.close(t)
	if totals := counted(t, dir, nil); totals["test/received"] != 41 || totals["test/stored"] != 41 {
		t.Errorf("the sums are %v", totals)
	}
}

// TestADamagedDataFile: torn, or deleted. The worker says which and goes on, and the ledger names it.
func TestADamagedDataFile(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(string) error{"torn": func(path string) error { return os.Truncate(path, 2000) }, "deleted": os.Remove} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			poisoned(t, dir)
			b := newBench(t, dir)
			defer b.close(t)
			if err := deliverAll(t.Context(), b, nil); err != nil {
				t.Fatal(err)
			}
			until(t, b.brisk(rules(t)), func() bool { return b.position() == 2 })
			files, err := b.lake.Plan(t.Context(), time.Time{}, time.Time{})
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			if err := damage(files[0].Path); err != nil {
				t.Fatal(err)
			}
			if err := lake.Records(t.Context(), files[0].Path, func(lake.Kept) error { return nil }); err == nil || !strings.Contains(err.Error(), files[0].Path) {
				t.Errorf("reading it: %v, want its name", err)
			}
			if err := os.WriteFile(filepath.Join(dir, "in", "c.json"), []byte(record("77", "05", "ListRoles", map[string]any{"type": "Root"}, nil)), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := deliverAll(t.Context(), b, nil); err != nil {
				t.Fatal(err)
			}
			w := b.brisk(rules(t))
			until(t, w, func() bool { return b.position() == 3 })
			if w.Status.Damaged.Load() == 0 {
				t.Error("nothing says that a file is damaged")
			}
			if totals := b.lake.Marks().Totals; totals["test/received"] != 42 || totals["test/stored"] != 42 {
				t.Errorf("the sums are %v", totals)
			}
			r, err := ledger.Verify(t.Context(), filepath.Join(dir, "ledger"), b.ledger.PublicKey(), DataFiles{filepath.Join(dir, "lake")}, time.Time{}, time.Time{})
			if err != nil || len(r.Problems) != 1 || !strings.HasSuffix(files[0].Path, r.Problems[0].Path) {
				t.Errorf("the ledger finds %v (%v), want %s", r, err, files[0].Path)
			}
		})
	}
}

// TestAReadOnlyLake: the worker stops and says so, the stream keeps what came, and once the folder can be written all of it is stored.
func TestAReadOnlyLake(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	poisoned(t, dir)
	b := newBench(t, dir)
	if err := deliverAll(t.Context(), b, nil); err != nil {
		t.Fatal(err)
	}
	// A file where the folder of data is to be refuses root as well, whom the rights of a folder do not stop.
	data := filepath.Join(dir, "lake", "data")
	if err := os.WriteFile(data, nil, 0o400); err != nil {
		t.Fatal(err)
	}
	w := b.brisk(rules(t))
	if err := w.Run(t.Context()); err == nil || !strings.Contains(err.Error(), data) {
		t.Errorf("the worker ended with %v, want a word on %s", err, data)
	}
	if u, err := b.stream.Usage(t.Context()); err != nil || u[0].Messages != 2 {
		t.Errorf("the stream holds %+v, %v", u, err)
	}
	if err := os.Remove(data); err != nil {
		t.Fatal(err)
	}
	until(t, w, func() bool { return b.position() == 2 })
	b.close(t)
	if totals := counted(t, dir, nil); totals["test/received"] != 41 || totals["test/stored"] != 41 {
		t.Errorf("the sums are %v", totals)
	}
}
