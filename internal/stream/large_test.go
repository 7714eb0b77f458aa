package stream

import (
	"bytes"
	"errors"
	"os"
	"testing"
)

func filesIn(tb testing.TB, dir string) int {
	tb.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return len(list)
}

// TestALargeRecordLiesBesideTheStream follows one from the cutter to its purge, over a restart.
func TestALargeRecordLiesBesideTheStream(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := opened(t, dir, 64<<20)
	big := noise(5, 12<<20)
	first := object(t, s, "big", lines(2)[0], big, lines(2)[1])
	if len(first) != 3 {
		t.Fatalf("%d batches, want 3: before, the large one, after", len(first))
	}
	if again := object(t, s, "big", lines(2)[0], big, lines(2)[1]); again[1] != first[1] {
		t.Errorf("published again it is at %v, not %v", again, first)
	}
	u, err := s.Usage(t.Context())
	if err != nil || u[0].Large != int64(len(big)) || u[0].Bytes < u[0].Large || filesIn(t, s.large.dir) != 1 {
		t.Errorf("usage %+v (%v), %d files", u, err, filesIn(t, s.large.dir))
	}
	orphan := s.large.path(Batch{Source: "x", Object: "y"}.ID())
	if err := os.WriteFile(orphan, []byte("of a publish that was killed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = opened(t, dir, 64<<20)
	if filesIn(t, s.large.dir) != 1 {
		t.Errorf("%d files after a restart, want 1: the orphan goes", filesIn(t, s.large.dir))
	}
	got := all(t, s, 0)
	if len(got) != 3 || len(got[1].records) != 1 || !bytes.Equal(got[1].records[0], big) {
		t.Fatalf("%d batches; the large record came back otherwise", len(got))
	}
	if u, err = s.Usage(t.Context()); err != nil || u[0].Large != int64(len(big)) {
		t.Errorf("usage after a restart %+v (%v)", u, err)
	}
	if err := s.Purge(t.Context(), 0, 4); err != nil {
		t.Fatal(err)
	}
	if u, err = s.Usage(t.Context()); err != nil || u[0].Large != 0 || filesIn(t, s.large.dir) != 0 {
		t.Errorf("after the purge: %+v (%v), %d files", u, err, filesIn(t, s.large.dir))
	}
}

func TestALargeRecordCountsAgainstTheLimit(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), 32<<20)
	publish := func(name string, n int) error {
		c := s.Cut(Batch{Source: "test", Received: noon, Object: name})
		defer c.Close()                                    //nolint:errcheck // a test
		if err := c.Add(noise(uint64(n), n)); err != nil { //nolint:gosec // small
			t.Fatal(err)
		}
		for b, err := range c.Batches() {
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Publish(t.Context(), b); err != nil {
				return err
			}
		}
		return nil
	}
	if err := publish("a", 20<<20); err != nil {
		t.Fatal(err)
	}
	if err := publish("b", 20<<20); !errors.Is(err, ErrFull) {
		t.Errorf("40 MiB in 32: %v, want ErrFull", err)
	}
	if err := publish("c", 30<<20); !errors.Is(err, ErrTooLarge) {
		t.Errorf("30 MiB in a partition of 32: %v, want ErrTooLarge, as it would wait for ever", err)
	}
	if n := filesIn(t, s.large.dir); n != 1 {
		t.Errorf("%d files, want 1: what was refused leaves none", n)
	}
}

func TestADamagedLargeRecordIsNamed(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(path string) error{
		"torn":    func(path string) error { return os.Truncate(path, 100) },
		"changed": func(path string) error { return os.WriteFile(path, noise(6, 10<<20), 0o600) },
		"deleted": os.Remove,
	} {
		s := opened(t, t.TempDir(), 64<<20)
		object(t, s, "big", noise(5, 10<<20))
		ids, err := s.large.ids()
		if err != nil || len(ids) != 1 {
			t.Fatal(ids, err)
		}
		if err := damage(s.large.path(ids[0])); err != nil {
			t.Fatal(err)
		}
		err = s.Read(t.Context(), 0, 0, func(_ uint64, b Batch) error {
			for _, err := range b.All() {
				if err != nil {
					return err
				}
			}
			return errEnough
		})
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
}
