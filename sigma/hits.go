package sigma

import "encoding/binary"

// group is what one correlation remembers of one value of its group-by. Most hits are old and are only looked at again when another comes, so
// they are packed: about 20 bytes each in place of 48.
type group struct {
	names    []string
	packed   []byte // hits in order
	old      int    // how many are packed
	hits     []hit  // those that came since, in any order
	changed  bool   // since episodes were found
	episodes []Episode
}

// hit is a Hit in little memory.
type hit struct {
	time   int64
	key    [16]byte
	value  uint32
	source int32
	rule   int32
}

// add takes a hit in.
func (g *group) add(h ...hit) { g.hits, g.changed = append(g.hits, h...), true }

// all appends every hit to a list, those that are packed first.
func (g *group) all(to []hit) []hit {
	time := int64(0)
	for b := g.packed; len(b) > 0; {
		var h hit
		number := func() int64 {
			n, width := binary.Varint(b)
			b = b[width:]
			return n
		}
		time += number()
		h.time = time
		b = b[copy(h.key[:], b):]
		h.value, h.source, h.rule = uint32(number()), int32(number()), int32(number()) //nolint:gosec // as they were written
		to = append(to, h)
	}
	return append(to, g.hits...)
}

// set replaces all hits by some that are in order. They are packed unless that is not worth it: few are new, or all are few.
func (g *group) set(hits []hit, scratch []byte) []byte {
	if n := len(hits) - g.old; n >= 0 && n == len(g.hits) && n < 8+g.old/8 {
		return scratch
	}
	scratch = scratch[:0]
	time := int64(0)
	for i := range hits {
		h := &hits[i]
		scratch = binary.AppendVarint(scratch, h.time-time)
		time = h.time
		scratch = append(scratch, h.key[:]...)
		for _, n := range [...]int64{int64(h.value), int64(h.source), int64(h.rule)} {
			scratch = binary.AppendVarint(scratch, n)
		}
	}
	g.packed, g.old, g.hits = append(make([]byte, 0, len(scratch)), scratch...), len(hits), nil
	return scratch
}
