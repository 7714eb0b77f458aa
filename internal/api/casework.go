package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
)

// Part is a request about a part of one thing.
type Part struct {
	UID string `path:"uid" maxLength:"128"`
	ID  string `path:"id" maxLength:"64"`
}

type made struct {
	ID string `json:"id"`
}

// casework is what people do about an incident beside deciding.
func (s *Server) casework(api huma.API) {
	s.tasks(api)
	huma.Register(api, op(access.Triage, "POST", "/api/v1/incidents/{uid}/links", "Link a page elsewhere to an incident"), func(ctx context.Context, in *struct {
		Named
		Body struct {
			URL   string `json:"url" minLength:"1" maxLength:"2000"`
			Title string `json:"title,omitempty" maxLength:"200"`
		}
	},
	) (*body[made], error) {
		id, err := s.Desk.AddLink(ctx, scope(ctx), in.UID, in.Body.URL, in.Body.Title, s.by(ctx))
		return &body[made]{made{id}}, s.fault(err)
	})
	huma.Register(api, op(access.Triage, "DELETE", "/api/v1/incidents/{uid}/links/{id}", "Take a link away"), func(ctx context.Context, in *Part) (*struct{}, error) {
		return nil, s.fault(s.Desk.DropLink(ctx, scope(ctx), in.UID, in.ID, s.by(ctx)))
	})
	s.regroups(api)
}

// regroups are merging, splitting, and what either would make.
func (s *Server) regroups(api huma.API) {
	huma.Register(api, op(access.Triage, "POST", "/api/v1/incidents/{uid}/merge", "Tell another incident as a part of this one, from now on; within 30 seconds it can be undone as a decision"), func(ctx context.Context, in *struct {
		Named
		Matching
		Body struct {
			Incident string `json:"incident" minLength:"1" maxLength:"128" doc:"uid of the one that becomes a part"`
			Why      string `json:"why,omitempty" maxLength:"2000" doc:"the activity of both incidents keeps it"`
		}
	},
	) (*tagged[desk.Case], error) {
		version, err := in.version()
		if err != nil {
			return nil, err
		}
		change, err := s.Desk.Merge(ctx, scope(ctx), in.Body.Incident, in.UID, in.Body.Why, version, s.by(ctx))
		if err != nil {
			return nil, s.fault(err)
		}
		return s.caseOf(ctx, in.UID, change)
	})
	huma.Register(api, op(access.Triage, "POST", "/api/v1/incidents/{uid}/split", "Take out an incident that was merged in, or alerts, which become an incident; within 30 seconds it can be undone as a decision"), func(ctx context.Context, in *struct {
		Named
		Matching
		Body desk.SplitOff
	},
	) (*tagged[desk.Case], error) {
		version, err := in.version()
		if err != nil {
			return nil, err
		}
		uid, change, err := s.Desk.Split(ctx, scope(ctx), in.UID, in.Body, version, s.by(ctx))
		if err != nil {
			return nil, s.fault(err)
		}
		return s.caseOf(ctx, uid, change)
	})
	huma.Register(api, op(access.Triage, "POST", "/api/v1/incidents/{uid}/foresee", "What a merge or a split would make of an incident; nothing changes"), func(ctx context.Context, in *struct {
		Named
		Body struct {
			Merge string         `json:"merge,omitempty" maxLength:"128" doc:"uid of the incident that would become a part"`
			Split *desk.SplitOff `json:"split,omitempty" doc:"what would be taken out"`
		}
	},
	) (*body[desk.Foreseen], error) {
		if (in.Body.Merge == "") == (in.Body.Split == nil) {
			return nil, huma.Error422UnprocessableEntity("say what to foresee: a merge or a split")
		}
		if in.Body.Split != nil {
			f, err := s.Desk.ForeseeSplit(ctx, scope(ctx), in.UID, *in.Body.Split)
			return &body[desk.Foreseen]{f}, s.fault(err)
		}
		f, err := s.Desk.ForeseeMerge(ctx, scope(ctx), in.Body.Merge, in.UID)
		return &body[desk.Foreseen]{f}, s.fault(err)
	})
}

func (s *Server) caseOf(ctx context.Context, uid, change string) (*tagged[desk.Case], error) {
	c, err := s.Desk.Case(ctx, scope(ctx), uid)
	if err != nil {
		return nil, s.fault(err)
	}
	return &tagged[desk.Case]{ETag: etag(c.Decision.Version), Change: change, Body: c}, nil
}

func (s *Server) tasks(api huma.API) {
	huma.Register(api, op(access.Triage, "POST", "/api/v1/incidents/{uid}/tasks", "Add something to be done about an incident"), func(ctx context.Context, in *struct {
		Named
		Body struct {
			Title    string `json:"title" minLength:"1" maxLength:"500"`
			Assignee string `json:"assignee,omitempty" maxLength:"100"`
		}
	},
	) (*body[made], error) {
		if err := s.known(ctx, &in.Body.Assignee); err != nil {
			return nil, s.fault(err)
		}
		id, err := s.Desk.AddTask(ctx, scope(ctx), in.UID, in.Body.Title, in.Body.Assignee, s.by(ctx))
		return &body[made]{made{id}}, s.fault(err)
	})
	huma.Register(api, op(access.Triage, "PATCH", "/api/v1/incidents/{uid}/tasks/{id}", "Change a task, or say that it is done"), func(ctx context.Context, in *struct {
		Part
		Body desk.TaskChange
	},
	) (*struct{}, error) {
		if err := s.known(ctx, in.Body.Assignee); err != nil {
			return nil, s.fault(err)
		}
		return nil, s.fault(s.Desk.ChangeTask(ctx, scope(ctx), in.UID, in.ID, in.Body, s.by(ctx)))
	})
}
