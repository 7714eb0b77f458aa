package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/ledger"
)

// TestACompactionThatCannotBeProven: before the ledger has a compaction, one of the files that it replaced comes to hold other events. The ledger waits before it
// and says why; the worker goes on; and when the file is put back the ledger catches up, with nothing lost.
func TestACompactionThatCannotBeProven(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	poisoned(t, dir)
	b := newBench(t, dir)
	defer b.close(t)
	w := b.brisk(rules(t))
	var ahead atomic.Int64
	w.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	var once sync.Once
	var path string
	var whole []byte
	w.At = func(step Step, _ []byte) {
		changes, _, err := b.lake.Changes(0)
		if step != StepCompacted || err != nil || len(changes) == 0 || len(changes[len(changes)-1].Replaced) < 2 {
			return
		}
		once.Do(func() {
			replaced := changes[len(changes)-1].Replaced
			path = b.lake.Path(replaced[0])
			if whole, err = os.ReadFile(path); err != nil { //nolint:gosec // of the test
				t.Error(err)
			}
			other, err := os.ReadFile(b.lake.Path(replaced[1]))
			if err == nil {
				err = os.WriteFile(path, other, 0o600)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	wait := func(what string, holds func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
			select {
			case err := <-done:
				t.Fatalf("%s: the worker ended: %v", what, err)
			default:
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: it takes too long", what)
			}
		}
	}
	deliver := func(name, id string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "in", name), []byte(record(id, "05", "ListRoles", map[string]any{"type": "Root"}, nil)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := deliverAll(t.Context(), b, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := deliverAll(t.Context(), b, nil); err != nil {
		t.Fatal(err)
	}
	wait("the first files", func() bool { return b.position() == 2 })
	deliver("c.json", "77")
	wait("a compaction that cannot be proven", func() bool { return w.Status.Unproven.Load() == 1 })
	deliver("d.json", "78")
	wait("the worker goes on", func() bool { return b.position() == 4 })
	if why, since := w.Unproven(); !strings.Contains(why, "prove compaction of") || since.IsZero() {
		t.Errorf("the ledger waits since %v because %q", since, why)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file that the proof needs is gone: %v", err)
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	ahead.Store(int64(proveAgain + time.Minute))
	deliver("e.json", "79")
	wait("the ledger goes on", func() bool { return b.position() == 5 && w.Status.Unproven.Load() == 0 })
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if why, _ := w.Unproven(); why != "" {
		t.Errorf("the ledger still waits: %s", why)
	}
	r, err := ledger.Verify(t.Context(), filepath.Join(dir, "ledger"), b.ledger.PublicKey(), DataFiles{filepath.Join(dir, "lake")}, time.Time{}, time.Time{})
	if err != nil || len(r.Problems) > 0 || r.Leaves[ledger.KindFilesReplaced] == 0 {
		t.Errorf("verify: %v, %v, leaves %v", err, r.Problems, r.Leaves)
	}
}
