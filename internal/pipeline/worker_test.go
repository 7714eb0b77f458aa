package pipeline

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ledger"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// bench is everything that a worker stands on, in one folder.
type bench struct {
	stream *stream.Stream
	lake   *lake.Lake
	desk   *desk.Desk
	ledger *ledger.Ledger
	dir    string
}

func newBench(t *testing.T, dir string) *bench {
	t.Helper()
	b := &bench{dir: dir}
	var err error
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	b.stream, err = stream.Open(t.Context(), stream.Options{Dir: filepath.Join(dir, "stream"), MaxBytes: 256 << 20})
	must(err)
	b.lake, err = lake.Open(t.Context(), filepath.Join(dir, "lake"))
	must(err)
	b.desk, err = desk.Open(t.Context(), filepath.Join(dir, "desk.db"))
	must(err)
	b.ledger, err = ledger.Open(t.Context(), ledger.Options{Dir: filepath.Join(dir, "ledger"), Origin: "test/ledger"})
	must(err)
	return b
}

func (b *bench) close(t *testing.T) {
	t.Helper()
	for _, c := range []interface{ Close() error }{b.stream, b.ledger, b.lake, b.desk} {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func (b *bench) worker(t *testing.T, timing Timing) *Worker {
	t.Helper()
	f := &Follower{Lake: b.lake, Ledger: b.ledger, Mark: filepath.Join(b.dir, "ledger", "followed")}
	return &Worker{Stream: b.stream, Lake: b.lake, Desk: b.desk, Follow: f.Follow, Judging: Options{Rules: rules(t)}, Timing: timing, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
}

// receive delivers each file of an inventory as an object of its own.
func (b *bench) receive(t *testing.T, paths ...string) Receipt {
	t.Helper()
	var sum Receipt
	r := &Receiver{Stream: b.stream, Desk: b.desk, Now: time.Now}
	for _, path := range paths {
		inv, err := collect.List(t.Context(), []string{path}, nil, collect.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Receive(t.Context(), Delivery{Source: "test", Object: filepath.Base(path), Lane: lake.LaneLive, Received: time.Now(), Inventory: inv})
		if err != nil {
			t.Fatal(err)
		}
		sum.Records += got.Records
		sum.Unreadable += got.Unreadable
		if err := inv.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return sum
}

// last is the position of what was received last.
func (b *bench) last(t *testing.T) uint64 {
	t.Helper()
	at, err := b.stream.Last(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// pathsOf are the files of an inventory.
func pathsOf(inv *collect.Inventory) []string {
	var paths []string
	for i := range inv.Files {
		paths = append(paths, inv.Files[i].Name)
	}
	return paths
}

// until runs a worker until a condition holds, and stops it in order.
func until(t *testing.T, w *Worker, holds func() bool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	deadline := time.After(10 * time.Minute)
	for !holds() {
		select {
		case err := <-done:
			t.Fatalf("the worker ended: %v", err)
		case <-deadline:
			t.Fatal("it takes too long")
		case <-time.After(20 * time.Millisecond):
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// headlines are the incidents on the desk as people see them.
func (b *bench) headlines(t *testing.T) map[string]string {
	t.Helper()
	rows, err := b.desk.Incidents(t.Context(), access.Everything(), desk.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, r := range rows.Items {
		out[r.UID] = r.Severity.String() + " " + r.Headline
	}
	return out
}

// headlinesOf are the incidents of a scan as people see them.
func headlinesOf(scan *Result) map[string]string {
	out := map[string]string{}
	for i := range scan.Incidents {
		out[scan.Incidents[i].UID] = scan.Incidents[i].Severity.String() + " " + scan.Incidents[i].Headline
	}
	return out
}

func TestAWorkerConcludesWhatAScanDoes(t *testing.T) {
	t.Parallel()
	inv := simulated(t, "all")
	scan, err := Run(t.Context(), Files{inv}, Options{Rules: rules(t)})
	if err != nil {
		t.Fatal(err)
	}
	want := headlinesOf(scan)
	b := newBench(t, t.TempDir())
	defer b.close(t)
	paths := pathsOf(inv)
	receipt := b.receive(t, paths...)
	if receipt.Records != scan.Received.Mapped+scan.Received.Duplicate {
		t.Errorf("%d records are in the stream, the scan saw %d and %d duplicates", receipt.Records, scan.Received.Mapped, scan.Received.Duplicate)
	}
	if again := b.receive(t, paths[0]); !again.Known && again.Records > 0 {
		t.Errorf("a file that was delivered is delivered again: %+v", again)
	}
	last := b.last(t)
	w := b.worker(t, Timing{Conclude: 50 * time.Millisecond, Commit: 300 * time.Millisecond, Window: 365 * 24 * time.Hour})
	until(t, w, func() bool { return w.Status.Position.Load() == last })
	// Started again, it takes up where it was, and settles what late records changed.
	w = b.worker(t, Timing{Conclude: 50 * time.Millisecond, Commit: 300 * time.Millisecond, Window: 365 * 24 * time.Hour})
	until(t, w, func() bool { return w.Status.Rebuilds.Load() > 0 })
	if d := cmp.Diff(want, b.headlines(t)); d != "" {
		t.Errorf("the desk differs from the scan:\n%s", d)
	}
	totals := b.lake.Marks().Totals
	if totals["test/received"] != totals["test/stored"]+totals["test/duplicate"]+totals["test/dead"] || int64(totals["test/stored"]) != scan.Received.Mapped {
		t.Errorf("the double entry does not balance: %v, the scan mapped %d", totals, scan.Received.Mapped)
	}
	report, err := ledger.Verify(t.Context(), filepath.Join(b.dir, "ledger"), b.ledger.PublicKey(), DataFiles{filepath.Join(b.dir, "lake")}, time.Time{}, time.Time{})
	if err != nil || len(report.Problems) > 0 || report.Hashed == 0 {
		t.Errorf("ledger: %v, %d hashed, %v", report.Problems, report.Hashed, err)
	}
	usage, err := b.stream.Usage(t.Context())
	if err != nil || usage[0].Messages != 0 {
		t.Errorf("the stream still holds what both sinks have: %+v, %v", usage, err)
	}
}

// TestRulesThatChangeAreTakenIn: a worker that judged by one rule is given all of them while it runs, and then tells of the whole history what a scan does.
func TestRulesThatChangeAreTakenIn(t *testing.T) {
	t.Parallel()
	inv := simulated(t, "bucket-ransom")
	scan, err := Run(t.Context(), Files{inv}, Options{Rules: rules(t)})
	if err != nil {
		t.Fatal(err)
	}
	want := headlinesOf(scan)
	one, mistakes := detect.Parse("one.yml", []byte("title: Never\nid: 11111111-2222-4333-8444-555555555555\nlogsource: {product: aws, service: cloudtrail}\ndetection: {a: {eventName: Nothing}, condition: a}\nlevel: low\n"))
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	b := newBench(t, t.TempDir())
	defer b.close(t)
	paths := pathsOf(inv)
	b.receive(t, paths...)
	last := b.last(t)
	var now atomic.Pointer[detect.Rules]
	now.Store(one)
	w := b.worker(t, Timing{Conclude: 50 * time.Millisecond, Commit: 300 * time.Millisecond, Window: 365 * 24 * time.Hour})
	w.Rules = now.Load
	all := rules(t)
	until(t, w, func() bool {
		if w.Status.Position.Load() == last && now.CompareAndSwap(one, all) {
			if told := b.headlines(t); len(told) > 0 && cmp.Equal(told, want) {
				t.Error("the rule that never fires tells as much: nothing is compared")
			}
		}
		return now.Load() == all && cmp.Equal(want, b.headlines(t))
	})
	if w.Status.Rebuilds.Load() == 0 || len(want) == 0 {
		t.Errorf("%d incidents, and the lake was judged again %d times", len(want), w.Status.Rebuilds.Load())
	}
}
