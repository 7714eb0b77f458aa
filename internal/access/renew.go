package access

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Link makes a link by which a person chooses a new password, once; earlier ones end. Until it is used the password before goes on.
// Who makes it is i.By, and sees the person's accounts.
func (p *People) Link(ctx context.Context, tx *sql.Tx, scope Scope, name string, i Invitation) (string, error) {
	if err := turn(ctx, tx); err != nil {
		return "", err
	}
	who, err := find(ctx, tx, name)
	if err != nil {
		return "", err
	}
	if err := endLinks(ctx, tx, name); err != nil {
		return "", err
	}
	i.Role, i.Accounts = who.Role, who.Accounts
	text, err := p.Invite(ctx, tx, scope, i)
	if err != nil {
		return "", err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE invitations SET person = $1 WHERE hash = $2`, who.Name, hashOf(text)); err != nil {
		return "", fmt.Errorf("link for %s: %w", name, err)
	}
	return text, nil
}

// Lost is the hash of a password that nobody knows, for Enable.
func (p *People) Lost(ctx context.Context) (string, error) {
	text, _, err := secret()
	if err != nil {
		return "", err
	}
	return p.hash(ctx, text)
}

// Enable lets a person in again whose access was ended, with role and accounts as they were. The password of before is not theirs any
// more: the link that it returns gives a new one.
func (p *People) Enable(ctx context.Context, tx *sql.Tx, scope Scope, name, lost string, i Invitation) (string, error) {
	if err := turn(ctx, tx); err != nil {
		return "", err
	}
	r, err := tx.ExecContext(ctx, `UPDATE people SET version = version + 1, ended_at = NULL, hash = $1 WHERE name = $2 AND ended_at IS NOT NULL`, lost, name)
	if err != nil {
		return "", fmt.Errorf("enable %s: %w", name, err)
	}
	if n, err := r.RowsAffected(); err == nil && n == 0 {
		return "", ErrNobody
	}
	return p.Link(ctx, tx, scope, name, i)
}

// EndAll ends a person's sessions, and says how many there were. The Scope covers the person.
func (p *People) EndAll(ctx context.Context, tx *sql.Tx, scope Scope, name string, now time.Time) (int64, error) {
	who, err := find(ctx, tx, name)
	if err != nil {
		return 0, err
	}
	if !scope.Covers(who.Accounts) {
		return 0, ErrBeyond
	}
	return endSessions(ctx, tx, name, now)
}

// renew uses the link of a person: it sets the password and ends all sessions.
func (p *People) renew(ctx context.Context, who Person, secret, name, password string, now time.Time, also func(tx *sql.Tx, who Person) error) (Person, error) {
	if name != who.Name {
		return Person{}, MistakeError("this link is for the password of another person: give the name that it was made for")
	}
	hash, err := p.hash(ctx, password)
	if err != nil {
		return Person{}, err
	}
	err = p.db.Tx(ctx, func(tx *sql.Tx) error {
		if err := turn(ctx, tx); err != nil {
			return err
		}
		if who, err = invited(ctx, tx, secret, now); err != nil { // somebody was faster
			return err
		}
		if err := use(ctx, tx, secret, now); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE people SET hash = $1 WHERE name = $2`, hash, who.Name); err != nil {
			return fmt.Errorf("password of %s: %w", who.Name, err)
		}
		if _, err := endSessions(ctx, tx, who.Name, now); err != nil {
			return err
		}
		return also(tx, who)
	})
	return who, err
}

func endSessions(ctx context.Context, tx *sql.Tx, name string, now time.Time) (int64, error) {
	r, err := tx.ExecContext(ctx, `UPDATE sessions SET ended_at = $1 WHERE person = $2 AND ended_at IS NULL`, now.UnixMilli(), name)
	if err != nil {
		return 0, fmt.Errorf("end the sessions of %s: %w", name, err)
	}
	return r.RowsAffected()
}

// endLinks ends the links for a new password of a person that were not used.
func endLinks(ctx context.Context, tx *sql.Tx, name string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM invitations WHERE person = $1 AND used_at IS NULL`, name); err != nil {
		return fmt.Errorf("end the links of %s: %w", name, err)
	}
	return nil
}
