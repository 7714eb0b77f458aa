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
func Named(ctx context.Context, dir string) (_ []string, err error) {
	useDurable()
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "catalog.db")
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrNoLake, dir)
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, fmt.Errorf("lake catalog: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	catalog, err := sqlcatalog.NewCatalog("tocsin", db, sqlcatalog.SQLite, iceberg.Properties{"warehouse": locationOf(dir), "init_catalog_tables": "false"})
	if err != nil {
		return nil, fmt.Errorf("lake catalog: %w", err)
	}
	l := &Lake{dir: dir, db: db, catalog: catalog}
	if err := l.Refresh(ctx); err != nil {
		return nil, err
	}
	tasks, err := l.tasks(ctx, time.Time{}, time.Time{})
	if err != nil {
		return nil, err
	}
	out := make([]string, len(tasks))
	for i, t := range tasks {
		if out[i], err = l.below(pathOf(t.File.FilePath())); err != nil {
			return nil, err
		}
	}
	slices.Sort(out)
	return out, nil
}
