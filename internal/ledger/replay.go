package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// replay turns leaves into the set of files that must exist. It takes repeated leaves as they come: one that says what is known
// already, or that adds a file again that has gone since, changes nothing.
type replay struct {
	files    map[string]fileState
	replaced map[compactionID]*compaction
	problems []Problem
}

type fileState struct {
	File
	snapshot int64
	index    uint64
	time     time.Time
	gone     bool // replaced or expired
}

// compactionID tells compactions apart; all parts of one share it.
type compactionID struct {
	snapshot int64
	set      Hash
}

type compaction struct {
	leaf           FilesReplaced // the part that came first
	index          uint64
	time           time.Time
	parts          map[int]bool
	old, new       []File
	unknown        bool // an old file that no leaf added: rows cannot be compared
	rowsOld, rowsN int64
}

func newReplay() *replay {
	return &replay{files: map[string]fileState{}, replaced: map[compactionID]*compaction{}}
}

func (r *replay) take(e entry) {
	switch leaf := e.leaf.(type) {
	case FileAdded:
		r.add(e, leaf.File, leaf.Snapshot)
	case FilesReplaced:
		r.replace(e, leaf)
	case FileExpired:
		if strings.HasPrefix(leaf.Policy, UnprovenPolicy) && !r.files[leaf.Path].gone {
			r.problems = append(r.problems, Problem{Kind: Unproven, Path: leaf.Path, Leaf: e.index, Detail: leaf.Policy})
		}
		r.drop(e, leaf.Path)
	}
}

func (r *replay) add(e entry, f File, snapshot int64) {
	now := fileState{File: f, snapshot: snapshot, index: e.index, time: e.time}
	was, known := r.files[f.Path]
	switch {
	case known && was.File == f && was.snapshot == snapshot: // repeated
	case known && was.File != f && !was.gone:
		r.problems = append(r.problems, Problem{
			Kind: Changed, Path: f.Path, Leaf: e.index,
			Detail: fmt.Sprintf("leaf %d describes it otherwise than leaf %d; a data file is written once", e.index, was.index),
		})
	default:
		r.files[f.Path] = now
	}
}

// drop lets a file go. One that no leaf added is remembered too, as it may still lie on disk.
func (r *replay) drop(e entry, path string) {
	was, known := r.files[path]
	if !known {
		was = fileState{File: File{Path: path}, index: e.index, time: e.time}
	}
	was.gone = true
	r.files[path] = was
}

func (r *replay) replace(e entry, leaf FilesReplaced) {
	id := compactionID{leaf.Snapshot, leaf.EventSet}
	c := r.replaced[id]
	if c == nil {
		c = &compaction{leaf: leaf, index: e.index, time: e.time, parts: map[int]bool{}}
		r.replaced[id] = c
	}
	if c.parts[leaf.Part] {
		return
	}
	c.parts[leaf.Part] = true
	for _, f := range leaf.New {
		r.add(e, f, leaf.Snapshot)
		c.new, c.rowsN = append(c.new, f), c.rowsN+f.Rows
	}
	for _, path := range leaf.Old {
		was, known := r.files[path]
		c.unknown = c.unknown || !known
		c.old, c.rowsOld = append(c.old, was.File), c.rowsOld+was.Rows
		r.drop(e, path)
	}
}

// compactions gives those that are complete, oldest first.
func (r *replay) compactions() []*compaction {
	var whole []*compaction
	for c := range maps.Values(r.replaced) {
		if len(c.parts) == c.leaf.Parts {
			whole = append(whole, c)
		}
	}
	slices.SortFunc(whole, func(a, b *compaction) int { return cmp.Compare(a.index, b.index) })
	return whole
}

// balance checks that the rows of a compaction add up, which needs the leaves alone.
func (c *compaction) balance() (Problem, bool) {
	if c.unknown || c.rowsOld == c.rowsN+c.leaf.Duplicates {
		return Problem{}, true
	}
	return Problem{
		Kind: Unproven, Path: c.leaf.Subject(), Leaf: c.index,
		Detail: fmt.Sprintf("the compaction made %d rows out of %d and says that it dropped %d duplicates", c.rowsN, c.rowsOld, c.leaf.Duplicates),
	}, false
}
