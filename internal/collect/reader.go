package collect

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync/atomic"
)

// Reader reads files of an Inventory. It keeps buffers and decoders between files and has one owner; several Readers
// may read one Inventory at once, the same file too.
type Reader struct {
	inv     *Inventory
	read    *atomic.Int64 // bytes on disk, for progress; may be nil
	problem func(Problem)
	outer   *bufio.Reader
	stores  stores
}

// NewReader returns a Reader. read, where given, counts the bytes on disk as they are read: when a file is done, it has
// grown by the file's Bytes exactly. problem is told of everything that could not be read, once for each Each.
func (inv *Inventory) NewReader(read *atomic.Int64, problem func(Problem)) *Reader {
	return &Reader{inv: inv, read: read, problem: problem, outer: bufio.NewReaderSize(nil, 256<<10)}
}

// Each calls member for every member of a file, in order, with its name ("a.zip!b/c.json.gz") and its decompressed
// stream, which is valid until member returns and need not be read to its end. An empty file is an empty member.
//
// A stream that breaks off ends with a *Problem, which the Reader's callback was told of; where member returns it, the
// next member follows. Any other error of member ends Each, which returns it, as it returns the context's.
func (r *Reader) Each(ctx context.Context, f *File, member func(name string, in io.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	at, done, err := f.open()
	if err != nil {
		r.problem(openProblem(f, err))
		r.count(f.Bytes)
		return nil
	}
	defer done()
	o := &opening{ctx: ctx, reader: r, limits: &r.inv.limits, disk: f.Bytes, member: member}
	src := &origin{o: o, name: f.Name, src: io.NewSectionReader(at, 0, f.Bytes), buf: r.outer, size: f.Bytes, onDisk: true}
	r.outer.Reset(src)
	err = o.open(layer{name: f.Name, in: r.outer, from: src, below: src, at: at, size: f.Bytes})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.count(f.Bytes - o.counted)
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

func (r *Reader) count(n int64) {
	if r.read != nil {
		r.read.Add(n)
	}
}

// errStop ends the reading of a file of which enough is known.
var errStop = errors.New("stop reading this file")

// opening is one file being read.
type opening struct {
	ctx     context.Context
	reader  *Reader
	limits  *Limits
	disk    int64 // bytes of the file on disk
	counted int64 // of disk, told as progress
	out     int64 // bytes that came out of all decoders
	members int
	member  func(name string, in io.Reader) error
}

// layer is one stream on the way from the disk to a member.
type layer struct {
	name  string
	in    *bufio.Reader
	from  *origin // where its compressed bytes come from
	below broken  // what the stream is read through
	depth int
	at    io.ReaderAt // random access to the same bytes, or nil
	size  int64       // of at
}

// report tells of a problem and returns it as an error. Nothing is a problem once the context has ended.
func (o *opening) report(name string, offset int64, reason, detail string) error {
	if err := o.ctx.Err(); err != nil {
		return err
	}
	p := Problem{name, offset, reason, detail}
	o.reader.problem(p)
	return &p
}

// give hands a stream to the caller.
func (o *opening) give(l layer) error {
	err := o.member(l.name, l.in)
	if l.below.failure() != nil {
		if stop := o.stopped(l); stop != nil {
			return stop
		}
	}
	var reported *Problem
	if errors.As(err, &reported) {
		return nil
	}
	return err
}

// another counts a member and refuses those beyond the limit.
func (o *opening) another(archive string, offset int64) error {
	if o.members++; o.members <= o.limits.Members {
		return nil
	}
	_ = o.report(archive, offset, ReasonMembers, "more than "+decimal(int64(o.limits.Members))+" in one file; those before are read")
	return errStop
}

// broken is a stream that may have failed. Whatever reads from it fails in its turn and must not be reported again.
type broken interface{ failure() error }

// origin reads bytes as they lie on disk, or in an archive that was kept.
type origin struct {
	o      *opening
	name   string
	src    io.Reader
	buf    *bufio.Reader // what reads from the origin
	base   int64         // offset of its first byte
	n      int64         // bytes read
	size   int64         // bytes that must be there
	onDisk bool          // counts as progress
	failed error
}

// Read reads, counts, and ends with the context.
func (s *origin) Read(p []byte) (int, error) {
	if s.failed != nil {
		return 0, s.failed
	}
	if s.failed = s.o.ctx.Err(); s.failed != nil {
		return 0, s.failed
	}
	n, err := s.src.Read(p)
	s.n += int64(n)
	if s.onDisk {
		told := min(int64(n), s.o.disk-s.o.counted)
		s.o.counted += told
		s.o.reader.count(told)
	}
	switch {
	case errors.Is(err, io.EOF) && s.n < s.size:
		s.failed = s.o.report(s.name, s.base+s.n, ReasonChanged, "it has fewer bytes than when it was listed")
		return n, s.failed
	case err != nil && !errors.Is(err, io.EOF):
		s.failed = s.o.report(s.name, s.base+s.n, ReasonUnreadable, plain(err))
		return n, s.failed
	}
	return n, err
}

func (s *origin) failure() error { return s.failed }

// offset is how far the bytes have been used.
func (s *origin) offset() int64 { return s.base + s.used() }

func (s *origin) used() int64 { return s.n - int64(s.buf.Buffered()) }
