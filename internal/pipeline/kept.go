package pipeline

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// kept are the records of events that a rule matched: what evidence is read from. Most matches only count towards a correlation and
// are never shown, so the records that the last conclusion did not need are packed, many in a block, at a tenth of their size.
// Several may add at once; everything else has one owner.
type kept struct {
	mu        sync.Mutex
	open      map[detect.EventID]keptRecord
	openBytes int
	packed    map[detect.EventID]packedAt
	blocks    map[int32]*packedBlock
	first     int32         // number of the oldest block
	next      int32         // number of the next one
	bytes     int           // of all blocks
	reach     time.Duration // how long a record is kept that nothing needed
	came      time.Time     // when the last record came
	gone      mentioned     // in records that are not kept any more
}

// keptRecord is the record of an event that a rule matched.
type keptRecord struct {
	raw    []byte
	format string
	id     string
	at     ocsf.Position
	millis int64     // when it occurred
	came   time.Time // when it was received; zero where that is not known
}

type packedAt struct{ block, offset int32 }

type packedBlock struct {
	content []byte
	live    int       // records that are not anywhere else
	came    time.Time // when the last of them was received
}

const (
	// openMost is how many bytes of records may lie open that no conclusion needed.
	openMost = 8 << 20
	// blockBytes is how many bytes of records are packed together.
	blockBytes = 256 << 10
	// packedMost bounds what is packed. Above it the oldest goes; it is read from the lake again if it comes to be needed.
	packedMost = 64 << 20
	// leastReach is how long a record that no conclusion needed is kept at the least; twice the longest timespan of a correlation where that is more.
	// What only then comes to be needed, because of a record that comes later still, is read from the lake again.
	leastReach = 6 * time.Hour
)

var packing = sync.OnceValue(func() *zstd.Encoder {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(blockBytes), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return z
})

var unpacking = sync.OnceValue(func() *zstd.Decoder {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return z
})

func newKept(rules *detect.Rules) *kept {
	reach := leastReach
	if rules != nil {
		for _, c := range rules.Correlations {
			reach = max(reach, 2*c.Timespan)
		}
	}
	return &kept{reach: reach, open: map[detect.EventID]keptRecord{}, packed: map[detect.EventID]packedAt{}, blocks: map[int32]*packedBlock{}}
}

func (k *kept) has(id detect.EventID) bool {
	_, open := k.open[id]
	_, packed := k.packed[id]
	return open || packed
}

// keep takes an event's record, unless it is there.
func (k *kept) keep(e *ocsf.Event, id detect.EventID, came time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.has(id) {
		return
	}
	at := e.At
	at.Source = strings.Clone(at.Source)
	if came.IsZero() {
		came = at.Received
	}
	k.put(id, keptRecord{bytes.Clone(e.Raw), e.Mapping.Name, strings.Clone(e.ID), at, e.Millis, came})
	if k.openBytes > 2*openMost {
		k.pack(nil)
	}
}

func (k *kept) put(id detect.EventID, r keptRecord) {
	k.open[id] = r
	k.openBytes += len(r.raw)
	if r.came.After(k.came) {
		k.came = r.came
	}
}

// unpack lays open those of some records that are packed.
func (k *kept) unpack(needed map[detect.EventID]bool) {
	byBlock := map[int32][]detect.EventID{}
	for id := range needed {
		if p, ok := k.packed[id]; ok {
			byBlock[p.block] = append(byBlock[p.block], id)
		}
	}
	for number, ids := range byBlock {
		text := k.blocks[number].text()
		for _, id := range ids {
			r, _, _ := readKept(text[k.packed[id].offset:])
			r.raw = bytes.Clone(r.raw)
			k.put(id, r)
			k.leave(id)
		}
	}
}

// settle packs what a conclusion did not need, and forgets the oldest of it where there is too much or it came too long ago.
func (k *kept) settle(needed map[detect.EventID]bool) {
	unneeded := k.openBytes
	for id := range needed {
		unneeded -= len(k.open[id].raw)
	}
	if unneeded > openMost {
		k.pack(needed)
	}
	gone := map[int32]bool{}
	for ; k.first < k.next; k.first++ {
		b := k.blocks[k.first]
		if b == nil {
			continue
		}
		if k.bytes <= packedMost && k.came.Sub(b.came) <= k.reach {
			break
		}
		k.gone.add(b.text())
		k.bytes -= len(b.content)
		delete(k.blocks, k.first)
		gone[k.first] = true
	}
	if len(gone) > 0 {
		maps.DeleteFunc(k.packed, func(_ detect.EventID, p packedAt) bool { return gone[p.block] })
	}
}

// pack packs what lies open but for some records, the oldest first.
func (k *kept) pack(but map[detect.EventID]bool) {
	ids := make([]detect.EventID, 0, len(k.open))
	for id := range k.open {
		if !but[id] {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b detect.EventID) int {
		return cmp.Or(cmp.Compare(k.open[a].millis, k.open[b].millis), bytes.Compare(a[:], b[:]))
	})
	var text []byte
	b := &packedBlock{}
	for i, id := range ids {
		r := k.open[id]
		k.packed[id] = packedAt{k.next, int32(len(text))} //nolint:gosec // a block is small
		text = r.append(text, id)
		if b.live++; r.came.After(b.came) {
			b.came = r.came
		}
		k.openBytes -= len(r.raw)
		delete(k.open, id)
		if len(text) >= blockBytes || i == len(ids)-1 {
			b.content = bytes.Clone(packing().EncodeAll(text, nil))
			k.blocks[k.next] = b
			k.bytes += len(b.content)
			k.next++
			text, b = text[:0], &packedBlock{}
		}
	}
}

// leave says that a packed record lies elsewhere or is gone.
func (k *kept) leave(id detect.EventID) {
	p := k.packed[id]
	delete(k.packed, id)
	b := k.blocks[p.block]
	if b.live--; b.live == 0 {
		k.bytes -= len(b.content)
		delete(k.blocks, p.block)
	}
}

// forget drops the records of events from before a time, in epoch milliseconds.
func (k *kept) forget(before int64) {
	for id, r := range k.open {
		if r.millis < before {
			k.openBytes -= len(r.raw)
			delete(k.open, id)
		}
	}
	var old []detect.EventID
	for id, r := range k.each() {
		if r.millis < before {
			old = append(old, id)
		}
	}
	for _, id := range old {
		k.leave(id)
	}
}

// each lists all records. They are valid until the next one.
func (k *kept) each() iter.Seq2[detect.EventID, keptRecord] {
	return func(yield func(detect.EventID, keptRecord) bool) {
		for id, r := range k.open {
			if !yield(id, r) {
				return
			}
		}
		for number := k.first; number < k.next; number++ {
			b := k.blocks[number]
			if b == nil {
				continue
			}
			text := b.text()
			for offset := 0; offset < len(text); {
				r, id, size := readKept(text[offset:])
				if p, ok := k.packed[id]; ok && p == (packedAt{number, int32(offset)}) && !yield(id, r) { //nolint:gosec // a block is small
					return
				}
				offset += size
			}
		}
	}
}

func (k *kept) len() int { return len(k.open) + len(k.packed) }

func (b *packedBlock) text() []byte {
	text, err := unpacking().DecodeAll(b.content, nil)
	if err != nil {
		panic("BUG: what was packed in memory cannot be unpacked: " + err.Error())
	}
	return text
}

// append writes a record behind its event's id.
func (r *keptRecord) append(to []byte, id detect.EventID) []byte {
	to = append(to, id[:]...)
	for _, s := range []string{r.format, r.id, r.at.Source} {
		to = binary.AppendUvarint(to, uint64(len(s)))
		to = append(to, s...)
	}
	came := int64(0)
	if !r.came.IsZero() {
		came = r.came.UnixNano()
	}
	for _, n := range []int64{int64(r.at.Record), r.at.Offset, r.millis, came} {
		to = binary.AppendVarint(to, n)
	}
	to = binary.AppendUvarint(to, uint64(len(r.raw)))
	return append(to, r.raw...)
}

// readKept reads what append wrote, and says how long that is. The record's bytes lie in from.
func readKept(from []byte) (r keptRecord, id detect.EventID, size int) {
	rest := from[copy(id[:], from):]
	part := func() []byte {
		n, width := binary.Uvarint(rest)
		out := rest[width : width+int(n)] //nolint:gosec // written by append
		rest = rest[width+len(out):]
		return out
	}
	number := func() int64 {
		n, width := binary.Varint(rest)
		rest = rest[width:]
		return n
	}
	r.format, r.id, r.at.Source = string(part()), string(part()), string(part())
	r.at.Record, r.at.Offset, r.millis = int(number()), number(), number()
	if came := number(); came != 0 {
		r.came = time.Unix(0, came).UTC()
	}
	r.raw = part()
	return r, id, len(from) - len(rest)
}
