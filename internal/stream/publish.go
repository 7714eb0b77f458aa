package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Publish keeps a batch and returns its position in the partition of its source, once it is on disk. A batch that is kept
// already is not kept again: its position is returned. Batches that one caller publishes one after the other are in that
// order. ErrFull and ErrTooLarge mean that it was not kept; after any other error it may have been: publish it again.
func (s *Stream) Publish(ctx context.Context, b Batch) (uint64, error) {
	seq, err := s.publish(ctx, b)
	if err != nil && s.life.Err() != nil {
		err = ErrClosed
	}
	if err != nil {
		return 0, fmt.Errorf("publish part %d of %d of %s %q: %w", b.Part, b.Parts, b.Source, b.Object, err)
	}
	return seq, nil
}

func (s *Stream) publish(ctx context.Context, b Batch) (uint64, error) {
	if err := b.check(); err != nil {
		return 0, err
	}
	p, err := s.at(s.Partition(b.Source))
	if err != nil {
		return 0, err
	}
	if err := s.diskRoom(b); err != nil {
		return 0, err
	}
	if b.Large.Bytes > 0 {
		return s.publishLarge(ctx, p, b)
	}
	if err := p.room(ctx, b); err != nil {
		return 0, err
	}
	return p.send(ctx, b.ID(), b)
}

// publishLarge puts the record's file in its place, then publishes the batch that points to it.
func (s *Stream) publishLarge(ctx context.Context, p *partition, b Batch) (uint64, error) {
	id := b.ID()
	p.mu.Lock()
	defer p.mu.Unlock()
	if kept, ok := p.files[id]; ok {
		return kept.seq, nil
	}
	if b.Large.Bytes > p.maxBytes-MaxPayload {
		return 0, fmt.Errorf("%w: record of %d bytes in a partition of %d", ErrTooLarge, b.Large.Bytes, p.maxBytes)
	}
	if err := p.roomLocked(ctx, b); err != nil {
		return 0, err
	}
	placed, err := s.large.place(id, b)
	if err != nil {
		return 0, err
	}
	seq, err := p.send(ctx, id, b)
	switch {
	case err == nil:
		p.files[id] = large{seq, b.Large.Bytes}
		p.bytes += b.Large.Bytes
	case placed && errors.Is(err, ErrFull): // else it may have been kept: the next Open decides
		err = errors.Join(err, s.large.remove(id))
	}
	return seq, err
}

// diskRoom refuses before the disk does.
func (s *Stream) diskRoom(b Batch) error {
	if free, known := freeBytes(s.dir); known && free < s.reserve+b.bytes() {
		return fmt.Errorf("%w: the disk of %s has %d bytes left, %d of them in reserve", ErrFull, s.dir, free, s.reserve)
	}
	return nil
}

// room counts the files of large records, which the engine does not see.
func (p *partition) room(ctx context.Context, b Batch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bytes == 0 {
		return nil
	}
	return p.roomLocked(ctx, b)
}

func (p *partition) roomLocked(ctx context.Context, b Batch) error {
	info, err := p.js.Info(ctx)
	if err != nil {
		return err
	}
	if used := int64(info.State.Bytes) + p.bytes; used+b.bytes() > p.maxBytes { //nolint:gosec // bytes on a disk
		return fmt.Errorf("%w: partition %d has %d of %d bytes", ErrFull, p.number, used, p.maxBytes)
	}
	return nil
}

// send publishes on a subject of the batch's own, on which nothing may lie yet. Unlike the engine's memory of recent ids,
// which it also uses, that knows a repeated batch for as long as the first one is kept.
func (p *partition) send(ctx context.Context, id string, b Batch) (uint64, error) {
	m := &nats.Msg{Subject: p.subject(id), Header: b.header(id), Data: b.Payload}
	for {
		ack, err := p.bus.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(0))
		if err == nil {
			return ack.Sequence, nil
		}
		if refused := new(jetstream.APIError); errors.As(err, &refused) {
			switch {
			case refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence:
				kept, err := p.js.GetLastMsgForSubject(ctx, m.Subject)
				if errors.Is(err, jetstream.ErrMsgNotFound) {
					continue // purged in between
				}
				if err != nil {
					return 0, err
				}
				return kept.Sequence, nil
			case strings.Contains(refused.Description, natsserver.ErrMaxBytes.Error()):
				return 0, fmt.Errorf("%w: partition %d has no room in its %d bytes", ErrFull, p.number, p.maxBytes)
			}
		}
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = fmt.Errorf("the store did not answer within %s (if the disk is full or failing, make room and open it again): %w", patience, err)
		}
		return 0, err
	}
}
