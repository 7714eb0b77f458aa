package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"time"

	"github.com/tocsin-security/tocsin/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// People are those who may sign in. It may be used by many goroutines.
type People struct{ db *store.DB }

// OpenPeople brings the tables of people up to date.
func OpenPeople(ctx context.Context, db *store.DB) (*People, error) {
	root, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := db.MigrateAs(ctx, "people_version", root); err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	return &People{db}, nil
}

// Person is one who may sign in.
type Person struct {
	Name     string    `json:"name"`
	Role     Role      `json:"role"`
	Accounts []string  `json:"accounts"` // whose data the person sees; "*" is all
	Created  time.Time `json:"created_at"`
	Ended    time.Time `json:"ended_at,omitzero"`
}

// ErrNobody says that there is no such person, session or invitation, or none any more.
var ErrNobody = errors.New("nobody of that name, or not any more")

// MistakeError is a person's mistake, in a sentence that says what to do.
type MistakeError string

func (e MistakeError) Error() string { return string(e) }

var personName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._@+-]{0,99}$`)

// check says what is wrong with a person.
func (p *Person) check() error {
	switch {
	case !personName.MatchString(p.Name):
		return MistakeError("a name has letters, digits and . _ @ + -, and at most 100 of them")
	case !p.Role.Known():
		return MistakeError(fmt.Sprintf("%q is no role; there are viewer, analyst, responder, engineer and admin", p.Role))
	case len(p.Accounts) == 0:
		return MistakeError("name the accounts that the person may see; * is all")
	}
	return nil
}

// ScopeOf is the Scope of a list of accounts in which "*" is all.
func ScopeOf(accounts []string) Scope {
	if slices.Contains(accounts, "*") {
		return Everything()
	}
	return Accounts(accounts...)
}

// Count says how many people may sign in.
func (p *People) Count(ctx context.Context) (int, error) {
	var n int
	if err := p.db.QueryRowContext(ctx, `SELECT count(*) FROM people WHERE ended_at IS NULL`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count people: %w", err)
	}
	return n, nil
}

// Add adds a person with a password, within a transaction of the caller's.
func (p *People) Add(ctx context.Context, tx *sql.Tx, who Person, password string) error {
	if err := who.check(); err != nil {
		return err
	}
	hash, err := hashPassword(password)
	if err != nil {
		if errors.Is(err, ErrPassword) {
			return MistakeError(err.Error())
		}
		return err
	}
	accounts, err := json.Marshal(who.Accounts)
	if err != nil {
		return err
	}
	r, err := tx.ExecContext(ctx, `INSERT INTO people (name, hash, role, accounts, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING`,
		who.Name, hash, string(who.Role), string(accounts), who.Created.UnixMilli())
	if err != nil {
		return fmt.Errorf("add %s: %w", who.Name, err)
	}
	if n, err := r.RowsAffected(); err == nil && n == 0 {
		return MistakeError("there is or was a person of that name: choose another")
	}
	return nil
}

// Change sets role and accounts. Ended ends the person: sessions end with it, and the name stays taken, as records speak of it.
func (p *People) Change(ctx context.Context, tx *sql.Tx, who Person) error {
	if err := who.check(); err != nil {
		return err
	}
	accounts, err := json.Marshal(who.Accounts)
	if err != nil {
		return err
	}
	r, err := tx.ExecContext(ctx, `UPDATE people SET role = $1, accounts = $2, ended_at = $3 WHERE name = $4 AND ended_at IS NULL`, string(who.Role), string(accounts), millis(who.Ended), who.Name)
	if err != nil {
		return fmt.Errorf("change %s: %w", who.Name, err)
	}
	if n, err := r.RowsAffected(); err == nil && n == 0 {
		return ErrNobody
	}
	var admins int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM people WHERE role = 'admin' AND ended_at IS NULL`).Scan(&admins); err != nil {
		return err
	}
	if admins == 0 {
		return MistakeError("this would leave no admin: make another one first")
	}
	if !who.Ended.IsZero() {
		_, err = tx.ExecContext(ctx, `UPDATE sessions SET ended_at = $1 WHERE person = $2 AND ended_at IS NULL`, who.Ended.UnixMilli(), who.Name)
	}
	return err
}

// SetPassword gives a person another password and ends all sessions.
func (p *People) SetPassword(ctx context.Context, tx *sql.Tx, name, password string, now time.Time) error {
	hash, err := hashPassword(password)
	if err != nil {
		if errors.Is(err, ErrPassword) {
			return MistakeError(err.Error())
		}
		return err
	}
	r, err := tx.ExecContext(ctx, `UPDATE people SET hash = $1 WHERE name = $2 AND ended_at IS NULL`, hash, name)
	if err != nil {
		return fmt.Errorf("password of %s: %w", name, err)
	}
	if n, err := r.RowsAffected(); err == nil && n == 0 {
		return ErrNobody
	}
	_, err = tx.ExecContext(ctx, `UPDATE sessions SET ended_at = $1 WHERE person = $2 AND ended_at IS NULL`, now.UnixMilli(), name)
	return err
}

// List lists people by name.
func (p *People) List(ctx context.Context) ([]Person, error) {
	rows, err := p.db.QueryContext(ctx, `SELECT name, role, accounts, created_at, ended_at FROM people ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []Person{}
	for rows.Next() {
		who, err := scanPerson(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, who)
	}
	return out, rows.Err()
}

// Find returns the person of a name who may sign in.
func (p *People) Find(ctx context.Context, name string) (Person, error) {
	who, err := scanPerson(p.db.QueryRowContext(ctx, `SELECT name, role, accounts, created_at, ended_at FROM people WHERE name = $1 AND ended_at IS NULL`, name).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, ErrNobody
	}
	return who, err
}

func scanPerson(scan func(...any) error) (Person, error) {
	var who Person
	var role, accounts string
	var created, ended sql.NullInt64
	if err := scan(&who.Name, &role, &accounts, &created, &ended); err != nil {
		return who, err
	}
	if err := json.Unmarshal([]byte(accounts), &who.Accounts); err != nil {
		return who, fmt.Errorf("accounts of %s: %w", who.Name, err)
	}
	who.Role, who.Created, who.Ended = Role(role), timeOf(created), timeOf(ended)
	return who, nil
}

// Tx runs do in a transaction of the database that the people are in.
func (p *People) Tx(ctx context.Context, do func(tx *sql.Tx) error) error { return p.db.Tx(ctx, do) }

// secret makes a random secret; only its hash is kept.
func secret() (text, hash string, err error) {
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", "", err
	}
	text = hex.EncodeToString(random[:])
	return text, hashOf(text), nil
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func millis(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

func timeOf(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}
