package pipeline

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/ocsf"
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
	reader   PartReader
	part     int
	records  uint32 // of the part so far
	progress *Progress
	sink     ocsf.Sink
	// what the reading does with what it finds
	event      func(e *ocsf.Event, at place) error
	unreadable func(u ocsf.Unreadable) error
	problem    func(p collect.Problem)
}

func newWorker(in Input, p *Progress) *worker {
	w := &worker{progress: p}
	w.reader = in.Reader(p, func(p collect.Problem) { w.problem(p) })
	w.sink = ocsf.Sink{
		Event: func(e *ocsf.Event) error {
			at := placeOf(w.part, w.records)
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

// read reads one part.
func (w *worker) read(ctx context.Context, part int) error {
	w.part, w.records = part, 0
	err := w.reader.Read(ctx, part, w.sink)
	w.progress.Events.Add(int64(w.records & 1023))
	return err
}

// share gives parts out to workers, in order, until all are read or the context ends. done reports a part that was
// read to its end.
func share(ctx context.Context, parts []int, workers []*worker, done func(part int)) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for _, w := range workers {
		group.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(parts) {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := w.read(ctx, parts[i]); err != nil {
					return err
				}
				done(parts[i])
			}
		})
	}
	return group.Wait()
}
