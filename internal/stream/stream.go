package stream

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The errors by which a caller decides. They come wrapped, with what was being done.
var (
	// ErrFull: the stream or its disk has no room. Nothing was kept; pause the source and try again.
	ErrFull = errors.New("stream is full")
	// ErrTooLarge: the batch can never be published as it is.
	ErrTooLarge = errors.New("batch is too large")
	// ErrGone: positions that were asked for are no longer kept, or are missing.
	ErrGone = errors.New("positions are gone")
	// ErrAhead: a position lies beyond the end. It is from another stream, or this one lost its end.
	ErrAhead = errors.New("position is beyond the end of the stream")
	// ErrDamaged: what is kept is not what was published.
	ErrDamaged = errors.New("batch is damaged")
	// ErrClosed: the stream was closed.
	ErrClosed = errors.New("stream is closed")
)

// MinBytes is the least share of a partition.
const MinBytes = 16 << 20

// reserve is what the stream leaves of the disk: a store that once failed to write takes no more until it is opened again,
// so it must not come to that.
const reserve = 64 << 20

// patience is how long a call without a deadline waits for the store.
const patience = 30 * time.Second

// Options of a Stream. Dir and MaxBytes are required.
type Options struct {
	Dir        string // its own folder; made if it is not there
	MaxBytes   int64  // of all partitions, large records included; each has an equal share, of at least MinBytes
	Partitions int    // 0: 1. Fixed once the folder is used
	Log        *slog.Logger
}

// Stream is the bus. Its methods may be called from any goroutine.
type Stream struct {
	dir        string
	reserve    int64
	locked     *os.File
	server     *engine
	conn       *nats.Conn
	js         jetstream.JetStream
	zip        *zstd.Encoder
	large      largeFolder
	partitions []*partition

	life  context.Context // ends with Close
	end   context.CancelCauseFunc
	mu    sync.Mutex // readers are added only while the life lasts
	reads sync.WaitGroup
}

// partition is one JetStream stream.
type partition struct {
	number     int
	maxBytes   int64
	partitions string // how many there are
	epoch      string // "" in a stream that was made before there were any
	bus        jetstream.JetStream
	js         jetstream.Stream

	mu    sync.Mutex       // one large publish or purge at a time
	files map[string]large // by batch id
	bytes int64            // of all files
}

type large struct {
	seq   uint64
	bytes int64
}

// Open opens the stream in o.Dir, or makes it. Only one process may have it open.
func Open(ctx context.Context, o Options) (*Stream, error) {
	if o.Partitions == 0 {
		o.Partitions = 1
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Dir == "" || o.Partitions < 0 || o.MaxBytes/int64(o.Partitions) < MinBytes {
		return nil, fmt.Errorf("open stream: it needs a folder, and %d bytes for each partition (folder %q, %d bytes, %d partitions)",
			MinBytes, o.Dir, o.MaxBytes, o.Partitions)
	}
	s := &Stream{dir: o.Dir, reserve: reserve}
	s.life, s.end = context.WithCancelCause(context.Background())
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open stream in %s: %w", o.Dir, err), s.Close())
	}
	return s, nil
}

func (s *Stream) open(ctx context.Context, o Options) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*patience) // a large store is checked while it opens
	defer cancel()
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return err
	}
	if s.locked, err = lock(o.Dir); err != nil {
		return err
	}
	if s.zip, err = newPacker(); err != nil {
		return err
	}
	if s.large, err = openLargeFolder(o.Dir); err != nil {
		return err
	}
	if s.server, err = startEngine(ctx, o.Dir, o.Log); err != nil {
		return err
	}
	if s.conn, err = s.server.connect(); err != nil {
		return err
	}
	if s.js, err = jetstream.New(s.conn, jetstream.WithDefaultTimeout(patience)); err != nil {
		return err
	}
	for n := range o.Partitions {
		p, err := s.openPartition(ctx, n, o)
		if err != nil {
			return fmt.Errorf("partition %d: %w", n, err)
		}
		s.partitions = append(s.partitions, p)
	}
	if err := syncTree(o.Dir); err != nil {
		return err
	}
	return s.recoverLarge(ctx)
}

// What a partition's metadata on the bus holds.
const (
	partitionsKey = "tocsin-partitions"
	epochKey      = "tocsin-epoch"
)

func (s *Stream) openPartition(ctx context.Context, n int, o Options) (*partition, error) {
	name, count := "RAW-"+strconv.Itoa(n), strconv.Itoa(o.Partitions)
	p := &partition{number: n, maxBytes: o.MaxBytes / int64(o.Partitions), partitions: count, bus: s.js, files: map[string]large{}}
	switch old, err := s.js.Stream(ctx, name); {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		p.epoch = newEpoch()
	case err != nil:
		return nil, err
	case old.CachedInfo().Config.Metadata[partitionsKey] != count:
		return nil, fmt.Errorf("the folder was made for %s partitions, not %s: what is in it is ordered by that number",
			old.CachedInfo().Config.Metadata[partitionsKey], count)
	default:
		p.epoch = old.CachedInfo().Config.Metadata[epochKey]
	}
	return p, p.configure(ctx)
}

// configure makes the stream on the bus, or changes it.
func (p *partition) configure(ctx context.Context) (err error) {
	metadata := map[string]string{partitionsKey: p.partitions}
	if p.epoch != "" {
		metadata[epochKey] = p.epoch
	}
	p.js, err = p.bus.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:       "RAW-" + strconv.Itoa(p.number),
		Subjects:   []string{p.subject("*")},
		Retention:  jetstream.LimitsPolicy,
		Discard:    jetstream.DiscardNew,
		MaxBytes:   p.maxBytes,
		Storage:    jetstream.FileStorage,
		DenyDelete: true,
		Metadata:   metadata,
	})
	return err
}

// subject is where a batch is published: one subject for each, which is how a repeated one is known.
func (p *partition) subject(id string) string { return "raw." + strconv.Itoa(p.number) + "." + id }

// recoverLarge finds the batches of the files of large records, and removes files that have none.
func (s *Stream) recoverLarge(ctx context.Context) error {
	ids, err := s.large.ids()
	if err != nil {
		return err
	}
	var orphans []string
	for _, id := range ids {
		found := false
		for _, p := range s.partitions {
			m, err := p.js.GetLastMsgForSubject(ctx, p.subject(id))
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			b, err := fromMessage(m.Header, m.Data)
			if err != nil {
				return err
			}
			p.files[id], found = large{m.Sequence, b.Large.Bytes}, true
			p.bytes += b.Large.Bytes
			break
		}
		if !found {
			orphans = append(orphans, id)
		}
	}
	return s.large.remove(orphans...)
}

// Partition says which partition holds what comes from source.
func (s *Stream) Partition(source string) int {
	sum := sha256.Sum256([]byte(source))
	return int(binary.BigEndian.Uint64(sum[:8]) % uint64(len(s.partitions))) //nolint:gosec // below len
}

func (s *Stream) at(n int) (*partition, error) {
	if n < 0 || n >= len(s.partitions) {
		return nil, fmt.Errorf("partition %d is none of %d", n, len(s.partitions))
	}
	return s.partitions[n], context.Cause(s.life)
}

// Close ends all reads, waits for them and stops the engine. A function that Read calls must not call it.
func (s *Stream) Close() error {
	s.mu.Lock()
	first := s.life.Err() == nil
	s.end(ErrClosed)
	s.mu.Unlock()
	s.reads.Wait()
	if !first {
		return nil
	}
	if s.conn != nil {
		s.conn.Close()
	}
	var all []error
	if s.server != nil {
		s.server.stop()
	}
	if s.zip != nil {
		all = append(all, s.zip.Close())
	}
	if s.locked != nil {
		all = append(all, s.locked.Close())
	}
	return errors.Join(all...)
}
