package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
)

func hashes(n int) [][32]byte {
	out := make([][32]byte, n)
	for i := range out {
		out[i] = sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
	}
	return out
}

// reference builds the tree with the library's compact ranges.
func reference(t *testing.T, events [][32]byte) [32]byte {
	t.Helper()
	sorted := slices.Clone(events)
	slices.SortFunc(sorted, byBytes)
	if len(sorted) == 0 {
		return [32]byte(rfc6962.DefaultHasher.EmptyRoot())
	}
	r := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for _, h := range sorted {
		if err := r.Append(rfc6962.DefaultHasher.HashLeaf(h[:]), nil); err != nil {
			t.Fatal(err)
		}
	}
	root, err := r.GetRootHash(nil)
	if err != nil {
		t.Fatal(err)
	}
	return [32]byte(root)
}

func TestEventRootIsThatOfRFC6962(t *testing.T) {
	t.Parallel()
	for n := range 70 {
		events := hashes(n)
		if n > 3 {
			events[1] = events[0] // twice the same event
		}
		want := reference(t, events)
		rand.New(rand.NewPCG(1, uint64(n))).Shuffle(n, func(i, j int) { events[i], events[j] = events[j], events[i] })
		before := slices.Clone(events)
		if got := EventRoot(events); got != want {
			t.Errorf("%d events: %x, want %x", n, got, want)
		}
		if !slices.Equal(before, events) {
			t.Errorf("%d events: the caller's slice was changed", n)
		}
	}
}

func TestEventProofHoldsForEachEventAndNoOther(t *testing.T) {
	t.Parallel()
	for n := 1; n < 40; n++ {
		events := hashes(n)
		file := File{Path: "a", Rows: int64(n), Root: EventRoot(events)}
		for i, e := range events {
			p, err := EventProof(events, e)
			if err != nil {
				t.Fatal(err)
			}
			if err := VerifyEvent(file, e, p); err != nil {
				t.Errorf("event %d of %d: %v", i, n, err)
			}
			if VerifyEvent(file, sha256.Sum256(e[:]), p) == nil {
				t.Errorf("event %d of %d: another event passes", i, n)
			}
			if other := file; n > 1 {
				other.Root[0] ^= 1
				if VerifyEvent(other, e, p) == nil {
					t.Errorf("event %d of %d: another root passes", i, n)
				}
			}
			if p.Index++; VerifyEvent(file, e, p) == nil {
				t.Errorf("event %d of %d: another index passes", i, n)
			}
		}
	}
	if _, err := EventProof(hashes(3), [32]byte{}); err == nil {
		t.Error("an event that is not there was proven")
	}
}

func TestEventRootAllocatesOnce(t *testing.T) {
	events := hashes(1000)
	if n := testing.AllocsPerRun(10, func() { EventRoot(events) }); n > 1 {
		t.Errorf("%v allocations, want the one copy", n)
	}
}

func BenchmarkEventRoot(b *testing.B) {
	events := hashes(100_000)
	b.ReportAllocs()
	for b.Loop() {
		EventRoot(events)
	}
}
