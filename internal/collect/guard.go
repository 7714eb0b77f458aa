package collect

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// guard is what a decoder is read through. It counts what comes out against the limits, and turns the first failure
// into a Problem, which it tells and then gives to every reader.
type guard struct {
	o      *opening
	src    io.Reader
	name   string
	format string
	from   *origin
	start  int64  // of from, where this stream began
	below  broken // what src reads from: its failure is the cause of ours
	packed bool   // more may come out than goes in
	out    int64
	failed error
	ended  bool
}

// guarded returns a guard over a decoder that reads from l.
func (o *opening) guarded(l layer, name, format string, src io.Reader, packed bool) *guard {
	return &guard{o: o, src: src, name: name, format: format, from: l.from, start: l.from.used(), below: l.below, packed: packed}
}

// Read reads what the limits allow.
func (g *guard) Read(p []byte) (int, error) {
	switch {
	case g.failed != nil:
		return 0, g.failed
	case g.ended:
		return 0, io.EOF
	}
	if g.failed = g.o.ctx.Err(); g.failed != nil {
		return 0, g.failed
	}
	n, err := g.src.Read(p)
	g.out += int64(n)
	if g.packed {
		g.o.out += int64(n)
		if g.failed = g.over(); g.failed != nil {
			return n, g.failed
		}
	}
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		g.ended = true
	default:
		err = g.explain(err)
		g.failed = err
	}
	return n, err
}

func (g *guard) failure() error { return g.failed }

// over reports a limit that is passed.
func (g *guard) over() error {
	l := g.o.limits
	in := max(g.from.used()-g.start, 1)
	switch {
	case g.out > l.Member:
		return g.o.report(g.name, g.from.offset(), ReasonBomb, "one member gives more than "+decimal(l.Member)+" bytes; those before are read")
	case g.out > l.Free && g.out/l.Ratio > in:
		return g.o.report(g.name, g.from.offset(), ReasonBomb,
			fmt.Sprintf("%s bytes gave more than %s (limit: %d times); those before are read", decimal(in), decimal(g.out), l.Ratio))
	case g.o.out > 2*l.Free && g.o.out/l.Ratio > max(g.o.disk, 1):
		_ = g.o.report(g.name, g.from.offset(), ReasonBomb,
			fmt.Sprintf("the file of %s bytes gave more than %s in all (limit: %d times); the rest of it is not read", decimal(g.o.disk), decimal(g.o.out), l.Ratio))
		return errStop
	}
	return nil
}

// The ways in which a decoder of ours says what is wrong.
var (
	errGarbage  = errors.New("what follows the compressed data is none")
	errChecksum = errors.New("the bytes are not those that were packed")
)

// explain reports a decoder's error, unless it came from below.
func (g *guard) explain(err error) error {
	if cause := g.below.failure(); cause != nil {
		return cause
	}
	reason, detail := damaged(g.format, err)
	return g.o.report(g.name, g.from.offset(), reason, detail)
}

// damaged says in which way a format is damaged.
func damaged(format string, err error) (reason, detail string) {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "truncated " + format, "the data ends before the " + format + " does; what came before is read"
	case errors.Is(err, errGarbage), errors.Is(err, zstd.ErrMagicMismatch):
		return "garbage after " + format, "the " + format + " ended well; bytes that are no " + format + " follow and are not read"
	case errors.Is(err, errChecksum), errors.Is(err, gzip.ErrChecksum), errors.Is(err, zstd.ErrCRCMismatch):
		return format + " checksum error", errChecksum.Error() + "; they are read all the same"
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return ReasonBomb, fmt.Sprintf("it asks for a window of more than %d MiB (zstd --long above 27)", zstdWindow>>20)
	case errors.As(err, &corrupt):
		return "corrupt " + format, "the packed data makes no sense here; what came before is read"
	}
	text := err.Error()
	for _, prefix := range []string{"gzip: ", "zstd: ", "bzip2 data invalid: ", "archive/tar: ", "zip: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return "corrupt " + format, text + "; what came before is read"
}

// checked gives io.EOF only where length and CRC-32 are as announced.
type checked struct {
	src    io.Reader
	crc    uint32
	size   int64
	gotCRC uint32
	got    int64
}

// Read reads and sums up.
func (c *checked) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.gotCRC = crc32.Update(c.gotCRC, crc32.IEEETable, p[:n])
	c.got += int64(n)
	switch {
	case !errors.Is(err, io.EOF):
		return n, err
	case c.got < c.size:
		return n, io.ErrUnexpectedEOF
	case c.gotCRC != c.crc || c.got != c.size:
		return n, errChecksum
	}
	return n, err
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
