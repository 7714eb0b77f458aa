package api

import (
	"context"
	"errors"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
)

// verdictWord is a verdict with its preset reasons.
type verdictWord struct {
	Verdict string   `json:"verdict"`
	Reasons []string `json:"reasons"`
}

func (s *Server) triage(api huma.API) {
	s.decisions(api, desk.Incidents)
	s.decisions(api, desk.Alerts)
	huma.Register(api, op(access.Triage, "POST", "/api/v1/decisions/{uid}/undo", "Take a decision back, within 30 seconds"), func(ctx context.Context, in *Named) (*body[desk.Changed], error) {
		done, err := s.Desk.Undo(ctx, scope(ctx), in.UID, s.by(ctx))
		return &body[desk.Changed]{done}, s.fault(err)
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/verdicts", "The verdicts, with the preset reasons of each"), func(context.Context, *struct{}) (*body[[]verdictWord], error) {
		out := []verdictWord{}
		for _, v := range []string{desk.TruePositive, desk.BenignTruePositive, desk.FalsePositive} {
			out = append(out, verdictWord{v, desk.ReasonsOf(v)})
		}
		return &body[[]verdictWord]{out}, nil
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/precision", "How verdicts fell, by rule"), func(ctx context.Context, _ *struct{}) (*body[[]desk.Precision], error) {
		list, err := s.Desk.Precisions(ctx, scope(ctx))
		return &body[[]desk.Precision]{list}, s.fault(err)
	})
}

// decisions are about one kind of findings.
func (s *Server) decisions(api huma.API, kind string) {
	huma.Register(api, op(access.Read, "GET", "/api/v1/"+kind+"/{uid}/decision", "What people decided about a finding, and its activity"), func(ctx context.Context, in *Named) (*tagged[desk.Decision], error) {
		return s.decision(ctx, kind, in.UID)
	})
	huma.Register(api, op(access.Triage, "PATCH", "/api/v1/"+kind+"/{uid}/decision", "Decide about one finding"), func(ctx context.Context, in *struct {
		Named
		Matching
		Body desk.Change
	},
	) (*tagged[desk.Decision], error) {
		version, err := in.version()
		if err != nil {
			return nil, err
		}
		if err := s.known(ctx, in.Body.Assignee); err != nil {
			return nil, s.fault(err)
		}
		done, err := s.Desk.Decide(ctx, scope(ctx), kind, []string{in.UID}, version, in.Body, s.by(ctx))
		if err == nil && len(done.Missing) > 0 {
			err = desk.ErrNotFound
		}
		if err != nil {
			return nil, s.fault(err)
		}
		out, err := s.decision(ctx, kind, in.UID)
		if out != nil {
			out.Change = done.ID
		}
		return out, err
	})
	huma.Register(api, op(access.Triage, "POST", "/api/v1/"+kind+"/decisions", "Decide about several findings at once"), func(ctx context.Context, in *struct {
		Body struct {
			UIDs   []string    `json:"uids" minItems:"1" maxItems:"10000"`
			Change desk.Change `json:"change"`
		}
	},
	) (*body[desk.Changed], error) {
		if err := s.known(ctx, in.Body.Change.Assignee); err != nil {
			return nil, s.fault(err)
		}
		done, err := s.Desk.Decide(ctx, scope(ctx), kind, in.Body.UIDs, nil, in.Body.Change, s.by(ctx))
		return &body[desk.Changed]{done}, s.fault(err)
	})
}

// known asks whether work can be assigned to a name.
func (s *Server) known(ctx context.Context, name *string) error {
	if name == nil || *name == "" || s.People == nil {
		return nil
	}
	who, err := s.People.Find(ctx, *name)
	if errors.Is(err, access.ErrNobody) || err == nil && !worksWith(scope(ctx), &who) {
		return desk.MistakeError("there is nobody of that name who could work on it; /api/v1/people/names lists who can")
	}
	return err
}

func (s *Server) decision(ctx context.Context, kind, uid string) (*tagged[desk.Decision], error) {
	d, err := s.Desk.Decision(ctx, scope(ctx), kind, uid)
	if err != nil {
		return nil, s.fault(err)
	}
	return &tagged[desk.Decision]{ETag: etag(d.Version), Body: d}, nil
}
