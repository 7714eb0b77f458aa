package pipeline

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ledger"
)

// TestAFileTornBeforeTheLedgerHasIt: a data file is torn between its commit, or the compaction that replaced it, and its leaf. The worker says so and goes
// on with the rest, and verify names the file; put back, a torn new file is clean again.
func TestAFileTornBeforeTheLedgerHasIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		step Step
		want ledger.ProblemKind
	}{{"after its commit", StepCommitted, ledger.Changed}, {"after the compaction that replaced it", StepCompacted, ledger.Unproven}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			poisoned(t, dir)
			b := newBench(t, dir)
			defer b.close(t)
			w := b.brisk(rules(t))
			torn, whole := "", []byte(nil)
			var once sync.Once
			w.At = func(step Step, _ []byte) {
				if step != c.step {
					return
				}
				path, found := tearable(t, b.lake, step)
				if !found {
					return
				}
				once.Do(func() {
					raw, err := os.ReadFile(path) //nolint:gosec // of the test
					if err == nil {
						torn, whole = path, raw
						err = os.Truncate(path, int64(len(raw)/2))
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
			if err := deliverAll(t.Context(), b, nil); err != nil {
				t.Fatal(err)
			}
			until(t, w, func() bool { return b.position() == 2 && (c.step == StepCompacted || w.Status.Damaged.Load() > 0) })
			if err := os.WriteFile(filepath.Join(dir, "in", "c.json"), []byte(record("77", "05", "ListRoles", map[string]any{"type": "Root"}, nil)), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := deliverAll(t.Context(), b, nil); err != nil {
				t.Fatal(err)
			}
			until(t, w, func() bool { return b.position() == 3 && w.Status.Damaged.Load() > 0 })
			name, err := filepath.Rel(filepath.Join(dir, "lake"), torn)
			if err != nil {
				t.Fatal(err)
			}
			verify := func() []ledger.Problem {
				t.Helper()
				r, err := ledger.Verify(t.Context(), filepath.Join(dir, "ledger"), b.ledger.PublicKey(), DataFiles{filepath.Join(dir, "lake")}, time.Time{}, time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				return r.Problems
			}
			if p := verify(); !slices.ContainsFunc(p, func(p ledger.Problem) bool {
				return p.Kind == c.want && strings.Contains(p.String(), filepath.ToSlash(name))
			}) {
				t.Errorf("verify finds %v, want %s %s", p, c.want, name)
			}
			if c.step != StepCommitted {
				return
			}
			files, err := b.lake.Plan(t.Context(), time.Time{}, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if paths, since := w.Damage(t.Context(), files); len(paths) != 1 || paths[0] != torn || since.IsZero() {
				t.Errorf("damaged are %v since %v, want %s", paths, since, torn)
			}
			if err := os.WriteFile(torn, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			if paths, _ := w.Damage(t.Context(), files); len(paths) != 0 || len(verify()) != 0 {
				t.Errorf("put back, damaged are %v, and verify finds %v", paths, verify())
			}
		})
	}
}

// tearable is a file that the step wrote, or put others in the place of.
func tearable(t *testing.T, l *lake.Lake, step Step) (path string, found bool) {
	t.Helper()
	changes, _, err := l.Changes(0)
	if err != nil || len(changes) == 0 {
		return "", false
	}
	for _, c := range slices.Backward(changes) {
		if step == StepCompacted && len(c.Replaced) > 0 {
			return l.Path(c.Replaced[0]), true
		}
		if step == StepCommitted && len(c.Added) > 0 {
			return l.Path(c.Added[0].Path), true
		}
	}
	return "", false
}
