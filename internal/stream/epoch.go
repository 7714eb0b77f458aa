package stream

import (
	"context"
	"crypto/rand"
	"fmt"
)

// newEpoch makes a name that no other stream has.
func newEpoch() string { return rand.Text()[:13] }

// Epoch names what the positions of a partition are counted in. It is made with the stream and stays as long as that is continued: a position that
// was noted under another epoch says nothing here. It is "" in a stream that was made before there were any.
func (s *Stream) Epoch(partition int) (string, error) {
	p, err := s.at(partition)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.epoch, nil
}

// Renew gives a partition another epoch: it was put back from an older copy, and its next positions were used before. Call it before
// anything is published.
func (s *Stream) Renew(ctx context.Context, partition int) (string, error) {
	p, err := s.at(partition)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.epoch
	p.epoch = newEpoch()
	if err := p.configure(ctx); err != nil {
		p.epoch = before
		return "", fmt.Errorf("begin an epoch of partition %d: %w", partition, err)
	}
	return p.epoch, nil
}
