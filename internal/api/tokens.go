package api

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
)

// tokens are for programs.
func (s *Server) tokens(api huma.API) {
	huma.Register(api, op(access.Govern, "GET", "/api/v1/tokens", "Tokens, by name; never their secrets"), func(ctx context.Context, _ *struct{}) (*body[[]desk.Token], error) {
		list, err := s.Desk.Tokens(ctx)
		sees := scope(ctx)
		list = slices.DeleteFunc(list, func(t desk.Token) bool { return !sees.Covers(t.Accounts) })
		return &body[[]desk.Token]{list}, s.fault(err)
	})
	huma.Register(api, op(access.Govern, "POST", "/api/v1/tokens", "Make a token; its secret is shown once"), s.addToken)
	huma.Register(api, op(access.Govern, "DELETE", "/api/v1/tokens/{uid}", "Revoke all tokens of a name"), func(ctx context.Context, in *Named) (*struct{}, error) {
		return nil, s.fault(s.Desk.Tx(ctx, func(tx *sql.Tx) error {
			n, err := s.Desk.RevokeTokensIn(ctx, tx, scope(ctx), in.UID, s.Now())
			if err == nil && n == 0 {
				err = desk.ErrNotFound
			}
			if err != nil {
				return err
			}
			if s.People != nil {
				if err := s.People.EndInvitations(ctx, tx, "token", in.UID); err != nil {
					return err
				}
			}
			return s.record(ctx, tx, "token.revoke", in.UID, "")
		}))
	})
}

type secretAnswer struct {
	Secret  string    `json:"secret" doc:"shown this once"`
	Expires time.Time `json:"expires_at,omitzero"`
}

type tokenWish struct {
	Name     string   `json:"name" minLength:"1" maxLength:"100"`
	Source   string   `json:"source,omitempty" maxLength:"63" doc:"it may deliver to this source, and nothing else"`
	Role     string   `json:"role,omitempty" enum:"viewer,analyst,responder,engineer,admin" doc:"viewer where it is left out"`
	Accounts []string `json:"accounts,omitempty" maxItems:"1000" doc:"whose data it may see; * is all"`
	Days     int      `json:"days,omitempty" minimum:"0" maximum:"3650" doc:"it ends after so many; 0: never"`
}

func (s *Server) addToken(ctx context.Context, in *struct{ Body tokenWish }) (*body[secretAnswer], error) {
	b := in.Body
	t := desk.Token{Name: b.Name, Source: b.Source, Role: b.Role, Accounts: b.Accounts, Created: s.Now().UTC()}
	if b.Days > 0 {
		t.Expires = t.Created.AddDate(0, 0, b.Days)
	}
	if (b.Source == "") == (len(b.Accounts) == 0) {
		return nil, huma.Error422UnprocessableEntity("a token either delivers to one source or sees accounts: give source, or accounts")
	}
	if b.Source != "" {
		t.Role = string(access.Viewer)
		list, err := s.Desk.Sources(ctx)
		if err != nil {
			return nil, s.fault(err)
		}
		if !slices.ContainsFunc(list, func(x desk.Source) bool { return x.Name == b.Source }) {
			return nil, huma.Error422UnprocessableEntity("there is no source of that name")
		}
	}
	if !scope(ctx).Covers(t.Accounts) { // who delivers to a source delivers for all accounts
		return nil, s.fault(access.ErrBeyond)
	}
	out := body[secretAnswer]{secretAnswer{Expires: t.Expires}}
	return &out, s.fault(s.Desk.Tx(ctx, func(tx *sql.Tx) (err error) {
		if out.Body.Secret, err = s.Desk.AddToken(ctx, tx, t); err != nil {
			return err
		}
		return s.record(ctx, tx, "token.add", b.Name, t.Role)
	}))
}
