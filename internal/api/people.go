package api

import (
	"context"
	"database/sql"
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
	huma.Register(api, op(access.Own, "GET", "/api/v1/people/names", "Names of those whom work can be assigned to"), func(ctx context.Context, _ *struct{}) (*body[[]string], error) {
		list, err := s.People.List(ctx)
		names := []string{}
		for _, p := range list {
			if p.Ended.IsZero() && p.Role.May(access.Triage) {
				names = append(names, p.Name)
			}
		}
		return &body[[]string]{names}, s.fault(err)
	})
	huma.Register(api, op(access.Govern, "GET", "/api/v1/people", "People, by name"), func(ctx context.Context, _ *struct{}) (*body[[]access.Person], error) {
		list, err := s.People.List(ctx)
		return &body[[]access.Person]{list}, s.fault(err)
	})
	huma.Register(api, op(access.Govern, "POST", "/api/v1/invitations", "Invite a person: a link that makes one account"), s.invite)
	huma.Register(api, op(access.Govern, "PUT", "/api/v1/people/{uid}", "Change a person's role and accounts"), func(ctx context.Context, in *struct {
		named
		Body roleAndAccounts
	}) (*struct{}, error) {
		return nil, s.fault(s.People.Tx(ctx, func(tx *sql.Tx) error {
			if err := s.People.Change(ctx, tx, access.Person{Name: in.UID, Role: in.Body.Role, Accounts: in.Body.Accounts}); err != nil {
				return err
			}
			return s.record(ctx, tx, "person.change", in.UID, string(in.Body.Role))
		}))
	})
	huma.Register(api, op(access.Govern, "DELETE", "/api/v1/people/{uid}", "End a person's access, and all sessions"), func(ctx context.Context, in *named) (*struct{}, error) {
		who, err := s.People.Find(ctx, in.UID)
		if err != nil {
			return nil, s.fault(err)
		}
		who.Ended = s.Now()
		return nil, s.fault(s.People.Tx(ctx, func(tx *sql.Tx) error {
			if err := s.People.Change(ctx, tx, who); err != nil {
				return err
			}
			return s.record(ctx, tx, "person.end", in.UID, "")
		}))
	})
	s.tokens(api)
}

func (s *Server) invite(ctx context.Context, in *struct{ Body roleAndAccounts }) (*body[struct {
	Secret  string    `json:"secret" doc:"shown once: the link is /accept#secret"`
	Expires time.Time `json:"expires_at"`
}], error) {
	var out body[struct {
		Secret  string    `json:"secret" doc:"shown once: the link is /accept#secret"`
		Expires time.Time `json:"expires_at"`
	}]
	now := s.Now().UTC()
	err := s.People.Tx(ctx, func(tx *sql.Tx) (err error) {
		if out.Body.Secret, err = s.People.Invite(ctx, tx, access.Invitation{Role: in.Body.Role, Accounts: in.Body.Accounts, By: callerOf(ctx).Name, Created: now}); err != nil {
			return err
		}
		return s.record(ctx, tx, "person.invite", "", string(in.Body.Role))
	})
	out.Body.Expires = now.Add(access.InvitationLasts)
	return &out, s.fault(err)
}

// tokens are for programs.
func (s *Server) tokens(api huma.API) {
	huma.Register(api, op(access.Govern, "GET", "/api/v1/tokens", "Tokens, by name; never their secrets"), func(ctx context.Context, _ *struct{}) (*body[[]desk.Token], error) {
		list, err := s.Desk.Tokens(ctx)
		return &body[[]desk.Token]{list}, s.fault(err)
	})
	huma.Register(api, op(access.Govern, "POST", "/api/v1/tokens", "Make a token; its secret is shown once"), func(ctx context.Context, in *struct {
		Body struct {
			Name     string   `json:"name" minLength:"1" maxLength:"100"`
			Source   string   `json:"source,omitempty" maxLength:"63" doc:"it may deliver to this source, and nothing else"`
			Role     string   `json:"role,omitempty" enum:"viewer,analyst,responder,engineer,admin" doc:"viewer where it is left out"`
			Accounts []string `json:"accounts,omitempty" maxItems:"1000"`
			Days     int      `json:"days,omitempty" minimum:"0" maximum:"3650" doc:"it ends after so many; 0: never"`
		}
	}) (*body[struct {
		Secret string `json:"secret"`
	}], error) {
		b := in.Body
		t := desk.Token{Name: b.Name, Source: b.Source, Role: b.Role, Accounts: b.Accounts, Created: s.Now().UTC()}
		if b.Days > 0 {
			t.Expires = t.Created.AddDate(0, 0, b.Days)
		}
		var out body[struct {
			Secret string `json:"secret"`
		}]
		var err error
		out.Body.Secret, err = s.Desk.NewToken(ctx, t)
		c := callerOf(ctx)
		s.note(ctx, audit.Entry{Actor: c.Name, Kind: c.Kind, Address: c.Address, Action: "token.add", Object: b.Name, Outcome: audit.Success})
		return &out, s.fault(err)
	})
	huma.Register(api, op(access.Govern, "DELETE", "/api/v1/tokens/{uid}", "Revoke all tokens of a name"), func(ctx context.Context, in *named) (*struct{}, error) {
		n, err := s.Desk.RevokeTokens(ctx, in.UID, s.Now())
		if err == nil && n == 0 {
			err = desk.ErrNotFound
		}
		c := callerOf(ctx)
		s.note(ctx, audit.Entry{Actor: c.Name, Kind: c.Kind, Address: c.Address, Action: "token.revoke", Object: in.UID, Outcome: audit.Success})
		return nil, s.fault(err)
	})
}

func (s *Server) audits(api huma.API) {
	if s.Audit == nil {
		return
	}
	huma.Register(api, op(access.Audit, "GET", "/api/v1/audit", "Who did what, the newest first"), func(ctx context.Context, in *struct {
		Actor  string `query:"actor" maxLength:"100"`
		Action string `query:"action" maxLength:"100"`
		Object string `query:"object" maxLength:"200"`
		Before string `query:"before" maxLength:"100" doc:"id of the last entry of the page before"`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	}) (*body[[]audit.Entry], error) {
		list, err := s.Audit.List(ctx, audit.Query{Actor: in.Actor, Action: in.Action, Object: in.Object, Before: in.Before, Limit: in.Limit})
		return &body[[]audit.Entry]{list}, s.fault(err)
	})
}
