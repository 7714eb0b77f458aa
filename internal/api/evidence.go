package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/evidence"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

// evidenceList is a page of sets.
type evidenceList struct {
	Items []evidence.Set `json:"items"`
	Next  string         `json:"next,omitempty"`
}

// toCapture is what a person asks to freeze.
type toCapture struct {
	Set      string           `json:"set,omitempty" maxLength:"128" doc:"a set to add to; left out makes a new one"`
	Title    string           `json:"title,omitempty" maxLength:"1000"`
	Why      string           `json:"why" minLength:"1" maxLength:"4000" doc:"goes into the chain of custody"`
	Incident string           `json:"incident,omitempty" maxLength:"128" doc:"its document, and every event that it tells of"`
	Events   []string         `json:"events,omitempty" maxItems:"10000" doc:"ids of events (metadata.uid)"`
	Entities []finding.Entity `json:"entities,omitempty" maxItems:"100" doc:"whose state is kept, as it is now"`
	From     time.Time        `json:"from,omitzero" doc:"when the events occurred, as far as that is known: the fewer days, the faster"`
	To       time.Time        `json:"to,omitzero"`
}

type reason struct {
	Why string `json:"why" minLength:"1" maxLength:"4000" doc:"goes into the chain of custody"`
}

type because struct {
	UID  string `path:"uid" maxLength:"128"`
	Body reason
}

// raw is an answer of bytes that a browser only saves.
type raw struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	Body               []byte
}

func (s *Server) evidence(api huma.API) {
	if s.Evidence == nil {
		return
	}
	huma.Register(api, op(access.Read, "GET", "/api/v1/evidence", "Sets of evidence, the newest first"), func(ctx context.Context, in *struct {
		Incident string `query:"incident" maxLength:"128"`
		Deleted  bool   `query:"deleted" doc:"also what was deleted"`
		After    string `query:"after" maxLength:"200" doc:"the next of the page before"`
		Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	},
	) (*body[evidenceList], error) {
		list, next, err := s.Evidence.Sets(ctx, scope(ctx), evidence.Query{Incident: in.Incident, Deleted: in.Deleted, After: in.After, Limit: in.Limit})
		return &body[evidenceList]{evidenceList{list, next}}, s.evidenceFault(err)
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/evidence/{uid}", "One set, with what it holds and its chain of custody, which notes this reading"), func(ctx context.Context, in *Named) (*body[*evidence.Detail], error) {
		d, err := s.Evidence.Set(ctx, scope(ctx), s.custodian(ctx), in.UID)
		return &body[*evidence.Detail]{d}, s.evidenceFault(err)
	})
	capture := op(access.Triage, "POST", "/api/v1/evidence", "Freeze an incident, events or the state of entities")
	describeTurn(&capture, func() { huma.Register(api, capture, s.captureEvidence) })
	s.evidenceFiles(api)
	s.evidenceDeeds(api)
}

func (s *Server) evidenceFiles(api huma.API) {
	huma.Register(api, op(access.Read, "GET", "/api/v1/evidence/{uid}/items/{sha256}", "The bytes of an item, while they are as they were captured"), func(ctx context.Context, in *struct {
		UID    string `path:"uid" maxLength:"128"`
		SHA256 string `path:"sha256" maxLength:"64"`
	},
	) (*raw, error) {
		content, err := s.Evidence.Item(ctx, scope(ctx), s.custodian(ctx), in.UID, in.SHA256)
		return &raw{"application/octet-stream", `attachment; filename="` + in.SHA256 + `"`, content}, s.evidenceFault(err)
	})
	add := op(access.Triage, "POST", "/api/v1/evidence/{uid}/files", "Add a file or a screenshot of a page to a set: its bytes, at most 64 MiB, which go to disk as they come")
	add.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}
	huma.Register(api, add, func(ctx context.Context, in *struct {
		Sent
		UID   string `path:"uid" maxLength:"128"`
		Name  string `query:"name" required:"true" minLength:"1" maxLength:"1000"`
		Kind  string `query:"kind" enum:"file,screenshot" default:"file"`
		Media string `query:"media" maxLength:"200" doc:"media type, as image/png"`
		Why   string `query:"why" required:"true" minLength:"1" maxLength:"4000" doc:"goes into the chain of custody"`
	},
	) (*body[identified], error) {
		return s.captured(ctx, &evidence.Request{Set: in.UID, Why: in.Why, Documents: []evidence.Document{{Kind: in.Kind, Name: in.Name, Media: in.Media, From: in.body}}})
	})
	s.exportEvidence(api)
}

// Sent is a request whose body is read as it comes, and not held.
type Sent struct{ body io.Reader }

// Resolve is called by the framework before the request is handled.
func (b *Sent) Resolve(ctx huma.Context) []error {
	b.body = ctx.BodyReader()
	return nil
}

func (s *Server) exportEvidence(api huma.API) {
	export := op(access.Triage, "POST", "/api/v1/evidence/{uid}/export", "A set as zip or as one offline page that verifies itself; the ledger is told")
	export.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}}
	huma.Register(api, export, func(ctx context.Context, in *struct {
		UID  string `path:"uid" maxLength:"128"`
		Body struct {
			Format string `json:"format" enum:"zip,html"`
			Why    string `json:"why" minLength:"1" maxLength:"4000" doc:"goes into the chain of custody"`
		}
	},
	) (*huma.StreamResponse, error) {
		e, err := s.Evidence.Export(ctx, scope(ctx), s.custodian(ctx), in.UID, in.Body.Format, in.Body.Why)
		if err != nil {
			return nil, s.evidenceFault(err)
		}
		file, err := e.Spool()
		if err != nil {
			return nil, s.evidenceFault(err)
		}
		s.did(ctx, "evidence.export", in.UID, in.Body.Why)
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			defer func() {
				if err := file.Close(); err != nil {
					s.Log.Warn("a file of an export stayed behind; it goes within the hour", "error", err)
				}
			}()
			ctx.SetHeader("Content-Type", e.Media)
			ctx.SetHeader("Content-Disposition", `attachment; filename="`+e.Name+`"`)
			ctx.SetHeader("Content-Length", strconv.FormatInt(file.Size, 10))
			_, _ = io.Copy(ctx.BodyWriter(), file) // a client that went away
		}}, nil
	})
}

func (s *Server) evidenceDeeds(api huma.API) {
	huma.Register(api, op(access.Triage, "POST", "/api/v1/evidence/{uid}/verify", "Check all of a set, from its bytes up to the ledger's signature"), func(ctx context.Context, in *Named) (*body[*evidence.Report], error) {
		r, err := s.Evidence.Verify(ctx, scope(ctx), s.custodian(ctx), in.UID)
		return &body[*evidence.Report]{r}, s.evidenceFault(err)
	})
	deed := func(right access.Right, method, path, summary, action string, do func(context.Context, access.Scope, evidence.By, string, string) error) {
		huma.Register(api, op(right, method, path, summary), func(ctx context.Context, in *because) (*struct{}, error) {
			if err := do(ctx, scope(ctx), s.custodian(ctx), in.UID, in.Body.Why); err != nil {
				return nil, s.evidenceFault(err)
			}
			s.did(ctx, action, in.UID, in.Body.Why)
			return nil, nil
		})
	}
	deed(access.Triage, "POST", "/api/v1/evidence/{uid}/hold", "Put a set on legal hold: it cannot be deleted", "evidence.hold", s.Evidence.Hold)
	deed(access.Govern, "POST", "/api/v1/evidence/{uid}/release", "End a legal hold", "evidence.release", s.Evidence.Release)
	deed(access.Govern, "POST", "/api/v1/evidence/{uid}/delete", "Let go of a set's bytes; its manifests, its chain of custody and the ledger keep that it was", "evidence.delete", s.Evidence.Delete)
}

type identified struct {
	ID string `json:"id"`
}

func (s *Server) captureEvidence(ctx context.Context, in *body[toCapture]) (*body[identified], error) {
	q := in.Body
	r := &evidence.Request{Set: q.Set, Title: q.Title, Incident: q.Incident, Why: q.Why, Events: q.Events, From: q.From, To: q.To}
	if q.Incident != "" {
		doc, err := s.Desk.Incident(ctx, scope(ctx), q.Incident)
		if err != nil {
			return nil, s.fault(err)
		}
		var about incident.Incident
		if err := json.Unmarshal(doc, &about); err != nil {
			return nil, s.fault(fmt.Errorf("read incident %s: %w", q.Incident, err))
		}
		addIncident(r, &about, doc)
	}
	for _, e := range q.Entities {
		if s.EntityState == nil {
			return nil, huma.Error422UnprocessableEntity("the state of entities cannot be captured here")
		}
		state, err := s.stateOf(ctx, e)
		if err != nil {
			return nil, s.refused(err)
		}
		r.Documents = append(r.Documents, evidence.Document{Kind: evidence.KindEntity, Name: e.Type + " " + e.ID, Media: "application/json", Body: state})
	}
	return s.captured(ctx, r)
}

// stateOf waits for its turn, as all that asks the lake.
func (s *Server) stateOf(ctx context.Context, e finding.Entity) (json.RawMessage, error) {
	done, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return s.EntityState(ctx, scope(ctx), e.Type, e.ID)
}

func (s *Server) captured(ctx context.Context, r *evidence.Request) (*body[identified], error) {
	id, err := s.Evidence.Capture(ctx, scope(ctx), s.custodian(ctx), r)
	if err != nil {
		return nil, s.evidenceFault(err)
	}
	s.did(ctx, "evidence.capture", id, r.Why)
	return &body[identified]{identified{id}}, nil
}

// addIncident adds an incident's document, the ids of its events, and what its findings kept of them.
func addIncident(r *evidence.Request, about *incident.Incident, doc []byte) {
	r.Documents = append(r.Documents, evidence.Document{Kind: evidence.KindIncident, Name: about.UID, Media: "application/json", Body: doc})
	r.Accounts = append(r.Accounts, about.Accounts...)
	if r.Title == "" {
		r.Title = about.Headline[:min(len(about.Headline), 1000)]
	}
	if r.From.IsZero() && r.To.IsZero() {
		r.From, r.To = about.First.Add(-time.Hour), about.Last.Add(time.Hour)
	}
	known := map[string]bool{}
	take := func(uid string) {
		if uid != "" && !known[uid] {
			known[uid] = true
			r.Events = append(r.Events, uid)
		}
	}
	card := func(c *finding.Card) {
		take(c.UID)
		if len(c.Raw) > 0 {
			r.Copies = append(r.Copies, evidence.Copy{UID: c.UID, Account: c.Account, Source: c.Source, Time: c.Time, Raw: c.Raw})
		}
	}
	signals := func(list []finding.Signal) {
		for i := range list {
			card(&list[i].Event)
			for k := range list[i].Related {
				card(&list[i].Related[k])
			}
		}
	}
	for i := range about.Alerts {
		signals(about.Alerts[i].Signals)
		for _, uid := range about.Alerts[i].EventUIDs {
			take(uid)
		}
	}
	signals(about.Signals)
	for i := range about.Story {
		for _, uid := range about.Story[i].EventUIDs {
			take(uid)
		}
	}
}

// custodian is the caller as the chain of custody knows it.
func (s *Server) custodian(ctx context.Context) evidence.By {
	c := callerOf(ctx)
	return evidence.By{Name: c.Name, Kind: c.Kind, Address: c.Address}
}

// did notes what was done with evidence. The set's own custody has it in any case.
func (s *Server) did(ctx context.Context, action, object, detail string) {
	_ = s.noteOf(ctx, action, object, detail)
}

// evidenceFault turns an error of evidence into one that says no more than the client may know.
func (s *Server) evidenceFault(err error) error {
	var mistake evidence.MistakeError
	altered := new(evidence.AlteredError)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, evidence.ErrNotFound):
		return huma.Error404NotFound("there is no such evidence, or you may not see it; an event can be captured about a minute after it came in")
	case errors.Is(err, evidence.ErrHeld):
		return huma.Error409Conflict(evidence.ErrHeld.Error())
	case errors.Is(err, evidence.ErrNoLedger):
		return huma.NewError(http.StatusServiceUnavailable, evidence.ErrNoLedger.Error())
	case errors.As(err, &mistake):
		return huma.Error422UnprocessableEntity(mistake.Error())
	case errors.As(err, &altered):
		s.Log.Error("evidence is not as it was captured", "error", err)
		return huma.Error409Conflict(altered.Error())
	}
	return s.fault(err)
}
