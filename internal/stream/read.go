package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// readAhead bounds what waits in memory for a reader: at least one message of the largest size.
const readAhead = 16 << 20

// LostError names positions that cannot be read. After To reading can go on.
type LostError struct {
	From, To uint64
	Err      error // ErrGone or ErrDamaged
}

// Error says which.
func (e *LostError) Error() string { return fmt.Sprintf("%v: %d to %d", e.Err, e.From, e.To) }

// Unwrap returns why.
func (e *LostError) Unwrap() error { return e.Err }

// Read calls do with each batch of a partition in order, beginning after a position, and waits for new ones until ctx
// ends, whose error it returns. after 0 begins with the oldest that is kept. An error from do ends the reading and is
// returned as it is. ErrGone says that positions after the one given are not kept any more, or missing; ErrAhead that the
// stream ends before it; ErrDamaged that a batch is not what was published. ErrGone and ErrDamaged come as a LostError, which says
// where reading can go on.
func (s *Stream) Read(ctx context.Context, partition int, after uint64, do func(seq uint64, b Batch) error) error {
	p, err := s.at(partition)
	if err != nil {
		return err
	}
	ctx, done, err := s.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	for {
		err = s.read(ctx, p, after, func(seq uint64, b Batch) error {
			if err := do(seq, b); err != nil {
				return err
			}
			after = seq
			return nil
		})
		if !errors.Is(err, errAgain) {
			break
		}
	}
	if ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, jetstream.ErrMsgIteratorClosed)) {
		return context.Cause(ctx)
	}
	return err
}

// reading gives a context that also ends with the stream, which waits for done.
func (s *Stream) reading(ctx context.Context) (context.Context, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := context.Cause(s.life); err != nil {
		return nil, nil, err
	}
	s.reads.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.life, func() { cancel(ErrClosed) })
	return ctx, func() {
		stop()
		cancel(nil)
		s.reads.Done()
	}, nil
}

func (s *Stream) read(ctx context.Context, p *partition, after uint64, do func(uint64, Batch) error) error {
	if err := p.reachable(ctx, after); err != nil {
		return err
	}
	consumer, err := s.js.OrderedConsumer(ctx, p.js.CachedInfo().Config.Name, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   after + 1,
	})
	if err != nil {
		return fmt.Errorf("read partition %d: %w", p.number, err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxBytes(readAhead))
	if err != nil {
		return fmt.Errorf("read partition %d: %w", p.number, err)
	}
	defer s.forget(p, consumer)
	defer messages.Stop()
	for last := after; ; {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("read partition %d after %d: %w", p.number, last, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("read partition %d after %d: %w", p.number, last, err)
		}
		seq := meta.Sequence.Stream
		if seq <= last { // a consumer that was made anew begins a little earlier
			continue
		}
		if last > 0 && seq != last+1 {
			return p.gap(ctx, last+1, seq-1)
		}
		b, err := fromMessage(m.Headers(), m.Data())
		if err != nil {
			return fmt.Errorf("read partition %d: %w", p.number, &LostError{seq, seq, err})
		}
		if b.Large.Bytes > 0 {
			b.path = s.large.path(b.ID())
		}
		if err := do(seq, b); err != nil {
			return err
		}
		last = seq
	}
}

// errAgain says that reading must begin again, as the engine left something out that it holds.
var errAgain = errors.New("read again")

// gap decides about positions that did not come: a reader that the engine served badly is not told that they are lost.
func (p *partition) gap(ctx context.Context, from, to uint64) error {
	_, err := p.js.GetMsg(ctx, from)
	switch {
	case err == nil:
		return errAgain
	case !errors.Is(err, jetstream.ErrMsgNotFound):
		return fmt.Errorf("read partition %d: look for %d: %w", p.number, from, err)
	}
	return fmt.Errorf("read partition %d: %w", p.number, &LostError{from, to, ErrGone})
}

// reachable refuses a position from which reading would leave something out.
func (p *partition) reachable(ctx context.Context, after uint64) error {
	info, err := p.js.Info(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("read partition %d: %w", p.number, err)
	case after > info.State.LastSeq:
		return fmt.Errorf("read partition %d after %d: %w, which is %d", p.number, after, ErrAhead, info.State.LastSeq)
	case after > 0 && after+1 < info.State.FirstSeq:
		return fmt.Errorf("read partition %d: %w", p.number, &LostError{after + 1, info.State.FirstSeq - 1, ErrGone})
	}
	return nil
}

// forget removes a reader's consumer, which would otherwise stay for minutes.
func (s *Stream) forget(p *partition, consumer jetstream.Consumer) {
	info := consumer.CachedInfo()
	if info == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.js.DeleteConsumer(ctx, info.Stream, info.Name)
}
