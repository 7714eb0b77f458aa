package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// Step is a place between two writes of a worker. A test stops there.
type Step string

// The steps, in the order in which a batch meets them.
const (
	StepRecord    Step = "record"    // a record is about to be taken in
	StepSaved     Step = "saved"     // findings and position are on the desk
	StepDesk      Step = "desk"      // dead letters and position are on the desk, the lake is to follow
	StepCommitted Step = "committed" // the lake has it, the ledger has not
	StepCompacted Step = "compacted" // files were put in the place of others
	StepLedgered  Step = "ledgered"  // the ledger has it, the stream still holds it
)

func (w *Worker) at(step Step, record []byte) {
	if w.At != nil {
		w.At(step, record)
	}
}

// resume finds where to begin: where the lake is. A lake that is ahead of the stream was filled from another one (the folder of the
// stream was removed, or restored from a copy): all that the stream holds is read then, and what is known is a duplicate.
func (w *Worker) resume(ctx context.Context, reached uint64) (uint64, error) {
	last, err := w.Stream.Last(ctx, 0)
	if err != nil {
		return 0, err
	}
	if w.shown, err = w.Desk.Position(ctx, partitionName); err != nil {
		return 0, err
	}
	if reached > last {
		w.Log.Warn("the lake is ahead of the stream, which therefore is another: all of it is read", "lake", reached, "stream", last)
		reached = 0
	}
	if w.shown > last {
		w.shown = 0
	}
	if err := w.trials.close(); err != nil {
		return 0, err
	}
	kept, err := w.Desk.Watermarks(ctx, "")
	if err != nil {
		return 0, err
	}
	w.tides = newTides(kept)
	w.trials, err = openTrials(w.Trials, reached)
	return reached, err
}

// damaged says that a data file cannot be read. The worker goes on without it: to stop would make one torn file of last year a way to blind
// today's detection. What it held is judged again, and known, once it is put back.
func (w *Worker) damaged(err error) {
	w.Status.Damaged.Add(1)
	w.Log.Error("part of the lake cannot be read; it is left out", "error", err)
}

// follow reads the stream on and on. Positions that it lost, or that cannot be read, are passed over, but not in silence.
func (w *Worker) follow(ctx context.Context, after uint64, do func(uint64, stream.Batch) error) error {
	for {
		err := w.Stream.Read(ctx, 0, after, func(seq uint64, b stream.Batch) error {
			after = seq
			return do(seq, b)
		})
		var gone *stream.LostError
		if !errors.As(err, &gone) || ctx.Err() != nil {
			return err
		}
		w.Log.Error("the stream lost batches", "from", gone.From, "to", gone.To, "error", err)
		w.Status.Lost.Add(int64(gone.To - gone.From + 1)) //nolint:gosec // batches on a disk
		text := fmt.Sprintf("%d", gone.From)
		if gone.To > gone.From {
			text += fmt.Sprintf(" to %d", gone.To)
		}
		letter := desk.DeadLetter{ID: deadID("", text, "stream", w.Now().Format("2006-01-02T15"), 0), Object: "positions " + text + " of the stream", Reason: ReasonLost, Detail: gone.Error(), ReceivedAt: w.Now()}
		if err := w.Desk.Save(ctx, &desk.Conclusion{Partition: partitionName, DeadLetters: []desk.DeadLetter{letter}, Now: w.Now()}); err != nil {
			return err
		}
		after = gone.To
	}
}
