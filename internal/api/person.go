package api

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
)

// OnePerson asks for one person, as they were read. It is exported for the framework.
type OnePerson struct {
	Named
	Matching
}

type ended struct {
	Ended int64 `json:"ended" doc:"how many sessions"`
}

// person registers what is done to one person. Each change is an audit entry in its transaction.
func (s *Server) person(api huma.API) {
	huma.Register(api, op(access.Govern, "GET", "/api/v1/people/{uid}", "One person, with the ETag that a change of them brings"), func(ctx context.Context, in *Named) (*tagged[access.Person], error) {
		return s.personOf(ctx, in.UID)
	})
	huma.Register(api, op(access.Govern, "PUT", "/api/v1/people/{uid}", "Change a person's role and accounts"), func(ctx context.Context, in *struct {
		OnePerson
		Body roleAndAccounts
	},
	) (*tagged[access.Person], error) {
		who := access.Person{Name: in.UID, Role: in.Body.Role, Accounts: in.Body.Accounts}
		if err := s.changePerson(ctx, in.Matching, who, "person.change", string(who.Role)+" of "+strings.Join(who.Accounts, ", ")); err != nil {
			return nil, err
		}
		return s.personOf(ctx, in.UID)
	})
	huma.Register(api, op(access.Govern, "DELETE", "/api/v1/people/{uid}", "End a person's access, and all sessions; it can be given back"), func(ctx context.Context, in *OnePerson) (*struct{}, error) {
		who, err := s.People.Find(ctx, in.UID)
		if err != nil {
			return nil, s.fault(err)
		}
		who.Ended, who.Version = s.Now(), 0
		return nil, s.changePerson(ctx, in.Matching, who, "person.end", "")
	})
	huma.Register(api, op(access.Govern, "POST", "/api/v1/people/{uid}/enable", "Give a person access again: a link by which they choose a new password"), s.enable)
	huma.Register(api, op(access.Govern, "POST", "/api/v1/people/{uid}/link", "A link by which a person chooses a new password, once"), s.link)
	huma.Register(api, op(access.Govern, "DELETE", "/api/v1/people/{uid}/sessions", "End all sessions of a person"), func(ctx context.Context, in *Named) (*body[ended], error) {
		var out body[ended]
		return &out, s.fault(s.People.Tx(ctx, func(tx *sql.Tx) (err error) {
			if out.Body.Ended, err = s.People.EndAll(ctx, tx, scope(ctx), in.UID, s.Now()); err != nil {
				return err
			}
			return s.record(ctx, tx, "person.sessions.end", in.UID, strconv.FormatInt(out.Body.Ended, 10))
		}))
	})
}

// personOf answers with a person whom the caller's accounts cover.
func (s *Server) personOf(ctx context.Context, name string) (*tagged[access.Person], error) {
	who, err := s.People.Find(ctx, name)
	if err == nil && !scope(ctx).Covers(who.Accounts) {
		err = access.ErrNobody
	}
	return &tagged[access.Person]{ETag: etag(who.Version), Body: who}, s.fault(err)
}

func (s *Server) changePerson(ctx context.Context, m Matching, who access.Person, action, detail string) error {
	version, err := m.version()
	if err != nil {
		return err
	}
	if version != nil {
		if *version <= 0 { // 0 is any to People.Change
			return s.fault(access.ErrChanged)
		}
		who.Version = *version
	}
	return s.fault(s.People.Tx(ctx, func(tx *sql.Tx) error {
		if err := s.People.Change(ctx, tx, scope(ctx), who); err != nil {
			return err
		}
		return s.record(ctx, tx, action, who.Name, detail)
	}))
}

func (s *Server) enable(ctx context.Context, in *Named) (*body[secretAnswer], error) {
	lost, err := s.People.Lost(ctx)
	if err != nil {
		return nil, s.fault(err)
	}
	return s.linked(ctx, "person.enable", in.UID, func(tx *sql.Tx, i access.Invitation) (string, error) {
		return s.People.Enable(ctx, tx, scope(ctx), in.UID, lost, i)
	})
}

func (s *Server) link(ctx context.Context, in *Named) (*body[secretAnswer], error) {
	return s.linked(ctx, "person.link", in.UID, func(tx *sql.Tx, i access.Invitation) (string, error) {
		return s.People.Link(ctx, tx, scope(ctx), in.UID, i)
	})
}

// linked makes a link for a person and writes down who did.
func (s *Server) linked(ctx context.Context, action, name string, issue func(tx *sql.Tx, i access.Invitation) (string, error)) (*body[secretAnswer], error) {
	c, now := callerOf(ctx), s.Now().UTC()
	out := body[secretAnswer]{secretAnswer{Expires: now.Add(access.InvitationLasts)}}
	return &out, s.fault(s.People.Tx(ctx, func(tx *sql.Tx) (err error) {
		if out.Body.Secret, err = issue(tx, access.Invitation{By: c.Name, Kind: c.Kind, Created: now}); err != nil {
			return err
		}
		return s.record(ctx, tx, action, name, "")
	}))
}
