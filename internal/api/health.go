package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/health"
	"github.com/tocsin-security/tocsin/internal/source"
)

// sourceView is a source with how it does.
type sourceView struct {
	desk.Source
	State  source.State      `json:"state"`
	Totals map[string]uint64 `json:"totals"`           // since ever: received = stored + duplicate + dead + dropped
	Health *health.Of        `json:"health,omitempty"` // missing until it was judged for the first time, within a minute
	// Watermarks say how far it has delivered, by the time of events, of each account, Region and lane.
	Watermarks []desk.Watermark `json:"watermarks"`
}

func (s *Server) sources(ctx context.Context, _ *struct{}) (*body[[]sourceView], error) {
	if !scope(ctx).All() {
		return nil, huma.Error403Forbidden("sources deliver for all accounts: this needs a token that sees all")
	}
	sources, err := s.Desk.Sources(ctx)
	if err != nil {
		return nil, s.fault(err)
	}
	of := map[string]*health.Of{}
	if s.Health != nil {
		r := s.Health()
		for i := range r.Sources {
			of[r.Sources[i].Source] = &r.Sources[i]
		}
	}
	states, totals := s.House.States(), s.Lake.Marks().Totals
	out := make([]sourceView, len(sources))
	for i, src := range sources {
		out[i] = sourceView{src, states[src.Name], map[string]uint64{}, of[src.Name], nil}
		if out[i].Watermarks, err = s.Desk.Watermarks(ctx, src.Name); err != nil {
			return nil, s.fault(err)
		}
		for _, what := range []string{"received", "stored", "duplicate", "dead", "dropped"} {
			out[i].Totals[what] = totals[src.Name+"/"+what]
		}
	}
	return &body[[]sourceView]{out}, nil
}

func (s *Server) coverage(api huma.API) {
	huma.Register(api, op(access.Read, "GET", "/api/v1/coverage", "Which accounts and Regions are seen, silent, or were never seen"), func(ctx context.Context, _ *struct{}) (*body[health.Coverage], error) {
		var c health.Coverage
		if s.Coverage != nil {
			c = s.Coverage()
		}
		return &body[health.Coverage]{c.Within(scope(ctx).Sees)}, nil
	})
}
