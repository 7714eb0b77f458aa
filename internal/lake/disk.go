package lake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	iceio "github.com/apache/iceberg-go/io"
)

// durable is the local file system with every file and its folder fsynced before anyone hears that it is written.
type durable struct{ iceio.LocalFS }

// useDurable makes Iceberg write its metadata through durable.
var useDurable = sync.OnceFunc(func() {
	iceio.Unregister("file")
	iceio.Register("file", func(context.Context, *url.URL, map[string]string) (iceio.IO, error) { return durable{}, nil })
})

// Create opens a file for writing; its Close makes it durable.
func (durable) Create(name string) (iceio.FileWriter, error) { return create(pathOf(name)) }

// WriteFile writes a whole file and makes it durable.
func (durable) WriteFile(name string, content []byte) error {
	f, err := create(pathOf(name))
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// pathOf is the path of a location, and locationOf the other way round: in a URL a space and a percent sign are escaped.
func pathOf(location string) string {
	if u, err := url.Parse(location); err == nil && u.Scheme == "file" {
		return u.Path
	}
	return location
}

func locationOf(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

// written is a file that counts, hashes, and is durable once it is closed.
type written struct {
	*os.File
	sum  hash.Hash
	size int64
}

func create(path string) (*written, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil { //nolint:gosec // the folder that the user names is the purpose
		return nil, fmt.Errorf("lake folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o640) //nolint:gosec // below the lake's own folder
	if err != nil {
		return nil, fmt.Errorf("lake file: %w", err)
	}
	return &written{File: f, sum: sha256.New()}, nil
}

// Write writes and hashes.
func (w *written) Write(p []byte) (int, error) {
	n, err := w.File.Write(p)
	w.sum.Write(p[:n])
	w.size += int64(n)
	return n, err
}

// ReadFrom goes through Write, so that nothing escapes the hash.
func (w *written) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{w}, r) }

// Close makes the file and its name durable.
func (w *written) Close() error {
	err := w.Sync()
	return errors.Join(err, w.File.Close(), syncFolder(filepath.Dir(w.Name())))
}

func (w *written) hash() string { return hex.EncodeToString(w.sum.Sum(nil)) }

func syncFolder(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // below the lake's own folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
