package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of PostgreSQL
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver of SQLite
)

// DB is an open database. It may be used by many goroutines.
type DB struct {
	*sql.DB
	dialect goose.Dialect
}

// Open opens a database: postgres://… or the path of a SQLite file, which it makes where there is none.
func Open(ctx context.Context, address string) (*DB, error) {
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		db, err := sql.Open("pgx", address)
		if err != nil {
			return nil, fmt.Errorf("open PostgreSQL: %w", err)
		}
		if err := db.PingContext(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("open PostgreSQL: %w", err), db.Close())
		}
		return &DB{db, goose.DialectPostgres}, nil
	}
	path, err := filepath.Abs(address)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", address, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("open %s: %w", address, err)
	}
	// What is in it is for its owner only; SQLite gives its other files the rights of this one.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", address, err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("open %s: %w", address, err)
	}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_txlock=immediate"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", address, err)
	}
	db.SetMaxOpenConns(4)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", address, err), db.Close())
	}
	return &DB{db, goose.DialectSQLite3}, nil
}

// ErrNewer says that the database was migrated by a newer version of the program.
var ErrNewer = errors.New("the database is of a newer version of Tocsin: run that version, or restore the copy from before the upgrade")

// Version returns the version of the database's schema and the newest that the migrations know.
func (db *DB) Version(ctx context.Context, migrations fs.FS) (have, newest int64, err error) {
	p, err := db.provider(goose.DefaultTablename, migrations)
	if err != nil {
		return 0, 0, err
	}
	return version(ctx, p)
}

func (db *DB) provider(versions string, migrations fs.FS) (*goose.Provider, error) {
	p, err := goose.NewProvider(db.dialect, db.DB, migrations, goose.WithDisableGlobalRegistry(true), goose.WithTableName(versions))
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return p, nil
}

func version(ctx context.Context, p *goose.Provider) (have, newest int64, err error) {
	if have, err = p.GetDBVersion(ctx); err != nil {
		return 0, 0, fmt.Errorf("migrate: %w", err)
	}
	for _, s := range p.ListSources() {
		newest = max(newest, s.Version)
	}
	return have, newest, nil
}

// migrateTries is how often a migration is tried that failed. Several processes may open an empty database at the same time: each
// migration is a transaction, so one of them makes it and the others, whose own was undone, find it made when they look again.
const migrateTries = 10

// Migrate applies the migrations in the folder's root that the database does not have yet, each in a transaction of its own.
func (db *DB) Migrate(ctx context.Context, migrations fs.FS) error {
	return db.MigrateAs(ctx, goose.DefaultTablename, migrations)
}

// MigrateAs is Migrate for a second owner of tables in one database: versions names the table that its migrations are counted in.
func (db *DB) MigrateAs(ctx context.Context, versions string, migrations fs.FS) error {
	p, err := db.provider(versions, migrations)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := migrate(ctx, p)
		if err == nil || errors.Is(err, ErrNewer) || try == migrateTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try) * 20 * time.Millisecond):
		}
	}
}

func migrate(ctx context.Context, p *goose.Provider) error {
	have, newest, err := version(ctx, p)
	if err != nil {
		return err
	}
	if have > newest {
		return fmt.Errorf("%w (schema %d, this version knows %d)", ErrNewer, have, newest)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Tx runs do in a transaction, which is committed unless do returns an error.
func (db *DB) Tx(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
