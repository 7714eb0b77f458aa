package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain is also the process that TestStreamIsKilledAtAnyPoint kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		publishUntilKilled(dir)
	}
	goleak.VerifyTestMain(m)
}

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func opened(tb testing.TB, dir string, bytes int64) *Stream {
	tb.Helper()
	s, err := Open(context.Background(), Options{Dir: dir, MaxBytes: bytes})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// object cuts records into the batches of one object and publishes them.
func object(tb testing.TB, s *Stream, name string, records ...[]byte) []uint64 {
	tb.Helper()
	c := s.Cut(Batch{Source: "test", Format: "cloudtrail", Lane: "live", Received: noon, Object: name, ETag: "e"})
	defer c.Close() //nolint:errcheck // a test
	for _, r := range records {
		if err := c.Add(r); err != nil {
			tb.Fatal(err)
		}
	}
	var seqs []uint64
	for b, err := range c.Batches() {
		if err != nil {
			tb.Fatal(err)
		}
		seq, err := s.Publish(tb.Context(), b)
		if err != nil {
			tb.Fatal(err)
		}
		seqs = append(seqs, seq)
	}
	return seqs
}

// kept is one batch as it was read back.
type kept struct {
	seq     uint64
	batch   Batch
	records [][]byte
}

var errEnough = errors.New("enough")

// all reads everything that is kept after a position.
func all(tb testing.TB, s *Stream, after uint64) []kept {
	tb.Helper()
	last, err := s.Last(tb.Context(), 0)
	if err != nil {
		tb.Fatal(err)
	}
	usage, err := s.Usage(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	var out []kept
	if last <= after || usage[0].Messages == 0 {
		return out
	}
	err = s.Read(tb.Context(), 0, after, func(seq uint64, b Batch) error {
		k := kept{seq: seq, batch: b}
		for r, err := range b.All() {
			if err != nil {
				return err
			}
			k.records = append(k.records, bytes.Clone(r))
		}
		out = append(out, k)
		if seq == last {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		tb.Fatal(err)
	}
	return out
}

// noise is bytes that do not compress, the same for the same seed.
func noise(seed uint64, n int) []byte {
	out := make([]byte, n)
	x := seed*0x9e3779b97f4a7c15 + 1
	for i := range out {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		out[i] = byte(x >> 32) //nolint:gosec // noise
	}
	return out
}

func lines(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = fmt.Appendf(nil, `{"n":%d,"eventName":"ListBuckets","sourceIPAddress":"198.51.100.%d"}`, i, i%250)
	}
	return out
}
