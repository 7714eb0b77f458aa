package ledger

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"
)

// How Tessera is set up.
const (
	batchSize          = 1024                   // entries that are integrated at once
	batchAge           = 5 * time.Millisecond   // how long the first of a batch waits for others
	checkpointInterval = 100 * time.Millisecond // the least that the POSIX storage allows
	publishPoll        = 5 * time.Millisecond   // how often a waiting Append looks at the checkpoint
	closeTimeout       = 30 * time.Second
)

// ErrInUse says that another process, or another Ledger of this one, has the folder open.
var ErrInUse = errors.New("the ledger is in use by another writer")

// ErrClosed says that the Ledger was closed.
var ErrClosed = errors.New("the ledger is closed")

// Options says where a ledger is and what it is called.
type Options struct {
	Dir    string           // required; made if it is not there
	Origin string           // required; names the log in checkpoints and keys, as in "tocsin.example.org/ledger"; no space, no plus
	Now    func() time.Time // the time that stands in leaves; default time.Now
}

// Ledger is an open log with its one writer. All methods may be called from many goroutines.
type Ledger struct {
	dir    string
	first  string // public key
	now    func() time.Time
	lock   *os.File
	gate   *gate
	add    tessera.AddFn
	reader tessera.LogReader
	finish func(context.Context) error
	cancel context.CancelFunc

	// turn is held shared by Append and alone by Rotate and Close, so that a rotation's leaf is the last that the old key signs.
	turn   sync.RWMutex
	broken error // set once nothing more may be appended
}

// Checkpoint is a signed state of the log. Note is what to send to a second place.
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   Hash
	Note   []byte // as published, with its signature
}

// Open opens the ledger in a folder. On first use it makes the folder, the keys and an empty log. It returns an error that is ErrInUse
// while another writer has it, and refuses a log whose checkpoint the folder's key did not sign. The context bounds
// the opening only; Close ends the rest.
func Open(ctx context.Context, o Options) (*Ledger, error) {
	l, err := open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open ledger %q: %w", o.Dir, err)
	}
	return l, nil
}

func open(ctx context.Context, o Options) (*Ledger, error) {
	if o.Dir == "" || o.Origin == "" {
		return nil, errors.New("folder and origin are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, err
	}
	lock, err := takeLock(filepath.Join(o.Dir, lockFile))
	if err != nil {
		return nil, err
	}
	l := &Ledger{dir: o.Dir, now: o.Now, lock: lock}
	if err := l.start(ctx, o.Origin); err != nil {
		return nil, errors.Join(err, l.stop())
	}
	return l, nil
}

// start reads the keys, starts Tessera and ends a rotation that was cut short.
func (l *Ledger) start(ctx context.Context, origin string) error {
	current, first, err := openKeys(l.dir, origin)
	if err != nil {
		return err
	}
	l.first, l.gate = first, &gate{key: current}
	if err := l.ours(ctx, current); err != nil {
		return err
	}
	driver, err := posix.New(ctx, posix.Config{Path: l.dir})
	if err != nil {
		return err
	}
	quiet()
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.cancel = cancel
	appender, finish, reader, err := tessera.NewAppender(background, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(l.gate).
		WithCheckpointInterval(checkpointInterval).
		WithCheckpointRepublishInterval(0).
		WithBatching(batchSize, batchAge))
	if err != nil {
		return err
	}
	l.add, l.finish, l.reader = appender.Add, finish, reader
	return l.settle(ctx)
}

// ours refuses to go on with a log whose checkpoint the current key did not sign, unless the key took over just there.
func (l *Ledger) ours(ctx context.Context, current key) error {
	raw, err := os.ReadFile(filepath.Join(l.dir, "checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := openNote(raw, current.public); err == nil {
		return nil
	}
	cp, err := parseCheckpoint(raw)
	if err != nil {
		return err
	}
	if last, err := lastLeaf(ctx, l.dir, cp.Size); err == nil {
		if r, ok := last.(KeyRotated); ok && r.New == current.public {
			if _, err := openNote(raw, r.Old); err == nil {
				return nil
			}
		}
	}
	return errors.New("the checkpoint is not signed by the key in ledger.key: run a verification before anything is appended")
}

// PublicKey is the first public key, from which Verify follows every later one. Keep a copy where the ledger's machine cannot write.
func (l *Ledger) PublicKey() string { return l.first }

// Append writes leaves and returns their indexes, in order, once they are on disk and a published, signed checkpoint commits to them. After an
// error some may be in the log or get there: append them again, a repeated leaf is harmless. It waits up to about a quarter of a second
// for the checkpoint, so many leaves per call, or many callers, are better than many calls.
func (l *Ledger) Append(ctx context.Context, leaves ...Leaf) ([]uint64, error) {
	for _, leaf := range leaves {
		if leaf.Kind() == KindKeyRotated {
			return nil, errors.New("append to ledger: a key-rotated leaf is written by Rotate only")
		}
	}
	l.turn.RLock()
	defer l.turn.RUnlock()
	return l.write(ctx, leaves)
}

// write appends under a turn that the caller holds.
func (l *Ledger) write(ctx context.Context, leaves []Leaf) ([]uint64, error) {
	if l.broken != nil {
		return nil, fmt.Errorf("append to ledger: %w", l.broken)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("append to ledger: %w", err)
	}
	at := l.now()
	lines := make([][]byte, len(leaves))
	for i, leaf := range leaves {
		var err error
		if lines[i], err = encode(at, leaf); err != nil {
			return nil, fmt.Errorf("append to ledger: %w", err)
		}
	}
	indexes, err := l.sequence(ctx, lines)
	if err != nil || len(indexes) == 0 {
		return nil, err
	}
	return indexes, l.published(ctx, slices.Max(indexes)+1)
}

// sequence puts the lines into the log in their order. Tessera's queue can flush by age and by size at once, and then the later part may
// overtake; the replay needs the order within a call, so the call is repeated then.
func (l *Ledger) sequence(ctx context.Context, lines [][]byte) ([]uint64, error) {
	for {
		futures := make([]tessera.IndexFuture, len(lines))
		for i, line := range lines {
			futures[i] = l.add(context.WithoutCancel(ctx), tessera.NewEntry(line))
		}
		indexes := make([]uint64, len(lines))
		var errs []error
		for i, future := range futures { // each is waited for: no line may slip behind a later rotation
			index, err := future()
			indexes[i], errs = index.Index, append(errs, err)
		}
		if err := errors.Join(errs...); err != nil {
			return nil, fmt.Errorf("append to ledger: %w", err)
		}
		if slices.IsSorted(indexes) {
			return indexes, nil
		}
	}
}

// published waits until the checkpoint covers size entries.
func (l *Ledger) published(ctx context.Context, size uint64) error {
	tick := time.NewTicker(publishPoll)
	defer tick.Stop()
	for {
		cp, err := l.Checkpoint()
		if err == nil && cp.Size >= size {
			return nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("append to ledger: wait for a checkpoint of %d entries: %w", size, ctx.Err())
		case <-tick.C:
		}
	}
}

// Checkpoint is the last published checkpoint.
func (l *Ledger) Checkpoint() (Checkpoint, error) {
	raw, err := os.ReadFile(filepath.Join(l.dir, "checkpoint"))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("read checkpoint: %w", err)
	}
	return parseCheckpoint(raw)
}

// Close ends the writing and lets others open the folder. It waits for calls that are under way.
func (l *Ledger) Close() error {
	l.turn.Lock()
	defer l.turn.Unlock()
	if errors.Is(l.broken, ErrClosed) {
		return nil
	}
	l.broken = ErrClosed
	if err := l.stop(); err != nil {
		return fmt.Errorf("close ledger: %w", err)
	}
	return nil
}

func (l *Ledger) stop() error {
	var err error
	if l.finish != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		err = l.finish(ctx)
	}
	if l.gate != nil {
		l.gate.close()
	}
	if l.cancel != nil {
		l.cancel()
	}
	return errors.Join(err, l.lock.Close())
}

// quiet keeps Tessera's own words from standard error: what matters of them comes as errors.
var quiet = sync.OnceFunc(func() {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	_ = errors.Join(flags.Set("logtostderr", "false"), flags.Set("stderrthreshold", "FATAL")) // flags that klog has
	klog.SetOutput(io.Discard)
})

func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { //nolint:gosec // a descriptor
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return f, nil
}

func parseCheckpoint(raw []byte) (Checkpoint, error) {
	var cp log.Checkpoint
	if _, err := cp.Unmarshal(raw); err != nil {
		return Checkpoint{}, fmt.Errorf("read checkpoint: %w", err)
	}
	out := Checkpoint{Origin: cp.Origin, Size: cp.Size, Note: raw}
	if copy(out.Root[:], cp.Hash) != len(out.Root) || len(cp.Hash) != len(out.Root) {
		return Checkpoint{}, fmt.Errorf("read checkpoint: root of %d bytes (want %d)", len(cp.Hash), len(out.Root))
	}
	return out, nil
}

// openNote checks that a note is signed by a public key.
func openNote(raw []byte, public string) (*note.Note, error) {
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("public key %q: %w", public, err)
	}
	return note.Open(raw, note.VerifierList(verifier))
}
