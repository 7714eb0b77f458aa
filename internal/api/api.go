package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/attack"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/evidence"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/health"
	"github.com/tocsin-security/tocsin/internal/hunt"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
	"github.com/tocsin-security/tocsin/internal/source"
)

// Server is what the API speaks for.
type Server struct {
	Version   string
	Desk      *desk.Desk
	People    *access.People // nil: only tokens open doors
	Audit     *audit.Log     // nil: nobody writes down who did what
	Secure    bool           // it is reached over TLS
	Lake      *lake.Lake
	Evidence  *evidence.Store // nil: none is kept
	House     *source.House
	Engine    *duck.Engine      // that answers searches
	Intel     func() *intel.Set // the feeds of now; nil for none
	Metrics   func() []Metric
	Ready     func() error // nil when everything works
	Log       *slog.Logger
	Health    func() health.Report
	Coverage  func() health.Coverage
	Rules     func() *detect.Rules        // nil for none
	Bench     RuleBench                   // nil: files of rules are not shown, and none is tried
	TakeRules func(context.Context) error // judges by the rules as they are in RulesDir from now on; never called where that is ""
	RulesDir  string                      // folder that accepted drafts are written into; "" where the rules are those that ship
	Names     attack.Names                // of ATT&CK
	Hunts     hunt.Folder                 // that are kept
	Places    enrich.Locator              // nil: addresses have no places
	Proof     *Proof                      // nil: the ledger is not shown
	Settings  func() Settings
	Now       func() time.Time
	Pushing   Pushing
	Asking    Asking

	// EntityState is the state of an entity, as JSON; nil: none can be captured.
	EntityState func(ctx context.Context, scope access.Scope, kind, id string) (json.RawMessage, error)

	pushes chan struct{} // a place for each push that is being taken
	turns  turns         // of what asks the lake
	trials chan struct{} // a place for the rule that is being tried

	attempts  access.Attempts // at signing in
	listeners listeners       // to what changes
	strangers strangers
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
	Sort        string `query:"sort" enum:"rank,newest" doc:"the weightiest first, or the last seen first; incidents are ranked where it is left out, alerts newest first"`
	Withdrawn   bool   `query:"withdrawn" doc:"also what is no longer concluded"`
	Suppressed  bool   `query:"suppressed" doc:"of alerts: those that an accepted filter takes, in the place of all others"`
	Limit       int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (l *list) query() (desk.Query, error) {
	q := desk.Query{
		Status: l.Status, Assignee: l.Assignee, Verdict: l.Verdict, Incident: l.Incident, Rule: l.Rule, Text: l.Text, After: l.After, Sort: l.Sort, Withdrawn: l.Withdrawn, Suppressed: l.Suppressed, Limit: l.Limit,
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

// tagged is the answer of something that people change.
type tagged[T any] struct {
	ETag   string `header:"ETag"`
	Change string `header:"Tocsin-Change" doc:"id of the decision, to undo it by"`
	Body   T
}

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// Matching is a request that is refused when what it changes was changed since it was read.
type Matching struct {
	IfMatch string `header:"If-Match" maxLength:"100" doc:"the ETag of what was read; refused with 412 when somebody changed it since"`
}

// version is what If-Match asks for; nil is any.
func (m *Matching) version() (*int64, error) {
	if m.IfMatch == "" || m.IfMatch == "*" {
		return nil, nil //nolint:nilnil // any version
	}
	n, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(m.IfMatch, "W/"), `"`), 10, 64)
	if err != nil {
		return nil, huma.Error412PreconditionFailed("If-Match: give the ETag as it was")
	}
	return &n, nil
}

// Named is a request about one thing. It is exported for the framework, which looks into no other embedded struct.
type Named struct {
	UID string `path:"uid" maxLength:"128"`
}

// op describes an operation and the right that it needs. Its body may take as long as the server lets any request take: the framework's own
// bound of five seconds is set on the connection, stays there where something read the body before, and then ends what takes longer.
func op(right access.Right, method, path, summary string) huma.Operation {
	return needs(right, huma.Operation{OperationID: strings.Trim(strings.NewReplacer("/api/v1/", "", "/", "-", "{", "", "}", "").Replace(strings.ToLower(method)+path), "-"), Method: method, Path: path, Summary: summary, BodyReadTimeout: readTime})
}

func (s *Server) findings(api huma.API) {
	huma.Register(api, op(access.Read, "GET", "/api/v1/incidents", "Incidents"), func(ctx context.Context, in *list) (*body[desk.Page[desk.IncidentRow]], error) {
		q, err := in.query()
		if err != nil {
			return nil, err
		}
		rows, err := s.Desk.Incidents(ctx, scope(ctx), q)
		return &body[desk.Page[desk.IncidentRow]]{rows}, s.fault(err)
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/incidents/{uid}", "One incident: story, alerts, why it ranks, and what people decided and did"), func(ctx context.Context, in *struct {
		Named
		Brief bool `query:"brief" doc:"of a large one only what its page shows first: the weightiest alerts, the beginning of the story; whole then counts all"`
	},
	) (*tagged[desk.Case], error) {
		read := s.Desk.Case
		if in.Brief {
			read = s.Desk.BriefCase
		}
		c, err := read(ctx, scope(ctx), in.UID)
		return &tagged[desk.Case]{ETag: etag(c.Decision.Version), Body: c}, s.fault(err)
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/alerts", "Alerts"), func(ctx context.Context, in *list) (*body[desk.Page[desk.AlertRow]], error) {
		q, err := in.query()
		if err != nil {
			return nil, err
		}
		rows, err := s.Desk.Alerts(ctx, scope(ctx), q)
		return &body[desk.Page[desk.AlertRow]]{rows}, s.fault(err)
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/alerts/{uid}", "One alert: its signals and their records, and what people decided"), func(ctx context.Context, in *Named) (*tagged[desk.AlertCase], error) {
		c, err := s.Desk.AlertCase(ctx, scope(ctx), in.UID)
		return &tagged[desk.AlertCase]{ETag: etag(c.Decision.Version), Body: c}, s.fault(err)
	})
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
	case errors.Is(err, desk.ErrChanged), errors.Is(err, access.ErrChanged):
		return huma.Error412PreconditionFailed(err.Error())
	case errors.Is(err, access.ErrBeyond):
		return huma.Error403Forbidden(err.Error())
	case errors.Is(err, access.ErrNobody):
		return huma.Error404NotFound(err.Error())
	case errors.Is(err, context.Canceled):
		return err
	}
	var mistake access.MistakeError
	if errors.As(err, &mistake) {
		return huma.Error422UnprocessableEntity(mistake.Error())
	}
	var wrong desk.MistakeError
	if errors.As(err, &wrong) {
		return huma.Error422UnprocessableEntity(wrong.Error())
	}
	var status huma.StatusError
	if errors.As(err, &status) {
		return err
	}
	s.Log.Error("a request failed", "error", err)
	return huma.Error500InternalServerError("a fault of Tocsin; its log says more")
}
