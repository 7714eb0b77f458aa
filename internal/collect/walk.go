package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// walker makes the listing. Links are followed after all that is really there has been listed: a file that is reached
// both ways bears its own name, whatever order the names have.
type walker struct {
	ctx   context.Context
	inv   *Inventory
	order int // of the path that is walked, among those given
	seen  map[identity]struct{}
	found []found
	links []found
	stdin bool
}

type found struct {
	order int
	file  File
}

func newWalker(ctx context.Context, inv *Inventory) *walker {
	return &walker{ctx: ctx, inv: inv, seen: map[identity]struct{}{}}
}

// root lists a path that the user gave.
func (w *walker) root(p string, in io.Reader) error {
	if p == "-" {
		return w.standardInput(in)
	}
	info, err := os.Stat(p) //nolint:gosec // reading the paths that the user names is the purpose
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %s", label(p), ReasonMissing)
	case err != nil:
		w.problem(pathProblem(p, err))
	case info.Mode()&fs.ModeNamedPipe != 0: // given by name: a stream that the user wants
		if id, ok := identify(p, info); ok {
			if _, again := w.seen[id]; again {
				return nil
			}
			w.seen[id] = struct{}{}
		}
		return w.fifo(p)
	case p == os.DevNull:
		w.add(File{Name: p, at: nothing{}})
	default:
		w.visit(filepath.Clean(p), info)
	}
	return nil
}

// visit lists a file or folder, unless it was before. info is of what a link points at.
func (w *walker) visit(p string, info fs.FileInfo) {
	if id, ok := identify(p, info); ok {
		if _, again := w.seen[id]; again {
			if !info.IsDir() {
				w.inv.Repeated++
			}
			return
		}
		w.seen[id] = struct{}{}
	}
	switch {
	case info.IsDir():
		w.folder(p)
	case !info.Mode().IsRegular():
		w.problem(Problem{label(p), -1, ReasonSpecial, "a " + kind(info.Mode()) + " is not read" + advice(info.Mode())})
	default:
		w.add(File{Name: label(p), path: p, Bytes: info.Size()})
	}
}

func (w *walker) folder(p string) {
	entries, err := os.ReadDir(p) // sorted; on an error, those read before it
	if err != nil {
		w.problem(pathProblem(p, err))
	}
	for _, e := range entries {
		if w.ctx.Err() != nil {
			return
		}
		full := filepath.Join(p, e.Name())
		if e.Type()&fs.ModeSymlink != 0 {
			w.links = append(w.links, found{w.order, File{path: full}})
			continue
		}
		info, err := e.Info()
		if err != nil {
			w.problem(pathProblem(full, err))
			continue
		}
		w.visit(full, info)
	}
}

// followLinks visits what links point at, those found on the way too. Folders are visited once, so a loop ends.
func (w *walker) followLinks() {
	for i := 0; i < len(w.links) && w.ctx.Err() == nil; i++ {
		link := w.links[i]
		w.order = link.order
		info, err := os.Stat(link.file.path)
		if err != nil {
			w.problem(pathProblem(link.file.path, err))
			continue
		}
		w.visit(link.file.path, info)
	}
}

func (w *walker) add(f File) { w.found = append(w.found, found{w.order, f}) }

func (w *walker) problem(p Problem) { w.inv.Problems = append(w.inv.Problems, p) }

// sorted returns the files in reading order.
func (w *walker) sorted() []File {
	slices.SortStableFunc(w.found, func(a, b found) int {
		if a.order != b.order {
			return a.order - b.order
		}
		return comparePaths(a.file.path, b.file.path)
	})
	files := make([]File, len(w.found))
	for i := range w.found {
		files[i] = w.found[i].file
	}
	return files
}

// comparePaths orders paths as a walk in lexical order meets them: name by name, so that a/z stands before a.json.
func comparePaths(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			continue
		}
		switch {
		case os.IsPathSeparator(a[i]):
			return -1
		case os.IsPathSeparator(b[i]):
			return 1
		}
		return int(a[i]) - int(b[i])
	}
	return len(a) - len(b)
}

func kind(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "FIFO"
	case m&fs.ModeSocket != 0:
		return "socket"
	}
	return "device"
}

func advice(m fs.FileMode) string {
	if m&fs.ModeNamedPipe != 0 {
		return " in a folder; name it yourself to read it as a stream"
	}
	return ""
}

// nothing is a file without content.
type nothing struct{}

func (nothing) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }
