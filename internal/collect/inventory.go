package collect

import (
	"context"
	"errors"
	"io"
	"os"
)

// Inventory is the input of a scan, listed once. It may be read by several Readers at once.
type Inventory struct {
	Files    []File    // in reading order: as the paths were given, lexical below each
	Problems []Problem // of the listing, in order of discovery
	Bytes    int64     // on disk: the sum of the files
	Repeated int       // files reached a second time, by a link or a second path, and not listed again
	kept     []*keep
	limits   Limits
}

// File is one file on disk, or a stream that was kept.
type File struct {
	Name  string // as the user would write it, made printable
	Bytes int64  // on disk, when it was listed; what is added later is not read
	path  string
	at    io.ReaderAt // in place of path, for streams
}

// List walks the paths. "-" is in. A path that does not exist is an error: it is the user's mistake. So is a stream that
// there is no room to keep. Anything below a folder that cannot be read is a Problem.
//
// Standard input that cannot be interrupted (a terminal) leaves its reading goroutine behind when ctx ends.
func List(ctx context.Context, paths []string, in io.Reader, limits Limits) (*Inventory, error) {
	inv := &Inventory{limits: limits.orDefault()}
	w := newWalker(ctx, inv)
	for i, p := range paths {
		w.order = i
		if err := w.root(p, in); err != nil {
			return nil, errors.Join(err, inv.Close())
		}
	}
	w.followLinks()
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(err, inv.Close())
	}
	inv.Files = w.sorted()
	for i := range inv.Files {
		inv.Bytes += inv.Files[i].Bytes
	}
	return inv, nil
}

// Of is the inventory of one file that is open already. Its first size bytes are read; the caller closes it.
func Of(name string, at io.ReaderAt, size int64) *Inventory {
	return &Inventory{Files: []File{{Name: label(name), Bytes: size, at: at}}, Bytes: size, limits: Limits{}.orDefault()}
}

// Close removes what was kept. The inventory cannot be read afterwards; a second Close does nothing.
func (inv *Inventory) Close() error {
	var errs []error
	for _, k := range inv.kept {
		errs = append(errs, k.Close())
	}
	inv.kept = nil
	return errors.Join(errs...)
}

var errNotRegular = errors.New("it was a regular file when it was listed and is one no longer")

// open returns random access to the file, and what closes it.
func (f *File) open() (at io.ReaderAt, done func(), err error) {
	if f.at != nil {
		return f.at, func() {}, nil
	}
	disk, err := os.OpenFile(f.path, os.O_RDONLY|nonblock, 0) // a FIFO put in its place since must not hang the scan
	if err != nil {
		return nil, nil, err
	}
	info, err := disk.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		return nil, nil, errors.Join(err, disk.Close())
	}
	return disk, func() { _ = disk.Close() }, nil
}
