package lake

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/apache/iceberg-go"
	sqlcatalog "github.com/apache/iceberg-go/catalog/sql"
)

// Named lists the data files of the current snapshot of the lake in a folder, as seen from it. Unlike Open it changes nothing: neither
// the schema nor the catalog.
func Named(ctx context.Context, dir string) (out []string, err error) {
	err = unchanged(ctx, dir, func(l *Lake) error {
		tasks, err := l.tasks(ctx, time.Time{}, time.Time{})
		if err != nil {
			return err
		}
		out = make([]string, len(tasks))
		for i, t := range tasks {
			if out[i], err = l.below(pathOf(t.File.FilePath())); err != nil {
				return err
			}
		}
		slices.Sort(out)
		return nil
	})
	return out, err
}

// unchanged opens a lake for reading its catalog only.
func unchanged(ctx context.Context, dir string, do func(l *Lake) error) (err error) {
	useDurable()
	dir, err = filepath.Abs(dir)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "catalog.db")
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("%w: %s", ErrNoLake, dir)
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		return fmt.Errorf("lake catalog: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	catalog, err := sqlcatalog.NewCatalog("tocsin", db, sqlcatalog.SQLite, iceberg.Properties{"warehouse": locationOf(dir), "init_catalog_tables": "false"})
	if err != nil {
		return fmt.Errorf("lake catalog: %w", err)
	}
	l := &Lake{dir: dir, db: db, catalog: catalog}
	if err := l.Refresh(ctx); err != nil {
		return err
	}
	return do(l)
}

// Examined says what a lake holds.
type Examined struct {
	Snapshots int
	Files     int
	Rows      int64
	Bytes     int64
	Missing   []string // data files of the current snapshot that are not there, as seen from the folder
}

// Examine looks at the lake in a folder and changes nothing.
func Examine(ctx context.Context, dir string) (out Examined, err error) {
	err = unchanged(ctx, dir, func(l *Lake) error {
		out.Snapshots = len(l.table.Load().Metadata().Snapshots())
		tasks, err := l.tasks(ctx, time.Time{}, time.Time{})
		if err != nil {
			return err
		}
		for _, t := range tasks {
			out.Files++
			out.Rows += t.File.Count()
			out.Bytes += t.File.FileSizeBytes()
			path := pathOf(t.File.FilePath())
			if info, err := os.Stat(path); err == nil && info.Size() == t.File.FileSizeBytes() {
				continue
			}
			rel, err := l.below(path)
			if err != nil {
				return err
			}
			out.Missing = append(out.Missing, rel)
		}
		slices.Sort(out.Missing)
		return nil
	})
	return out, err
}
