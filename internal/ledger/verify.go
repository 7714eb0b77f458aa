package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// FileSource is where the data files lie. Verify calls Open and EventHashes from several goroutines.
type FileSource interface {
	// Paths gives the path of every data file that is there, as leaves name it, in any order. It must not leave one out: what it does
	// not give counts as removed, and what it gives beyond the leaves as added.
	Paths(ctx context.Context) iter.Seq2[string, error]
	// Open opens a file for reading. An error that is fs.ErrNotExist counts as removed; any other one ends the verification.
	Open(ctx context.Context, path string) (io.ReadCloser, error)
}

// EventSource is a FileSource that can also list the events of a file, so that the event that changed can be named.
type EventSource interface {
	FileSource
	// EventHashes lists a file's events in the order of its rows. An error means that they cannot be read any more.
	EventHashes(ctx context.Context, path string) ([]EventHash, error)
}

// StraySource is a FileSource that can also list files that lie there and that no reader of the lake sees: what a killed write left behind,
// and what somebody put there.
type StraySource interface {
	FileSource
	// Strays gives their paths, in any order.
	Strays(ctx context.Context) iter.Seq2[string, error]
}

// EventHash is the SHA-256 of one event's raw bytes: as it was written beside the event when the file was made, and as the bytes hash now.
// A source that keeps none beside the event gives the same twice.
type EventHash struct {
	Written, Now [32]byte
}

// ProblemKind is the sort of a problem.
type ProblemKind string

// The kinds of problems.
const (
	Changed    ProblemKind = "changed"    // the file's bytes are not those of its leaf
	Removed    ProblemKind = "removed"    // the file must exist and does not
	Added      ProblemKind = "added"      // the file is in no leaf
	ReSigned   ProblemKind = "re-signed"  // the checkpoint is not signed by the key chain, or leaves or tiles were changed
	Unproven   ProblemKind = "unproven"   // a compaction's new files do not hold what its old ones held
	Unreadable ProblemKind = "unreadable" // a leaf that this version cannot read
)

// Problem is one thing that is not as the log says.
type Problem struct {
	Kind   ProblemKind
	Path   string // of the data file; or of the file within the ledger's folder
	Leaf   uint64 // the leaf that says otherwise; 0 also where none does
	Detail string
	Events []EventChange // of a changed file, where they can be named
	Hidden int           // further changed events, beyond MaxEventChanges
}

// MaxEventChanges is how many events of one file a Problem names.
const MaxEventChanges = 100

// EventChange is an event that differs.
type EventChange struct {
	Row     int  // from 0
	Written Hash // proven by the file's root
	Now     Hash
}

// String says it in a line.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s", p.Kind, p.Path, p.Detail)
	for _, e := range p.Events {
		fmt.Fprintf(&b, "; row %d was %s, is %s", e.Row, e.Written, e.Now)
	}
	if p.Hidden > 0 {
		fmt.Fprintf(&b, "; and %d more rows", p.Hidden)
	}
	return b.String()
}

// Report is what a verification found.
type Report struct {
	Origin   string
	Size     uint64 // leaves under the checkpoint
	Root     Hash   // recomputed from the leaves
	Keys     int    // in the chain, the first included
	Leaves   map[Kind]int
	Expected int          // files that must exist
	Hashed   int          // of these, read and hashed: those whose leaf is within the time asked for
	Bytes    int64        // read for that
	Leftover int          // files that were replaced or expired and are still there: allowed
	Rules    []RulePeriod // each version of each rule that ever was in force, in the order of their leaves
	RuleSet  RuleSetSince // in force by the last leaf
	Strays   []string     // files that are no part of the lake, and that no leaf speaks of: no problem, as nobody reads them
	Problems []Problem
}

// Clean says that everything is as the log says.
func (r Report) Clean() bool { return len(r.Problems) == 0 }

func (r *Report) add(kind ProblemKind, path string, leaf uint64, format string, args ...any) {
	r.Problems = append(r.Problems, Problem{Kind: kind, Path: path, Leaf: leaf, Detail: fmt.Sprintf(format, args...)})
}

// Verify checks a ledger's folder and the files it speaks of, with no more than the folder and the first public key. The whole log and the
// presence of all files are always checked; only files (and compactions) whose leaf's time is in [from, to) are read and hashed, where a zero time is no bound.
// With a nil FileSource only the log is checked.
//
// Somebody may write while it reads: what looks wrong is looked at again where the log has grown since, until it stands.
//
// What is wrong with log or files is in the Report, sorted by kind and path. An error means that it could not be found out: a malformed public key, no
// such folder, a file that cannot be read.
func Verify(ctx context.Context, dir, firstPublicKey string, files FileSource, from, to time.Time) (Report, error) {
	var r Report
	c := fileCheck{source: files, within: period{from, to}, same: map[string]File{}, proven: map[uint64]bool{}}
	for looks := 1; ; looks++ {
		r = Report{Leaves: map[Kind]int{}}
		state, err := verifyLog(ctx, &r, dir, firstPublicKey)
		if err == nil && state != nil && files != nil {
			c.state = state
			err = c.run(ctx, &r)
		}
		if err != nil {
			return r, fmt.Errorf("verify ledger %q: %w", dir, err)
		}
		if looks == mostLooks || !r.unsettled() || !grows(ctx, dir, r.Size) {
			break
		}
	}
	slices.SortStableFunc(r.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Leaf, b.Leaf))
	})
	return r, nil
}

// verifyLog checks signature and tree. It returns what the leaves say of files, or nil where they cannot be read.
func verifyLog(ctx context.Context, r *Report, dir, firstPublicKey string) (*replay, error) {
	keys, err := newChain(strings.TrimSpace(firstPublicKey))
	if err != nil {
		return nil, err
	}
	r.Origin, r.Keys = keys.origin, 1
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		r.add(Removed, "checkpoint", 0, "the log has no checkpoint; files were not checked")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	cp, err := parseCheckpoint(raw)
	if err != nil {
		r.add(ReSigned, "checkpoint", 0, "%v; files were not checked", err)
		return nil, nil
	}
	r.Size = cp.Size
	w := logWalk{report: r, keys: keys, state: newReplay()}
	t := newTree(dir, cp.Size)
	if r.Root, err = t.walk(ctx, w.visit); ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		r.add(ReSigned, "leaves", 0, "%v; files were not checked", err)
		return nil, nil
	}
	r.Keys = len(keys.keys)
	r.Rules, r.RuleSet = w.rules.periods, w.rules.set
	if err := keys.signed(cp); err != nil {
		r.add(ReSigned, "checkpoint", 0, "%v", err)
	}
	return w.state, w.judge(ctx, t, cp)
}

// logWalk reads leaves as they come.
type logWalk struct {
	report *Report
	keys   *chain
	state  *replay
	rules  ruleHistory
}

func (w *logWalk) visit(index uint64, raw []byte) {
	at, leaf, err := decode(raw)
	if err != nil {
		w.report.add(Unreadable, fmt.Sprintf("leaf %d", index), index, "%v", err)
		return
	}
	w.report.Leaves[leaf.Kind()]++
	if rotated, ok := leaf.(KeyRotated); ok {
		if err := w.keys.follow(index, rotated); err != nil {
			w.report.add(ReSigned, fmt.Sprintf("leaf %d", index), index, "change of key: %v", err)
		}
	}
	w.state.take(entry{index, at, leaf})
	if problem := w.rules.take(entry{index, at, leaf}); problem != "" {
		w.report.add(Unproven, leaf.Subject(), index, "%s", problem)
	}
}

// judge says what differs between the leaves, the tiles and the checkpoint, by the name of the file that a changed leaf is about.
func (w *logWalk) judge(ctx context.Context, t *tree, cp Checkpoint) error {
	if w.report.Root == cp.Root {
		for _, path := range t.broken {
			w.report.add(ReSigned, path, 0, "the tile does not follow from the leaves, which are as signed")
		}
		return nil
	}
	w.report.add(ReSigned, "checkpoint", 0, "the leaves make up root %s, the checkpoint signs %s", w.report.Root, cp.Root)
	for _, index := range t.moved {
		name := fmt.Sprintf("leaf %d", index)
		leaf, err := leafAt(ctx, t.files.Root, index, t.size)
		if err == nil {
			name = leaf.Subject()
		} else if ctx.Err() != nil {
			return ctx.Err()
		}
		w.report.add(ReSigned, name, index, "its leaf %d was changed after it was signed", index)
	}
	return nil
}
