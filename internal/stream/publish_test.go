package stream

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestWhatIsPublishedIsReadInOrder(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), MinBytes)
	records := lines(50)
	for i := range 5 {
		if got := object(t, s, string(rune('a'+i)), records[10*i:10*i+10]...); len(got) != 1 || got[0] != uint64(i+1) { //nolint:gosec // small
			t.Fatalf("object %d is at %v", i, got)
		}
	}
	var got [][]byte
	for _, k := range all(t, s, 2) {
		got = append(got, k.records...)
	}
	if d := cmp.Diff(records[20:], got); d != "" {
		t.Errorf("after position 2:\n%s", d)
	}
}

func TestABatchKeepsItsNames(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), MinBytes)
	hostile := "a/ü\r\nNats-Msg-Id: x\x00%41 b"
	c := s.Cut(Batch{Source: "test", Format: hostile, Account: "111122223333", Region: "eu-west-1", Lane: "live", Received: noon.Add(123456789), Object: hostile, ETag: hostile})
	defer c.Close() //nolint:errcheck // a test
	if err := c.Add([]byte("one")); err != nil {
		t.Fatal(err)
	}
	var want []Batch
	for b, err := range c.Batches() {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Publish(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		want = append(want, b)
	}
	got := all(t, s, 0)
	if len(got) != 1 || len(want) != 1 {
		t.Fatalf("%d batches of %d", len(got), len(want))
	}
	if d := cmp.Diff(want[0], got[0].batch, cmpopts.IgnoreUnexported(Batch{})); d != "" {
		t.Errorf("the batch changed on its way:\n%s", d)
	}
	if want[0].ID() != got[0].batch.ID() {
		t.Error("it has another id")
	}
}

func TestABatchIsKeptOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := opened(t, dir, MinBytes)
	first := object(t, s, "a", lines(10)...)
	object(t, s, "b", lines(10)...)
	if again := object(t, s, "a", lines(10)...); !slices.Equal(first, again) {
		t.Errorf("published again it is at %v, not %v", again, first)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = opened(t, dir, MinBytes) // what the engine remembers in memory is gone
	if again := object(t, s, "a", lines(10)...); !slices.Equal(first, again) {
		t.Errorf("after a restart it is at %v, not %v", again, first)
	}
	if got := all(t, s, 0); len(got) != 2 {
		t.Errorf("%d batches are kept, want 2", len(got))
	}
	if err := s.Purge(t.Context(), 0, 2); err != nil {
		t.Fatal(err)
	}
	if again := object(t, s, "a", lines(10)...); again[0] != 1 {
		t.Errorf("published soon after it was purged it is at %v, want 1: the engine remembers it for two minutes", again)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = opened(t, dir, MinBytes)
	if again := object(t, s, "a", lines(10)...); again[0] != 3 {
		t.Errorf("published after it was purged and forgotten it is at %v, want 3: sinks know what they have seen", again)
	}
}

func TestOtherNamesAreOtherBatches(t *testing.T) {
	t.Parallel()
	b := Batch{Source: "s", Object: "o", ETag: "e", Part: 1, Parts: 2, Records: 3}
	seen := map[string]bool{b.ID(): true}
	for _, other := range []Batch{
		{Source: "so", Object: "", ETag: "e", Part: 1, Parts: 2, Records: 3},
		{Source: "s", Object: "oe", ETag: "", Part: 1, Parts: 2, Records: 3},
		{Source: "s", Object: "o", ETag: "f", Part: 1, Parts: 2, Records: 3},
		{Source: "s", Object: "o", ETag: "e", Part: 2, Parts: 2, Records: 3},
		{Source: "s", Object: "o", ETag: "e", Part: 1, Parts: 2, First: 1, Records: 3},
		{Source: "s", Object: "o", ETag: "e", Part: 1, Parts: 2, Records: 4},
	} {
		if seen[other.ID()] {
			t.Errorf("%+v has the id of another", other)
		}
		seen[other.ID()] = true
	}
}

// TestAFullStreamRefusesAndKeeps fills a partition: nothing is dropped, and after a purge it goes on.
func TestAFullStreamRefusesAndKeeps(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), MinBytes)
	n := uint64(0)
	for ; ; n++ {
		_, err := s.Publish(t.Context(), Batch{Source: "test", Object: "o", Part: 1, Parts: 1, First: int(n), Records: 1, Received: noon, Payload: noise(n, 1<<20)}) //nolint:gosec // small
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < 10 {
		t.Fatalf("full after %d batches of 1 MiB in 16 MiB", n)
	}
	u, err := s.Usage(t.Context())
	if err != nil || u[0].First != 1 || u[0].Last != n || u[0].Messages != int(n) || u[0].Bytes > u[0].MaxBytes { //nolint:gosec // small
		t.Fatalf("a full stream holds %+v (%v), want 1 to %d", u, err, n)
	}
	if err := s.Purge(t.Context(), 0, 3); err != nil {
		t.Fatal(err)
	}
	seq, err := s.Publish(t.Context(), Batch{Source: "test", Object: "o", Part: 1, Parts: 1, First: int(n), Records: 1, Received: noon, Payload: noise(n, 1<<20)}) //nolint:gosec // small
	if err != nil || seq != n+1 {
		t.Errorf("after a purge: position %d, %v; want %d", seq, err, n+1)
	}
}

func TestPurgeAndPositions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := opened(t, dir, MinBytes)
	for _, name := range []string{"a", "b", "c", "d"} {
		object(t, s, name, lines(3)...)
	}
	if err := s.Purge(t.Context(), 0, 6); !errors.Is(err, ErrAhead) {
		t.Errorf("a purge beyond the end: %v, want ErrAhead", err)
	}
	for range 2 { // the second time there is nothing to do
		if err := s.Purge(t.Context(), 0, 3); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		after uint64
		want  error
	}{{1, ErrGone}, {5, ErrAhead}} {
		if err := s.Read(t.Context(), 0, c.after, func(uint64, Batch) error { return errEnough }); !errors.Is(err, c.want) {
			t.Errorf("reading after %d: %v, want %v", c.after, err, c.want)
		}
	}
	if got := all(t, s, 2); len(got) != 2 || got[0].seq != 3 {
		t.Errorf("after the purge: %+v", got)
	}
	if err := s.Purge(t.Context(), 0, 5); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = opened(t, dir, MinBytes)
	if last, err := s.Last(t.Context(), 0); err != nil || last != 4 {
		t.Errorf("an empty stream that was opened again ends at %d (%v), want 4: positions are not given twice", last, err)
	}
	if got := object(t, s, "e", lines(1)...); got[0] != 5 {
		t.Errorf("the next is at %v, want 5", got)
	}
}

func TestReadingWaitsAndEnds(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), MinBytes)
	got := make(chan uint64, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- s.Read(ctx, 0, 0, func(seq uint64, _ Batch) error { got <- seq; return nil })
	}()
	object(t, s, "a", lines(1)...)
	select {
	case seq := <-got:
		if seq != 1 {
			t.Errorf("position %d", seq)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("a reader that waits hears nothing")
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("its end is %v, want that of its context", err)
	}
	go func() {
		done <- s.Read(context.Background(), 0, 0, func(seq uint64, _ Batch) error { got <- seq; return nil })
	}()
	<-got
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("the end of the stream is %v, want ErrClosed", err)
	}
	if _, err := s.Publish(context.Background(), Batch{Source: "s", Object: "o", Part: 1, Parts: 1, Records: 1, Payload: []byte("x")}); !errors.Is(err, ErrClosed) {
		t.Errorf("publishing to a closed stream: %v", err)
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := opened(t, dir, MinBytes)
	if _, err := Open(t.Context(), Options{Dir: dir, MaxBytes: MinBytes}); err == nil {
		t.Error("a second one opens the folder")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Dir: dir, MaxBytes: 2 * MinBytes, Partitions: 2}); err == nil {
		t.Error("another number of partitions is taken: what is kept is ordered by it")
	}
	if _, err := Open(t.Context(), Options{Dir: t.TempDir(), MaxBytes: MinBytes - 1}); err == nil {
		t.Error("a share below the least is taken")
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Dir: file, MaxBytes: MinBytes}); err == nil {
		t.Error("a file is taken for a folder")
	}
}

// TestEveryAcknowledgementIsFlushed asks the engine itself: a kill of the process cannot show it, as the kernel keeps what was written.
func TestEveryAcknowledgementIsFlushed(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), MinBytes)
	if c := s.server.server.JetStreamConfig(); c == nil || !c.SyncAlways {
		t.Errorf("the engine does not flush before it acknowledges: %+v", c)
	}
}

func TestBatchesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), MinBytes)
	good := Batch{Source: "s", Object: "o", Part: 1, Parts: 1, Records: 1, Received: noon, Payload: []byte("x")}
	for name, change := range map[string]func(b *Batch){
		"no source":        func(b *Batch) { b.Source = "" },
		"no object":        func(b *Batch) { b.Object = "" },
		"part 0":           func(b *Batch) { b.Part = 0 },
		"part 2 of 1":      func(b *Batch) { b.Part = 2 },
		"no records":       func(b *Batch) { b.Records = 0 },
		"nothing in it":    func(b *Batch) { b.Payload = nil },
		"both":             func(b *Batch) { b.Large = Large{"ff", 1} },
		"year 10000":       func(b *Batch) { b.Received = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"payload too long": func(b *Batch) { b.Payload = make([]byte, MaxPayload+1) },
		"names too long":   func(b *Batch) { b.Object = string(make([]byte, maxNames+1)) },
	} {
		b := good
		change(&b)
		if _, err := s.Publish(t.Context(), b); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	if last, err := s.Last(t.Context(), 0); err != nil || last != 0 {
		t.Errorf("something was kept: %d, %v", last, err)
	}
}
