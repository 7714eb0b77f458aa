package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

func TestTheFinderNamesTheOneRowThatChanged(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 7, 8, 1000, 4097} {
		hashes := make([][32]byte, n)
		for i := range hashes {
			hashes[i] = sha256.Sum256(binary.BigEndian.AppendUint64(nil, r.Uint64()))
		}
		finder := FinderOf(hashes)
		if _, ok := changedRow(finder, hashes); ok {
			t.Errorf("%d rows: a change is found where there is none", n)
		}
		for range 20 {
			i, j := r.IntN(n), r.IntN(n)
			was := hashes[i]
			hashes[i] = sha256.Sum256(was[:])
			if row, ok := changedRow(finder, hashes); !ok || row != i {
				t.Fatalf("%d rows: row %d changed, found %d, %v", n, i, row, ok)
			}
			if i != j {
				other := hashes[j]
				hashes[j] = sha256.Sum256(other[:])
				if row, ok := changedRow(finder, hashes); ok {
					t.Fatalf("%d rows: rows %d and %d changed, and row %d is blamed", n, i, j, row)
				}
				hashes[j] = other
			}
			hashes[i] = was
		}
	}
	for _, broken := range []string{"", "zz", "00", FinderOf(make([][32]byte, 9))} {
		if _, ok := changedRow(broken, make([][32]byte, 3)); ok {
			t.Errorf("finder %q finds something", broken)
		}
	}
}
