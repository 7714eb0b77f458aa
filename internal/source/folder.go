package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

// folder looks for files. It asks the folder again and again rather than the kernel: that works on every file system.
type folder struct {
	path          string
	every, settle time.Duration
	done          map[string]string // etag by file that is known to be delivered
}

func openFolder(settings map[string]string) (Door, error) {
	every, err := durationOf(settings, "every", 2*time.Second)
	settle, err2 := durationOf(settings, "settle", time.Second)
	path, err3 := filepath.Abs(settings["path"])
	return &folder{path: path, every: every, settle: settle, done: map[string]string{}}, errors.Join(err, err2, err3)
}

// Test lists the folder.
func (f *folder) Test(ctx context.Context) (string, error) {
	n, bytes := 0, int64(0)
	err := f.walk(ctx, func(_ string, info fs.FileInfo) error {
		n++
		bytes += info.Size()
		return nil
	})
	return fmt.Sprintf("%s: %d files of %d bytes", f.path, n, bytes), err
}

// Run delivers each file that is left alone, and again when it has changed since.
func (f *folder) Run(ctx context.Context, env Env) error {
	for {
		err := f.walk(ctx, func(path string, info fs.FileInfo) error {
			if env.Now().Sub(info.ModTime()) < f.settle {
				return nil
			}
			return f.deliver(ctx, env, path, info)
		})
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(f.every):
		}
	}
}

func (f *folder) walk(ctx context.Context, do func(path string, info fs.FileInfo) error) error {
	if info, err := os.Stat(f.path); err != nil || !info.IsDir() {
		return errors.Join(fmt.Errorf("%s is no folder that can be read", f.path), err)
	}
	return filepath.WalkDir(f.path, func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // what cannot be listed now is looked for again
		}
		if name := d.Name(); strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".part") {
			return nil // by convention, a file that is being written
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // gone since
		}
		return do(path, info)
	})
}

func (f *folder) deliver(ctx context.Context, env Env, path string, info fs.FileInfo) error {
	etag := fmt.Sprintf("%d-%d", info.Size(), info.ModTime().UnixNano())
	rel, err := filepath.Rel(f.path, path)
	if err != nil {
		return err
	}
	object := filepath.ToSlash(rel)
	if f.done[object] == etag {
		return nil
	}
	inv, err := collect.List(ctx, []string{path}, nil, collect.Limits{})
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		env.Log.Warn("a file went away before it was read", "file", path, "error", err)
		return nil
	}
	defer inv.Close() //nolint:errcheck // only read
	if _, err := env.Receive(ctx, pipeline.Delivery{Source: env.Source, Object: object, ETag: etag, Lane: lake.LaneLive, Received: env.Now().UTC(), Inventory: inv}); err != nil {
		return err
	}
	f.done[object] = etag
	return nil
}
