package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
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
	Address string    `json:"address"`             // where it began
	Also    []string  `json:"also_from,omitempty"` // other networks that it was used from since, the last new one first: one that is not the person's is a thief's
	Client  string    `json:"client"`              // user agent, as claimed
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

const sessionColumns = `id, person, address, addresses, client, created_at, seen_at`

func scanSession(scan func(...any) error) (s Session, err error) {
	var created, seen sql.NullInt64
	var also string
	if err := scan(&s.ID, &s.Person, &s.Address, &also, &s.Client, &created, &seen); err != nil {
		return s, err
	}
	s.Also, s.Created, s.Seen = strings.Fields(also), timeOf(created), timeOf(seen)
	return s, nil
}

// Of finds the person and the session that a cookie's secret stands for. One that is unknown, ended or too old is ErrNobody.
func (p *People) Of(ctx context.Context, secret string, now time.Time) (Person, Session, error) {
	hash := hashOf(secret)
	s, err := scanSession(p.db.QueryRowContext(ctx, `SELECT `+sessionColumns+` FROM sessions WHERE hash = $1 AND ended_at IS NULL AND created_at > $2 AND seen_at > $3`,
		hash, now.Add(-SessionMost).UnixMilli(), now.Add(-SessionIdle).UnixMilli()).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, Session{}, ErrNobody
	}
	if err != nil {
		return Person{}, Session{}, fmt.Errorf("look for a session: %w", err)
	}
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

// maxAlso bounds the networks that are kept of a session.
const maxAlso = 8

// Moved notes that a session is used from an address, and reports whether that is in a network which it was not known to be used from.
func (p *People) Moved(ctx context.Context, s *Session, address string) (bool, error) {
	network := Network(address)
	if strings.ContainsAny(network, " \t\r\n") || network == Network(s.Address) || slices.Contains(s.Also, network) {
		return false, nil
	}
	also := append([]string{network}, s.Also...)
	r, err := p.db.ExecContext(ctx, `UPDATE sessions SET addresses = $1 WHERE id = $2 AND addresses = $3`, store.Text(strings.Join(also[:min(len(also), maxAlso)], " "), 0), s.ID, strings.Join(s.Also, " "))
	if err != nil {
		return false, fmt.Errorf("note where a session is used: %w", err)
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// Network is what an address is known by: an IPv6 network of 64 bits has one owner.
func Network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	network, err := ip.Prefix(64)
	if err != nil {
		return address
	}
	return network.String()
}

// Sessions lists the open sessions; person "" is everybody's.
func (p *People) Sessions(ctx context.Context, person string, now time.Time) ([]Session, error) {
	rows, err := p.db.QueryContext(ctx, `SELECT `+sessionColumns+` FROM sessions
		WHERE ended_at IS NULL AND ($1 = '' OR person = $1) AND created_at > $2 AND seen_at > $3 ORDER BY seen_at DESC, id`, person, now.Add(-SessionMost).UnixMilli(), now.Add(-SessionIdle).UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []Session{}
	for rows.Next() {
		s, err := scanSession(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("list sessions: %w", err)
		}
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
