package pipeline

import (
	"encoding/binary"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/lake"
)

// TestKnownIDsAreBounded tells a known more events of one day than it may hold: the youngest stay known, the oldest go and are counted,
// and nothing goes that waits for a commit.
func TestKnownIDsAreBounded(t *testing.T) {
	t.Parallel()
	l, err := lake.Open(t.Context(), filepath.Join(t.TempDir(), "lake"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a test
	k := newKnown(l)
	k.most = setIDs * 3 / 2
	at := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	id := func(n int) (id detect.EventID) {
		binary.BigEndian.PutUint64(id[:], uint64(n)) //nolint:gosec // not negative
		return id
	}
	isNew := func(n int) bool {
		t.Helper()
		is, err := k.add(t.Context(), at, id(n))
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	const events = setIDs*2 + 10
	for n := range events {
		if !isNew(n) {
			t.Fatalf("event %d is known before it came", n)
		}
	}
	k.stored(0)
	if k.Forgotten.Load() != 0 || isNew(0) {
		t.Error("an event went that no commit holds")
	}
	k.stored(k.cut())
	if held, gone := k.Held.Load(), k.Forgotten.Load(); held > int64(k.most) || held+gone != events {
		t.Errorf("%d held and %d forgotten of %d, at most %d", held, gone, events, k.most)
	}
	if isNew(events - 1) {
		t.Error("the youngest event is not known any more")
	}
	if !isNew(0) {
		t.Error("the oldest event is still known")
	}
}
