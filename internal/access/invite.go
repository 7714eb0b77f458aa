package access

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// InvitationLasts is how long a link can be used.
const InvitationLasts = 72 * time.Hour

// Invitation is a link by which one person makes an account, once.
type Invitation struct {
	Role     Role      `json:"role"`
	Accounts []string  `json:"accounts"`
	By       string    `json:"invited_by"` // "set-up" for the first
	Kind     string    `json:"-"`          // of who invites: person ("" too) or token
	Created  time.Time `json:"created_at"`
	Expires  time.Time `json:"expires_at"`
}

// Invite makes an invitation and returns the secret of its link, which is kept nowhere. It grants nothing beyond the Scope of who invites.
func (p *People) Invite(ctx context.Context, tx *sql.Tx, scope Scope, i Invitation) (string, error) {
	if err := (&Person{Name: "someone", Role: i.Role, Accounts: i.Accounts}).check(); err != nil {
		return "", err
	}
	if !scope.Covers(i.Accounts) {
		return "", ErrBeyond
	}
	text, hash, err := secret()
	if err != nil {
		return "", err
	}
	accounts, err := json.Marshal(i.Accounts)
	if err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO invitations (hash, role, accounts, invited_by, by_kind, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		hash, string(i.Role), string(accounts), i.By, cmp.Or(i.Kind, personal), i.Created.UnixMilli(), i.Created.Add(InvitationLasts).UnixMilli())
	if err != nil {
		return "", fmt.Errorf("invite: %w", err)
	}
	return text, nil
}

// setUp is who invites the first admin.
const setUp = "set-up"

// SetUp makes the link for the first admin where nobody can sign in yet, and takes earlier ones back. It returns "" where
// somebody can.
func (p *People) SetUp(ctx context.Context, now time.Time) (string, error) {
	n, err := p.Count(ctx)
	if err != nil || n > 0 {
		return "", err
	}
	var text string
	err = p.db.Tx(ctx, func(tx *sql.Tx) error {
		if err := turn(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM invitations WHERE invited_by = $1 AND used_at IS NULL`, setUp); err != nil {
			return err
		}
		text, err = p.Invite(ctx, tx, Everything(), Invitation{Role: Admin, Accounts: []string{"*"}, By: setUp, Created: now})
		return err
	})
	return text, err
}

// Accept uses an invitation: it makes the person, or gives the one that the link is for a new password, and calls also in the same
// transaction. An invitation of one who meanwhile may not invite, or not to these accounts, is none any more.
func (p *People) Accept(ctx context.Context, secret, name, password string, now time.Time, also func(tx *sql.Tx, who Person) error) (Person, error) {
	who, err := invited(ctx, p.db, secret, now) // before a hash is made for anybody who asks
	if err != nil {
		return Person{}, err
	}
	if who.Name != "" {
		return p.renew(ctx, who, secret, name, password, now, also)
	}
	who.Name, who.Created = name, now
	prepared, err := p.Prepare(ctx, who, password)
	if err != nil {
		return Person{}, err
	}
	err = p.db.Tx(ctx, func(tx *sql.Tx) error {
		if err := turn(ctx, tx); err != nil {
			return err
		}
		if _, err := invited(ctx, tx, secret, now); err != nil { // somebody was faster
			return err
		}
		if err := use(ctx, tx, secret, now); err != nil {
			return err
		}
		if err := p.Add(ctx, tx, prepared); err != nil {
			return err
		}
		return also(tx, who)
	})
	return who, err
}

func use(ctx context.Context, tx *sql.Tx, secret string, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `UPDATE invitations SET used_at = $1 WHERE hash = $2`, now.UnixMilli(), hashOf(secret)); err != nil {
		return fmt.Errorf("use an invitation: %w", err)
	}
	return nil
}

// invited is whom a link makes, with no name yet, or whom it gives a new password, as they are now.
func invited(ctx context.Context, db asked, secret string, now time.Time) (Person, error) {
	var role, accounts, by, kind, person string
	err := db.QueryRowContext(ctx, `SELECT role, accounts, invited_by, by_kind, person FROM invitations WHERE hash = $1 AND used_at IS NULL AND expires_at > $2`,
		hashOf(secret), now.UnixMilli()).Scan(&role, &accounts, &by, &kind, &person)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, ErrNobody
	}
	if err != nil {
		return Person{}, fmt.Errorf("look for an invitation: %w", err)
	}
	if person != "" {
		who, err := find(ctx, db, person)
		if err != nil {
			return Person{}, err
		}
		return who, mayInvite(ctx, db, by, kind, who.Accounts, now)
	}
	if by == setUp {
		var n int
		if err := db.QueryRowContext(ctx, `SELECT count(*) FROM people`).Scan(&n); err != nil || n > 0 {
			return Person{}, errors.Join(err, ErrNobody)
		}
	}
	who := Person{Role: Role(role)}
	if err := json.Unmarshal([]byte(accounts), &who.Accounts); err != nil {
		return Person{}, fmt.Errorf("invitation: %w", err)
	}
	if by == setUp {
		return who, nil
	}
	return who, mayInvite(ctx, db, by, kind, who.Accounts, now)
}

// mayInvite is nil where a person or token may govern now, and covers the accounts; else ErrNobody.
func mayInvite(ctx context.Context, db asked, name, kind string, accounts []string, now time.Time) error {
	var role, text string
	query, args := `SELECT role, accounts FROM people WHERE name = $1 AND ended_at IS NULL`, []any{name}
	if kind != personal { // tokens are the desk's, in the same database; where a name has several, from before names were one's own, the last made counts
		query, args = `SELECT role, accounts FROM tokens WHERE name = $1 AND source = '' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2) ORDER BY created_at DESC, hash LIMIT 1`, []any{name, now.UnixMilli()}
	}
	err := db.QueryRowContext(ctx, query, args...).Scan(&role, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNobody
	}
	if err != nil {
		return fmt.Errorf("look for who invited: %w", err)
	}
	var of []string
	if err := json.Unmarshal([]byte(text), &of); err != nil {
		return fmt.Errorf("accounts of %s: %w", name, err)
	}
	if !Role(role).May(Govern) || !ScopeOf(of).Covers(accounts) {
		return ErrNobody
	}
	return nil
}

// EndInvitations ends the links of a person or token that were not used.
func (p *People) EndInvitations(ctx context.Context, tx *sql.Tx, kind, name string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM invitations WHERE invited_by = $1 AND by_kind = $2 AND used_at IS NULL`, name, kind); err != nil {
		return fmt.Errorf("end the invitations of %s: %w", name, err)
	}
	return nil
}
