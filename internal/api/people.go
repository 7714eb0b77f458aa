package api

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/desk"
)

type roleAndAccounts struct {
	Role     access.Role `json:"role" enum:"viewer,analyst,responder,engineer,admin"`
	Accounts []string    `json:"accounts" minItems:"1" maxItems:"1000" doc:"whose data may be seen; * is all"`
}

func (s *Server) people(api huma.API) {
	if s.People == nil {
		return
	}
	huma.Register(api, op(access.Own, "GET", "/api/v1/people/names", "Names of those whom work can be assigned to: who may triage, and sees some of what the caller sees"), func(ctx context.Context, _ *struct{}) (*body[[]string], error) {
		list, err := s.People.List(ctx)
		names := []string{}
		for _, p := range list {
			if p.Ended.IsZero() && worksWith(scope(ctx), &p) {
				names = append(names, p.Name)
			}
		}
		return &body[[]string]{names}, s.fault(err)
	})
	huma.Register(api, op(access.Govern, "GET", "/api/v1/people", "People, by name"), func(ctx context.Context, _ *struct{}) (*body[[]access.Person], error) {
		list, err := s.People.List(ctx)
		sees := scope(ctx)
		list = slices.DeleteFunc(list, func(p access.Person) bool { return !sees.Covers(p.Accounts) })
		return &body[[]access.Person]{list}, s.fault(err)
	})
	huma.Register(api, op(access.Govern, "POST", "/api/v1/invitations", "Invite a person: a link that makes one account"), s.invite)
	huma.Register(api, op(access.Govern, "PUT", "/api/v1/people/{uid}", "Change a person's role and accounts"), func(ctx context.Context, in *struct {
		Named
		Body roleAndAccounts
	},
	) (*struct{}, error) {
		return nil, s.fault(s.People.Tx(ctx, func(tx *sql.Tx) error {
			if err := s.People.Change(ctx, tx, scope(ctx), access.Person{Name: in.UID, Role: in.Body.Role, Accounts: in.Body.Accounts}); err != nil {
				return err
			}
			return s.record(ctx, tx, "person.change", in.UID, string(in.Body.Role))
		}))
	})
	huma.Register(api, op(access.Govern, "DELETE", "/api/v1/people/{uid}", "End a person's access, and all sessions"), func(ctx context.Context, in *Named) (*struct{}, error) {
		who, err := s.People.Find(ctx, in.UID)
		if err != nil {
			return nil, s.fault(err)
		}
		who.Ended = s.Now()
		return nil, s.fault(s.People.Tx(ctx, func(tx *sql.Tx) error {
			if err := s.People.Change(ctx, tx, scope(ctx), who); err != nil {
				return err
			}
			return s.record(ctx, tx, "person.end", in.UID, "")
		}))
	})
	s.tokens(api)
}

// worksWith reports whether a person can be given work by who has a Scope. Whom nothing is shared with is not told of.
func worksWith(sees access.Scope, p *access.Person) bool {
	return p.Role.May(access.Triage) && (sees.All() || slices.ContainsFunc(p.Accounts, func(a string) bool { return a == "*" || sees.Sees(a) }))
}

func (s *Server) invite(ctx context.Context, in *struct{ Body roleAndAccounts }) (*body[secretAnswer], error) {
	now := s.Now().UTC()
	out := body[secretAnswer]{secretAnswer{Expires: now.Add(access.InvitationLasts)}} // the link is /accept#secret
	return &out, s.fault(s.People.Tx(ctx, func(tx *sql.Tx) (err error) {
		if out.Body.Secret, err = s.People.Invite(ctx, tx, scope(ctx), access.Invitation{Role: in.Body.Role, Accounts: in.Body.Accounts, By: callerOf(ctx).Name, Kind: callerOf(ctx).Kind, Created: now}); err != nil {
			return err
		}
		return s.record(ctx, tx, "person.invite", "", string(in.Body.Role))
	}))
}

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

func (s *Server) audits(api huma.API) {
	if s.Audit == nil {
		return
	}
	huma.Register(api, op(access.Audit, "GET", "/api/v1/audit", "Who did what, the newest first; who does not see all accounts sees what they did themselves"), func(ctx context.Context, in *struct {
		Actor  string `query:"actor" maxLength:"100"`
		Action string `query:"action" maxLength:"100"`
		Object string `query:"object" maxLength:"200"`
		Before string `query:"before" maxLength:"100" doc:"id of the last entry of the page before"`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	},
	) (*body[[]audit.Entry], error) {
		var kind string
		if !scope(ctx).All() {
			in.Actor, kind = callerOf(ctx).Name, callerOf(ctx).Kind // what others do may be about accounts that are not to be seen
		}
		list, err := s.Audit.List(ctx, audit.Query{Actor: in.Actor, Kind: kind, Action: in.Action, Object: in.Object, Before: in.Before, Limit: in.Limit})
		return &body[[]audit.Entry]{list}, s.fault(err)
	})
}
