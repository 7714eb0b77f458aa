package audit

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
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

// The bounds of what is kept of an entry, in bytes; what is longer is cut.
const (
	MaxWord   = 300  // actor, address, action, object
	MaxDetail = 4096 // a sentence, a decision or a query
)

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
		id, e.At.UnixMilli(), word(e.Actor), word(e.Kind), word(e.Address), word(e.Action), word(e.Object), e.Outcome, store.Text(e.Detail, MaxDetail))
	if err != nil {
		return fmt.Errorf("audit %s: %w", e.Action, err)
	}
	return nil
}

func word(s string) string { return store.Text(s, MaxWord) }

// Query narrows a list of entries.
type Query struct {
	Actor, Action, Object string // "" is any
	Kind                  string // of the actor; "" is any
	Before                string // only entries with a smaller id: the next page
	Limit                 int    // 0: 100
}

const columns = `id, at, actor, kind, address, action, object, outcome, detail`

// List lists entries, the newest first.
func (l *Log) List(ctx context.Context, q Query) ([]Entry, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	return l.entries(ctx, `SELECT `+columns+` FROM audit WHERE ($1 = '' OR actor = $1) AND ($2 = '' OR action = $2) AND ($3 = '' OR object = $3) AND ($4 = '' OR id < $4) AND ($6 = '' OR kind = $6)
		ORDER BY id DESC LIMIT $5`, q.Actor, q.Action, q.Object, q.Before, q.Limit, q.Kind)
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

// Relay hands the entries that wait to deliver, the oldest first, and notes them as relayed when it returned without error. A batch is
// fixed under a name before it is handed on: one whose delivery failed, or was not noted, is handed on again with the same name and the
// same entries, so that the receiver can tell. It says how many there were.
func (l *Log) Relay(ctx context.Context, now time.Time, deliver func(batch string, list []Entry) error) (int, error) {
	batch, err := l.batch(ctx)
	if err != nil || batch == "" {
		return 0, err
	}
	list, err := l.entries(ctx, `SELECT `+columns+` FROM audit WHERE batch = $1 ORDER BY id`, batch)
	if err != nil {
		return 0, err
	}
	if err := deliver(batch, list); err != nil {
		return 0, fmt.Errorf("relay audit entries: %w", err)
	}
	if _, err := l.db.ExecContext(ctx, `UPDATE audit SET relayed_at = $1 WHERE batch = $2`, now.UnixMilli(), batch); err != nil {
		return 0, fmt.Errorf("relay audit entries: %w", err)
	}
	return len(list), nil
}

// batch finds the batch that waits, or makes one of the entries that are in none; "" where nothing waits.
func (l *Log) batch(ctx context.Context) (name string, err error) {
	err = l.db.Tx(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT batch FROM audit WHERE relayed_at IS NULL AND batch <> '' ORDER BY batch LIMIT 1`).Scan(&name)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var first sql.NullString
		if err := tx.QueryRowContext(ctx, `SELECT min(id) FROM audit WHERE relayed_at IS NULL`).Scan(&first); err != nil || !first.Valid {
			return err
		}
		name = first.String
		_, err = tx.ExecContext(ctx, `UPDATE audit SET batch = $1 WHERE id IN (SELECT id FROM audit WHERE relayed_at IS NULL AND batch = '' ORDER BY id LIMIT $2)`, name, relayAtOnce)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("relay audit entries: %w", err)
	}
	return name, nil
}

// Waiting says how many entries are not in the lake yet.
func (l *Log) Waiting(ctx context.Context) (n int, err error) {
	if err := l.db.QueryRowContext(ctx, `SELECT count(*) FROM audit WHERE relayed_at IS NULL`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count audit entries: %w", err)
	}
	return n, nil
}
