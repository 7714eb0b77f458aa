package desk

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Desk is an open desk. It may be used by many goroutines.
type Desk struct{ db *store.DB }

// Open opens the desk at an address (see store.Open) and brings its tables up to date.
func Open(ctx context.Context, address string) (*Desk, error) {
	db, err := store.Open(ctx, address)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, db); err != nil {
		return nil, errors.Join(fmt.Errorf("desk: %w", err), db.Close())
	}
	if _, err := audit.Open(ctx, db); err != nil { // a decision and its audit entry are one transaction
		return nil, errors.Join(err, db.Close())
	}
	d := &Desk{db}
	if err := d.fillAccounts(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("desk: accounts of findings: %w", err), db.Close())
	}
	if err := d.fillMentions(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("desk: index of what alerts name: %w", err), db.Close())
	}
	return d, nil
}

// Version returns the version of the tables at an address and the newest that this program knows. It migrates nothing. A SQLite file
// that is not there is ErrNotFound.
func Version(ctx context.Context, address string) (have, newest int64, err error) {
	if !strings.HasPrefix(address, "postgres") {
		if _, err := os.Stat(address); errors.Is(err, fs.ErrNotExist) {
			return 0, 0, ErrNotFound
		}
	}
	db, err := store.Open(ctx, address)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	root, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return 0, 0, err
	}
	return db.Version(ctx, root)
}

func migrate(ctx context.Context, db *store.DB) error {
	root, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return db.Migrate(ctx, root)
}

// Store is the database under the desk, in which others keep tables of their own.
func (d *Desk) Store() *store.DB { return d.db }

// Tx runs do in a transaction of the desk's database.
func (d *Desk) Tx(ctx context.Context, do func(tx *sql.Tx) error) error { return d.db.Tx(ctx, do) }

// Close closes the database.
func (d *Desk) Close() error { return d.db.Close() }

// Position returns the position of the stream that a partition's findings reach; 0 where none was saved.
func (d *Desk) Position(ctx context.Context, name string) (uint64, error) {
	var n int64
	err := d.db.QueryRowContext(ctx, `SELECT value FROM positions WHERE name = $1`, name).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("desk position: %w", err)
	}
	return uint64(n), nil //nolint:gosec // positions are counted from 1
}

func millis(t time.Time) sql.NullInt64 {
	if t.IsZero() {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: true}
}

func timeOf(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}

// text makes what came out of a log fit for a database of text.
func text(s string) string { return store.Text(s, 0) }

// noAccount stands for data without an account among the accounts of an incident. No Scope but an unbounded one sees it.
const noAccount = "-"

// joinAccounts writes accounts with spaces around each. What is in one comes out of a log: it may hold spaces itself.
func joinAccounts(accounts []string) string {
	out := " "
	for _, a := range accounts {
		if a = url.QueryEscape(a); a == "" || a == noAccount {
			a = noAccount
		}
		out += a + " "
	}
	return out
}

func splitAccounts(joined string) []string {
	out := []string{}
	for _, a := range strings.Fields(joined) {
		if plain, err := url.QueryUnescape(a); err == nil && a != noAccount {
			a = plain
		} else {
			a = ""
		}
		out = append(out, a)
	}
	return out
}
