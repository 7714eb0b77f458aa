package stream

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// Cutter makes the batches of one object from its records. The same records give the same batches, in the same order. It
// has one owner. It holds at most MaxRaw of records, one payload and a short note on each batch; the rest waits in a
// private file, as no batch can say "of how many" before the last record came.
type Cutter struct {
	of  Batch
	dir string // for what waits
	zip *zstd.Encoder

	raw     []byte // framed records that wait to be cut
	waiting int    // how many
	first   int    // ordinal of the first of them
	target  int    // bytes of raw at which to cut

	pieces []piece
	held   []byte   // the payload while there is only one
	spool  *os.File // all payloads, when there are more
	end    int64
	ended  bool
	err    error
}

// piece is a batch that was cut.
type piece struct {
	first, records int
	offset         int64 // of the payload in the spool
	length         int
	large          Large
	path           string
}

// packWindow is how far back compression looks. Records resemble their neighbours; a longer look costs memory per core.
const packWindow = 1 << 20

// smallSample is below what a ratio of compression says nothing about the records to come.
const smallSample = 64 << 10

func newPacker() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(packWindow))
}

// Cut returns a Cutter for the object that of describes: its names, format and time. Close it when its batches are
// published or given up.
func (s *Stream) Cut(of Batch) *Cutter {
	return &Cutter{of: of, dir: s.large.spool, zip: s.zip, target: MaxRaw}
}

// Add takes the next record and keeps no hold of it. After an error the object must be cut again from its beginning.
func (c *Cutter) Add(record []byte) error {
	if c.ended {
		return errors.New("cut: a record after the end")
	}
	if c.err == nil {
		c.err = c.add(record)
	}
	return c.err
}

func (c *Cutter) add(record []byte) error {
	size := frameSize(len(record))
	if size > MaxRaw {
		if err := c.flush(); err != nil {
			return err
		}
		return c.putLarge(record)
	}
	for c.waiting > 0 && len(c.raw)+size > c.target {
		if err := c.cut(); err != nil {
			return err
		}
	}
	c.raw = appendFrame(c.raw, record)
	c.waiting++
	return nil
}

func (c *Cutter) flush() error {
	for c.waiting > 0 {
		if err := c.cut(); err != nil {
			return err
		}
	}
	return nil
}

// cut makes one batch of as many of the waiting records as fit. How many fit is known only by packing them: when they do
// not, it tries again with as many as that attempt suggests.
func (c *Cutter) cut() error {
	end, records := len(c.raw), c.waiting
	for {
		payload := c.zip.EncodeAll(c.raw[:end], nil)
		if len(payload) <= MaxCompressed {
			if end >= smallSample {
				c.target = min(MaxRaw, fitting(end, len(payload)))
			}
			return c.put(payload, end, records)
		}
		if records == 1 {
			record, _, err := nextFrame(c.raw[:end])
			if err != nil {
				return err
			}
			if err := c.putLarge(record); err != nil {
				return err
			}
			c.drop(end, 1)
			return nil
		}
		end, records = c.prefix(fitting(end, len(payload)))
	}
}

// fitting is how many bytes should pack into a batch, if raw bytes packed into packed: nine tenths, as it varies.
func fitting(raw, packed int) int { return int(int64(raw) * MaxCompressed / int64(packed) * 9 / 10) }

// prefix counts the records that lie within limit bytes, at least one, and their bytes.
func (c *Cutter) prefix(limit int) (end, records int) {
	rest := c.raw
	for records < c.waiting {
		_, after, err := nextFrame(rest)
		next := len(c.raw) - len(after)
		if err != nil || (records > 0 && next > limit) {
			break
		}
		rest, end = after, next
		records++
	}
	return end, records
}

// drop forgets the first records of raw, which are in a batch now.
func (c *Cutter) drop(end, records int) {
	c.raw = c.raw[:copy(c.raw, c.raw[end:])]
	c.waiting -= records
}

func (c *Cutter) put(payload []byte, end, records int) error {
	p := piece{first: c.first, records: records, length: len(payload)}
	if len(c.pieces) == 0 {
		c.held = payload
	} else if err := c.write(&p, payload); err != nil {
		return err
	}
	c.pieces = append(c.pieces, p)
	c.first += records
	c.drop(end, records)
	return nil
}

// write puts a payload into the spool, and before it the one that was held.
func (c *Cutter) write(p *piece, payload []byte) error {
	if c.spool == nil {
		f, err := os.CreateTemp(c.dir, "cut-*")
		if err != nil {
			return fmt.Errorf("cut %s: %w", c.of.Object, err)
		}
		c.spool = f
		if c.held != nil {
			if err := c.write(&c.pieces[0], c.held); err != nil {
				return err
			}
			c.held = nil
		}
	}
	if _, err := c.spool.WriteAt(payload, c.end); err != nil {
		return fmt.Errorf("cut %s: %w", c.of.Object, err)
	}
	p.offset = c.end
	c.end += int64(len(payload))
	return nil
}

// putLarge makes a batch of one record that is too large for a payload. It does not touch what waits.
func (c *Cutter) putLarge(record []byte) error {
	large, path, err := writeLarge(c.dir, record)
	if err != nil {
		return fmt.Errorf("cut %s: record %d of %d bytes: %w", c.of.Object, c.first, len(record), err)
	}
	c.pieces = append(c.pieces, piece{first: c.first, records: 1, large: large, path: path})
	c.first++
	return nil
}

// Batches ends the object and yields its batches in order, with Parts known. It can be ranged over again, until Close.
// An object without records has none.
func (c *Cutter) Batches() iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		if !c.ended && c.err == nil {
			c.err = c.flush()
			c.raw = nil
		}
		c.ended = true
		if c.err != nil {
			yield(Batch{}, c.err)
			return
		}
		for i := range c.pieces {
			if b, err := c.batch(i); !yield(b, err) || err != nil {
				return
			}
		}
	}
}

func (c *Cutter) batch(i int) (Batch, error) {
	p, b := c.pieces[i], c.of
	b.Part, b.Parts, b.First, b.Records = i+1, len(c.pieces), p.first, p.records
	b.Payload, b.Large, b.path = nil, p.large, p.path
	switch {
	case p.large.Bytes > 0:
	case c.spool == nil:
		b.Payload = c.held
	default:
		b.Payload = make([]byte, p.length)
		if _, err := c.spool.ReadAt(b.Payload, p.offset); err != nil && !errors.Is(err, io.EOF) {
			return Batch{}, fmt.Errorf("cut %s: part %d: %w", c.of.Object, i+1, err)
		}
	}
	return b, nil
}

// Close removes what waited. Batches that were published keep what they need.
func (c *Cutter) Close() error {
	c.ended, c.raw, c.held = true, nil, nil
	if c.err == nil {
		c.err = errors.New("cut: the cutter is closed")
	}
	var all []error
	if c.spool != nil {
		all = append(all, c.spool.Close(), os.Remove(filepath.Clean(c.spool.Name())))
		c.spool = nil
	}
	for _, p := range c.pieces {
		if p.path != "" {
			all = append(all, os.Remove(p.path))
		}
	}
	c.pieces = nil
	return errors.Join(all...)
}
