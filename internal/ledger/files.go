package ledger

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// period is [from, to), where a zero time is no bound.
type period struct{ from, to time.Time }

func (p period) holds(t time.Time) bool {
	return (p.from.IsZero() || !t.Before(p.from)) && (p.to.IsZero() || t.Before(p.to))
}

// fileCheck compares the files that lie there with those that must.
type fileCheck struct {
	source FileSource
	state  *replay
	within period

	same   map[string]File // hashed, and as their leaf says: a second look leaves them out
	proven map[uint64]bool // so are compactions, by their leaf
	hashed int
	bytes  int64

	mu     sync.Mutex // guards report, bad, same and the counts while files are hashed
	report *Report
	bad    map[string]bool // files that are not as their leaf says
	there  map[string]bool
}

func (c *fileCheck) run(ctx context.Context, r *Report) error {
	c.report, c.bad, c.there = r, map[string]bool{}, map[string]bool{}
	r.Problems = append(r.Problems, c.state.problems...)
	if err := c.list(ctx); err != nil {
		return err
	}
	if err := c.hashAll(ctx); err != nil {
		return err
	}
	r.Hashed, r.Bytes = c.hashed, c.bytes
	return c.compactions(ctx)
}

// list finds what is there without a leaf, and what still is after its time.
func (c *fileCheck) list(ctx context.Context) error {
	for path, err := range c.source.Paths(ctx) {
		if err != nil {
			return fmt.Errorf("list files: %w", err)
		}
		c.there[path] = true
		state, known := c.state.files[path]
		switch {
		case !known:
			c.report.add(Added, path, 0, "no leaf speaks of it")
		case state.gone:
			c.report.Leftover++
		}
	}
	if source, ok := c.source.(StraySource); ok {
		return c.strays(ctx, source)
	}
	return nil
}

// strays tells what no reader sees: what the log let go waits for its removal, and of the rest nobody knows.
func (c *fileCheck) strays(ctx context.Context, source StraySource) error {
	for path, err := range source.Strays(ctx) {
		if err != nil {
			return fmt.Errorf("list files: %w", err)
		}
		state, known := c.state.files[path]
		switch {
		case !known:
			c.report.Strays = append(c.report.Strays, path)
		case state.gone:
			c.report.Leftover++
			c.there[path] = true
		}
	}
	slices.Sort(c.report.Strays)
	return nil
}

func (c *fileCheck) hashAll(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, path := range slices.Sorted(maps.Keys(c.state.files)) {
		state := c.state.files[path]
		switch {
		case state.gone:
			continue
		case !c.there[path]:
			c.problem(Problem{Kind: Removed, Path: path, Leaf: state.index, Detail: fmt.Sprintf("leaf %d added it", state.index)})
		case c.within.holds(state.time) && !c.hashedBefore(state.File):
			group.Go(func() error { return c.hash(ctx, state) })
		}
		c.report.Expected++
	}
	return group.Wait()
}

// hashedBefore says that an earlier look found a file to be as its leaf says.
func (c *fileCheck) hashedBefore(f File) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.same[f.Path] == f
}

func (c *fileCheck) problem(p Problem) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bad[p.Path] = true
	c.report.Problems = append(c.report.Problems, p)
}

func (c *fileCheck) hash(ctx context.Context, state fileState) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := c.source.Open(ctx, state.Path)
	if errors.Is(err, fs.ErrNotExist) {
		c.problem(Problem{Kind: Removed, Path: state.Path, Leaf: state.index, Detail: fmt.Sprintf("leaf %d added it", state.index)})
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %q: %w", state.Path, err)
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return fmt.Errorf("read %q: %w", state.Path, err)
	}
	is := Hash(sum.Sum(nil))
	c.mu.Lock()
	if c.hashed, c.bytes = c.hashed+1, c.bytes+n; is == state.SHA256 {
		c.same[state.Path] = state.File
	}
	c.mu.Unlock()
	if is != state.SHA256 {
		p := Problem{Kind: Changed, Path: state.Path, Leaf: state.index}
		p.Detail = fmt.Sprintf("its SHA-256 is %s, leaf %d says %s", is, state.index, state.SHA256)
		c.nameEvents(ctx, state, &p)
		c.problem(p)
	}
	return nil
}

// nameEvents finds which events of a changed file differ. The root proves the hashes that were written beside the events; a row whose bytes
// no longer hash to its own is the one.
func (c *fileCheck) nameEvents(ctx context.Context, state fileState, p *Problem) {
	source, ok := c.source.(EventSource)
	if !ok {
		return
	}
	events, err := source.EventHashes(ctx, state.Path)
	if err != nil {
		p.Detail += fmt.Sprintf("; its events cannot be listed: %v", err)
		return
	}
	written, now := columns(events)
	switch {
	case EventRoot(now) == state.Root:
		p.Detail += fmt.Sprintf("; all %d events are as they were, other bytes changed", len(now))
	case EventRoot(written) == state.Root:
		for row := range events {
			if written[row] == now[row] {
				continue
			}
			if len(p.Events) == MaxEventChanges {
				p.Hidden++
				continue
			}
			p.Events = append(p.Events, EventChange{row, written[row], now[row]})
		}
	case int64(len(events)) != state.Rows:
		p.Detail += fmt.Sprintf("; it has %d events, the leaf says %d", len(events), state.Rows)
	default:
		if row, ok := changedRow(state.Finder, now); ok {
			p.Detail += fmt.Sprintf("; one event was changed, in row %d of %d", row, len(now))
			p.Events = append(p.Events, EventChange{Row: row, Now: now[row]})
			return
		}
		p.Detail += "; more than one event was changed, and which cannot be told"
	}
}

func columns(events []EventHash) (written, now [][32]byte) {
	for _, e := range events {
		written, now = append(written, e.Written), append(now, e.Now)
	}
	return written, now
}

// compactions checks that new files hold what the old ones held: by the count of rows for each, and by the events themselves where the
// source lists them and the new files are all still there, unchanged.
func (c *fileCheck) compactions(ctx context.Context) error {
	source, listed := c.source.(EventSource)
	for _, k := range c.state.compactions() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !c.within.holds(k.time) {
			continue
		}
		if p, ok := k.balance(); !ok {
			c.problem(p)
			continue
		}
		if !listed || !c.sound(k) || c.proven[k.index] {
			continue
		}
		detail := provenBy(ctx, source, k, c.there)
		if c.proven[k.index] = detail == ""; detail != "" {
			c.problem(Problem{Kind: Unproven, Path: k.leaf.Subject(), Leaf: k.index, Detail: detail})
		}
	}
	return nil
}

// sound says that all new files of a compaction are there and were not found changed.
func (c *fileCheck) sound(k *compaction) bool {
	return !slices.ContainsFunc(k.new, func(f File) bool { return !c.there[f.Path] || c.bad[f.Path] })
}

// provenBy recomputes a compaction's event set from its new files, and looks there for the events of each old file that still lies there. It
// returns what is wrong.
func provenBy(ctx context.Context, source EventSource, k *compaction, there map[string]bool) string {
	var set [][32]byte
	for _, f := range k.new {
		events, err := source.EventHashes(ctx, f.Path)
		if err != nil {
			return fmt.Sprintf("events of %q cannot be listed: %v", f.Path, err)
		}
		_, now := columns(events)
		if EventRoot(now) != f.Root {
			return fmt.Sprintf("the events of %q do not make up its root", f.Path)
		}
		set = append(set, now...)
	}
	set = distinct(set)
	if root := Hash(EventRoot(set)); root != k.leaf.EventSet {
		return fmt.Sprintf("the new files hold the event set %s, leaf %d says %s", root, k.index, k.leaf.EventSet)
	}
	for _, f := range k.old {
		if !there[f.Path] {
			continue
		}
		events, err := source.EventHashes(ctx, f.Path)
		_, now := columns(events)
		if err != nil || EventRoot(now) != f.Root { // what may be deleted any time proves nothing once it has changed
			continue
		}
		for _, event := range now {
			if _, ok := slices.BinarySearchFunc(set, event, byBytes); !ok {
				return fmt.Sprintf("event %x of the old file %q is in no new file", event, f.Path)
			}
		}
	}
	return ""
}
