package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/lake"
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

// partitionAt is the name of the one partition that a worker has today, in an epoch of the stream.
func partitionAt(epoch string) string {
	if epoch == "" {
		return "0"
	}
	return "0@" + epoch
}

// Settle finds under what name the lake and the desk keep their positions in a stream. A name holds the stream's epoch: positions in a stream that was
// replaced are not found under it, and all that the stream holds is read then, where what is known is a duplicate. A stream
// that ends before what the sinks have of it was put back from an older copy, and gets an epoch of its own. So Settle
// is to be called before anything is published.
func Settle(ctx context.Context, s *stream.Stream, l *lake.Lake, d *desk.Desk, log *slog.Logger) (string, error) {
	epoch, err := s.Epoch(0)
	if err != nil {
		return "", err
	}
	name := partitionAt(epoch)
	last, err := s.Last(ctx, 0)
	if err != nil {
		return "", err
	}
	positions := l.Marks().Positions
	shown, err := d.Position(ctx, name)
	if err != nil {
		return "", err
	}
	counted, err := d.Tallied(ctx, name)
	if err != nil {
		return "", err
	}
	if reached := max(positions[name], shown, counted); reached > last {
		log.Error("the stream ends before what is stored of it: it was put back from an older copy, or lost its end", "stream", last, "stored", reached)
		if epoch, err = s.Renew(ctx, 0); err != nil {
			return "", err
		}
		name = partitionAt(epoch)
	}
	if _, known := positions[name]; known || len(positions) == 0 {
		return name, nil
	}
	const what = "the folder of the stream is another than the one that the lake was filled from (removed, or put back from a copy): all of it is read again, and what is known is a duplicate. " +
		"What waited in the other one and was not stored yet is gone: give the last hours in again with tocsin source backfill"
	log.Error(what, "epoch", epoch)
	letter := desk.DeadLetter{ID: deadID("", "epoch "+epoch, "stream", "", 0), Object: "the stream before epoch " + epoch, Reason: ReasonLost, Detail: what, ReceivedAt: time.Now()}
	return name, d.Save(ctx, &desk.Conclusion{Partition: name, DeadLetters: []desk.DeadLetter{letter}, Now: time.Now()})
}

// resume finds where to begin: where the lake is.
func (w *Worker) resume(ctx context.Context) (err error) {
	if w.partition, err = Settle(ctx, w.Stream, w.Lake, w.Desk, w.Log); err != nil {
		return err
	}
	marks := w.Lake.Marks()
	read, known := marks.Positions[w.partition]
	if !known && len(marks.Positions) > 0 { // of another stream: what was purged from it was stored
		u, err := w.Stream.Usage(ctx)
		if err != nil {
			return err
		}
		read = u[0].First - 1
	}
	w.read, w.totals = read, marks.Totals
	if w.shown, err = w.Desk.Position(ctx, w.partition); err != nil {
		return err
	}
	if err := w.trials.close(); err != nil {
		return err
	}
	kept, err := w.Desk.Watermarks(ctx, "")
	if err != nil {
		return err
	}
	w.tides = newTides(kept)
	w.trials, err = openTrials(w.Trials, w.read)
	return err
}

// Harmed says that a data file cannot be read. The worker goes on without it: to stop would make one torn file of last year a way to blind
// today's detection. What it held is judged again, and known, once it is put back.
func (w *Worker) Harmed(err error) {
	w.Status.Damaged.Add(1)
	w.damage.add(err, w.Now())
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
		if err := w.Desk.Save(ctx, &desk.Conclusion{Partition: w.partition, DeadLetters: []desk.DeadLetter{letter}, Now: w.Now()}); err != nil {
			return err
		}
		after = gone.To
	}
}
