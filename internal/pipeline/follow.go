package pipeline

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ledger"
)

// Follower writes into the ledger what the snapshots of the lake did, one after the other.
type Follower struct {
	Lake   *lake.Lake
	Ledger *ledger.Ledger
	Mark   string                          // file that holds the last snapshot that was written
	Prove  func(ctx context.Context) error // what was received, told first; nil for nothing
	// Damaged, where it is set, is told of data files that cannot be read when their leaves are made; otherwise they end Follow.
	Damaged func(error)
}

// Follow takes the ledger to the lake's last snapshot. A kill on the way is repeated: the same leaves again are harmless.
func (f *Follower) Follow(ctx context.Context) error {
	if f.Prove != nil {
		if err := f.Prove(ctx); err != nil {
			return err
		}
	}
	after, err := f.mark()
	if err != nil {
		return err
	}
	changes, known, err := f.Lake.Changes(after)
	if err != nil {
		return err
	}
	if !known {
		return fmt.Errorf("snapshot %d, the last that the ledger has, is no longer remembered by the lake: what came between cannot be proven", after)
	}
	for _, c := range changes {
		leaves, err := f.leaves(ctx, &c)
		if u := new(UnprovenError); errors.As(err, &u) {
			return err
		}
		if err != nil {
			return fmt.Errorf("snapshot %d: %w", c.Snapshot, err)
		}
		if len(leaves) > 0 {
			if _, err := f.Ledger.Append(ctx, leaves...); err != nil {
				return err
			}
		}
		if err := f.setMark(c.Snapshot); err != nil {
			return err
		}
	}
	return nil
}

func (f *Follower) mark() (int64, error) {
	text, err := os.ReadFile(f.Mark)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", f.Mark, err)
	}
	return n, nil
}

// setMark replaces the file whole. That it may be older than the ledger is harmless, so it is not flushed.
func (f *Follower) setMark(snapshot int64) error {
	next := f.Mark + ".next"
	if err := os.WriteFile(next, []byte(strconv.FormatInt(snapshot, 10)+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(next, f.Mark)
}

func (f *Follower) leaves(ctx context.Context, c *lake.Change) ([]ledger.Leaf, error) {
	var added, old []ledger.FileEvents
	var damaged []error
	for _, a := range c.Added {
		e, err := f.events(ctx, ledger.File{Path: a.Path, Rows: a.Rows, SHA256: a.SHA256}, &damaged)
		if err != nil {
			return nil, err
		}
		added = append(added, e)
	}
	compaction := len(c.Replaced) > 0 && c.Policy == ""
	if compaction {
		for _, path := range c.Replaced {
			e, err := f.events(ctx, ledger.File{Path: path}, &damaged)
			if err != nil {
				return nil, err
			}
			e.File.Rows = int64(len(e.Events))
			old = append(old, e)
		}
	}
	if compaction && len(damaged) == 0 {
		leaves, err := ledger.ProveReplaced(c.Snapshot, old, added)
		if err != nil {
			return nil, &UnprovenError{c.Snapshot, err}
		}
		return leaves, nil
	}
	policy := c.Policy
	if len(damaged) > 0 {
		f.Damaged(errors.Join(damaged...))
		if compaction {
			policy = ledger.UnprovenPolicy + ": " + f.below(damaged)
		}
	}
	leaves := make([]ledger.Leaf, len(added))
	for i, a := range added {
		leaves[i] = ledger.FileAdded{File: a.File, Snapshot: c.Snapshot}
	}
	for _, path := range c.Replaced {
		leaves = append(leaves, ledger.FileExpired{Path: path, Policy: policy, Approver: "configuration"})
	}
	return leaves, nil
}

// events lists the events of a file, with the root and the finder over them. Of one that cannot be read the leaf has the hash of its bytes alone, as they
// were written: verify names it then, until it is put back.
func (f *Follower) events(ctx context.Context, file ledger.File, damaged *[]error) (ledger.FileEvents, error) {
	hashes, err := hashesOf(ctx, f.Lake.Path(file.Path))
	if d := new(lake.DamagedError); errors.As(err, &d) && f.Damaged != nil {
		*damaged = append(*damaged, err)
		return ledger.FileEvents{File: file}, nil
	}
	if err != nil {
		return ledger.FileEvents{}, err
	}
	file.Root, file.Finder = ledger.EventRoot(hashes), ledger.FinderOf(hashes)
	return ledger.FileEvents{File: file, Events: hashes}, nil
}

// below names damaged files as the ledger does.
func (f *Follower) below(damaged []error) string {
	var names []string
	for _, d := range damagedIn(errors.Join(damaged...)) {
		if rel, err := filepath.Rel(f.Lake.Dir(), d.Path); err == nil {
			names = append(names, filepath.ToSlash(rel))
		}
	}
	return strings.Join(names, ", ")
}

// hashesOf hashes the records of a data file as they were received.
func hashesOf(ctx context.Context, path string) ([][32]byte, error) {
	events, err := eventHashes(ctx, path)
	if err != nil {
		return nil, err
	}
	out := make([][32]byte, len(events))
	for i, e := range events {
		out[i] = e.Now
	}
	return out, nil
}

// eventHashes hashes the records of a data file as they were received.
func eventHashes(ctx context.Context, path string) ([]ledger.EventHash, error) {
	var out []ledger.EventHash
	err := lake.Records(ctx, path, func(k lake.Kept) error {
		h := sha256.Sum256(k.Raw)
		out = append(out, ledger.EventHash{Written: h, Now: h})
		return nil
	})
	return out, err
}

// DataFiles shows the data files of a lake's current snapshot to the ledger's verification. A file in the folder that no snapshot names
// is not read by anyone, and is a stray: a commit that was killed leaves such files. Where the catalog cannot be read, or is a copy that
// speaks of another folder, all files in the folder are shown.
type DataFiles struct{ Dir string }

// named lists what the current snapshot names, and reports whether it is known.
func (d DataFiles) named(ctx context.Context) ([]string, bool) {
	named, err := lake.Named(ctx, d.Dir)
	outside := slices.ContainsFunc(named, func(path string) bool { return !filepath.IsLocal(filepath.FromSlash(path)) })
	return named, err == nil && !outside
}

// Strays lists the files of the folder that the current snapshot does not name.
func (d DataFiles) Strays(ctx context.Context) iter.Seq2[string, error] {
	named, known := d.named(ctx)
	return func(yield func(string, error) bool) {
		if !known {
			return
		}
		for path, err := range d.all() {
			if _, is := slices.BinarySearch(named, path); !is && !yield(path, err) {
				return
			}
		}
	}
}

// Paths lists the data files.
func (d DataFiles) Paths(ctx context.Context) iter.Seq2[string, error] {
	named, known := d.named(ctx)
	if !known {
		return d.all()
	}
	return func(yield func(string, error) bool) {
		for _, path := range named {
			if _, err := os.Stat(filepath.Join(d.Dir, filepath.FromSlash(path))); err == nil && !yield(path, nil) {
				return
			}
		}
	}
}

// all lists every file below the folder of data.
func (d DataFiles) all() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		_ = filepath.WalkDir(filepath.Join(d.Dir, "data"), func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) || err == nil && e.IsDir() {
				return nil
			}
			rel := ""
			if err == nil {
				rel, err = filepath.Rel(d.Dir, path)
			}
			if !yield(filepath.ToSlash(rel), err) {
				return fs.SkipAll
			}
			return nil
		})
	}
}

// Open opens a data file.
func (d DataFiles) Open(_ context.Context, path string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(d.Dir, filepath.FromSlash(path))) //nolint:gosec // a path of the ledger, below the folder that the user names
}

// Names gives the name of each event of a data file, in the order of its rows: "product's id, of what it came in".
func (d DataFiles) Names(ctx context.Context, path string) ([]string, error) {
	var out []string
	err := lake.Records(ctx, filepath.Join(d.Dir, filepath.FromSlash(path)), func(k lake.Kept) error {
		out = append(out, fmt.Sprintf("%s (%s, received in %s)", k.ID, k.Format, k.Object))
		return nil
	})
	return out, err
}

// EventHashes lists the events of a data file.
func (d DataFiles) EventHashes(ctx context.Context, path string) ([]ledger.EventHash, error) {
	return eventHashes(ctx, filepath.Join(d.Dir, filepath.FromSlash(path)))
}
