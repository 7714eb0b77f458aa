package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/source"
)

// Server is what the API speaks for.
type Server struct {
	Version string
	Desk    *desk.Desk
	Lake    *lake.Lake
	House   *source.House
	Child   []string // the command that answers searches
	Metrics func() []Metric
	Ready   func() error // nil when everything works
	Log     *slog.Logger
	Now     func() time.Time
	Pushing Pushing

	pushes chan struct{} // a place for each push that is being taken
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	send(w, status, body)
}

func send(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that went away
}

type scopeKey struct{}

// bearer is the secret that a request brings.
func bearer(header string) string {
	secret, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return ""
	}
	return strings.TrimSpace(secret)
}

// signedIn lets requests through that bring a token for reading, and hands its Scope on.
func (s *Server) signedIn(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		token, err := s.Desk.TokenOf(ctx.Context(), bearer(ctx.Header("Authorization")), s.Now())
		switch {
		case errors.Is(err, desk.ErrNotFound):
			ctx.SetHeader("WWW-Authenticate", "Bearer")
			_ = huma.WriteErr(api, ctx, http.StatusUnauthorized, "bring a token: Authorization: Bearer tocsin_… (make one with: tocsin token add)")
		case err != nil:
			s.Log.Error("a token could not be looked for", "error", err)
			_ = huma.WriteErr(api, ctx, http.StatusInternalServerError, "the desk cannot be asked")
		case token.Source != "":
			_ = huma.WriteErr(api, ctx, http.StatusForbidden, "this token may deliver to source "+token.Source+" and nothing else")
		default:
			next(huma.WithValue(ctx, scopeKey{}, scopeOf(token)))
		}
	}
}

func scopeOf(t desk.Token) access.Scope {
	for _, a := range t.Accounts {
		if a == "*" {
			return access.Everything()
		}
	}
	return access.Accounts(t.Accounts...)
}

func scope(ctx context.Context) access.Scope {
	sc, _ := ctx.Value(scopeKey{}).(access.Scope) // the zero Scope sees nothing
	return sc
}

// list is a query of a list.
type list struct {
	MinSeverity string `query:"min_severity" enum:"informational,low,medium,high,critical" doc:"only what is at least so severe"`
	Status      string `query:"status" doc:"only what is in this state"`
	Incident    string `query:"incident" doc:"only alerts of this incident"`
	Withdrawn   bool   `query:"withdrawn" doc:"also what is no longer concluded"`
	Limit       int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (l *list) query() (desk.Query, error) {
	q := desk.Query{Status: l.Status, Incident: l.Incident, Withdrawn: l.Withdrawn, Limit: l.Limit}
	if l.MinSeverity != "" {
		level, err := finding.ParseLevel(l.MinSeverity)
		if err != nil {
			return q, huma.Error422UnprocessableEntity(err.Error())
		}
		q.MinSeverity = level
	}
	return q, nil
}

type body[T any] struct{ Body T }

type named struct {
	UID string `path:"uid" maxLength:"128"`
}

func op(method, path, summary string) huma.Operation {
	return huma.Operation{OperationID: strings.Trim(strings.NewReplacer("/api/v1/", "", "/", "-", "{", "", "}", "").Replace(strings.ToLower(method)+path), "-"), Method: method, Path: path, Summary: summary}
}

func (s *Server) findings(api huma.API) {
	huma.Register(api, op("GET", "/api/v1/incidents", "Incidents, the weightiest first"), func(ctx context.Context, in *list) (*body[[]desk.IncidentRow], error) {
		q, err := in.query()
		if err != nil {
			return nil, err
		}
		rows, err := s.Desk.Incidents(ctx, scope(ctx), q)
		return &body[[]desk.IncidentRow]{rows}, s.fault(err)
	})
	huma.Register(api, op("GET", "/api/v1/incidents/{uid}", "One incident, with story, alerts and why it ranks"), func(ctx context.Context, in *named) (*body[json.RawMessage], error) {
		doc, err := s.Desk.Incident(ctx, scope(ctx), in.UID)
		return &body[json.RawMessage]{doc}, s.fault(err)
	})
	huma.Register(api, op("GET", "/api/v1/alerts", "Alerts, the newest first"), func(ctx context.Context, in *list) (*body[[]desk.AlertRow], error) {
		q, err := in.query()
		if err != nil {
			return nil, err
		}
		rows, err := s.Desk.Alerts(ctx, scope(ctx), q)
		return &body[[]desk.AlertRow]{rows}, s.fault(err)
	})
	huma.Register(api, op("GET", "/api/v1/alerts/{uid}", "One alert, with its signals and their records"), func(ctx context.Context, in *named) (*body[json.RawMessage], error) {
		doc, err := s.Desk.Alert(ctx, scope(ctx), in.UID)
		return &body[json.RawMessage]{doc}, s.fault(err)
	})
}

// sourceView is a source with how it does.
type sourceView struct {
	desk.Source
	State  source.State      `json:"state"`
	Totals map[string]uint64 `json:"totals"` // since ever: received = stored + duplicate + dead
}

func (s *Server) doors(api huma.API) {
	huma.Register(api, op("GET", "/api/v1/sources", "Sources, with how they do and their double entry"), func(ctx context.Context, _ *struct{}) (*body[[]sourceView], error) {
		if !scope(ctx).All() {
			return nil, huma.Error403Forbidden("sources deliver for all accounts: this needs a token that sees all")
		}
		sources, err := s.Desk.Sources(ctx)
		if err != nil {
			return nil, s.fault(err)
		}
		states, totals := s.House.States(), s.Lake.Marks().Totals
		out := make([]sourceView, len(sources))
		for i, src := range sources {
			out[i] = sourceView{src, states[src.Name], map[string]uint64{}}
			for _, what := range []string{"received", "stored", "duplicate", "dead"} {
				out[i].Totals[what] = totals[src.Name+"/"+what]
			}
		}
		return &body[[]sourceView]{out}, nil
	})
	huma.Register(api, op("GET", "/api/v1/deadletters", "Records that could not be read, the newest first"), func(ctx context.Context, in *struct {
		Source string `query:"source"`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	},
	) (*body[[]desk.DeadLetter], error) {
		rows, err := s.Desk.DeadLetters(ctx, scope(ctx), in.Source, in.Limit)
		return &body[[]desk.DeadLetter]{rows}, s.fault(err)
	})
}

// again is a dead letter that was given in again.
type again struct {
	Records    int64 `json:"records"`
	Unreadable int64 `json:"unreadable"`
}

func (s *Server) replays(api huma.API) {
	huma.Register(api, op("POST", "/api/v1/deadletters/{uid}/replay", "Give a dead letter to its source again"), func(ctx context.Context, in *named) (*body[again], error) {
		l, err := s.Desk.DeadLetter(ctx, scope(ctx), in.UID)
		if errors.Is(err, desk.ErrAmbiguous) {
			return nil, huma.Error422UnprocessableEntity("more than one dead letter begins so: give more of its id")
		}
		if err != nil {
			return nil, s.fault(err)
		}
		if len(l.Raw) == 0 {
			return nil, huma.Error422UnprocessableEntity("of this record only the place is kept: give its object in again")
		}
		var out again
		err = source.Spooled(ctx, s.House.Spool, bytes.NewReader(l.Raw), 0, func(inv *collect.Inventory) error {
			r, err := s.House.Receive(ctx, pipeline.Delivery{
				Source: l.Source, Object: fmt.Sprintf("%s@%d", l.Object, l.Record), ETag: "replay-" + strconv.FormatInt(s.Now().UnixNano(), 36), Lane: lake.LaneLive, Received: l.ReceivedAt, Inventory: inv,
			})
			out = again{r.Records, r.Unreadable}
			return err
		})
		if err == nil && out.Records > 0 {
			err = s.Desk.Replayed(ctx, l.ID, s.Now())
		}
		return &body[again]{out}, s.fault(err)
	})
}

// fault turns an error into one that says no more than the client may know.
func (s *Server) fault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, desk.ErrNotFound):
		return huma.Error404NotFound("there is nothing of that name, or this token may not see it")
	case errors.Is(err, context.Canceled):
		return err
	}
	s.Log.Error("a request failed", "error", err)
	return huma.Error500InternalServerError("a fault of Tocsin; its log says more")
}
