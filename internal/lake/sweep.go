package lake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/iceberg-go/table"
)

// Swept says what a sweep removed.
type Swept struct {
	Files int
	Bytes int64
}

// Expire forgets snapshots older than a time, but for the current one. Their files go with the next Sweep.
func (l *Lake) Expire(ctx context.Context, olderThan time.Time) error {
	if l.table.Load().CurrentSnapshot() == nil {
		return nil
	}
	tx := l.table.Load().NewTransaction()
	if err := tx.ExpireSnapshots(table.WithOlderThan(max(0, time.Since(olderThan))), table.WithRetainLast(1), table.WithPostCommit(false)); err != nil {
		return fmt.Errorf("expire snapshots: %w", err)
	}
	return l.commit(ctx, tx)
}

// Sweep removes files below data/ and metadata/ that were written before a time and that no snapshot names: what a crash, a lost
// conflict, a compaction or Expire left behind. Give it a time that lies before every write under way.
func (l *Lake) Sweep(ctx context.Context, writtenBefore time.Time) (Swept, error) {
	named, err := l.named(ctx)
	if err != nil {
		return Swept{}, err
	}
	root, err := os.OpenRoot(l.dir)
	if err != nil {
		return Swept{}, fmt.Errorf("lake folder: %w", err)
	}
	defer root.Close() //nolint:errcheck // only a handle
	var out Swept
	var errs []error
	for _, folder := range []string{"data", "metadata"} {
		err := filepath.WalkDir(filepath.Join(l.dir, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				if errors.Is(err, fs.ErrNotExist) {
					return nil
				}
				return err
			}
			info, err := d.Info()
			if err != nil || named[path] || !info.ModTime().Before(writtenBefore) || strings.HasSuffix(path, ".metadata.json") && folder == "metadata" && l.keeps(path) {
				return err
			}
			rel, err := filepath.Rel(l.dir, path)
			if err == nil {
				err = root.Remove(rel)
			}
			if err != nil {
				return err
			}
			out.Files++
			out.Bytes += info.Size()
			return ctx.Err()
		})
		errs = append(errs, err)
	}
	return out, errors.Join(errs...)
}

// named is the set of files that any snapshot reaches.
func (l *Lake) named(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	for _, s := range l.table.Load().Metadata().Snapshots() {
		out[pathOf(s.ManifestList)] = true
		manifests, err := s.Manifests(l.fs())
		if err != nil {
			return nil, fmt.Errorf("snapshot %d: %w", s.SnapshotID, err)
		}
		for _, m := range manifests {
			if out[pathOf(m.FilePath())] {
				continue
			}
			out[pathOf(m.FilePath())] = true
			for e, err := range m.Entries(l.fs(), true) {
				if err != nil {
					return nil, fmt.Errorf("manifest %s: %w", m.FilePath(), err)
				}
				out[pathOf(e.DataFile().FilePath())] = true
			}
		}
	}
	return out, ctx.Err()
}

// keeps reports whether a metadata file is the current one or one of those that it still lists.
func (l *Lake) keeps(path string) bool {
	if path == pathOf(l.table.Load().MetadataLocation()) {
		return true
	}
	for entry := range l.table.Load().Metadata().PreviousFiles() {
		if path == pathOf(entry.MetadataFile) {
			return true
		}
	}
	return false
}
