package api

import (
	"context"
	"database/sql"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
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
	s.person(api)
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
