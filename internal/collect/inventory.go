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

// Problem is something that could not be read. Reason is short and stable, so that problems can be grouped.
type Problem struct {
	Source string // file, archive members after "!"
	Offset int64  // in the decompressed stream, or -1
	Reason string
	Detail string
}

// The reasons of a Problem.
const (
	ReasonMissing    = "no such file or folder"
	ReasonDenied     = "not allowed to read"
	ReasonSpecial    = "not a regular file"
	ReasonDamaged    = "damaged archive or compression"
	ReasonBomb       = "unpacks beyond the limit"
	ReasonNested     = "archives nested too deep"
	ReasonUnreadable = "cannot be read"
)

// Inventory is the input of a scan, listed once.
type Inventory struct {
	Files    []File
	Problems []Problem
	Bytes    int64 // on disk
	spool    []string
	limits   Limits
}

// File is one file on disk.
type File struct {
	Name  string // as the user would write it
	path  string
	Bytes int64
}

// List walks the paths. "-" is in. A path that does not exist is an error: it is the user's mistake; anything below a
// folder that cannot be read is a Problem.
func List(ctx context.Context, paths []string, in io.Reader, limits Limits) (*Inventory, error) {
	inv := &Inventory{limits: limits.orDefault()}
	w := walker{ctx: ctx, inv: inv, seen: map[string]bool{}}
	for _, p := range paths {
		if err := w.root(p, in); err != nil {
			return nil, errors.Join(err, inv.Close())
		}
	}
	for _, f := range inv.Files {
		inv.Bytes += f.Bytes
	}
	return inv, ctx.Err()
}

// Close removes what was spooled.
func (inv *Inventory) Close() error {
	var errs []error
	for _, p := range inv.spool {
		errs = append(errs, os.Remove(p))
	}
	inv.spool = nil
	return errors.Join(errs...)
}

type walker struct {
	ctx  context.Context
	inv  *Inventory
	seen map[string]bool // real paths: a file that is reached twice is read once
}

func (w *walker) root(p string, in io.Reader) error {
	if p == "-" {
		return w.stream("standard input", in)
	}
	info, err := os.Stat(p)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %s", p, ReasonMissing)
		}
		w.problem(p, err)
		return nil
	}
	if info.Mode()&(fs.ModeNamedPipe|fs.ModeCharDevice) != 0 { // given by name: a stream that the user wants
		f, err := os.Open(p)
		if err != nil {
			w.problem(p, err)
			return nil
		}
		defer f.Close()
		return w.stream(p, f)
	}
	w.visit(p, info)
	return nil
}

// stream spools what can be read only once.
func (w *walker) stream(name string, in io.Reader) error {
	f, err := os.CreateTemp("", "tocsin-input-*")
	if err != nil {
		return fmt.Errorf("keep %s for reading: %w", name, err)
	}
	w.inv.spool = append(w.inv.spool, f.Name())
	n, err := io.Copy(f, &cancellable{w.ctx, in})
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keep %s for reading: %w", name, err)
	}
	w.inv.Files = append(w.inv.Files, File{Name: name, path: f.Name(), Bytes: n})
	return nil
}

func (w *walker) visit(p string, info fs.FileInfo) {
	if w.ctx.Err() != nil {
		return
	}
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		w.problem(p, err)
		return
	}
	if real, err = filepath.Abs(real); err != nil || w.seen[real] {
		return
	}
	w.seen[real] = true
	switch {
	case info.IsDir():
		w.folder(p)
	case !info.Mode().IsRegular():
		w.inv.Problems = append(w.inv.Problems, Problem{p, -1, ReasonSpecial, "a " + kind(info.Mode()) + " in a folder is not read; name it yourself to read it as a stream"})
	default:
		w.inv.Files = append(w.inv.Files, File{Name: p, path: p, Bytes: info.Size()})
	}
}

func (w *walker) folder(p string) {
	entries, err := os.ReadDir(p)
	if err != nil {
		w.problem(p, err)
		return
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return compare(a.Name(), b.Name()) })
	for _, e := range entries {
		full := filepath.Join(p, e.Name())
		info, err := os.Stat(full) // follows links
		if err != nil {
			w.problem(full, err)
			continue
		}
		w.visit(full, info)
	}
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
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

func (w *walker) problem(p string, err error) {
	reason := ReasonUnreadable
	switch {
	case errors.Is(err, fs.ErrNotExist):
		reason = ReasonMissing
	case errors.Is(err, fs.ErrPermission):
		reason = ReasonDenied
	}
	w.inv.Problems = append(w.inv.Problems, Problem{p, -1, reason, plain(err)})
}

// plain takes the path out of an error of the os package: the message names it already.
func plain(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

type cancellable struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancellable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
