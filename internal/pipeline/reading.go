package pipeline

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// Progress is how far a scan is. Its counters may be read at any time.
type Progress struct {
	Stage  atomic.Value // string: surveying, judging, reading evidence
	Bytes  atomic.Int64 // on disk, of this reading
	Events atomic.Int64 // of this reading
	Files  atomic.Int64
}

func (p *Progress) begin(stage string) {
	p.Stage.Store(stage)
	p.Bytes.Store(0)
	p.Events.Store(0)
	p.Files.Store(0)
}

// place numbers a record within the whole input: file and ordinal within the file. The smallest of equal records is
// the one that counts.
type place uint64

func placeOf(file int, record uint32) place { return place(uint64(file)<<32 | uint64(record)) } //nolint:gosec // files are fewer than 2^32

// worker is one goroutine of a reading.
type worker struct {
	reader   *collect.Reader
	decoders []*ocsf.Decoder
	head     *bufio.Reader
	file     int
	records  uint32 // of the file so far
	progress *Progress
	sink     ocsf.Sink
	// what the reading does with what it finds
	event      func(e *ocsf.Event, at place) error
	unreadable func(u ocsf.Unreadable) error
	problem    func(p collect.Problem)
}

func newWorker(inv *collect.Inventory, p *Progress) *worker {
	w := &worker{progress: p, head: bufio.NewReaderSize(nil, format.HeadSize)}
	w.reader = inv.NewReader(&p.Bytes, func(p collect.Problem) { w.problem(p) })
	for _, f := range format.All() {
		w.decoders = append(w.decoders, ocsf.NewDecoder(f.Shape(), records.Limits{}))
	}
	w.sink = ocsf.Sink{
		Event: func(e *ocsf.Event) error {
			at := placeOf(w.file, w.records)
			w.records++
			if w.records&1023 == 0 {
				w.progress.Events.Add(1024)
			}
			return w.event(e, at)
		},
		Unreadable: func(u ocsf.Unreadable) error {
			w.records++
			return w.unreadable(u)
		},
	}
	return w
}

// ReasonUnknownFormat is given for a file whose content is no known log.
const ReasonUnknownFormat = "not a log that Tocsin knows"

// read reads one file.
func (w *worker) read(ctx context.Context, number int, f *collect.File) error {
	w.file, w.records = number, 0
	err := w.reader.Each(ctx, f, func(name string, in io.Reader) error {
		w.head.Reset(in)
		head, err := w.head.Peek(format.HeadSize)
		if len(head) == 0 {
			if errors.Is(err, io.EOF) {
				return nil // an empty file holds no records, and nothing is amiss
			}
			return err
		}
		which := format.Detect(head)
		if which < 0 {
			w.problem(collect.Problem{Source: name, Offset: 0, Reason: ReasonUnknownFormat, Detail: "CloudTrail (JSON) and OCSF (JSON) are read today"})
			return nil
		}
		return w.decoders[which].Decode(ctx, w.head, name, w.sink)
	})
	w.progress.Events.Add(int64(w.records & 1023))
	w.progress.Files.Add(1)
	return err
}

// share gives files out to workers, in order, until all are read or the context ends. done reports a file that was
// read to its end.
func share(ctx context.Context, inv *collect.Inventory, files []int, workers []*worker, done func(file int)) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for _, w := range workers {
		group.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(files) {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := w.read(ctx, files[i], &inv.Files[files[i]]); err != nil {
					return err
				}
				done(files[i])
			}
		})
	}
	return group.Wait()
}
