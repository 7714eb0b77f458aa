package lake

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	sqlcatalog "github.com/apache/iceberg-go/catalog/sql"
	iceio "github.com/apache/iceberg-go/io"
	"github.com/apache/iceberg-go/table"
	_ "modernc.org/sqlite" // the driver of the catalog
)

// ErrNoLake is returned where a folder to be read holds no lake.
var ErrNoLake = errors.New("no lake here")

// ErrConflict is returned where another writer committed first. What was not committed is still in the Writer.
var ErrConflict = errors.New("another writer committed to the lake first")

// Lake is one table of events in a folder. It may be used by several goroutines; writing has one owner at a time.
type Lake struct {
	dir     string
	db      *sql.DB
	catalog *sqlcatalog.Catalog
	table   atomic.Pointer[table.Table]
	sources sync.Map // data file → names of the sources whose events it holds, of files that a retention looked at
	listed  atomic.Pointer[listing]
	filters filters // of data files that were asked for a value
}

// Ids of the partition fields. A new table's are counted from 1000.
const (
	dayField   = 1000
	classField = 1001
)

var tableName = table.Identifier{"tocsin", "events"}

// properties of a new table: manifests are merged as they grow, old metadata files go.
var properties = iceberg.Properties{
	"format-version": "2", "write.parquet.compression-codec": "zstd", "commit.manifest-merge.enabled": "true", "commit.manifest.min-count-to-merge": "20",
	"write.metadata.delete-after-commit.enabled": "true", "write.metadata.previous-versions-max": "20", "write.metadata.metrics.default": "none",
	"write.metadata.metrics.column.time_dt": "full", "write.metadata.metrics.column.class_uid": "full", "write.metadata.metrics.column.account": "full",
	"write.metadata.metrics.column.source_id": "full",
}

// Open opens the lake in a folder, which it makes where there is none.
func Open(ctx context.Context, dir string) (*Lake, error) { return open(ctx, dir, schemaText) }

// OpenExisting opens a lake that must be there.
func OpenExisting(ctx context.Context, dir string) (*Lake, error) {
	if _, err := os.Stat(filepath.Join(dir, "catalog.db")); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrNoLake, dir)
	}
	return Open(ctx, dir)
}

func open(ctx context.Context, dir, columns string) (_ *Lake, err error) {
	useDurable()
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("lake folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil { //nolint:gosec // the folder that the user names is the purpose
		return nil, fmt.Errorf("lake folder: %w", err)
	}
	want, err := schemaOf(columns)
	if err != nil {
		return nil, err
	}
	if err := orphaned(dir); err != nil {
		return nil, err
	}
	l := &Lake{dir: dir}
	l.db, err = sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.Join(dir, "catalog.db")}).EscapedPath()+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, fmt.Errorf("lake catalog: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.db.Close())
		}
	}()
	l.db.SetMaxOpenConns(1)
	l.catalog, err = sqlcatalog.NewCatalog("tocsin", l.db, sqlcatalog.SQLite, iceberg.Properties{"warehouse": locationOf(dir), "init_catalog_tables": "true"})
	if err != nil {
		return nil, fmt.Errorf("lake catalog %s cannot be used; stop what uses it, move it and the files beside it (catalog.db-wal, catalog.db-shm) away and put your copy in their place (the events are whole in data/, and any Iceberg engine reads them from the newest metadata/*.metadata.json): %w", filepath.Join(dir, "catalog.db"), err)
	}
	if err := l.load(ctx, want); err != nil {
		return nil, err
	}
	return l, l.grow(ctx, want)
}

// orphaned refuses a lake whose catalog is gone: an empty one in its place would hide all events.
func orphaned(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "catalog.db")); !errors.Is(err, fs.ErrNotExist) { //nolint:gosec // the folder that the user names is the purpose
		return nil
	}
	if left, err := filepath.Glob(filepath.Join(dir, "metadata", "*.metadata.json")); err != nil || len(left) == 0 {
		return err
	}
	return fmt.Errorf("lake catalog %s is gone, and the folder holds a lake: put your copy of it back (a new one would hide every event), or name another folder", filepath.Join(dir, "catalog.db"))
}

// load reads the table from the catalog, or makes it.
func (l *Lake) load(ctx context.Context, want *iceberg.Schema) error {
	t, err := l.catalog.LoadTable(ctx, tableName)
	if errors.Is(err, catalog.ErrNoSuchTable) {
		return l.make(ctx, firstOf(want))
	}
	if err != nil {
		return fmt.Errorf("lake table: %w", err)
	}
	l.table.Store(t)
	return nil
}

func (l *Lake) make(ctx context.Context, want *iceberg.Schema) error {
	err := l.catalog.CreateNamespace(ctx, table.Identifier{tableName[0]}, nil)
	if err != nil && !errors.Is(err, catalog.ErrNamespaceAlreadyExists) {
		return fmt.Errorf("lake namespace: %w", err)
	}
	field := func(name string) iceberg.NestedField {
		f, ok := want.FindFieldByName(name)
		if !ok {
			panic("BUG: schema.tsv lacks " + name)
		}
		return f
	}
	spec := iceberg.NewPartitionSpec(
		iceberg.PartitionField{SourceIDs: []int{field("time_dt").ID}, FieldID: dayField, Name: "time_dt_day", Transform: iceberg.DayTransform{}},
		iceberg.PartitionField{SourceIDs: []int{field("class_uid").ID}, FieldID: classField, Name: "class_uid", Transform: iceberg.IdentityTransform{}},
	)
	t, err := l.catalog.CreateTable(ctx, tableName, want, catalog.WithLocation(locationOf(l.dir)), catalog.WithPartitionSpec(&spec), catalog.WithProperties(properties))
	if err != nil {
		return fmt.Errorf("lake table: %w", err)
	}
	l.table.Store(t)
	return nil
}

// grow adds the columns that this program knows and the table does not.
func (l *Lake) grow(ctx context.Context, want *iceberg.Schema) error {
	tx := l.table.Load().NewTransaction()
	added, err := evolve(tx, l.table.Load().Schema(), want)
	if err != nil {
		return fmt.Errorf("lake schema: %w", err)
	}
	if added == 0 {
		return nil
	}
	t, err := tx.Commit(ctx)
	if err != nil {
		return fmt.Errorf("lake schema: %w", err)
	}
	l.table.Store(t)
	return nil
}

// Close closes the catalog. Files that were written and not committed are swept later.
func (l *Lake) Close() error { return l.db.Close() }

// Dir is the lake's folder.
func (l *Lake) Dir() string { return l.dir }

// Refresh takes in what others committed.
func (l *Lake) Refresh(ctx context.Context) error {
	t, err := l.catalog.LoadTable(ctx, tableName)
	if err != nil {
		return fmt.Errorf("lake table: %w", err)
	}
	l.table.Store(t)
	return nil
}

// Marks are numbers that a snapshot carries beside its files. What is not given stays as it was in the snapshot before.
type Marks struct {
	Positions map[string]uint64 // by partition of the stream: the last position whose events are in the lake
	Totals    map[string]uint64 // counts since ever, by a name of the caller's choice
}

// Where a snapshot's summary holds marks.
const (
	positionKey = "tocsin.position."
	totalKey    = "tocsin.total."
	afterKey    = "tocsin.marks.after" // in the table's properties: the snapshot that the marks there follow
)

// Marks returns the marks of the current snapshot, and of what was committed after it without rows.
func (l *Lake) Marks() Marks {
	m := Marks{map[string]uint64{}, map[string]uint64{}}
	if s := l.table.Load().CurrentSnapshot(); s != nil && s.Summary != nil {
		m.read(s.Summary.Properties)
	}
	if own := l.table.Load().Properties(); own[afterKey] == strconv.FormatInt(l.current(), 10) {
		m.read(own)
	}
	return m
}

// read takes in the marks among properties.
func (m Marks) read(properties iceberg.Properties) {
	for key, value := range properties {
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			continue
		}
		if name, ok := strings.CutPrefix(key, positionKey); ok {
			m.Positions[name] = n
		}
		if name, ok := strings.CutPrefix(key, totalKey); ok {
			m.Totals[name] = n
		}
	}
}

// Positions returns, by partition of the stream, the last position whose events are in the lake.
func (l *Lake) Positions() map[string]uint64 { return l.Marks().Positions }

func (l *Lake) fs() iceio.IO { return durable{} }
