package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/desk"
)

// caller is who asks: a person with a session, or a token.
type caller struct {
	Name     string
	Kind     string // person, token
	Role     access.Role
	Accounts []string
	Address  string
	Session  string // id of the session, of a person
}

type callerKey struct{}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller) // the zero caller sees and may nothing
	return c
}

// scope is whose data the caller sees.
func scope(ctx context.Context) access.Scope { return access.ScopeOf(callerOf(ctx).Accounts) }

// by is the caller as the desk writes down who decided.
func (s *Server) by(ctx context.Context) desk.By {
	c := callerOf(ctx)
	return desk.By{Name: c.Name, Kind: c.Kind, Address: c.Address, At: s.Now().UTC()}
}

// rightKey is where an operation says which right it needs. One that says none is refused to everybody.
const rightKey = "x-tocsin-right"

// needs adds a right to an operation.
func needs(right access.Right, o huma.Operation) huma.Operation {
	if o.Extensions == nil {
		o.Extensions = map[string]any{}
	}
	o.Extensions[rightKey] = string(right)
	if right == access.Open {
		o.Security = []map[string][]string{}
	}
	return o
}

func rightOf(o *huma.Operation) access.Right {
	text, _ := o.Extensions[rightKey].(string)
	return access.Right(text)
}

// sessionCookie is the name of the cookie that holds a session's secret.
const sessionCookie = "tocsin_session"

// bearer is the secret that a request brings in its header.
func bearer(header string) string {
	secret, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return ""
	}
	return strings.TrimSpace(secret)
}

// identify finds out who asks. The error is desk.ErrNotFound where nobody does who is known.
func (s *Server) identify(ctx context.Context, authorization, cookies, remote string) (caller, error) {
	c := caller{Address: addressOf(remote)}
	if secret := bearer(authorization); secret != "" {
		token, err := s.Desk.TokenOf(ctx, secret, s.Now())
		if errors.Is(err, desk.ErrNotFound) {
			s.stranger(ctx, secret, c.Address)
		}
		if err != nil {
			return c, err
		}
		c.Name, c.Kind, c.Role, c.Accounts = token.Name, "token", access.Role(token.Role), token.Accounts
		if token.Source != "" {
			c.Accounts = nil
			return c, deliversOnly(token.Source)
		}
		return c, nil
	}
	list, err := http.ParseCookie(cookies)
	if err != nil || s.People == nil {
		return c, desk.ErrNotFound
	}
	for _, cookie := range list {
		if cookie.Name != sessionCookie {
			continue
		}
		who, session, err := s.People.Of(ctx, cookie.Value, s.Now())
		if errors.Is(err, access.ErrNobody) {
			continue
		}
		if err != nil {
			return c, err
		}
		c.Name, c.Kind, c.Role, c.Accounts, c.Session = who.Name, "person", who.Role, who.Accounts, session.ID
		return c, s.moved(ctx, &c, &session)
	}
	return c, desk.ErrNotFound
}

// deliversOnly is the error of a token that may deliver to a source and nothing else.
type deliversOnly string

func (e deliversOnly) Error() string {
	return "this token may deliver to source " + string(e) + " and nothing else"
}

func addressOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return host
}

// identity asks anew who the caller of a request is, for what lasts longer than a request: a live stream.
type identity func(ctx context.Context) (caller, error)

type identityKey struct{}

// signedIn lets requests through whose caller has the right that the operation needs. A write that is refused is in the audit log.
func (s *Server) signedIn(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		right := rightOf(ctx.Operation())
		authorization, cookies, remote := ctx.Header("Authorization"), ctx.Header("Cookie"), ctx.RemoteAddr()
		who := func(c context.Context) (caller, error) { return s.identify(c, authorization, cookies, remote) }
		c, err := who(ctx.Context())
		var only deliversOnly
		switch {
		case right == access.Open:
		case errors.Is(err, desk.ErrNotFound):
			ctx.SetHeader("WWW-Authenticate", "Bearer")
			_ = huma.WriteErr(api, ctx, http.StatusUnauthorized, "sign in, or bring a token: Authorization: Bearer tocsin_… (make one with: tocsin token add)")
			return
		case errors.As(err, &only):
			s.denied(ctx, c, only.Error())
			_ = huma.WriteErr(api, ctx, http.StatusForbidden, only.Error())
			return
		case err != nil && ctx.Context().Err() != nil:
			return // whoever asked has gone
		case err != nil:
			s.Log.Error("a caller could not be looked for", "error", err)
			_ = huma.WriteErr(api, ctx, http.StatusInternalServerError, "the desk cannot be asked")
			return
		case !c.Role.May(right):
			why := "this needs the right to " + string(right) + ", which the role " + string(c.Role) + " does not have"
			s.denied(ctx, c, why)
			_ = huma.WriteErr(api, ctx, http.StatusForbidden, why)
			return
		}
		next(huma.WithValue(huma.WithValue(ctx, callerKey{}, c), identityKey{}, identity(who)))
		if status := ctx.Status(); c.Name != "" && (status == http.StatusForbidden || status == http.StatusNotFound && ctx.Method() != http.MethodGet) {
			s.denied(ctx, c, "refused with "+http.StatusText(status))
		}
	}
}

func (s *Server) denied(ctx huma.Context, c caller, why string) {
	_ = s.note(ctx.Context(), audit.Entry{Actor: c.Name, Kind: c.Kind, Address: c.Address, Action: ctx.Operation().OperationID, Object: ctx.URL().Path, Outcome: audit.Denied, Detail: why})
}

// note writes an audit entry about what changes nothing.
func (s *Server) note(ctx context.Context, e audit.Entry) error {
	if s.Audit == nil {
		return nil
	}
	e.At = s.Now().UTC()
	err := s.Audit.Add(context.WithoutCancel(ctx), e) // who goes away does not go unseen
	if err != nil {
		s.Log.Error("an audit entry could not be written", "action", e.Action, "error", err)
	}
	return err
}

// noteOf is note about the caller.
func (s *Server) noteOf(ctx context.Context, action, object, detail string) error {
	c := callerOf(ctx)
	return s.note(ctx, audit.Entry{Actor: c.Name, Kind: c.Kind, Address: c.Address, Action: action, Object: object, Outcome: audit.Success, Detail: detail})
}
