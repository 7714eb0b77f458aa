package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/hunt"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
)

// Findings is a desk as an investigator asks it.
type Findings struct{ Desk *desk.Desk }

// Mentions lists alerts that name a value.
func (f Findings) Mentions(ctx context.Context, scope access.Scope, value string, limit int) ([]hunt.Mention, error) {
	list, err := f.Desk.Mentions(ctx, scope, value, limit)
	out := make([]hunt.Mention, len(list))
	for i := range list {
		r := &list[i]
		out[i] = hunt.Mention{UID: r.UID, Incident: r.Incident, Title: r.Title, Sentence: r.Sentence, Rule: r.Rule, Severity: r.Severity, Score: r.Score, First: r.First, Last: r.Last, Account: r.Account, Origin: r.Origin, Status: r.Status, Verdict: r.Verdict}
	}
	return out, err
}

// investigator asks the lake and the desk of this server.
func (s *Server) investigator() *hunt.Investigator {
	return &hunt.Investigator{Lake: s.Lake, Engine: s.Engine, Desk: Findings{s.Desk}, Places: s.Places, Now: s.Now, Bytes: s.Asking.Bytes}
}

// refused turns what an asker can mend into an answer that says so.
func (s *Server) refused(err error) error {
	var mistake hunt.MistakeError
	var no duck.RefusedError
	switch {
	case errors.As(err, &mistake):
		return huma.Error422UnprocessableEntity(mistake.Error())
	case errors.As(err, &no):
		return huma.Error422UnprocessableEntity(no.Error())
	case errors.Is(err, hunt.ErrNoHunt):
		return huma.Error404NotFound("there is no hunt of that name, or you may not see it")
	}
	return s.fault(err)
}

type entityQuery struct {
	From     time.Time `query:"from" doc:"from this time on"`
	To       time.Time `query:"to" doc:"before this time, and as it was then"`
	Kind     string    `query:"kind" required:"true" maxLength:"40" doc:"see /api/v1/entity/kinds"`
	Value    string    `query:"value" required:"true" minLength:"1" maxLength:"16384"`
	Baseline int       `query:"baseline_days" minimum:"1" maximum:"60" default:"30"`
	Own      bool      `query:"own" doc:"also Tocsin's own audit events"`
}

type graphQuery struct {
	From  time.Time `query:"from" doc:"from this time on"`
	To    time.Time `query:"to" doc:"before this time, and as it was then"`
	Kind  string    `query:"kind" required:"true" maxLength:"40" doc:"see /api/v1/entity/kinds"`
	Value string    `query:"value" required:"true" minLength:"1" maxLength:"16384"`
	Depth int       `query:"depth" minimum:"1" maximum:"3" default:"1"`
	Nodes int       `query:"nodes" minimum:"1" maximum:"500" default:"80"`
	Own   bool      `query:"own" doc:"also Tocsin's own audit events"`
}

type pivotQuestion struct {
	Value string    `json:"value" minLength:"1" maxLength:"1048576"`
	From  time.Time `json:"from,omitzero"`
	To    time.Time `json:"to,omitzero"`
	Limit int       `json:"limit,omitempty" minimum:"0" maximum:"10000" doc:"200 where it is left out"`
	Own   bool      `json:"own,omitempty" doc:"also Tocsin's own audit events"`
	Depth string    `json:"depth,omitempty" enum:"columns,records" doc:"how far to look; left out: into records only where columns hold nothing"`
}

func (s *Server) entities(api huma.API) {
	huma.Register(api, op(access.Read, "GET", "/api/v1/entity/kinds", "Kinds of entities, and where events name them"), func(context.Context, *struct{}) (*body[[]hunt.Kind], error) {
		return &body[[]hunt.Kind]{hunt.Kinds()}, nil
	})
	asks(s, api, op(access.Read, "GET", "/api/v1/entity", "The profile of an entity: who, since when, what it does, and what of it is new"), func(ctx context.Context, in *entityQuery) (*body[*hunt.Profile], error) {
		if err := s.noteOf(ctx, "entity", in.Kind+":"+in.Value, ""); err != nil {
			return nil, s.fault(err)
		}
		p, err := s.investigator().Entity(ctx, scope(ctx), hunt.EntityQuery{Kind: in.Kind, Value: in.Value, From: in.From, To: in.To, BaselineDays: in.Baseline, Own: in.Own})
		return &body[*hunt.Profile]{p}, s.refused(err)
	})
	asks(s, api, op(access.Read, "GET", "/api/v1/graph", "What an entity is tied to, and how many others share each tie"), func(ctx context.Context, in *graphQuery) (*body[*hunt.Graph], error) {
		if err := s.noteOf(ctx, "graph", in.Kind+":"+in.Value, ""); err != nil {
			return nil, s.fault(err)
		}
		g, err := s.investigator().Graph(ctx, scope(ctx), hunt.GraphQuery{Kind: in.Kind, Value: in.Value, From: in.From, To: in.To, Depth: in.Depth, Nodes: in.Nodes, Own: in.Own})
		return &body[*hunt.Graph]{g}, s.refused(err)
	})
	pivot := op(access.Read, "POST", "/api/v1/pivot", "Everything that mentions a value, in time order")
	pivot.MaxBodyBytes = 8 << 20 // a value of 1 MiB, escaped
	asks(s, api, pivot, func(ctx context.Context, in *body[pivotQuestion]) (*body[*hunt.Pivot], error) {
		q := in.Body
		if err := s.noteOf(ctx, "pivot", q.Value[:min(len(q.Value), 1000)], ""); err != nil {
			return nil, s.fault(err)
		}
		p, err := s.investigator().Pivot(ctx, scope(ctx), hunt.PivotQuery{Value: q.Value, From: q.From, To: q.To, Limit: q.Limit, Depth: q.Depth, Own: q.Own})
		return &body[*hunt.Pivot]{p}, s.refused(err)
	})
}

// shown is a hunt as the caller may see it: who does not see all accounts sees the hunts that they own, and of results the hits in their
// accounts, as questions and results name what others' logs hold.
func visible(ctx context.Context, h hunt.File) (hunt.File, bool) {
	sc := scope(ctx)
	if !sc.All() && h.Owner != callerOf(ctx).Name {
		return h, false
	}
	h.Result = h.Result.Within(sc)
	return h, true
}

func (s *Server) huntOf(ctx context.Context, name string) (hunt.File, error) {
	h, err := s.Hunts.Load(name)
	if err != nil {
		return h, s.refused(err)
	}
	h, ok := visible(ctx, h)
	if !ok {
		return h, s.refused(hunt.ErrNoHunt)
	}
	return h, nil
}

type searchQuestion struct {
	SQL    string    `json:"sql,omitempty" maxLength:"65536"`
	Filter string    `json:"filter,omitempty" maxLength:"65536"`
	Sigma  string    `json:"sigma,omitempty" maxLength:"262144" doc:"a Sigma rule of single records"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
	Rows   int       `json:"rows,omitempty" minimum:"0" maximum:"100000"`
}

// asAsked is a question as the audit log keeps it: where it is too long for that, with the SHA-256 of all of it.
func asAsked(before string, q hunt.Query) string {
	text := q.SQL + q.Filter + q.Sigma
	if whole := before + text; len(whole)+2*strings.Count(whole, "\x00") <= audit.MaxDetail { // a NUL is written in three bytes
		return before + text
	}
	sum := sha256.Sum256([]byte(text))
	head := "SHA-256 " + hex.EncodeToString(sum[:]) + " of: "
	return head + before[:min(len(before), audit.MaxDetail/4)] + text
}

type huntRun struct {
	Result hunt.Kept   `json:"result"`
	Found  *hunt.Found `json:"found"`
}

func (s *Server) hunts(api huma.API) {
	asks(s, api, op(access.Read, "POST", "/api/v1/hunt", "Ask the lake in SQL, by a filter or by a Sigma rule"), func(ctx context.Context, in *body[searchQuestion]) (*body[*hunt.Found], error) {
		q := in.Body
		if err := s.noteOf(ctx, "hunt", "", asAsked("", hunt.Query{SQL: q.SQL, Filter: q.Filter, Sigma: q.Sigma})); err != nil {
			return nil, s.fault(err)
		}
		f, err := s.investigator().Search(ctx, scope(ctx), hunt.Search{SQL: q.SQL, Filter: q.Filter, Sigma: q.Sigma, From: q.From, To: q.To, Limit: q.Rows})
		return &body[*hunt.Found]{f}, s.refused(err)
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/hunts", "Hunts that are kept; who does not see all accounts sees their own"), func(ctx context.Context, _ *struct{}) (*body[[]hunt.File], error) {
		list, err := s.Hunts.List()
		if err != nil {
			s.Log.Warn("some hunts do not read", "error", err)
		}
		out := []hunt.File{}
		for _, h := range list {
			if h, ok := visible(ctx, h); ok {
				out = append(out, h)
			}
		}
		return &body[[]hunt.File]{out}, nil
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/hunts/{uid}", "One hunt"), func(ctx context.Context, in *Named) (*body[hunt.File], error) {
		h, err := s.huntOf(ctx, in.UID)
		return &body[hunt.File]{h}, err
	})
	huma.Register(api, op(access.Triage, "PUT", "/api/v1/hunts/{uid}", "Keep a hunt"), s.keepHunt)
	asks(s, api, op(access.Triage, "POST", "/api/v1/hunts/{uid}/run", "Run a hunt; who sees all accounts has its result kept"), func(ctx context.Context, in *Named) (*body[huntRun], error) {
		h, err := s.huntOf(ctx, in.UID)
		if err != nil {
			return nil, err
		}
		if err := s.noteOf(ctx, "hunt.run", in.UID, asAsked("", h.Query)); err != nil {
			return nil, s.fault(err)
		}
		f, k, err := s.investigator().Run(ctx, scope(ctx), &h, callerOf(ctx).Name)
		if err != nil {
			return nil, s.refused(err)
		}
		if scope(ctx).All() {
			err = s.Hunts.Keep(in.UID, k)
		}
		return &body[huntRun]{huntRun{k, f}}, s.refused(err)
	})
	asks(s, api, op(access.Triage, "POST", "/api/v1/hunts/{uid}/rule", "Draft a rule with tests of a hunt: the first of two steps"), func(ctx context.Context, in *Named) (*body[*hunt.Draft], error) {
		h, err := s.huntOf(ctx, in.UID)
		if err != nil {
			return nil, err
		}
		if err := s.noteOf(ctx, "hunt.rule", in.UID, asAsked("", h.Query)); err != nil {
			return nil, s.fault(err)
		}
		d, err := s.investigator().ToRule(ctx, scope(ctx), &h)
		return &body[*hunt.Draft]{d}, s.refused(err)
	})
	huma.Register(api, op(access.Tend, "POST", "/api/v1/hunts/{uid}/rule/accept", "Accept a draft: its tests run, it is written into the folder of rules, and judges from then on"), s.acceptDraft)
}

func (s *Server) keepHunt(ctx context.Context, in *struct {
	UID  string `path:"uid" maxLength:"128"`
	Body hunt.File
},
) (*body[hunt.File], error) {
	h, me := in.Body, callerOf(ctx).Name
	h.Name, h.Owner, h.Result = in.UID, me, nil
	h, err := s.Hunts.Change(in.UID, func(old *hunt.File) (hunt.File, error) {
		if old != nil {
			if !scope(ctx).All() && old.Owner != me {
				return h, huma.Error404NotFound("this name is taken by a hunt of somebody else")
			}
			h.Owner, h.Result = old.Owner, old.Result
		}
		if h.Every != "" && !scope(ctx).All() {
			return h, huma.Error403Forbidden("a hunt that runs by itself looks into all accounts: this needs somebody who sees all")
		}
		if err := h.Check(); err != nil {
			return h, err
		}
		return h, s.noteOf(ctx, "hunt.keep", in.UID, asAsked(h.Title+": ", h.Query))
	})
	if err != nil {
		return nil, s.refused(err)
	}
	h, _ = visible(ctx, h)
	return &body[hunt.File]{h}, nil
}

type accepted struct {
	Files []string `json:"files"`
	Next  string   `json:"next"`
}

func (s *Server) acceptDraft(ctx context.Context, in *struct {
	UID  string `path:"uid" maxLength:"128"`
	Body struct {
		Rule  string `json:"rule" maxLength:"262144"`
		Tests string `json:"tests" maxLength:"1048576"`
	}
},
) (*body[accepted], error) {
	if !scope(ctx).All() {
		return nil, huma.Error403Forbidden("rules judge all accounts: this needs somebody who sees all")
	}
	if s.RulesDir == "" {
		return nil, huma.Error422UnprocessableEntity("the rules are those that ship: name a folder of your own as rules in tocsin.yaml")
	}
	d := hunt.Draft{Name: in.UID, Rule: in.Body.Rule, Tests: in.Body.Tests}
	files, err := d.Accept(s.RulesDir, func() error { return s.noteOf(ctx, "rule.accept", in.UID, "") })
	if err != nil {
		return nil, s.refused(err)
	}
	next := "it judges what comes from now on, and the days of the lake that detection looks back on are judged again with it"
	if err := s.TakeRules(ctx); err != nil {
		s.Log.Error("the rules as they are now cannot be taken in; those of before judge on", "folder", s.RulesDir, "error", err)
		next = "it is kept, and does not judge yet: the rules could not be taken in. The log of tocsin serve says why, and tocsin rules check " + s.RulesDir + " whether it is a rule's mistake; once it is mended, start tocsin serve again"
	}
	return &body[accepted]{accepted{files, next}}, nil
}

// tunings are filters out of verdicts.
func (s *Server) tunings(api huma.API) {
	everything := func(ctx context.Context) error {
		if !scope(ctx).All() {
			return huma.Error403Forbidden("filters are about all accounts: this needs somebody who sees all")
		}
		return nil
	}
	huma.Register(api, op(access.Read, "GET", "/api/v1/tunings", "Filters that were accepted, and how many alerts each takes"), func(ctx context.Context, _ *struct{}) (*body[[]desk.Tuning], error) {
		if err := everything(ctx); err != nil {
			return nil, err
		}
		list, err := s.Desk.Tunings(ctx, scope(ctx))
		return &body[[]desk.Tuning]{list}, s.fault(err)
	})
	asks(s, api, op(access.Triage, "POST", "/api/v1/rules/{uid}/tuning", "Propose a filter out of the verdicts on a rule, with its proof over all history"), func(ctx context.Context, in *Named) (*body[*hunt.Proposal], error) {
		if err := everything(ctx); err != nil {
			return nil, err
		}
		p, err := s.propose(ctx, in.UID)
		return &body[*hunt.Proposal]{p}, s.refused(err)
	})
	asks(s, api, op(access.Tend, "POST", "/api/v1/rules/{uid}/tuning/accept", "Accept the filter that was proposed; its proof is made again"), s.acceptTuning)
	huma.Register(api, op(access.Tend, "DELETE", "/api/v1/tunings/{id}", "End a filter; what it took comes back"), func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"64"`
	},
	) (*struct{}, error) {
		if err := everything(ctx); err != nil {
			return nil, err
		}
		return nil, s.fault(s.Desk.EndTuning(ctx, in.ID, s.by(ctx)))
	})
}

func (s *Server) propose(ctx context.Context, rule string) (*hunt.Proposal, error) {
	if s.Rules == nil {
		return nil, desk.ErrNotFound
	}
	judged, err := s.Desk.JudgedAlerts(ctx, scope(ctx), rule)
	if err != nil {
		return nil, err
	}
	list := make([]hunt.Judged, len(judged))
	for i := range judged {
		list[i] = hunt.Judged{Alert: judged[i].Alert, Harm: judged[i].Verdict == desk.TruePositive}
	}
	return s.investigator().Tuning(ctx, scope(ctx), s.Rules(), rule, list)
}

func (s *Server) acceptTuning(ctx context.Context, in *struct {
	UID  string `path:"uid" maxLength:"128"`
	Body struct {
		ID      string    `json:"id" maxLength:"64" doc:"of the proposal that was read"`
		Owner   string    `json:"owner" maxLength:"100" doc:"who answers for it"`
		Reason  string    `json:"reason,omitempty" maxLength:"2000"`
		Expires time.Time `json:"expires"`
	}
},
) (*body[desk.Tuning], error) {
	if !scope(ctx).All() {
		return nil, huma.Error403Forbidden("filters are about all accounts: this needs somebody who sees all")
	}
	p, err := s.propose(ctx, in.UID)
	if err != nil {
		return nil, s.refused(err)
	}
	if p.ID != in.Body.ID {
		return nil, huma.NewError(http.StatusConflict, "the verdicts changed since: another filter is proposed now, look at it again")
	}
	if err := p.Acceptable(in.Body.Owner, in.Body.Expires, s.Now()); err != nil {
		return nil, s.refused(err)
	}
	proof, err := json.Marshal(p.Proof)
	if err != nil {
		return nil, s.fault(err)
	}
	t := desk.Tuning{ID: p.ID, Rule: p.Rule, Title: p.Title, Sigma: p.Sigma, Owner: in.Body.Owner, Reason: in.Body.Reason, Proof: proof, Accepted: s.Now().UTC(), Expires: in.Body.Expires}
	if err := s.Desk.AcceptTuning(ctx, &t, s.by(ctx)); err != nil {
		return nil, s.fault(err)
	}
	if t.Takes, err = Suppress(ctx, s.Desk, s.Now()); err != nil {
		return nil, s.fault(err)
	}
	return &body[desk.Tuning]{t}, nil
}
