package stream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Records are framed one after the other: length as an unsigned varint in its shortest form, then the bytes. So each
// list of records has one framing, and each framing one list.

func frameSize(record int) int { return (bits.Len64(uint64(record)|1)+6)/7 + record } //nolint:gosec // a length

func appendFrame(raw, record []byte) []byte {
	return append(binary.AppendUvarint(raw, uint64(len(record))), record...)
}

// nextFrame cuts the first record off raw.
func nextFrame(raw []byte) (record, rest []byte, err error) {
	n, width := binary.Uvarint(raw)
	switch {
	case width <= 0:
		return nil, nil, errors.New("the length of a record is cut off or too large")
	case width > 1 && raw[width-1] == 0:
		return nil, nil, errors.New("the length of a record is not in its shortest form")
	case n > uint64(len(raw)-width): //nolint:gosec // width bytes of raw were read
		return nil, nil, fmt.Errorf("a record of %d bytes is cut off after %d", n, len(raw)-width)
	}
	end := width + int(n) //nolint:gosec // not above len(raw)
	return raw[width:end:end], raw[end:], nil
}

// unpack is shared by all readers: it holds no state between calls and starts nothing.
var unpack = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(MaxRaw))
})

// All yields the records of the batch in order; they stay valid. It ends with an error that wraps ErrDamaged where
// the records are not what was published. A batch whose record lies in a file needs that file: read it before the
// position is purged, or, straight from a Cutter, before that is closed.
func (b Batch) All() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if b.Large.Bytes > 0 {
			yield(b.Large.read(b.path))
			return
		}
		unpack, err := unpack()
		if err != nil {
			yield(nil, err)
			return
		}
		raw, err := unpack.DecodeAll(b.Payload, nil)
		if err != nil {
			yield(nil, fmt.Errorf("%w: part %d of %s: unpack: %w", ErrDamaged, b.Part, b.Object, err))
			return
		}
		n := 0
		for ; len(raw) > 0; n++ {
			var record []byte
			if record, raw, err = nextFrame(raw); err != nil {
				yield(nil, fmt.Errorf("%w: part %d of %s: record %d: %w", ErrDamaged, b.Part, b.Object, b.First+n, err))
				return
			}
			if !yield(record, nil) {
				return
			}
		}
		if n != b.Records {
			yield(nil, fmt.Errorf("%w: part %d of %s: %d records where %d were published", ErrDamaged, b.Part, b.Object, n, b.Records))
		}
	}
}
