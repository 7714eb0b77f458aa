package ledger

import (
	"errors"
	"fmt"
	"slices"
)

// maxPart is how many bytes of paths and files go into one part of a compaction, with room left in maxLine for the frame and for
// what JSON escapes.
const maxPart = 24 << 10

// FileEvents is a file with the SHA-256 of each of its events' raw bytes, in any order.
type FileEvents struct {
	File   File
	Events [][32]byte
}

// ProveReplaced makes the leaves of a compaction, to be appended in one call. It refuses files that do not hold what they claim, and
// a compaction that lost or made up an event. Dropped duplicates are counted.
func ProveReplaced(snapshot int64, old, replacement []FileEvents) ([]Leaf, error) {
	before, rowsBefore, err := gather(old)
	if err != nil {
		return nil, fmt.Errorf("prove compaction, old files: %w", err)
	}
	after, rowsAfter, err := gather(replacement)
	if err != nil {
		return nil, fmt.Errorf("prove compaction, new files: %w", err)
	}
	if lost, made := missing(before, after), missing(after, before); lost+made > 0 {
		return nil, fmt.Errorf("prove compaction of %d files: %d events of the old files are lost, %d of the new are made up", len(old), lost, made)
	}
	if rowsAfter > rowsBefore {
		return nil, fmt.Errorf("prove compaction: %d rows became %d", rowsBefore, rowsAfter)
	}
	parts := split(old, replacement)
	leaves := make([]Leaf, len(parts))
	for i, p := range parts {
		p.Snapshot, p.EventSet, p.Duplicates = snapshot, EventRoot(after), rowsBefore-rowsAfter
		p.Part, p.Parts = i+1, len(parts)
		leaves[i] = p
	}
	return leaves, nil
}

func gather(files []FileEvents) (set [][32]byte, rows int64, err error) {
	if len(files) == 0 {
		return nil, 0, errors.New("there are none")
	}
	for _, f := range files {
		if int64(len(f.Events)) != f.File.Rows {
			return nil, 0, fmt.Errorf("%q: %d rows but %d event hashes", f.File.Path, f.File.Rows, len(f.Events))
		}
		if EventRoot(f.Events) != f.File.Root {
			return nil, 0, fmt.Errorf("%q: the event hashes do not make up its root", f.File.Path)
		}
		set = append(set, f.Events...)
		rows += f.File.Rows
	}
	return distinct(set), rows, nil
}

// missing counts what of a is not in b; both are sorted.
func missing(a, b [][32]byte) (n int) {
	for _, h := range a {
		if _, ok := slices.BinarySearchFunc(b, h, byBytes); !ok {
			n++
		}
	}
	return n
}

// split spreads the files over parts that fit a leaf, new files first: so a log that ends amid the parts knows each file on disk.
func split(old, replacement []FileEvents) []FilesReplaced {
	part := FilesReplaced{New: []File{}, Old: []string{}}
	parts, bytes := []FilesReplaced{}, 0
	room := func(n int) {
		if bytes > 0 && bytes+n > maxPart {
			parts = append(parts, part)
			part, bytes = FilesReplaced{New: []File{}, Old: []string{}}, 0
		}
		bytes += n
	}
	for _, f := range replacement {
		room(len(f.File.Path) + 200) // hashes, names and numbers
		part.New = append(part.New, f.File)
	}
	for _, f := range old {
		room(len(f.File.Path) + 3) // quotes and comma
		part.Old = append(part.Old, f.File.Path)
	}
	return append(parts, part)
}
