package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tocsin-security/tocsin/internal/store"
)

// reserved are names that records use for what is nobody's.
var reserved = []string{setUp, "setup", "system", "schedule", "tocsin", "tocsin-audit", "nobody", "somebody", "somebody else", "anonymous", "anybody", "everybody", "unknown"}

// personal is the holder of a person's name; a token's is another.
const personal = "person"

// TakeName gives a name to a holder, for ever: records, hunts and audit entries speak of people and tokens by name, so that no two of them
// share one, large and small letters alike, and none takes that of one who is gone. Tokens of one source (holder "source/NAME") may share a
// name: they own nothing. The error of a name that cannot be had is a MistakeError.
func TakeName(ctx context.Context, tx *sql.Tx, name, holder string) error {
	if err := checkName(name); err != nil {
		return err
	}
	folded, plain := foldName(name), asciiLower(name)
	var before string
	err := tx.QueryRowContext(ctx, `SELECT holder FROM names WHERE name = $1`, plain).Scan(&before) // as a migration wrote it
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("take the name %s: %w", name, err)
	}
	if err == nil && plain != folded && (before != holder || !shared(holder)) {
		return taken(name)
	}
	r, err := tx.ExecContext(ctx, `INSERT INTO names (name, holder) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, folded, holder)
	if err != nil {
		return fmt.Errorf("take the name %s: %w", name, err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 1 {
		return err
	}
	if err := tx.QueryRowContext(ctx, `SELECT holder FROM names WHERE name = $1`, folded).Scan(&before); err != nil {
		return fmt.Errorf("take the name %s: %w", name, err)
	}
	if before != holder || !shared(holder) {
		return taken(name)
	}
	return nil
}

func taken(name string) error {
	return MistakeError(fmt.Sprintf("there is or was a person or token of the name %s: choose another", name))
}

func shared(holder string) bool { return strings.HasPrefix(holder, "source/") }

func checkName(name string) error {
	switch {
	case !utf8.ValidString(name) || store.Text(name, 0) != name || strings.TrimSpace(name) != name || name == "" || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return MistakeError("a name is of letters, digits, signs and single spaces")
	case slices.Contains(reserved, foldName(name)):
		return MistakeError(fmt.Sprintf("the name %s is Tocsin's own: choose another", name))
	}
	return nil
}

// foldName is what two names must not share.
func foldName(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }

// asciiLower is lower() as SQLite has it.
func asciiLower(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}
