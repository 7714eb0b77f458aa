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
	"unicode/utf8"

	"github.com/tocsin-security/tocsin/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// People are those who may sign in. It may be used by many goroutines.
type People struct {
	db      *store.DB
	hashing chan struct{} // a place for each hash that is being made: each takes 19 MiB
}

// hashesAtOnce bounds the memory that sign-ins take to 76 MiB; who comes then waits.
const hashesAtOnce = 4

// OpenPeople brings the tables of people up to date.
func OpenPeople(ctx context.Context, db *store.DB) (*People, error) {
	root, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := db.MigrateAs(ctx, "people_version", root); err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	return &People{db, make(chan struct{}, hashesAtOnce)}, nil
}

// Person is one who may sign in.
type Person struct {
	Name     string    `json:"name"`
	Role     Role      `json:"role"`
	Accounts []string  `json:"accounts"` // whose data the person sees; "*" is all
	Created  time.Time `json:"created_at"`
	Ended    time.Time `json:"ended_at,omitzero"`
	Version  int64     `json:"version"` // one more with each change
}

// ErrNobody says that there is no such person, session or invitation, or none any more.
var ErrNobody = errors.New("nobody of that name, or not any more")

// MistakeError is a person's mistake, in a sentence that says what to do.
type MistakeError string

// Error is the sentence.
func (e MistakeError) Error() string { return string(e) }

var personName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._@+-]{0,99}$`)

// check says what is wrong with a person.
func (p *Person) check() error {
	switch {
	case !personName.MatchString(p.Name) || p.Name == setUp:
		return MistakeError("a name has letters, digits and . _ @ + -, and at most 100 of them")
	case !p.Role.Known():
		return MistakeError(fmt.Sprintf("%q is no role; there are viewer, analyst, responder, engineer and admin", p.Role))
	case len(p.Accounts) == 0:
		return MistakeError("name the accounts that the person may see; * is all")
	}
	for _, a := range p.Accounts {
		if !accountName.MatchString(a) {
			return MistakeError(fmt.Sprintf("%q is no account; * is all", a))
		}
	}
	return nil
}

// accountName has room for the accounts, projects and subscriptions of any provider.
var accountName = regexp.MustCompile(`^(\*|[a-zA-Z0-9][a-zA-Z0-9._:-]{0,99})$`)

// turn makes changes of who may do what come one after the other: the check after it sees what the one before did.
func turn(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `UPDATE people_turn SET n = n + 1 WHERE id = 1`); err != nil {
		return fmt.Errorf("change people: %w", err)
	}
	return nil
}

// hash is hashPassword when there is a place.
func (p *People) hash(ctx context.Context, password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < MinPassword || n > MaxPassword {
		return "", MistakeError(ErrPassword.Error())
	}
	done, err := p.place(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return hashPassword(password)
}

// place waits for one to hash in.
func (p *People) place(ctx context.Context) (done func(), err error) {
	select {
	case p.hashing <- struct{}{}:
		return func() { <-p.hashing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
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

// New is a person to be added: who, and the hash of a password, which is made before a transaction begins, as it takes its time.
type New struct {
	who  Person
	hash string
}

// Prepare checks a person and hashes the password.
func (p *People) Prepare(ctx context.Context, who Person, password string) (New, error) {
	if err := who.check(); err != nil {
		return New{}, err
	}
	hash, err := p.hash(ctx, password)
	return New{who, hash}, err
}

// Add adds a person, within a transaction of the caller's. With the first one the link of the set-up dies.
func (p *People) Add(ctx context.Context, tx *sql.Tx, n New) error {
	if err := turn(ctx, tx); err != nil {
		return err
	}
	accounts, err := json.Marshal(n.who.Accounts)
	if err != nil {
		return err
	}
	if err := TakeName(ctx, tx, n.who.Name, personal); err != nil {
		return err
	}
	r, err := tx.ExecContext(ctx, `INSERT INTO people (name, hash, role, accounts, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING`,
		n.who.Name, n.hash, string(n.who.Role), string(accounts), n.who.Created.UnixMilli())
	if err != nil {
		return fmt.Errorf("add %s: %w", n.who.Name, err)
	}
	if n, err := r.RowsAffected(); err == nil && n == 0 {
		return MistakeError("there is or was a person of that name: choose another")
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM invitations WHERE invited_by = $1 AND used_at IS NULL`, setUp); err != nil {
		return fmt.Errorf("end the set-up: %w", err)
	}
	return nil
}

// ErrChanged says that a person was changed since whoever changes them now has looked.
var ErrChanged = errors.New("somebody changed this person since you looked: look at the newer state and decide again")

// Change sets role and accounts of one whom the Scope covers. Ended ends the person: sessions end with it, and the name stays taken, as
// records speak of it. There stays an admin who sees all. A Version other than 0 is that which was looked at; ErrChanged where it is no
// more that of now.
func (p *People) Change(ctx context.Context, tx *sql.Tx, scope Scope, who Person) error {
	if err := who.check(); err != nil {
		return err
	}
	if err := turn(ctx, tx); err != nil {
		return err
	}
	before, err := find(ctx, tx, who.Name)
	if err != nil {
		return err
	}
	if !scope.Covers(before.Accounts) || !scope.Covers(who.Accounts) {
		return ErrBeyond
	}
	if who.Version != 0 && who.Version != before.Version {
		return ErrChanged
	}
	accounts, err := json.Marshal(who.Accounts)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE people SET version = version + 1, role = $1, accounts = $2, ended_at = $3 WHERE name = $4 AND ended_at IS NULL`, string(who.Role), string(accounts), millis(who.Ended), who.Name); err != nil {
		return fmt.Errorf("change %s: %w", who.Name, err)
	}
	var admins int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM people WHERE role = 'admin' AND accounts LIKE '%"*"%' AND ended_at IS NULL`).Scan(&admins); err != nil {
		return err
	}
	if admins == 0 {
		return MistakeError("this would leave no admin who sees all accounts: make another one first")
	}
	if !who.Ended.IsZero() || !who.Role.May(Govern) || !ScopeOf(who.Accounts).Covers(before.Accounts) { // links outlive no right
		if err := p.EndInvitations(ctx, tx, personal, who.Name); err != nil {
			return err
		}
	}
	if !who.Ended.IsZero() {
		_, err = endSessions(ctx, tx, who.Name, who.Ended)
		return errors.Join(err, endLinks(ctx, tx, who.Name))
	}
	return nil
}

// ErrBeyond says that somebody would give, or take, rights on accounts that are not their own.
var ErrBeyond = errors.New("this reaches beyond the accounts that you may see yourself: ask an admin who sees them")

// SetPassword gives a person another password and ends all sessions.
func (p *People) SetPassword(ctx context.Context, name, password string, now time.Time, also func(tx *sql.Tx) error) error {
	hash, err := p.hash(ctx, password)
	if err != nil {
		return err
	}
	return p.db.Tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE people SET hash = $1 WHERE name = $2 AND ended_at IS NULL`, hash, name)
		if err != nil {
			return fmt.Errorf("password of %s: %w", name, err)
		}
		if n, err := r.RowsAffected(); err == nil && n == 0 {
			return ErrNobody
		}
		if _, err := endSessions(ctx, tx, name, now); err != nil {
			return err
		}
		if err := endLinks(ctx, tx, name); err != nil { // one that was made for the password before
			return err
		}
		return also(tx)
	})
}

// List lists people by name.
func (p *People) List(ctx context.Context) ([]Person, error) {
	rows, err := p.db.QueryContext(ctx, `SELECT name, role, accounts, created_at, ended_at, version FROM people ORDER BY name`)
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
func (p *People) Find(ctx context.Context, name string) (Person, error) { return find(ctx, p.db, name) }

type asked interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func find(ctx context.Context, db asked, name string) (Person, error) {
	who, err := scanPerson(db.QueryRowContext(ctx, `SELECT name, role, accounts, created_at, ended_at, version FROM people WHERE name = $1 AND ended_at IS NULL`, store.Text(name, 0)).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, ErrNobody
	}
	return who, err
}

func scanPerson(scan func(...any) error) (Person, error) {
	var who Person
	var role, accounts string
	var created, ended sql.NullInt64
	if err := scan(&who.Name, &role, &accounts, &created, &ended, &who.Version); err != nil {
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
