package ledger

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
)

// FinderOf makes of a file's event hashes, in the order of its rows, what tells later which one of them was changed, if it is one. It
// holds no hash of any event: it is the exclusive or of the first eight bytes of all, and for each bit of a row's number that of
// the rows that have the bit. When one row changes, just those sums change that its number has the bits of. It is 16
// hexadecimal digits for each doubling of the rows.
func FinderOf(hashes [][32]byte) string {
	sums := make([]uint64, 1+bits.Len(uint(max(len(hashes)-1, 0))))
	for row, h := range hashes {
		x := binary.BigEndian.Uint64(h[:8])
		sums[0] ^= x
		for b := range sums[1:] {
			if row>>b&1 == 1 {
				sums[1+b] ^= x
			}
		}
	}
	out := make([]byte, 0, 8*len(sums))
	for _, s := range sums {
		out = binary.BigEndian.AppendUint64(out, s)
	}
	return hex.EncodeToString(out)
}

// changedRow finds the one row that differs, given the finder as it was written and the hashes as they are. It fails where more
// than one differs (but for a chance of one in 2^60).
func changedRow(finder string, now [][32]byte) (row int, ok bool) {
	was, err := hex.DecodeString(finder)
	is, _ := hex.DecodeString(FinderOf(now))
	if err != nil || len(was) != len(is) || len(was) == 0 {
		return 0, false
	}
	at := func(b []byte, i int) uint64 { return binary.BigEndian.Uint64(b[8*i:]) }
	all := at(was, 0) ^ at(is, 0)
	if all == 0 {
		return 0, false
	}
	for b := range len(was)/8 - 1 {
		switch at(was, 1+b) ^ at(is, 1+b) {
		case 0:
		case all:
			row |= 1 << b
		default:
			return 0, false
		}
	}
	return row, row < len(now)
}
