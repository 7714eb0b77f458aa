package pipeline

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// TestAReplacedStreamIsNoticed: the stream is deleted and made anew, or put back from an older copy, and then grows longer than the lake's position. Its
// batches are taken in all the same, none twice, and a dead letter says what may be missing.
func TestAReplacedStreamIsNoticed(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(t *testing.T, dir string) error{
		"deleted and made anew": func(_ *testing.T, dir string) error { return os.RemoveAll(filepath.Join(dir, "stream")) },
		"put back from an older copy": func(_ *testing.T, dir string) error {
			if err := os.RemoveAll(filepath.Join(dir, "stream")); err != nil {
				return err
			}
			return os.CopyFS(filepath.Join(dir, "stream"), os.DirFS(filepath.Join(dir, "copy")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			given := 0
			deliver := func(b *bench, n int) uint64 {
				t.Helper()
				for range n {
					at := filepath.Join(dir, "in", fmt.Sprintf("%02d.json", given))
					text := record(fmt.Sprintf("%02d", given), "00", "ListRoles", map[string]any{"type": "Root"}, nil)
					if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
					given++
				}
				if err := deliverAll(t.Context(), b, nil); err != nil {
					t.Fatal(err)
				}
				return b.last(t)
			}
			work := func(b *bench, last uint64) { until(t, b.brisk(rules(t)), func() bool { return b.position() == last }) }
			if err := os.MkdirAll(filepath.Join(dir, "in"), 0o750); err != nil {
				t.Fatal(err)
			}
			b := newBench(t, dir)
			work(b, deliver(b, 2))
			b.close(t)
			if err := os.CopyFS(filepath.Join(dir, "copy"), os.DirFS(filepath.Join(dir, "stream"))); err != nil {
				t.Fatal(err)
			}
			b = newBench(t, dir)
			work(b, deliver(b, 3))
			epoch, err := b.stream.Epoch(0)
			if err != nil || epoch == "" {
				t.Fatalf("epoch %q: %v", epoch, err)
			}
			b.close(t)
			if err := replace(t, dir); err != nil {
				t.Fatal(err)
			}
			b = newBench(t, dir)
			log := &strings.Builder{}
			if _, err := Settle(t.Context(), b.stream, b.lake, b.desk, slog.New(slog.NewTextHandler(log, nil))); err != nil || !strings.Contains(log.String(), "another than the one") {
				t.Errorf("it says %q (%v)", log, err)
			}
			if now, err := b.stream.Epoch(0); err != nil || now == epoch {
				t.Errorf("the epoch is %q still (%v)", now, err)
			}
			last := deliver(b, 9) // beyond the position that the lake has of the stream before
			if last <= 5 {
				t.Fatalf("the stream ends at %d", last)
			}
			work(b, last)
			stored := 0
			if err := b.lake.Identities(t.Context(), time.Time{}, time.Time{}, func(time.Time, string, string) { stored++ }); err != nil || stored != 14 {
				t.Errorf("%d of 14 events are stored (%v)", stored, err)
			}
			letters, err := b.desk.DeadLetters(t.Context(), access.Everything(), "", 10)
			if err != nil || len(letters) != 1 || letters[0].Reason != ReasonLost || !strings.Contains(letters[0].Detail, "backfill") {
				t.Errorf("the dead letters are %+v (%v)", letters, err)
			}
			b.close(t)
			b = newBench(t, dir) // and nothing of it is done again
			defer b.close(t)
			w := b.brisk(rules(t))
			until(t, w, func() bool { return w.Status.Rebuilds.Load() > 0 })
			if totals := b.lake.Marks().Totals; totals["test/received"] != 14 || totals["test/stored"] != 14 || w.Status.Lost.Load() != 0 {
				t.Errorf("the sums are %v, %d lost", totals, w.Status.Lost.Load())
			}
		})
	}
}
