package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/health"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// hourSums adds the hours on the desk up, by source: of the whole, and of its streams.
func (b *bench) hourSums(t *testing.T) (whole, streams map[string]health.Counts) {
	t.Helper()
	whole, streams = map[string]health.Counts{}, map[string]health.Counts{}
	err := b.desk.Hours(t.Context(), time.Time{}, func(h health.Hour) {
		sums := streams
		if h.Key == h.Whole() {
			sums = whole
		}
		c := sums[h.Source]
		c.Received += h.Counts.Received
		c.Stored += h.Counts.Stored
		c.Duplicate += h.Counts.Duplicate
		c.Dead += h.Counts.Dead
		sums[h.Source] = c
	})
	if err != nil {
		t.Fatal(err)
	}
	return whole, streams
}

func TestHoursAreTheDoubleEntry(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBench(t, dir)
	defer b.close(t)
	inv := simulated(t, "all")
	paths := pathsOf(inv)[:40]
	broken := filepath.Join(dir, "broken.json")
	text := `{"eventVersion":"1.08","eventTime":"never","eventName":"X","eventSource":"a.amazonaws.com","awsRegion":"eu-west-1","recipientAccountId":"111122223333"}` + "\n"
	if err := os.WriteFile(broken, []byte(text+text), 0o600); err != nil {
		t.Fatal(err)
	}
	half := len(paths) / 2
	timing := Timing{Conclude: 50 * time.Millisecond, Commit: 200 * time.Millisecond, Window: 365 * 24 * time.Hour}
	for _, part := range [][]string{append(paths[:half:half], broken), paths[half:], nil} {
		b.receive(t, part...)
		last := b.last(t)
		w := b.worker(t, timing)
		until(t, w, func() bool { return w.Status.Position.Load() == last })
	}
	whole, streams := b.hourSums(t)
	totals := b.lake.Marks().Totals
	n := func(what string) int64 { return int64(totals["test/"+what]) }
	want := health.Counts{Received: n("received"), Stored: n("stored"), Duplicate: n("duplicate"), Dead: n("dead")}
	if d := cmp.Diff(want, whole["test"]); d != "" || !want.Balances() || want.Dead == 0 || want.Stored == 0 {
		t.Errorf("the hours of the source differ from the totals of the lake (%+v):\n%s", want, d)
	}
	want.Received -= want.Dead
	want.Dead = 0
	if d := cmp.Diff(want, streams["test"]); d != "" {
		t.Errorf("the hours of its streams differ from what could be read:\n%s", d)
	}
}

func TestABatchIsCountedOnce(t *testing.T) {
	t.Parallel()
	h := &hourly{counted: 7, hours: map[hourKey]*health.Hour{}, streams: map[health.Key]bool{}, crowd: map[string]int{}}
	b := &stream.Batch{Source: "test", Received: time.Date(2026, 3, 2, 12, 30, 0, 0, time.UTC)}
	for _, seq := range []uint64{6, 7, 8} {
		h.open(seq, b)
		h.dead()
	}
	got := h.take(8)
	if len(got.Hours) != 1 || got.Hours[0].Counts.Dead != 1 || got.Hours[0].Counts.Received != 1 || got.Position != 8 || !got.Hours[0].Start.Equal(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("of three batches, two of them counted before: %+v", got)
	}
	if again := h.take(8); len(again.Hours) != 0 {
		t.Errorf("handed over twice: %+v", again)
	}
}

// TestABackFillIsNoVolume: what is back-filled is in the double entry of its hours, and in nothing that health judges by.
func TestABackFillIsNoVolume(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	poisoned(t, dir)
	b := newBench(t, dir)
	defer b.close(t)
	r := &Receiver{Stream: b.stream, Desk: b.desk, Now: time.Now}
	for file, lane := range map[string]string{"a.json": lake.LaneBackfill, "b.json": lake.LaneLive} {
		inv, err := collect.List(t.Context(), []string{filepath.Join(dir, "in", file)}, nil, collect.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Receive(t.Context(), Delivery{Source: "test", Object: file, Lane: lane, Received: time.Now(), Inventory: inv})
		if err = errors.Join(err, inv.Close()); err != nil {
			t.Fatal(err)
		}
	}
	until(t, b.brisk(rules(t)), func() bool { return b.position() == 2 })
	book, sums := health.NewBook(), map[bool]health.Counts{}
	err := b.desk.Hours(t.Context(), time.Time{}, func(h health.Hour) {
		book.Put(h)
		if h.Key == h.Whole() || h.IsAside() {
			c := sums[h.IsAside()]
			c.Received, c.Stored = c.Received+h.Counts.Received, c.Stored+h.Counts.Stored
			sums[h.IsAside()] = c
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := map[bool]health.Counts{true: {Received: 40, Stored: 40}, false: {Received: 1, Stored: 1}}; cmp.Diff(want, sums) != "" {
		t.Errorf("by back-fill the hours sum up to %v, want %v", sums, want)
	}
	report := health.Judge(health.Question{Book: book, Sources: []health.Source{{Name: "test", From: time.Now().Add(-time.Hour)}}, Running: true, Now: time.Now()})
	if len(report.Sources) != 1 || len(report.Sources[0].Streams) != 1 || report.Sources[0].PerDay.Records > 1 {
		t.Errorf("health judges %+v", report.Sources)
	}
}
