package pipeline

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/snapshot"
)

// take feeds records in batches, as a worker does.
func take(t *testing.T, l *Live, list []keptRecord) {
	t.Helper()
	for len(list) > 0 {
		n := min(len(list), 500)
		for _, step := range []func(*ocsf.Event){l.Learn, func(e *ocsf.Event) { l.Judge(e, idOf(e)) }} {
			for _, k := range list[:n] {
				if err := l.decoders[k.format].Record(k.raw, k.id, k.at, ocsf.Sink{Event: func(e *ocsf.Event) error { step(e); return nil }}); err != nil {
					t.Fatal(err)
				}
			}
		}
		list = list[n:]
	}
}

// TestAMemoryConcludesWhatARebuildDoes stops in the middle of the simulated organisation and goes on in three ways: without a stop, from
// what was remembered, and from the lake judged again. The same further events must give the same conclusions.
func TestAMemoryConcludesWhatARebuildDoes(t *testing.T) {
	t.Parallel()
	inv := simulated(t, "all")
	o := Options{Rules: rules(t)}
	var all []keptRecord
	seen := map[string]bool{}
	err := EachRecord(t.Context(), inv, func(e *ocsf.Event) {
		if id := e.Str(ocsf.CloudAccountUID) + e.ID; !seen[id] {
			seen[id] = true
			all = append(all, keptRecord{raw: bytes.Clone(e.Raw), format: e.Mapping.Name, id: strings.Clone(e.ID), at: e.At})
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	half := len(all) / 2
	on := NewLive(o)
	take(t, on, all[:half])
	path := filepath.Join(t.TempDir(), "memory")
	if err := snapshot.Save(path, snapshot.Head{"position": "1"}, func(e *snapshot.Encoder) { err = on.encode(e) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	remembered := NewLive(o)
	if err := snapshot.Load(path, snapshot.Head{"position": "1"}, remembered.decode); err != nil {
		t.Fatal(err)
	}
	rebuilt := NewLive(o)
	if err := rebuilt.Rebuild(t.Context(), stored(t, all[:half])); err != nil {
		t.Fatal(err)
	}
	if a, b := told(t, on.Conclude()), told(t, remembered.Conclude()); len(a) < 10 || !cmp.Equal(a, b) {
		t.Errorf("after the start the memory differs (%d lines):\n%s", len(a), cmp.Diff(a, b))
	}
	ends := map[string]*Live{"on": on, "remembered": remembered, "rebuilt": rebuilt}
	out := map[string][]string{}
	whole := stored(t, all)
	for name, l := range ends {
		take(t, l, all[half:])
		l.Conclude()
		if l.Stale() {
			if err := l.Rebuild(t.Context(), whole); err != nil {
				t.Fatal(err)
			}
		}
		out[name] = told(t, l.Conclude())
	}
	for _, name := range []string{"remembered", "rebuilt"} {
		if d := cmp.Diff(out["on"], out[name]); d != "" {
			t.Errorf("%s differs from never having stopped:\n%s", name, d)
		}
	}
	info, err := os.Stat(path)
	if err == nil {
		t.Logf("%d events are remembered in %d KiB", half, info.Size()>>10)
	}
}

// stored is a lake that holds records.
func stored(t *testing.T, list []keptRecord) History {
	t.Helper()
	l, err := lake.Open(t.Context(), filepath.Join(t.TempDir(), "lake"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w, err := l.NewWriter()
	if err != nil {
		t.Fatal(err)
	}
	from := NewLive(Options{Rules: rules(t)})
	for _, k := range list {
		err := from.decoders[k.format].Record(k.raw, k.id, k.at, ocsf.Sink{Event: func(e *ocsf.Event) error {
			w.Append(lake.Prepare(&lake.Row{Event: e, Format: k.format, BatchID: k.at.Source}, time.Now()))
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Commit(t.Context(), lake.Marks{}); err != nil {
		t.Fatal(err)
	}
	files, err := l.Plan(t.Context(), time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return History{Lake: l, Files: files}
}

// logged is a log that tests read.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// TestAWorkerTakesUpItsMemoryOrSaysWhyNot stops a worker and starts it again: with the memory as it was left, damaged, of another
// set-up, and of before the last commit, as a kill leaves it.
func TestAWorkerTakesUpItsMemoryOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	inv := simulated(t, "all")
	b := newBench(t, t.TempDir())
	defer b.close(t)
	path := filepath.Join(b.dir, "memory")
	timing := Timing{Conclude: 20 * time.Millisecond, Commit: 100 * time.Millisecond, Window: 365 * 24 * time.Hour}
	log := &logged{}
	start := func(change func(w *Worker)) *Worker {
		t.Helper()
		w := b.worker(t, timing)
		w.Memory, w.Log = path, slog.New(slog.NewTextHandler(log, nil))
		if change != nil {
			change(w)
		}
		last := b.last(t)
		until(t, w, func() bool {
			return w.Status.Position.Load() >= last && w.Status.Rebuilds.Load()+w.Status.Remembered.Load() > 0 || w.Status.Commits.Load() > 0 && w.Status.Position.Load() >= last
		})
		return w
	}
	paths := pathsOf(inv)
	half := len(paths) / 2
	b.receive(t, paths[:half]...)
	start(nil)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	start(nil)                    // judges the lake again, which settles what came late
	old, err := os.ReadFile(path) //nolint:gosec // of this test
	if err != nil {
		t.Fatal(err)
	}
	want := b.headlines(t)
	check := func(what string, remembered bool, because string, w *Worker) {
		t.Helper()
		if got := w.Status.Remembered.Load() == 1; got != remembered {
			t.Errorf("%s: remembered %v, want %v: %s", what, got, remembered, log.b.String())
		}
		if !remembered && (!strings.Contains(log.b.String(), because) || w.Status.Rebuilds.Load() == 0) {
			t.Errorf("%s: the log lacks %q, or nothing was rebuilt (%d): %s", what, because, w.Status.Rebuilds.Load(), log.b.String())
		}
		if d := cmp.Diff(want, b.headlines(t)); d != "" {
			t.Errorf("%s: the desk differs:\n%s", what, d)
		}
		log.b.Reset()
	}
	check("as it was left", true, "", start(nil))
	damaged, err := os.ReadFile(path) //nolint:gosec // of this test
	if err != nil {
		t.Fatal(err)
	}
	damaged[len(damaged)/2] ^= 1
	write(t, path, damaged)
	check("damaged", false, "its hash is another", start(nil))
	write(t, path, damaged[:20])
	check("cut off", false, "it is cut off", start(nil))
	env := &enrich.Environment{Regions: []string{"eu-west-1"}}
	check("another environment", false, "environment was", start(func(w *Worker) { w.Judging.Environment = env }))
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	b.receive(t, paths[half:]...)
	start(nil)
	write(t, path, old)
	scan, err := Run(t.Context(), Files{inv}, Options{Rules: rules(t)})
	if err != nil {
		t.Fatal(err)
	}
	want = headlinesOf(scan) // what was late is settled by judging everything again
	check("of before the last commit", false, "position was", start(nil))
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
