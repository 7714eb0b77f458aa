package collect

import (
	"bufio"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow is the most memory that a zstd stream may ask for: what zstd itself grants without being told otherwise
// (--long=27), and with it the level of --ultra -22.
const zstdWindow = 128 << 20

// stores are a Reader's buffers and decoders between uses.
type stores struct {
	buffers []*bufio.Reader
	gzips   []*gzip.Reader
	zstds   []*zstd.Decoder
	flates  []io.ReadCloser
}

func (s *stores) buffer(r io.Reader) *bufio.Reader {
	b, ok := pop(&s.buffers)
	if !ok {
		return bufio.NewReaderSize(r, 64<<10)
	}
	b.Reset(r)
	return b
}

func (s *stores) giveBack(b *bufio.Reader) {
	b.Reset(nil)
	s.buffers = append(s.buffers, b)
}

func pop[T any](list *[]T) (last T, ok bool) {
	n := len(*list)
	if n == 0 {
		return last, false
	}
	last = (*list)[n-1]
	*list = (*list)[:n-1]
	return last, true
}

// gzip opens a series of gzip members as the one stream that they are (RFC 1952, 2.2).
func (o *opening) gzip(l layer) error {
	s := &o.reader.stores
	z, ok := pop(&s.gzips)
	if !ok {
		z = new(gzip.Reader)
	}
	err := o.inner(l, l.name, o.guarded(l, l.name, "gzip", &gzipSeries{in: l.in, z: z}, true))
	s.gzips = append(s.gzips, z)
	return err
}

// gzipSeries reads members one by one, so that what follows the last can be told from a damaged member.
type gzipSeries struct {
	in     *bufio.Reader
	z      *gzip.Reader
	inside bool
	past   bool // past the first member
}

// Read reads across members.
func (g *gzipSeries) Read(p []byte) (int, error) {
	for {
		if !g.inside {
			if err := g.next(); err != nil {
				return 0, err
			}
		}
		n, err := g.z.Read(p)
		if errors.Is(err, io.EOF) {
			g.inside, g.past = false, true
			err = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next begins a member. Zeros after the last one are padding, as gzip(1) has it.
func (g *gzipSeries) next() error {
	if g.past {
		head, err := g.in.Peek(2)
		switch {
		case len(head) == 0:
			return err
		case head[0] == 0:
			return g.padding()
		case len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b:
			return errGarbage
		}
	}
	err := g.z.Reset(g.in)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	g.z.Multistream(false)
	g.inside = true
	return nil
}

func (g *gzipSeries) padding() error {
	for {
		b, err := g.in.ReadByte()
		switch {
		case err != nil:
			return err
		case b != 0:
			return errGarbage
		}
	}
}

// zstd opens a series of zstd frames, decoded in this goroutine.
func (o *opening) zstd(l layer) error {
	s := &o.reader.stores
	z, ok := pop(&s.zstds)
	if !ok {
		var err error
		z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderMaxMemory(zstdWindow))
		if err != nil {
			return fmt.Errorf("prepare a zstd decoder: %w", err)
		}
	}
	g := o.guarded(l, l.name, "zstd", nil, true)
	if err := z.Reset(l.in); err != nil {
		_ = g.explain(err)
		return o.stopped(l)
	}
	g.src = z
	err := o.inner(l, l.name, g)
	if z.Reset(nil) == nil {
		s.zstds = append(s.zstds, z)
	}
	return err
}

func (o *opening) bzip2(l layer) error {
	return o.inner(l, l.name, o.guarded(l, l.name, "bzip2", bzip2.NewReader(l.in), true))
}

// inflate returns a decoder of raw deflate that reads not a byte more of in than it needs.
func (s *stores) inflate(in *bufio.Reader) (z io.ReadCloser, giveBack func()) {
	z, ok := pop(&s.flates)
	if !ok {
		z = flate.NewReader(in)
	} else if err := z.(flate.Resetter).Reset(in, nil); err != nil {
		z = flate.NewReader(in)
	}
	return z, func() { s.flates = append(s.flates, z) }
}
