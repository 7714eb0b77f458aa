package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-security/tocsin/internal/store"
)

// How long a session lasts: without use, and in all.
const (
	SessionIdle = 12 * time.Hour
	SessionMost = 7 * 24 * time.Hour
)

// Session is one signed-in browser.
type Session struct {
	ID      string    `json:"id"` // names it, and opens nothing
	Person  string    `json:"person"`
	Address string    `json:"address"`
	Client  string    `json:"client"` // user agent, as claimed
	Created time.Time `json:"created_at"`
	Seen    time.Time `json:"seen_at"`
}

// Check compares a person's password. An unknown name costs as long as a known one.
func (p *People) Check(ctx context.Context, name, password string) error {
	var hash string
	err := p.db.QueryRowContext(ctx, `SELECT hash FROM people WHERE name = $1 AND ended_at IS NULL`, store.Text(name, 0)).Scan(&hash)
	unknown := errors.Is(err, sql.ErrNoRows)
	if err != nil && !unknown {
		return fmt.Errorf("check a password: %w", err)
	}
	done, err := p.place(ctx)
	if err != nil {
		return err
	}
	defer done()
	if unknown {
		_, _ = hashPassword("a sentence that nobody has as a password")
		return ErrNobody
	}
	ok, err := checkPassword(hash, password)
	if err != nil {
		return fmt.Errorf("check the password of %s: %w", name, err)
	}
	if !ok {
		return ErrNobody
	}
	return nil
}

// maxClient bounds what is kept of a user agent, in bytes.
const maxClient = 300

// Begin begins a session and returns its secret, which goes into the cookie and is kept nowhere.
func (p *People) Begin(ctx context.Context, tx *sql.Tx, s Session) (string, error) {
	text, hash, err := secret()
	if err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO sessions (hash, id, person, address, client, created_at, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
		hash, hashOf(hash)[:16], s.Person, store.Text(s.Address, maxClient), store.Text(s.Client, maxClient), s.Created.UnixMilli())
	if err != nil {
		return "", fmt.Errorf("begin session of %s: %w", s.Person, err)
	}
	return text, nil
}

// seenEvery is how often the use of a session is written down.
const seenEvery = time.Minute

// Of finds the person and the session that a cookie's secret stands for. One that is unknown, ended or too old is ErrNobody.
func (p *People) Of(ctx context.Context, secret string, now time.Time) (Person, Session, error) {
	var s Session
	var created, seen sql.NullInt64
	hash := hashOf(secret)
	err := p.db.QueryRowContext(ctx, `SELECT id, person, address, client, created_at, seen_at FROM sessions WHERE hash = $1 AND ended_at IS NULL AND created_at > $2 AND seen_at > $3`,
		hash, now.Add(-SessionMost).UnixMilli(), now.Add(-SessionIdle).UnixMilli()).Scan(&s.ID, &s.Person, &s.Address, &s.Client, &created, &seen)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, Session{}, ErrNobody
	}
	if err != nil {
		return Person{}, Session{}, fmt.Errorf("look for a session: %w", err)
	}
	s.Created, s.Seen = timeOf(created), timeOf(seen)
	who, err := p.Find(ctx, s.Person)
	if err != nil {
		return Person{}, Session{}, err
	}
	if now.Sub(s.Seen) > seenEvery {
		if _, err := p.db.ExecContext(ctx, `UPDATE sessions SET seen_at = $1 WHERE hash = $2`, now.UnixMilli(), hash); err != nil {
			return Person{}, Session{}, fmt.Errorf("note a session's use: %w", err)
		}
	}
	return who, s, nil
}

// Sessions lists the open sessions; person "" is everybody's.
func (p *People) Sessions(ctx context.Context, person string, now time.Time) ([]Session, error) {
	rows, err := p.db.QueryContext(ctx, `SELECT id, person, address, client, created_at, seen_at FROM sessions
		WHERE ended_at IS NULL AND ($1 = '' OR person = $1) AND created_at > $2 AND seen_at > $3 ORDER BY seen_at DESC, id`, person, now.Add(-SessionMost).UnixMilli(), now.Add(-SessionIdle).UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []Session{}
	for rows.Next() {
		var s Session
		var created, seen sql.NullInt64
		if err := rows.Scan(&s.ID, &s.Person, &s.Address, &s.Client, &created, &seen); err != nil {
			return nil, fmt.Errorf("list sessions: %w", err)
		}
		s.Created, s.Seen = timeOf(created), timeOf(seen)
		out = append(out, s)
	}
	return out, rows.Err()
}

// End ends a session by its id; person "" is anybody's.
func (p *People) End(ctx context.Context, tx *sql.Tx, id, person string, now time.Time) error {
	r, err := tx.ExecContext(ctx, `UPDATE sessions SET ended_at = $1 WHERE id = $2 AND ($3 = '' OR person = $3) AND ended_at IS NULL`, now.UnixMilli(), store.Text(id, 0), person)
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	if n, err := r.RowsAffected(); err == nil && n == 0 {
		return ErrNobody
	}
	return nil
}
