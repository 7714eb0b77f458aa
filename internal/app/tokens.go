package app

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/report"
)

// AddToken makes a token and writes its secret to standard output, the only time that it is seen.
func AddToken(ctx context.Context, c *Config, t desk.Token, streams Streams) error {
	switch {
	case t.Source != "" && len(t.Accounts) > 0, t.Source == "" && len(t.Accounts) == 0, slices.Contains(t.Accounts, ""):
		return UsageError{Err: errors.New("a token either delivers to one source or reads accounts"), Hint: "give --source NAME, or --account ID (or --account '*' for all)"}
	}
	if t.Role == "" {
		t.Role = string(access.Viewer)
	}
	if !access.Role(t.Role).Known() {
		return UsageError{Err: fmt.Errorf("%q is no role", t.Role), Hint: "there are viewer, analyst, responder, engineer and admin"}
	}
	if t.Name == "" {
		var random [4]byte
		if _, err := rand.Read(random[:]); err != nil {
			return err
		}
		t.Name = "token-" + hex.EncodeToString(random[:])
	}
	t.Created = time.Now()
	return withDesk(ctx, c, func(d *desk.Desk) error {
		if t.Source != "" {
			if _, err := findSource(ctx, d, t.Source); err != nil {
				return err
			}
		}
		var secret string
		err := d.Tx(ctx, func(tx *sql.Tx) (err error) {
			if secret, err = d.AddToken(ctx, tx, t); err != nil {
				return err
			}
			return noted(ctx, tx, "token.add", t.Name, t.Role)
		})
		var mistake access.MistakeError
		if errors.As(err, &mistake) {
			return UsageError{Err: err, Hint: "give another --name"}
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(streams.Out, secret)
		fmt.Fprintf(streams.Err, "keep it: it is shown this once; it is called %s\n", t.Name)
		return nil
	})
}

// ListTokens shows the tokens, without their secrets, which are kept nowhere.
func ListTokens(ctx context.Context, c *Config, asJSON bool, streams Streams) error {
	return withDesk(ctx, c, func(d *desk.Desk) error {
		list, err := d.Tokens(ctx)
		if err != nil {
			return err
		}
		if asJSON {
			return json.NewEncoder(streams.Out).Encode(list)
		}
		if len(list) == 0 {
			fmt.Fprintln(streams.Err, "no token yet; tocsin serve makes the owner's when it first starts")
		}
		now := time.Now()
		for _, t := range list {
			right := "delivers to " + t.Source
			if t.Source == "" {
				right = t.Role + " of " + strings.Join(t.Accounts, ", ")
			}
			if t.Before {
				right += " (from before roles: it saw all, and became an admin's; see docs/access.md)"
			}
			fmt.Fprintf(streams.Out, "%-20s %s  since %s  %s\n", report.Clean(t.Name), report.Clean(right), t.Created.Format(time.DateOnly), stateOf(t, now))
		}
		return nil
	})
}

func stateOf(t desk.Token, now time.Time) string {
	switch {
	case !t.Revoked.IsZero():
		return "revoked " + t.Revoked.Format(time.DateOnly)
	case t.Expires.IsZero():
		return "valid until it is revoked"
	case t.Expires.After(now):
		return "valid until " + t.Expires.Format(time.DateOnly)
	}
	return "ended " + t.Expires.Format(time.DateOnly)
}

// RevokeTokens ends the tokens of a name.
func RevokeTokens(ctx context.Context, c *Config, name string, streams Streams) error {
	return withDesk(ctx, c, func(d *desk.Desk) error {
		var n int64
		err := d.Tx(ctx, func(tx *sql.Tx) (err error) {
			if n, err = d.RevokeTokensIn(ctx, tx, access.Everything(), name, time.Now()); err != nil || n == 0 {
				return err
			}
			return noted(ctx, tx, "token.revoke", name, "")
		})
		if err == nil && n == 0 {
			err = UsageError{Err: fmt.Errorf("no valid token is called %q", name), Hint: "tokens are named with --name when they are made"}
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(streams.Out, "%d tokens called %s are revoked\n", n, name)
		return nil
	})
}
