package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/content"
	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ledger"
	"github.com/tocsin-security/tocsin/internal/stream"
	"github.com/tocsin-security/tocsin/simulate"
)

// What is set for the child process that kills itself at a step: its folder, the step, and how often that must be met before.
const (
	pointDir   = "TOCSIN_TEST_POINT_DIR"
	pointStep  = "TOCSIN_TEST_POINT_STEP"
	pointTimes = "TOCSIN_TEST_POINT_TIMES"
)

// stepPublished is met after a batch is in the stream, and before its object is noted as delivered.
const stepPublished Step = "published"

// poisonMark stands in the record that the process does not survive.
const poisonMark = "tocsin-test-poison"

// openBench opens everything that a worker stands on.
func openBench(ctx context.Context, dir string) (b *bench, err error) {
	b = &bench{dir: dir}
	if b.stream, err = stream.Open(ctx, stream.Options{Dir: filepath.Join(dir, "stream"), MaxBytes: 256 << 20}); err != nil {
		return nil, err
	}
	if b.lake, err = lake.Open(ctx, filepath.Join(dir, "lake")); err != nil {
		return nil, err
	}
	if b.desk, err = desk.Open(ctx, filepath.Join(dir, "desk.db")); err != nil {
		return nil, err
	}
	b.ledger, err = ledger.Open(ctx, ledger.Options{Dir: filepath.Join(dir, "ledger"), Origin: "test/ledger"})
	return b, err
}

// position is up to where the lake has the stream.
func (b *bench) position() uint64 {
	epoch, err := b.stream.Epoch(0)
	if err != nil {
		panic(err)
	}
	return b.lake.Marks().Positions[partitionAt(epoch)]
}

// brisk does in a second what a running Tocsin does in an hour.
var brisk = Timing{Conclude: 20 * time.Millisecond, Commit: 40 * time.Millisecond, Tidy: 150 * time.Millisecond, Window: 365 * 24 * time.Hour}

func (b *bench) brisk(r *detect.Rules) *Worker {
	f := &Follower{Lake: b.lake, Ledger: b.ledger, Mark: filepath.Join(b.dir, "ledger", "followed")}
	w := &Worker{
		Stream: b.stream, Lake: b.lake, Desk: b.desk, Follow: f.Follow, Judging: Options{Rules: r}, Timing: brisk, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Trials: filepath.Join(b.dir, "stream", "trials"),
	}
	f.Damaged = w.Harmed
	return w
}

// deliverAll delivers every file of the folder in.
func deliverAll(ctx context.Context, b *bench, paused func(source, why string)) error {
	files, err := os.ReadDir(filepath.Join(b.dir, "in"))
	if err != nil {
		return err
	}
	r := &Receiver{Stream: b.stream, Desk: b.desk, Now: time.Now, Paused: paused}
	for _, f := range files {
		inv, err := collect.List(ctx, []string{filepath.Join(b.dir, "in", f.Name())}, nil, collect.Limits{})
		if err != nil {
			return err
		}
		_, err = r.Receive(ctx, Delivery{Source: "test", Object: f.Name(), Lane: lake.LaneLive, Received: time.Now(), Inventory: inv})
		if err = errors.Join(err, inv.Close()); err != nil {
			return err
		}
	}
	return nil
}

func loadedRules() (*detect.Rules, error) {
	r, mistakes, err := detect.Load(content.Rules, "rules")
	if err == nil && len(mistakes) > 0 {
		err = errors.New("the rules have mistakes")
	}
	return r, err
}

// liveUntilStep is the child. It ends with 0 when all was taken in and the step did not come.
func liveUntilStep(dir string) {
	ctx, stop := context.WithCancel(context.Background())
	step := Step(os.Getenv(pointStep))
	left := atomic.Int64{}
	n, _ := strconv.Atoi(os.Getenv(pointTimes))
	left.Store(int64(n))
	at := func(s Step, record []byte) {
		poison := step == StepRecord && n == 0 && strings.Contains(string(record), poisonMark)
		if poison || s == step && n > 0 && left.Add(-1) == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // it is not survived
		}
	}
	end := func(err error) {
		fmt.Println("error", err)
		os.Exit(3)
	}
	b, err := openBench(ctx, dir)
	if err != nil {
		end(err)
	}
	r, err := loadedRules()
	if err != nil {
		end(err)
	}
	w := b.brisk(r)
	w.At = at
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	if err := deliverAll(ctx, b, func(_, why string) {
		if why == "" {
			at(stepPublished, nil)
		}
	}); err != nil {
		end(err)
	}
	last, err := b.stream.Last(ctx, 0)
	if err != nil {
		end(err)
	}
	for range 3000 {
		began := w.Status.Rebuilds.Load()+w.Status.Commits.Load() > 0 // and so the ledger was made to follow
		if began && b.position() >= last && (n == 0 || step == stepPublished || step == StepRecord) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	if err := <-done; err != nil {
		end(err)
	}
	os.Exit(0)
}

// life runs the child once. It reports whether it was killed.
func life(t *testing.T, dir string, step Step, times int) bool {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this test itself
	child.Env = append(os.Environ(), pointDir+"="+dir, pointStep+"="+string(step), pointTimes+"="+strconv.Itoa(times))
	output, err := child.CombinedOutput()
	if err == nil {
		return false
	}
	if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Fatalf("the child failed: %v: %s", err, output)
	}
	return true
}

// kills is how many each crash point gets.
func kills(t *testing.T, otherwise int) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("TOCSIN_KILLS")); err == nil && n > 0 {
		return max(1, n/12)
	}
	return otherwise
}

// TestCrashPoints kills a process that collects, judges, stores and ledgers, exactly between two writes: each crash point of the design in its
// turn, at a seeded repetition of it. Then it counts: no event lost, none twice, the sums balance, the ledger verifies, and the
// incidents are those of a scan of the same files.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	c := simulate.Config{Seed: 21, Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: 2, Scale: 0.15, Attacks: []string{"bucket-ransom"}}
	if _, err := simulate.WriteTree(t.Context(), tree, c, nil); err != nil {
		t.Fatal(err)
	}
	inv, err := collect.List(t.Context(), []string{filepath.Join(tree, "logs")}, nil, collect.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inv.Close() })
	scan, err := Run(t.Context(), Files{inv}, Options{Rules: rules(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct {
		name string
		step Step
		most int // repetitions before the kill
	}{
		{"published and not acknowledged", stepPublished, 3},
		{"in the midst of a batch", StepRecord, 40},
		{"findings saved and lake not committed", StepSaved, 2},
		{"dead letters saved and lake not committed", StepDesk, 3},
		{"lake committed and ledger not", StepCommitted, 3},
		{"compacted and ledger not", StepCompacted, 2},
		{"ledgered and stream not purged", StepLedgered, 3},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			want, pace := kills(t, 10), rand.New(rand.NewPCG(1, uint64(len(p.name)))) //nolint:gosec // seeded
			if err := os.Mkdir(filepath.Join(dir, "in"), 0o750); err != nil {
				t.Fatal(err)
			}
			given, killed := 0, 0
			for lives := range want {
				for ; given < len(inv.Files)*(lives+1)/want; given++ {
					give(t, inv.Files[given].Name, dir, given)
				}
				if life(t, dir, p.step, 1+pace.IntN(p.most)) {
					killed++
				}
			}
			if killed < want*2/3 {
				t.Errorf("only %d of %d lives met the point", killed, want)
			}
			if life(t, dir, "", 0) {
				t.Fatal("the last life was killed")
			}
			again := blamed(t, dir)
			if again > 0 && life(t, dir, "", 0) {
				t.Fatal("the life after the last was killed")
			}
			counted(t, dir, scan)
			t.Logf("%d kills; lost 0, twice 0; %d given in again", killed, again)
		})
	}
}

// give copies a file in, every fifth of them twice: what is delivered again under another name is a duplicate.
func give(t *testing.T, path, dir string, n int) {
	t.Helper()
	raw, err := os.ReadFile(path) //nolint:gosec // of the test
	if err != nil {
		t.Fatal(err)
	}
	for copies := range 1 + n%5/4 {
		if err := os.WriteFile(filepath.Join(dir, "in", fmt.Sprintf("%05d-%d-%s", n, copies, filepath.Base(path))), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// blamed gives those records in again that were dead letters as they happened to be at work whenever the process was killed, and returns how many.
func blamed(t *testing.T, dir string) int {
	t.Helper()
	b, err := openBench(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close(t)
	letters, err := b.desk.DeadLetters(t.Context(), access.Everything(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range letters {
		if !strings.HasPrefix(l.Reason, ReasonPoison) {
			t.Errorf("dead letter: record %d of %q: %s: %s", l.Record, l.Object, l.Reason, l.Detail)
		}
		if err := os.WriteFile(filepath.Join(dir, "in", fmt.Sprintf("again-%d.json", i)), fmt.Appendf(nil, `{"Records":[%s]}`, l.Raw), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return len(letters)
}

// counted compares what is kept with a scan.
func counted(t *testing.T, dir string, scan *Result) map[string]uint64 {
	t.Helper()
	b, err := openBench(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close(t)
	rows, distinct := int64(0), map[string]bool{}
	if err := b.lake.Identities(t.Context(), time.Time{}, time.Time{}, func(_ time.Time, account, uid string) { rows++; distinct[account+" "+uid] = true }); err != nil {
		t.Fatal(err)
	}
	totals := b.lake.Marks().Totals
	letters, err := b.desk.DeadLetters(t.Context(), access.Everything(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	if totals["test/received"] != totals["test/stored"]+totals["test/duplicate"]+totals["test/dead"] || int64(totals["test/stored"]) != rows || int(totals["test/dead"]) != len(letters) { //nolint:gosec // small
		t.Errorf("the double entry does not balance with %d rows and %d dead letters: %v", rows, len(letters), totals)
	}
	for _, l := range letters {
		t.Logf("dead letter: record %d of %q: %s: %s", l.Record, l.Object, l.Reason, l.Detail)
	}
	if int64(len(distinct)) != rows {
		t.Errorf("%d rows of %d events: something is there twice", rows, len(distinct))
	}
	report, err := ledger.Verify(t.Context(), filepath.Join(dir, "ledger"), b.ledger.PublicKey(), DataFiles{filepath.Join(dir, "lake")}, time.Time{}, time.Time{})
	if err != nil || len(report.Problems) > 0 || report.Hashed == 0 {
		t.Errorf("ledger: %v, %d hashed, %v", report.Problems, report.Hashed, err)
	}
	if scan == nil {
		return totals
	}
	if rows != scan.Received.Mapped {
		t.Errorf("%d rows, the scan found %d events", rows, scan.Received.Mapped)
	}
	want := headlinesOf(scan)
	if d := cmp.Diff(want, b.headlines(t)); d != "" || len(want) == 0 {
		t.Errorf("the incidents differ from those of a scan:\n%s", d)
	}
	return totals
}
