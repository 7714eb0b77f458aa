package stream

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A record too large for a batch passes through two folders beside the stream. A Cutter writes it into spool, flushed;
// what lies there belongs to a Cutter and means nothing after a restart. Publish links it into large under the id of its
// batch, so no two batches share a file, and flushes that folder; then it publishes the batch. So a crash can leave a
// file without a batch, which the next Open removes, but no batch without its file. Purge deletes in the other order.

// largeFolder is the files of a stream.
type largeFolder struct{ dir, spool string }

func openLargeFolder(dir string) (largeFolder, error) {
	f := largeFolder{filepath.Join(dir, "large"), filepath.Join(dir, "spool")}
	if err := os.RemoveAll(f.spool); err != nil {
		return f, err
	}
	for _, sub := range []string{f.dir, f.spool} {
		if err := os.MkdirAll(sub, 0o700); err != nil {
			return f, err
		}
	}
	return f, syncFolder(dir)
}

func (f largeFolder) path(id string) string { return filepath.Join(f.dir, id) }

// writeLarge puts a record into a new file in dir, flushed.
func writeLarge(dir string, record []byte) (Large, string, error) {
	out, err := os.CreateTemp(dir, "large-*")
	if err != nil {
		return Large{}, "", err
	}
	_, err = out.Write(record)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return Large{}, "", errors.Join(err, os.Remove(filepath.Clean(out.Name())))
	}
	sum := sha256.Sum256(record)
	return Large{hex.EncodeToString(sum[:]), int64(len(record))}, out.Name(), nil
}

// read gives the record back if it is the one that was published.
func (l Large) read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: the file of a large record is gone: %w", ErrDamaged, err)
	case err != nil:
		return nil, fmt.Errorf("read a large record: %w", err)
	case info.Size() != l.Bytes:
		return nil, fmt.Errorf("%w: %s has %d bytes where %d were published", ErrDamaged, path, info.Size(), l.Bytes)
	}
	record, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("read a large record: %w", err)
	}
	if sum := sha256.Sum256(record); hex.EncodeToString(sum[:]) != l.SHA256 {
		return nil, fmt.Errorf("%w: %s is not the record that was published: SHA-256 %x, not %s", ErrDamaged, path, sum, l.SHA256)
	}
	return record, nil
}

// place makes the batch's file durable under its id. It reports whether the file is new there.
func (f largeFolder) place(id string, b Batch) (placed bool, err error) {
	to := f.path(id)
	err = os.Link(b.path, to)
	placed = err == nil
	if !placed { // a repeated batch finds the file of its first time, and its own may be gone
		info, statErr := os.Stat(to)
		switch {
		case statErr != nil:
			return false, fmt.Errorf("keep a large record: %w", err)
		case info.Size() != b.Large.Bytes:
			return false, fmt.Errorf("%w: %s has %d bytes, the record %d", ErrDamaged, to, info.Size(), b.Large.Bytes)
		}
	}
	return placed, syncFolder(f.dir)
}

// remove deletes the files of batches that are no more.
func (f largeFolder) remove(ids ...string) error {
	var all []error
	for _, id := range ids {
		if err := os.Remove(f.path(id)); !errors.Is(err, fs.ErrNotExist) {
			all = append(all, err)
		}
	}
	if len(ids) > 0 {
		all = append(all, syncFolder(f.dir))
	}
	return errors.Join(all...)
}

// ids lists the files.
func (f largeFolder) ids() ([]string, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		if isHash(e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}
