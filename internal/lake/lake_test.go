package lake

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// TestMain is also the process that TestKilledWriterLosesNothing kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("TOCSIN_TEST_LAKE"); dir != "" {
		writeUntilKilled(dir)
		return
	}
	os.Exit(m.Run())
}

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// record is a CloudTrail record of its own id and time.
func record(n int, at time.Time) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/u%d","accountId":"111122223333","userName":"u%d"},"eventTime":%q,"eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.%d","userAgent":"aws-cli/2","requestParameters":{"n":%d},"eventID":"00000000-0000-4000-8000-%012d","eventType":"AwsApiCall","recipientAccountId":"111122223333","readOnly":true}`,
		n%7, n%7, at.Format(time.RFC3339), n%250, n, n)
}

// add decodes records and appends them.
func add(tb testing.TB, w *Writer, lines ...string) {
	tb.Helper()
	if err := decode(w, strings.Join(lines, "\n")); err != nil {
		tb.Fatal(err)
	}
}

func decode(w *Writer, text string) error {
	d := ocsf.NewDecoder(cloudtrail.Shape(), records.Limits{})
	return d.Decode(context.Background(), strings.NewReader(text), "test", ocsf.Sink{
		Event: func(e *ocsf.Event) error {
			w.Append(Prepare(&Row{Event: e, Format: "cloudtrail", SrcIP: e.Str(ocsf.SrcIP), Lane: LaneLive, Received: noon}, noon))
			return nil
		},
		Unreadable: func(u ocsf.Unreadable) error { return errors.New(u.Reason) },
	})
}

func opened(tb testing.TB, dir string) *Lake {
	tb.Helper()
	l, err := Open(tb.Context(), dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
	})
	return l
}

func writer(tb testing.TB, l *Lake) *Writer {
	tb.Helper()
	w, err := l.NewWriter()
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

func commit(tb testing.TB, w *Writer, positions map[string]uint64) Committed {
	tb.Helper()
	c, err := w.Commit(tb.Context(), Marks{Positions: positions})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// held counts the events of the lake by vendor id.
func held(tb testing.TB, l *Lake) map[string]int {
	tb.Helper()
	out := map[string]int{}
	err := l.Identities(tb.Context(), time.Time{}, time.Time{}, func(_ time.Time, account, uid string) { out[account+"/"+uid]++ })
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func dataFiles(tb testing.TB, dir string) int {
	tb.Helper()
	n := 0
	err := filepath.WalkDir(filepath.Join(dir, "data"), func(p string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(p, ".parquet") {
			n++
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func TestACommitHoldsItsEventsAndPositions(t *testing.T) {
	dir := t.TempDir()
	l := opened(t, dir)
	w := writer(t, l)
	add(t, w, record(1, noon), record(2, noon), record(3, noon.Add(24*time.Hour)))
	c := commit(t, w, map[string]uint64{"0": 7, "1": 3})
	if c.Rows != 3 || c.Files != 2 {
		t.Errorf("%d rows in %d files, want 3 in 2: one per day", c.Rows, c.Files)
	}
	add(t, w, record(4, noon))
	commit(t, w, map[string]uint64{"0": 9})

	again := opened(t, dir)
	if got := held(t, again); len(got) != 4 || got["111122223333/00000000-0000-4000-8000-000000000003"] != 1 {
		t.Errorf("after opening again it holds %v", got)
	}
	if p := again.Positions(); p["0"] != 9 || p["1"] != 3 {
		t.Errorf("positions %v: one that is not given stays as it was", p)
	}
	files, err := again.Plan(t.Context(), noon.Add(12*time.Hour), time.Time{})
	if err != nil || len(files) != 1 || files[0].Rows != 1 {
		t.Errorf("the plan for the second day is %v (%v), want its one file", files, err)
	}
}

func TestTheSecondOfTwoWritersIsRefused(t *testing.T) {
	dir := t.TempDir()
	first, second := opened(t, dir), opened(t, dir)
	w1, w2 := writer(t, first), writer(t, second)
	add(t, w1, record(1, noon))
	add(t, w2, record(1, noon))
	commit(t, w1, map[string]uint64{"0": 1})
	if _, err := w2.Commit(t.Context(), Marks{Positions: map[string]uint64{"0": 1}}); !errors.Is(err, ErrConflict) {
		t.Fatalf("the second commit: %v, want ErrConflict", err)
	}
	if n := dataFiles(t, dir); n != 1 {
		t.Errorf("%d data files, want 1: the loser removes its own", n)
	}
	if err := second.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := second.Positions(); p["0"] != 1 {
		t.Errorf("after Refresh the loser sees %v", p)
	}
	if got := held(t, second); len(got) != 1 {
		t.Errorf("the lake holds %v", got)
	}
}

func TestCompactionKeepsEveryEvent(t *testing.T) {
	dir := t.TempDir()
	l := opened(t, dir)
	w := writer(t, l)
	for i := range 12 {
		add(t, w, record(2*i, noon), record(2*i+1, noon.Add(24*time.Hour)))
		commit(t, w, map[string]uint64{"0": uint64(i)})
	}
	before := held(t, l)
	c, err := l.Compact(t.Context(), noon.Add(24*time.Hour).Truncate(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if c.Before != 12 || c.After != 1 || c.Rows != 12 {
		t.Errorf("compaction %+v, want the 12 files of the day that is over to be 1", c)
	}
	if got := held(t, l); len(got) != len(before) || len(got) != 24 {
		t.Errorf("%d events after, %d before", len(got), len(before))
	}
	if p := l.Positions(); p["0"] != 11 {
		t.Errorf("positions after compaction: %v", p)
	}
	if err := l.Expire(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Sweep(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := dataFiles(t, dir); n != 13 {
		t.Errorf("%d data files after the sweep, want 13: one compacted, twelve of the open day", n)
	}
	if got := held(t, opened(t, dir)); len(got) != 24 {
		t.Errorf("%d events after the sweep", len(got))
	}
}

func TestSweepTakesOnlyWhatNothingNames(t *testing.T) {
	dir := t.TempDir()
	l := opened(t, dir)
	w := writer(t, l)
	add(t, w, record(1, noon))
	commit(t, w, nil)
	orphan := filepath.Join(dir, "data", "orphan.parquet")
	if err := os.WriteFile(orphan, []byte("left by a crash"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := l.Sweep(t.Context(), time.Now().Add(-time.Hour)); err != nil || s.Files != 0 {
		t.Errorf("a young file was swept: %+v, %v", s, err)
	}
	if s, err := l.Sweep(t.Context(), time.Now().Add(time.Hour)); err != nil || s.Files != 1 {
		t.Errorf("swept %+v (%v), want the orphan", s, err)
	}
	if got := held(t, opened(t, dir)); len(got) != 1 {
		t.Errorf("the lake holds %v", got)
	}
}

func TestColumnsAreOnlyAdded(t *testing.T) {
	dir := t.TempDir()
	var older []string
	for _, line := range strings.SplitAfter(schemaText, "\n") {
		if !strings.HasPrefix(line, "tls") && !strings.HasPrefix(line, "actor.idp") && !strings.HasPrefix(line, "resources.element.region") {
			older = append(older, line)
		}
	}
	old, err := open(t.Context(), dir, strings.Join(older, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close() //nolint:errcheck // a test
	w := writer(t, old)
	add(t, w, record(1, noon))
	commit(t, w, nil)

	today := opened(t, dir)
	names := map[string]string{}
	for _, c := range today.Columns() {
		names[c.Name] = c.Type
	}
	if !strings.Contains(names["tls"], `"sni" VARCHAR`) || !strings.Contains(names["actor"], `"idp" STRUCT`) || !strings.Contains(names["resources"], `"region"`) {
		t.Errorf("tls %q, actor %q, resources %q", names["tls"], names["actor"], names["resources"])
	}
	w = writer(t, today)
	add(t, w, record(2, noon))
	commit(t, w, nil)
	if _, err := today.Compact(t.Context(), noon.Add(48*time.Hour)); err != nil {
		t.Fatalf("files of both ages in one compaction: %v", err)
	}
	if err := old.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	w = writer(t, old)
	add(t, w, record(3, noon))
	commit(t, w, nil)
	if got := held(t, opened(t, dir)); len(got) != 3 {
		t.Errorf("the lake holds %v", got)
	}
}

func TestALakeThatIsNotThere(t *testing.T) {
	if _, err := OpenExisting(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, ErrNoLake) {
		t.Errorf("got %v, want ErrNoLake", err)
	}
}

func TestADamagedCatalogIsAnError(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "catalog.db"), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "catalog") {
		t.Errorf("got %v, want an error that names the catalog", err)
	}
	whole := t.TempDir()
	l, err := Open(t.Context(), whole)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(whole, "catalog.db")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), whole); err == nil || !strings.Contains(err.Error(), "put your copy") {
		t.Errorf("without its catalog: %v, want to be told what to do", err)
	}
}

// perBatch is how many events the killed writer puts into a batch of the stream.
const perBatch = 5

// writeUntilKilled goes on where the lake says that it stands.
func writeUntilKilled(dir string) {
	ctx := context.Background()
	l, err := Open(ctx, dir)
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	w, err := l.NewWriter()
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println("begun")
	for batch := l.Positions()["0"]; ; batch++ {
		for i := range uint64(perBatch) {
			n := int(batch*perBatch + i) //nolint:gosec // small
			if err := decode(w, record(n, noon.Add(time.Duration(n%3)*24*time.Hour))); err != nil {
				fmt.Println("error:", err)
				return
			}
		}
		if _, err := w.Commit(ctx, Marks{Positions: map[string]uint64{"0": batch + 1}}); err != nil {
			fmt.Println("error:", err)
			return
		}
		fmt.Println(batch + 1)
	}
}

// TestKilledWriterLosesNothing kills a real writer at random moments and counts: every event up to the position is there once.
// TOCSIN_KILLS says how often (default 20).
func TestKilledWriterLosesNothing(t *testing.T) {
	kills := 20
	if n, err := strconv.Atoi(os.Getenv("TOCSIN_KILLS")); err == nil {
		kills = n
	}
	dir := t.TempDir()
	random, done := rand.New(rand.NewPCG(4, 2)), uint64(0)
	for kill := range kills {
		c := exec.CommandContext(t.Context(), os.Args[0])
		c.Env = append(os.Environ(), "TOCSIN_TEST_LAKE="+dir)
		pipe, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		out := bufio.NewReader(pipe)
		begun, err := out.ReadString('\n')
		if err != nil || strings.Contains(begun, "error") {
			t.Fatalf("after %d kills the writer cannot go on: %s (%v)", kill, begun, err)
		}
		for range random.IntN(4) { // commits that this run may finish
			if _, err := out.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			done++
		}
		time.Sleep(time.Duration(random.IntN(150)) * time.Millisecond)
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(out)
		_ = c.Wait()
		if bytes.Contains(rest, []byte("error")) {
			t.Fatalf("after %d kills the writer cannot go on: %s", kill, rest)
		}
	}
	l := opened(t, dir)
	position := l.Positions()["0"]
	got := held(t, l)
	for id, n := range got {
		if n != 1 {
			t.Errorf("%s is there %d times", id, n)
		}
	}
	if uint64(len(got)) != position*perBatch {
		t.Errorf("%d events at position %d, want %d", len(got), position, position*perBatch)
	}
	if position < done {
		t.Errorf("position %d after %d commits that were told of", position, done)
	}
	t.Logf("%d kills, %d batches, %d events", kills, position, len(got))
}

func BenchmarkCommit(b *testing.B) {
	l := opened(b, b.TempDir())
	w := writer(b, l)
	var lines []string
	for i := range 20_000 {
		lines = append(lines, record(i, noon.Add(time.Duration(i)*time.Second)))
	}
	text := strings.Join(lines, "\n")
	b.ReportAllocs()
	n, size := int64(0), int64(0)
	for b.Loop() {
		if err := decode(w, text); err != nil {
			b.Fatal(err)
		}
		c := commit(b, w, nil)
		n += c.Rows
		size += c.Bytes
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(size)/float64(n), "B/event")
}

// TestMarksAloneAreCommitted: a batch of duplicates and dead letters has no rows, and its position and totals must last all the same.
func TestMarksAloneAreCommitted(t *testing.T) {
	dir := t.TempDir()
	l := opened(t, dir)
	for n := range uint64(3) {
		if n == 1 {
			w := writer(t, l)
			add(t, w, record(1, noon))
			commit(t, w, nil)
		}
		if _, err := writer(t, l).Commit(t.Context(), Marks{Positions: map[string]uint64{"0": n + 1}, Totals: map[string]uint64{"a/dead": n}}); err != nil {
			t.Fatal(err)
		}
		if m := opened(t, dir).Marks(); m.Positions["0"] != n+1 || m.Totals["a/dead"] != n {
			t.Errorf("after %d: %+v", n, m)
		}
	}
}
