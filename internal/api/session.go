package api

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
)

// me is who is signed in, and what they may.
type me struct {
	Name     string         `json:"name"`
	Kind     string         `json:"kind" enum:"person,token"`
	Role     access.Role    `json:"role"`
	Rights   []access.Right `json:"rights"`
	Accounts []string       `json:"accounts"`
	Session  string         `json:"session,omitempty"`
	Version  string         `json:"version"`
}

// setUp says whether the first account is still to be made.
type setUp struct {
	Needed bool `json:"needed"`
}

type signIn struct {
	Name     string `json:"name" minLength:"1" maxLength:"100"`
	Password string `json:"password" minLength:"1" maxLength:"1024"`
}

// From is where a request came from, and with what.
type From struct {
	Client string `header:"User-Agent" hidden:"true"`
	remote string
}

// Resolve is called by the framework before the request is handled.
func (f *From) Resolve(ctx huma.Context) []error {
	f.remote = addressOf(ctx.RemoteAddr())
	return nil
}

// signedInAnswer carries the cookie of a session.
type signedInAnswer struct {
	Cookie http.Cookie `header:"Set-Cookie"`
	Body   me
}

func (s *Server) sessions(api huma.API) {
	if s.People == nil {
		return
	}
	huma.Register(api, op(access.Open, "GET", "/api/v1/setup", "Whether somebody can sign in already"), func(ctx context.Context, _ *struct{}) (*body[setUp], error) {
		n, err := s.People.Count(ctx)
		return &body[setUp]{setUp{n == 0}}, s.fault(err)
	})
	huma.Register(api, op(access.Open, "POST", "/api/v1/invitations/accept", "Make an account with an invitation, or the first one with the link of the set-up"), s.accept)
	huma.Register(api, op(access.Open, "POST", "/api/v1/session", "Sign in"), s.signIn)
	huma.Register(api, op(access.Own, "GET", "/api/v1/session", "Who is signed in, and what they may"), func(ctx context.Context, _ *struct{}) (*body[me], error) {
		return &body[me]{s.me(callerOf(ctx))}, nil
	})
	huma.Register(api, op(access.Own, "DELETE", "/api/v1/session", "Sign out"), func(ctx context.Context, _ *struct{}) (*struct {
		Cookie http.Cookie `header:"Set-Cookie"`
	}, error,
	) {
		c := callerOf(ctx)
		if c.Session == "" {
			return nil, huma.Error422UnprocessableEntity("a token has no session; revoke it instead")
		}
		err := s.endSession(ctx, c.Session, c.Name, "signout")
		return &struct {
			Cookie http.Cookie `header:"Set-Cookie"`
		}{s.cookie("", -1)}, s.fault(err)
	})
	huma.Register(api, op(access.Own, "GET", "/api/v1/sessions", "Open sessions: one's own, everybody's for who governs"), func(ctx context.Context, _ *struct{}) (*body[[]access.Session], error) {
		list, err := s.People.Sessions(ctx, s.whose(ctx), s.Now())
		return &body[[]access.Session]{list}, s.fault(err)
	})
	huma.Register(api, op(access.Own, "PUT", "/api/v1/session/password", "Change one's own password; all of one's sessions end"), s.changePassword)
	huma.Register(api, op(access.Own, "DELETE", "/api/v1/sessions/{uid}", "End a session"), func(ctx context.Context, in *Named) (*struct{}, error) {
		return nil, s.fault(s.endSession(ctx, in.UID, s.whose(ctx), "session.end"))
	})
}

// whose sessions the caller has a say in: "" is everybody's, for an admin who sees all accounts. A token has none.
func (s *Server) whose(ctx context.Context) string {
	c := callerOf(ctx)
	switch {
	case c.Role.May(access.Govern) && scope(ctx).All():
		return ""
	case c.Kind == "token":
		return "no person's" // no name of a person has a space
	}
	return c.Name
}

func (s *Server) endSession(ctx context.Context, id, person, action string) error {
	return s.People.Tx(ctx, func(tx *sql.Tx) error {
		if err := s.People.End(ctx, tx, id, person, s.Now()); err != nil {
			return err
		}
		return s.record(ctx, tx, action, id, "")
	})
}

// changePassword asks for the old one, as often as signing in does.
func (s *Server) changePassword(ctx context.Context, in *struct {
	Body struct {
		Old string `json:"old" minLength:"1" maxLength:"1024"`
		New string `json:"new" minLength:"1" maxLength:"1024"`
	}
},
) (*struct{}, error) {
	c := callerOf(ctx)
	if c.Kind != "person" {
		return nil, huma.Error422UnprocessableEntity("a token has no password; revoke it instead")
	}
	mine := map[string]int{"password/" + c.Name: freeFromHere}
	if wait := s.attempts.Try(s.Now(), mine); wait > 0 {
		return nil, huma.ErrorWithHeaders(huma.Error429TooManyRequests(fmt.Sprintf("too many attempts; wait %s", wait.Round(time.Second))), http.Header{"Retry-After": {strconv.Itoa(int(wait.Seconds()) + 1)}})
	}
	err := s.People.Check(ctx, c.Name, in.Body.Old)
	if errors.Is(err, access.ErrNobody) {
		return nil, huma.Error422UnprocessableEntity("the old password is wrong")
	}
	if err != nil {
		return nil, s.fault(err)
	}
	s.attempts.Succeeded(mine)
	return nil, s.fault(s.People.SetPassword(ctx, c.Name, in.Body.New, s.Now(), func(tx *sql.Tx) error { return s.record(ctx, tx, "person.password", c.Name, "") }))
}

// record writes an audit entry of the caller's in the transaction of the change.
func (s *Server) record(ctx context.Context, tx *sql.Tx, action, object, detail string) error {
	if s.Audit == nil {
		return nil
	}
	c := callerOf(ctx)
	return audit.Record(ctx, tx, audit.Entry{At: s.Now().UTC(), Actor: c.Name, Kind: c.Kind, Address: c.Address, Action: action, Object: object, Outcome: audit.Success, Detail: detail})
}

func (s *Server) me(c caller) me {
	out := me{Name: c.Name, Kind: c.Kind, Role: c.Role, Accounts: c.Accounts, Session: c.Session, Version: s.Version, Rights: []access.Right{}}
	for _, r := range access.Rights() {
		if c.Role.May(r) {
			out.Rights = append(out.Rights, r)
		}
	}
	return out
}

func (s *Server) cookie(secret string, maxAge int) http.Cookie {
	//nolint:gosec // Secure is set where the connection is; without TLS only this machine is listened on
	return http.Cookie{Name: sessionCookie, Value: secret, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteStrictMode}
}

// How many attempts to sign in are free, before each further one waits: of one name from one address, from one address, of one name from
// everywhere. The last is wide, as it is how a stranger could keep somebody out.
const (
	freeFromHere, freeOfAddress, freeOfName = 5, 20, 50
)

// signIn compares a password, after the wait that attempts before have earned. What was typed as a name is written down nowhere, as it may
// be a password.
func (s *Server) signIn(ctx context.Context, in *struct {
	From
	Body signIn
},
) (*signedInAnswer, error) {
	now, network := s.Now(), access.Network(in.remote)
	sum := sha256.Sum256([]byte(in.Body.Name))
	name := hex.EncodeToString(sum[:])
	mine := map[string]int{name + "/" + network: freeFromHere, name: freeOfName}
	all := map[string]int{"address/" + network: freeOfAddress}
	maps.Copy(all, mine)
	if wait := s.attempts.Try(now, all); wait > 0 {
		return nil, huma.ErrorWithHeaders(huma.Error429TooManyRequests(fmt.Sprintf("too many attempts; wait %s", wait.Round(time.Second))), http.Header{"Retry-After": {strconv.Itoa(int(wait.Seconds()) + 1)}})
	}
	err := s.People.Check(ctx, in.Body.Name, in.Body.Password)
	var who access.Person
	if err == nil {
		who, err = s.People.Find(ctx, in.Body.Name)
	}
	if errors.Is(err, access.ErrNobody) {
		if err := s.note(ctx, audit.Entry{Kind: "nobody", Address: in.remote, Action: "signin", Outcome: audit.Failure}); err != nil {
			return nil, s.fault(err)
		}
		return nil, huma.Error401Unauthorized("name or password is wrong")
	}
	if err != nil {
		return nil, s.fault(err)
	}
	s.attempts.Succeeded(mine)
	out, err := s.begin(ctx, who, in.From)
	return out, s.fault(err)
}

// begin begins a session.
func (s *Server) begin(ctx context.Context, who access.Person, f From) (*signedInAnswer, error) {
	c := caller{Name: who.Name, Kind: "person", Role: who.Role, Accounts: who.Accounts, Address: f.remote}
	ctx = context.WithValue(ctx, callerKey{}, c)
	var secret string
	err := s.People.Tx(ctx, func(tx *sql.Tx) (err error) {
		if secret, err = s.People.Begin(ctx, tx, access.Session{Person: who.Name, Address: f.remote, Client: f.Client, Created: s.Now()}); err != nil {
			return err
		}
		return s.record(ctx, tx, "signin", "", "")
	})
	if err != nil {
		return nil, err
	}
	return &signedInAnswer{s.cookie(secret, int(access.SessionMost.Seconds())), s.me(c)}, nil
}

// accept makes an account and signs it in.
func (s *Server) accept(ctx context.Context, in *struct {
	From
	Body struct {
		Secret   string `json:"secret" minLength:"1" maxLength:"200" doc:"what follows # in the link"`
		Name     string `json:"name" minLength:"1" maxLength:"100"`
		Password string `json:"password" minLength:"1" maxLength:"1024"`
	}
},
) (*signedInAnswer, error) {
	if wait := s.attempts.Try(s.Now(), map[string]int{"accept/" + access.Network(in.remote): freeOfAddress}); wait > 0 {
		return nil, huma.ErrorWithHeaders(huma.Error429TooManyRequests(fmt.Sprintf("too many attempts; wait %s", wait.Round(time.Second))), http.Header{"Retry-After": {strconv.Itoa(int(wait.Seconds()) + 1)}})
	}
	who, err := s.People.Accept(ctx, in.Body.Secret, in.Body.Name, in.Body.Password, s.Now(), func(tx *sql.Tx, who access.Person) error {
		return s.record(context.WithValue(ctx, callerKey{}, caller{Name: who.Name, Kind: "person", Address: in.remote}), tx, "invitation.accept", who.Name, string(who.Role))
	})
	if errors.Is(err, access.ErrNobody) {
		return nil, huma.Error404NotFound("this link was used, or is too old: ask for another")
	}
	if err != nil {
		return nil, s.fault(err)
	}
	out, err := s.begin(ctx, who, in.From)
	return out, s.fault(err)
}
