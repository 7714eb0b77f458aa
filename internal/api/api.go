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
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/evidence"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/health"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/source"
)

// Server is what the API speaks for.
type Server struct {
	Version  string
	Desk     *desk.Desk
	People   *access.People // nil: only tokens open doors
	Audit    *audit.Log     // nil: nobody writes down who did what
	Secure   bool           // it is reached over TLS
	Lake     *lake.Lake
	Evidence *evidence.Store // nil: none is kept
	House    *source.House
	Child    []string          // the command that answers searches
	Intel    func() *intel.Set // the feeds of now; nil for none
	Metrics  func() []Metric
	Ready    func() error // nil when everything works
	Log      *slog.Logger
	Health   func() health.Report
	Coverage func() health.Coverage
	Now      func() time.Time
	Pushing  Pushing

	// EntityState is the state of an entity, as JSON; nil: none can be captured.
	EntityState func(ctx context.Context, scope access.Scope, kind, id string) (json.RawMessage, error)

	pushes chan struct{} // a place for each push that is being taken

	attempts access.Attempts // at signing in
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	send(w, status, body)
}

func send(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that went away
}

// list is a query of a list.
type list struct {
	MinSeverity string `query:"min_severity" enum:"informational,low,medium,high,critical" doc:"only what is at least so severe"`
	Status      string `query:"status" enum:"open,new,in_progress,on_hold,resolved,closed" doc:"only what is in this state; open: all but resolved and closed"`
	Assignee    string `query:"assignee" maxLength:"100" doc:"only what this person works on"`
	Verdict     string `query:"verdict" enum:"true_positive,benign_true_positive,false_positive" doc:"only what was judged so"`
	Incident    string `query:"incident" maxLength:"128" doc:"only alerts of this incident"`
	Rule        string `query:"rule" maxLength:"128" doc:"only alerts of this rule"`
	Text        string `query:"q" maxLength:"200" doc:"only what has this in its title or sentence"`
	After       string `query:"after" maxLength:"200" doc:"the next of the page before"`
	Withdrawn   bool   `query:"withdrawn" doc:"also what is no longer concluded"`
	Limit       int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (l *list) query() (desk.Query, error) {
	q := desk.Query{
		Status: l.Status, Assignee: l.Assignee, Verdict: l.Verdict, Incident: l.Incident, Rule: l.Rule, Text: l.Text, After: l.After, Withdrawn: l.Withdrawn, Limit: l.Limit,
	}
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

// op describes an operation and the right that it needs.
func op(right access.Right, method, path, summary string) huma.Operation {
	return needs(right, huma.Operation{OperationID: strings.Trim(strings.NewReplacer("/api/v1/", "", "/", "-", "{", "", "}", "").Replace(strings.ToLower(method)+path), "-"), Method: method, Path: path, Summary: summary})
}

func (s *Server) findings(api huma.API) {
	huma.Register(api, op(access.Read, "GET", "/api/v1/incidents", "Incidents, the weightiest first"), func(ctx context.Context, in *list) (*body[desk.Page[desk.IncidentRow]], error) {
		q, err := in.query()
		if err != nil {
			return nil, err
		}
		rows, err := s.Desk.Incidents(ctx, scope(ctx), q)
		return &body[desk.Page[desk.IncidentRow]]{rows}, s.fault(err)
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/incidents/{uid}", "One incident, with story, alerts and why it ranks"), func(ctx context.Context, in *named) (*body[json.RawMessage], error) {
		doc, err := s.Desk.Incident(ctx, scope(ctx), in.UID)
		return &body[json.RawMessage]{doc}, s.fault(err)
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/alerts", "Alerts, the newest first"), func(ctx context.Context, in *list) (*body[desk.Page[desk.AlertRow]], error) {
		q, err := in.query()
		if err != nil {
			return nil, err
		}
		rows, err := s.Desk.Alerts(ctx, scope(ctx), q)
		return &body[desk.Page[desk.AlertRow]]{rows}, s.fault(err)
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/alerts/{uid}", "One alert, with its signals and their records"), func(ctx context.Context, in *named) (*body[json.RawMessage], error) {
		doc, err := s.Desk.Alert(ctx, scope(ctx), in.UID)
		return &body[json.RawMessage]{doc}, s.fault(err)
	})
}

func (s *Server) doors(api huma.API) {
	huma.Register(api, op(access.Read, "GET", "/api/v1/sources", "Sources, with how they do, their health and their double entry"), s.sources)
	huma.Register(api, op(access.Tend, "GET", "/api/v1/deadletters", "Records that could not be read, the newest first"), func(ctx context.Context, in *struct {
		Source string `query:"source"`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	},
	) (*body[[]desk.DeadLetter], error) {
		rows, err := s.Desk.DeadLetters(ctx, scope(ctx), in.Source, in.Limit)
		return &body[[]desk.DeadLetter]{rows}, s.fault(err)
	})
}

// repaired names a dead letter, and may bring what is to be read in its place.
type repaired struct {
	UID     string `path:"uid" maxLength:"128"`
	RawBody []byte `contentType:"application/octet-stream"`
}

// again is a dead letter that was given in again.
type again struct {
	Records    int64 `json:"records"`
	Unreadable int64 `json:"unreadable"`
}

func (s *Server) replays(api huma.API) {
	huma.Register(api, op(access.Tend, "POST", "/api/v1/deadletters/{uid}/replay", "Give a dead letter to its source again; a body takes the place of the record that is kept"), func(ctx context.Context, in *repaired) (*body[again], error) {
		l, err := s.Desk.DeadLetter(ctx, scope(ctx), in.UID)
		if errors.Is(err, desk.ErrAmbiguous) {
			return nil, huma.Error422UnprocessableEntity("more than one dead letter begins so: give more of its id")
		}
		if err != nil {
			return nil, s.fault(err)
		}
		if len(in.RawBody) > 0 {
			l.Raw = in.RawBody
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
	api.OpenAPI().Paths["/api/v1/deadletters/{uid}/replay"].Post.RequestBody.Required = false // huma takes a raw body for required
}

// fault turns an error into one that says no more than the client may know.
func (s *Server) fault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, desk.ErrNotFound):
		return huma.Error404NotFound("there is nothing of that name, or this token may not see it")
	case errors.Is(err, desk.ErrCursor), errors.Is(err, desk.ErrTooLate):
		return huma.Error422UnprocessableEntity(err.Error())
	case errors.Is(err, desk.ErrChanged):
		return huma.Error412PreconditionFailed(err.Error())
	case errors.Is(err, access.ErrNobody):
		return huma.Error404NotFound(err.Error())
	case errors.Is(err, context.Canceled):
		return err
	}
	var mistake access.MistakeError
	if errors.As(err, &mistake) {
		return huma.Error422UnprocessableEntity(mistake.Error())
	}
	s.Log.Error("a request failed", "error", err)
	return huma.Error500InternalServerError("a fault of Tocsin; its log says more")
}
