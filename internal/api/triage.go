package api

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
)

type decisionAnswer struct {
	ETag string `header:"ETag"`
	Body desk.Decision
}

func (s *Server) triage(api huma.API) {
	s.decisions(api, desk.Incidents)
	s.decisions(api, desk.Alerts)
	huma.Register(api, op(access.Triage, "POST", "/api/v1/decisions/{uid}/undo", "Take a decision back, within 30 seconds"), func(ctx context.Context, in *named) (*body[desk.Changed], error) {
		done, err := s.Desk.Undo(ctx, in.UID, s.by(ctx))
		return &body[desk.Changed]{done}, s.fault(err)
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/precision", "How verdicts fell, by rule"), func(ctx context.Context, _ *struct{}) (*body[[]desk.Precision], error) {
		list, err := s.Desk.Precisions(ctx, scope(ctx))
		return &body[[]desk.Precision]{list}, s.fault(err)
	})
}

// decisions are about one kind of findings.
func (s *Server) decisions(api huma.API, kind string) {
	huma.Register(api, op(access.Read, "GET", "/api/v1/"+kind+"/{uid}/decision", "What people decided about a finding, and its activity"), func(ctx context.Context, in *named) (*decisionAnswer, error) {
		return s.decision(ctx, kind, in.UID)
	})
	huma.Register(api, op(access.Triage, "PATCH", "/api/v1/"+kind+"/{uid}/decision", "Decide about one finding"), func(ctx context.Context, in *struct {
		named
		IfMatch string `header:"If-Match" doc:"the ETag of the decision that was read; refused when somebody decided since"`
		Body    desk.Change
	}) (*decisionAnswer, error) {
		var version *int64
		if in.IfMatch != "" {
			n, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(in.IfMatch, "W/"), `"`), 10, 64)
			if err != nil {
				return nil, huma.Error412PreconditionFailed("If-Match: give the ETag as it was")
			}
			version = &n
		}
		done, err := s.Desk.Decide(ctx, scope(ctx), kind, []string{in.UID}, version, in.Body, s.by(ctx))
		if err == nil && len(done.Missing) > 0 {
			err = desk.ErrNotFound
		}
		if err != nil {
			return nil, s.fault(err)
		}
		return s.decision(ctx, kind, in.UID)
	})
	huma.Register(api, op(access.Triage, "POST", "/api/v1/"+kind+"/decisions", "Decide about several findings at once"), func(ctx context.Context, in *struct {
		Body struct {
			UIDs   []string    `json:"uids" minItems:"1" maxItems:"10000"`
			Change desk.Change `json:"change"`
		}
	}) (*body[desk.Changed], error) {
		done, err := s.Desk.Decide(ctx, scope(ctx), kind, in.Body.UIDs, nil, in.Body.Change, s.by(ctx))
		return &body[desk.Changed]{done}, s.fault(err)
	})
}

func (s *Server) decision(ctx context.Context, kind, uid string) (*decisionAnswer, error) {
	d, err := s.Desk.Decision(ctx, scope(ctx), kind, uid)
	return &decisionAnswer{`"` + strconv.FormatInt(d.Version, 10) + `"`, d}, s.fault(err)
}

// How often the desk is asked for what is new, and how often a stream that has nothing says that it is alive.
const (
	liveEvery = time.Second
	beatEvery = 15 * time.Second
)

// beat says that a stream is alive.
type beat struct {
	At time.Time `json:"at"`
}

// live tells of findings as they change. Each stream asks the desk by its own Scope: there is no second place that decides who sees what.
func (s *Server) live(api huma.API) {
	sse.Register(api, op(access.Read, "GET", "/api/v1/live", "Findings as they change, as server-sent events"), map[string]any{"finding": desk.Update{}, "beat": beat{}}, func(ctx context.Context, _ *struct{}, send sse.Sender) {
		after, beaten := s.Now(), time.Time{}
		for {
			updates, upTo, err := s.Desk.Updates(ctx, scope(ctx), after)
			if err != nil {
				return // the client comes again
			}
			after = upTo
			for i := range updates {
				if send.Data(updates[i]) != nil {
					return
				}
				beaten = s.Now()
			}
			if s.Now().Sub(beaten) >= beatEvery {
				if send.Data(beat{s.Now().UTC()}) != nil {
					return
				}
				beaten = s.Now()
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(liveEvery):
			}
		}
	})
}
