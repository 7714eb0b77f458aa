package collect

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Limits bound what archives may unpack to. The zero value takes the defaults.
type Limits struct {
	Ratio    int64 // decompressed bytes per byte on disk, beyond Free
	Free     int64 // decompressed bytes of a file that are not asked about
	Members  int   // of one archive
	Depth    int   // archives within archives
	Spool    int64 // bytes of an archive within an archive that must be kept to be read
	Absolute int64 // decompressed bytes of one file
}

// DefaultLimits let real logs through: CloudTrail packs 10 to 25 times, a day of one repeated record some 300 times.
func DefaultLimits() Limits {
	return Limits{Ratio: 400, Free: 256 << 20, Members: 1_000_000, Depth: 5, Spool: 4 << 30, Absolute: 1 << 40}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	for _, p := range [][2]*int64{{&l.Ratio, &d.Ratio}, {&l.Free, &d.Free}, {&l.Spool, &d.Spool}, {&l.Absolute, &d.Absolute}} {
		if *p[0] <= 0 {
			*p[0] = *p[1]
		}
	}
	if l.Members <= 0 {
		l.Members = d.Members
	}
	if l.Depth <= 0 {
		l.Depth = d.Depth
	}
	return l
}

// Reader reads files of an Inventory. It keeps buffers between files and has one owner.
type Reader struct {
	inv     *Inventory
	read    *atomic.Int64 // bytes on disk, for progress; may be nil
	outer   *bufio.Reader
	problem func(Problem)
	budget  budget
	members int
}

// NewReader returns a Reader. read, where given, counts the bytes on disk as they are read.
func (inv *Inventory) NewReader(read *atomic.Int64, problem func(Problem)) *Reader {
	return &Reader{inv: inv, read: read, problem: problem, outer: bufio.NewReaderSize(nil, 256<<10)}
}

// Each calls member for every member of a file, in order, with its decompressed stream. Problems go to the Reader's
// callback; an error is member's own or the context's.
func (r *Reader) Each(ctx context.Context, f *File, member func(name string, in io.Reader) error) error {
	disk, err := os.Open(f.path)
	if err != nil {
		w := walker{inv: &Inventory{}}
		w.problem(f.Name, err)
		r.problem(w.inv.Problems[0])
		return nil
	}
	defer disk.Close()
	r.budget = budget{limits: r.inv.limits, disk: f.Bytes}
	r.members = 0
	r.outer.Reset(&counting{r.read, &cancellable{ctx, disk}})
	return r.open(ctx, f.Name, r.outer, disk, f.Bytes, 0, member)
}

// open looks at the first bytes and goes into what they show. at is disk's random access, where there is one.
func (r *Reader) open(ctx context.Context, name string, in *bufio.Reader, at io.ReaderAt, size int64, depth int, member func(string, io.Reader) error) error {
	head, _ := in.Peek(512)
	magic := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }
	if depth > r.inv.limits.Depth && (magic("\x1f\x8b") || magic("\x28\xb5\x2f\xfd") || magic("PK\x03\x04")) {
		r.problem(Problem{name, 0, ReasonNested, fmt.Sprintf("more than %d levels", r.inv.limits.Depth)})
		return nil
	}
	inner := func(wrapped io.Reader) error {
		guarded := &guard{r: wrapped, budget: &r.budget}
		err := r.open(ctx, name, bufio.NewReaderSize(guarded, 64<<10), nil, 0, depth+1, member)
		return r.settle(name, guarded, err)
	}
	switch {
	case magic("\x1f\x8b"):
		z, err := gzip.NewReader(in)
		if err != nil {
			return r.damaged(name, 0, err)
		}
		return inner(z)
	case magic("\x28\xb5\x2f\xfd"):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return r.damaged(name, 0, err)
		}
		defer z.Close()
		return inner(z)
	case magic("BZh"):
		return inner(bzip2.NewReader(in))
	case magic("PK\x03\x04"), magic("PK\x05\x06"):
		return r.zip(ctx, name, in, at, size, depth, member)
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return r.tar(ctx, name, in, depth, member)
	}
	return member(name, in)
}

// settle turns what went wrong inside a stream into a Problem; what came before it was delivered.
func (r *Reader) settle(name string, g *guard, err error) error {
	switch {
	case g.failed == nil:
		return err
	case errors.Is(g.failed, errBomb):
		r.problem(Problem{name, g.n, ReasonBomb, g.failed.Error()})
	case errors.Is(g.failed, context.Canceled), errors.Is(g.failed, context.DeadlineExceeded):
		return g.failed
	default:
		_ = r.damaged(name, g.n, g.failed)
	}
	if errors.Is(err, g.failed) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

func (r *Reader) damaged(name string, offset int64, err error) error {
	detail := strings.TrimPrefix(err.Error(), "gzip: ")
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		detail = "cut off: the compressed data has no end"
	}
	r.problem(Problem{name, offset, ReasonDamaged, detail})
	return nil
}

func (r *Reader) tar(ctx context.Context, name string, in io.Reader, depth int, member func(string, io.Reader) error) error {
	tr := tar.NewReader(in)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return r.damaged(name, -1, err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if r.members++; r.members > r.inv.limits.Members {
			r.problem(Problem{name, -1, ReasonBomb, fmt.Sprintf("more than %d members", r.inv.limits.Members)})
			return nil
		}
		g := &guard{r: tr, budget: &r.budget}
		full := name + "!" + h.Name
		err = r.open(ctx, full, bufio.NewReaderSize(g, 64<<10), nil, 0, depth+1, member)
		if err = r.settle(full, g, err); err != nil {
			return err
		}
		if g.failed != nil {
			return nil
		}
	}
}

// zip needs random access: a zip within another archive is kept in a temporary file first.
func (r *Reader) zip(ctx context.Context, name string, in io.Reader, at io.ReaderAt, size int64, depth int, member func(string, io.Reader) error) error {
	if at == nil {
		tmp, err := os.CreateTemp("", "tocsin-zip-*")
		if err != nil {
			return fmt.Errorf("keep %s for reading: %w", name, err)
		}
		defer os.Remove(tmp.Name())
		defer tmp.Close()
		if size, err = io.Copy(tmp, io.LimitReader(in, r.inv.limits.Spool+1)); err != nil {
			return err
		}
		if size > r.inv.limits.Spool {
			r.problem(Problem{name, 0, ReasonBomb, fmt.Sprintf("an archive of more than %d bytes within another", r.inv.limits.Spool)})
			return nil
		}
		at = tmp
	}
	z, err := zip.NewReader(at, size)
	if err != nil {
		return r.damaged(name, 0, err)
	}
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if r.members++; r.members > r.inv.limits.Members {
			r.problem(Problem{name, -1, ReasonBomb, fmt.Sprintf("more than %d members", r.inv.limits.Members)})
			return nil
		}
		if err := r.zipMember(ctx, name+"!"+f.Name, f, depth, member); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) zipMember(ctx context.Context, full string, f *zip.File, depth int, member func(string, io.Reader) error) error {
	in, err := f.Open()
	if err != nil {
		return r.damaged(full, 0, err)
	}
	defer in.Close()
	if r.read != nil {
		r.read.Add(int64(f.CompressedSize64)) //nolint:gosec // for progress
	}
	g := &guard{r: &cancellable{ctx, in}, budget: &r.budget}
	err = r.open(ctx, full, bufio.NewReaderSize(g, 64<<10), nil, 0, depth+1, member)
	return r.settle(full, g, err)
}

var errBomb = errors.New("unpacks beyond the limit")

// budget is what one file on disk may unpack to, all members and levels together.
type budget struct {
	limits Limits
	disk   int64
	out    int64
}

func (b *budget) spend(n int) error {
	b.out += int64(n)
	if b.out > b.limits.Absolute || b.out > b.limits.Free && b.out/b.limits.Ratio > max(b.disk, 1) {
		return fmt.Errorf("%w: %d bytes on disk gave more than %d (limit: %d times)", errBomb, b.disk, b.out, b.limits.Ratio)
	}
	return nil
}

// guard counts what a stream gives and remembers why it failed.
type guard struct {
	r      io.Reader
	budget *budget
	n      int64
	failed error
}

func (g *guard) Read(p []byte) (int, error) {
	if g.failed != nil {
		return 0, g.failed
	}
	n, err := g.r.Read(p)
	g.n += int64(n)
	if err == nil || n > 0 {
		if over := g.budget.spend(n); over != nil {
			g.failed = over
			return n, over
		}
	}
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		g.failed = err
	}
	return n, err
}

type counting struct {
	n *atomic.Int64
	r io.Reader
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.n != nil {
		c.n.Add(int64(n))
	}
	return n, err
}
