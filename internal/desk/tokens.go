package desk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// Token is a right: to deliver to one source, or to read the accounts that it names.
type Token struct {
	Name     string    `json:"name"`
	Source   string    `json:"source,omitempty"`   // may deliver to this source, and nothing else
	Accounts []string  `json:"accounts,omitempty"` // may read these; "*" is all
	Role     string    `json:"role,omitempty"`     // what it may do; "" is viewer
	Before   bool      `json:"before_roles,omitempty" doc:"it was made before there were roles, and saw all: it became one of an admin"`
	Created  time.Time `json:"created_at"`
	Expires  time.Time `json:"expires_at,omitzero"`
	Revoked  time.Time `json:"revoked_at,omitzero"`
}

// NewToken makes a token and returns its secret, which is kept nowhere.
func (d *Desk) NewToken(ctx context.Context, t Token) (secret string, err error) {
	err = d.db.Tx(ctx, func(tx *sql.Tx) error {
		secret, err = d.AddToken(ctx, tx, t)
		return err
	})
	return secret, err
}

// AddToken is NewToken within a transaction of the caller's. Its name is nobody else's (access.TakeName); those of one source may share one.
func (d *Desk) AddToken(ctx context.Context, tx *sql.Tx, t Token) (secret string, err error) {
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	secret = "tocsin_" + hex.EncodeToString(random[:])
	accounts, err := json.Marshal(t.Accounts)
	if err != nil {
		return "", err
	}
	if t.Role == "" {
		t.Role = string(access.Viewer)
	}
	holder := "token"
	if t.Source != "" {
		holder = "source/" + t.Source
	}
	if err := access.TakeName(ctx, tx, t.Name, holder); err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO tokens (hash, name, source, accounts, role, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		hashOf(secret), text(t.Name), text(t.Source), text(string(accounts)), t.Role, t.Created.UnixMilli(), millis(t.Expires))
	if err != nil {
		return "", fmt.Errorf("token %s: %w", t.Name, err)
	}
	return secret, nil
}

// TokenOf finds what a secret stands for. One that is unknown, revoked or expired is ErrNotFound.
func (d *Desk) TokenOf(ctx context.Context, secret string, now time.Time) (Token, error) {
	var t Token
	var accounts string
	var created, expires sql.NullInt64
	err := d.db.QueryRowContext(ctx, `SELECT name, source, accounts, role, created_at, expires_at FROM tokens WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)`,
		hashOf(secret), now.UnixMilli()).Scan(&t.Name, &t.Source, &accounts, &t.Role, &created, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return Token{}, ErrNotFound
	}
	if err != nil {
		return Token{}, fmt.Errorf("look for token: %w", err)
	}
	if err := json.Unmarshal([]byte(accounts), &t.Accounts); err != nil {
		return Token{}, fmt.Errorf("token %s: %w", t.Name, err)
	}
	t.Created, t.Expires = timeOf(created), timeOf(expires)
	return t, nil
}

// DeadToken says whose a secret was that stands for nothing (any more), and why it does not: revoked, expired, or unknown, with no name.
func (d *Desk) DeadToken(ctx context.Context, secret string) (name, why string, err error) {
	var revoked sql.NullInt64
	err = d.db.QueryRowContext(ctx, `SELECT name, revoked_at FROM tokens WHERE hash = $1`, hashOf(secret)).Scan(&name, &revoked)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", "no token of this installation", nil
	case err != nil:
		return "", "", fmt.Errorf("look for token: %w", err)
	case revoked.Valid:
		return name, "it was revoked", nil
	}
	return name, "it expired", nil
}

// Tokens lists what was ever given out, by name and age, without the secrets.
func (d *Desk) Tokens(ctx context.Context) ([]Token, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT name, source, accounts, role, before_roles, created_at, expires_at, revoked_at FROM tokens ORDER BY name, created_at, hash`)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []Token{}
	for rows.Next() {
		var t Token
		var accounts string
		var created, expires, revoked sql.NullInt64
		var before int64
		if err := rows.Scan(&t.Name, &t.Source, &accounts, &t.Role, &before, &created, &expires, &revoked); err != nil {
			return nil, fmt.Errorf("list tokens: %w", err)
		}
		if err := json.Unmarshal([]byte(accounts), &t.Accounts); err != nil {
			return nil, fmt.Errorf("token %s: %w", t.Name, err)
		}
		t.Before, t.Created, t.Expires, t.Revoked = before == 1, timeOf(created), timeOf(expires), timeOf(revoked)
		out = append(out, t)
	}
	return out, rows.Err()
}

// RevokeTokens ends every token of a name and says how many there were.
func (d *Desk) RevokeTokens(ctx context.Context, name string, now time.Time) (n int64, err error) {
	err = d.db.Tx(ctx, func(tx *sql.Tx) error {
		n, err = d.RevokeTokensIn(ctx, tx, access.Everything(), name, now)
		return err
	})
	return n, err
}

// RevokeTokensIn is RevokeTokens within a transaction of the caller's. Where a token of that name reaches beyond the Scope, none is ended
// and ErrNotFound returned. A token that delivers to a source delivers for all accounts.
func (d *Desk) RevokeTokensIn(ctx context.Context, tx *sql.Tx, scope access.Scope, name string, now time.Time) (int64, error) {
	list, err := strs(ctx, tx, `SELECT accounts FROM tokens WHERE name = $1 AND revoked_at IS NULL`, text(name))
	if err != nil {
		return 0, fmt.Errorf("revoke %s: %w", name, err)
	}
	for _, accounts := range list {
		var of []string
		if err := json.Unmarshal([]byte(accounts), &of); err != nil {
			return 0, fmt.Errorf("token %s: %w", name, err)
		}
		if !scope.All() && !scope.Covers(of) {
			return 0, fmt.Errorf("token %s: %w", name, ErrNotFound)
		}
	}
	r, err := tx.ExecContext(ctx, `UPDATE tokens SET revoked_at = $1 WHERE name = $2 AND revoked_at IS NULL`, now.UnixMilli(), text(name))
	if err != nil {
		return 0, fmt.Errorf("revoke %s: %w", name, err)
	}
	return r.RowsAffected()
}

// hashOf is how a secret is kept: it is random and long, so a plain hash tells nothing.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
