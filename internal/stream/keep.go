package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Usage is what one partition keeps.
type Usage struct {
	Partition   int
	First, Last uint64    // positions; First is Last+1 when nothing is kept
	Messages    int       // batches
	Bytes       int64     // all that counts against MaxBytes, large records included
	Large       int64     // bytes of large records
	MaxBytes    int64     // the partition's share
	Oldest      time.Time // when the oldest batch was published; zero when nothing is kept
}

// Usage tells what each partition keeps.
func (s *Stream) Usage(ctx context.Context) ([]Usage, error) {
	all := make([]Usage, 0, len(s.partitions))
	for n := range s.partitions {
		u, err := s.usage(ctx, n)
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, nil
}

func (s *Stream) usage(ctx context.Context, partition int) (Usage, error) {
	p, err := s.at(partition)
	if err != nil {
		return Usage{}, err
	}
	info, err := p.js.Info(ctx)
	if err != nil {
		return Usage{}, fmt.Errorf("look at partition %d: %w", p.number, err)
	}
	p.mu.Lock()
	files := p.bytes
	p.mu.Unlock()
	u := Usage{
		Partition: p.number,
		First:     max(info.State.FirstSeq, 1),
		Last:      info.State.LastSeq,
		Messages:  int(info.State.Msgs),            //nolint:gosec // messages on a disk
		Bytes:     int64(info.State.Bytes) + files, //nolint:gosec // bytes on a disk
		Large:     files,
		MaxBytes:  p.maxBytes,
	}
	if u.Messages > 0 {
		u.Oldest = info.State.FirstTime
	}
	return u, nil
}

// Last returns the position of the newest batch of a partition, 0 when there never was one. It stays when that is purged.
func (s *Stream) Last(ctx context.Context, partition int) (uint64, error) {
	u, err := s.usage(ctx, partition)
	return u.Last, err
}

// Purge deletes the batches of a partition below a position, with the files of their large records. Only what every sink
// has may be purged: the position is the lowest that a sink still needs.
func (s *Stream) Purge(ctx context.Context, partition int, below uint64) error {
	p, err := s.at(partition)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	info, err := p.js.Info(ctx)
	if err != nil {
		return fmt.Errorf("purge partition %d: %w", p.number, err)
	}
	if last := info.State.LastSeq; below > last+1 { // the engine would skip the positions in between
		return fmt.Errorf("purge partition %d below %d: %w, which is %d", p.number, below, ErrAhead, last)
	}
	if below <= max(info.State.FirstSeq, 1) {
		return nil
	}
	if err := p.js.Purge(ctx, jetstream.WithPurgeSequence(below)); err != nil {
		return fmt.Errorf("purge partition %d below %d: %w", p.number, below, err)
	}
	var gone []string
	for id, f := range p.files {
		if f.seq < below {
			gone = append(gone, id)
		}
	}
	if err := s.large.remove(gone...); err != nil {
		return fmt.Errorf("purge partition %d below %d: %w", p.number, below, err)
	}
	for _, id := range gone {
		p.bytes -= p.files[id].bytes
		delete(p.files, id)
	}
	return nil
}
