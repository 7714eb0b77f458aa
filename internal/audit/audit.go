package audit

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"time"

	"github.com/tocsin-security/tocsin/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Entry is one deed.
type Entry struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`             // name of the person or token, "" where nobody was signed in
	Kind    string    `json:"kind"`              // person, token, system
	Address string    `json:"address,omitempty"` // where the request came from
	Action  string    `json:"action"`            // "signin", "incident.verdict", "search" …
	Object  string    `json:"object,omitempty"`  // what it was done to
	Outcome string    `json:"outcome"`           // success, failure, denied
	Detail  string    `json:"detail,omitempty"`  // a sentence or the query; no secret
}

// The outcomes of a deed.
const (
	Success = "success"
	Failure = "failure"
	Denied  = "denied"
)

// maxDetail bounds what is kept of a query.
const maxDetail = 4096

// Log is the audit log. It may be used by many goroutines.
type Log struct{ db *store.DB }

// Open brings the table up to date.
func Open(ctx context.Context, db *store.DB) (*Log, error) {
	root, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := db.MigrateAs(ctx, "audit_version", root); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return &Log{db}, nil
}

// Record writes an entry in the transaction of what it tells of.
func Record(ctx context.Context, tx *sql.Tx, e Entry) error { return insert(ctx, tx.ExecContext, e) }

// Add writes an entry about what changes nothing.
func (l *Log) Add(ctx context.Context, e Entry) error { return insert(ctx, l.db.ExecContext, e) }

func insert(ctx context.Context, exec func(context.Context, string, ...any) (sql.Result, error), e Entry) error {
	var random [6]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	// Ids sort by time, so that the outbox goes in order.
	id := fmt.Sprintf("%013x-%s", e.At.UnixMicro(), hex.EncodeToString(random[:]))
	_, err := exec(ctx, `INSERT INTO audit (id, at, actor, kind, address, action, object, outcome, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		id, e.At.UnixMilli(), e.Actor, e.Kind, e.Address, e.Action, e.Object, e.Outcome, e.Detail[:min(len(e.Detail), maxDetail)])
	if err != nil {
		return fmt.Errorf("audit %s: %w", e.Action, err)
	}
	return nil
}

// Query narrows a list of entries.
type Query struct {
	Actor, Action, Object string // "" is any
	Before                string // only entries with a smaller id: the next page
	Limit                 int    // 0: 100
}

const columns = `id, at, actor, kind, address, action, object, outcome, detail`

// List lists entries, the newest first.
func (l *Log) List(ctx context.Context, q Query) ([]Entry, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	return l.entries(ctx, `SELECT `+columns+` FROM audit WHERE ($1 = '' OR actor = $1) AND ($2 = '' OR action = $2) AND ($3 = '' OR object = $3) AND ($4 = '' OR id < $4)
		ORDER BY id DESC LIMIT $5`, q.Actor, q.Action, q.Object, q.Before, q.Limit)
}

func (l *Log) entries(ctx context.Context, query string, args ...any) ([]Entry, error) {
	rows, err := l.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list audit entries: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []Entry{}
	for rows.Next() {
		var e Entry
		var at int64
		if err := rows.Scan(&e.ID, &at, &e.Actor, &e.Kind, &e.Address, &e.Action, &e.Object, &e.Outcome, &e.Detail); err != nil {
			return nil, fmt.Errorf("list audit entries: %w", err)
		}
		e.At = time.UnixMilli(at).UTC()
		out = append(out, e)
	}
	return out, rows.Err()
}

// relayAtOnce is how many entries are handed on in one delivery.
const relayAtOnce = 500

// Relay hands the entries that wait to deliver, the oldest first, and notes them as relayed when it returned without error.
// It says how many there were.
func (l *Log) Relay(ctx context.Context, now time.Time, deliver func([]Entry) error) (int, error) {
	list, err := l.entries(ctx, `SELECT `+columns+` FROM audit WHERE relayed_at IS NULL ORDER BY id LIMIT $1`, relayAtOnce)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	if err := deliver(list); err != nil {
		return 0, fmt.Errorf("relay audit entries: %w", err)
	}
	for _, e := range list {
		if _, err := l.db.ExecContext(ctx, `UPDATE audit SET relayed_at = $1 WHERE id = $2`, now.UnixMilli(), e.ID); err != nil {
			return 0, fmt.Errorf("relay audit entries: %w", err)
		}
	}
	return len(list), nil
}
