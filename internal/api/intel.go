package api

import (
	"context"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/intel"
)

// feedView is a feed with how it does and what it met.
type feedView struct {
	Name       string         `json:"name"`
	URL        string         `json:"url,omitempty" doc:"without its query, which may hold a key"`
	File       string         `json:"file,omitempty"`
	Format     string         `json:"format"`
	Allow      bool           `json:"allow" doc:"an allow-list: what it covers accuses nobody"`
	Confidence int            `json:"confidence"`
	Version    string         `json:"version"`
	Checked    time.Time      `json:"checked_at,omitzero"`
	Fetched    time.Time      `json:"fetched_at,omitzero"`
	Error      string         `json:"error,omitempty"`
	Entries    int            `json:"entries"`
	Loaded     int            `json:"loaded"`
	Refused    int            `json:"refused"`
	NotRead    int            `json:"not_understood"`
	Revoked    int            `json:"revoked"`
	Expired    int            `json:"expired"`
	Allowed    map[string]int `json:"allowed,omitempty" doc:"by allow-list"`
	Reasons    map[string]int `json:"reasons,omitempty" doc:"of refused and not understood"`
	Hits       int64          `json:"hits"`
	LastHit    time.Time      `json:"last_hit,omitzero"`
}

func viewOf(f *desk.Feed, hits map[string]desk.FeedHits) feedView {
	address, _, _ := strings.Cut(f.URL, "?")
	h := hits[f.Name]
	r, t := &f.State.Reading, &f.State.Tally
	return feedView{
		Name: f.Name, URL: address, File: f.File, Format: r.Format, Allow: f.Allow, Confidence: f.Confidence, Version: f.State.Version, Checked: f.State.Checked, Fetched: f.State.Fetched, Error: f.State.Error,
		Entries: r.Entries, Loaded: t.Loaded, Refused: r.Refused, NotRead: r.NotUnderstood, Revoked: r.Revoked, Expired: t.Expired, Allowed: t.Allowed, Reasons: r.Reasons, Hits: h.Count, LastHit: h.Last,
	}
}

// verdict is what the feeds say of a value.
type verdict struct {
	Value   string   `json:"value"`
	Listed  bool     `json:"listed" doc:"some feed names it now"`
	Feeds   []saying `json:"feeds"`
	Allowed []string `json:"allowed" doc:"allow-lists that cover it: it matches nothing"`
}

type saying struct {
	Feed       string    `json:"feed"`
	Version    string    `json:"version"`
	Kind       string    `json:"kind"`
	Indicator  string    `json:"indicator"`
	Confidence int       `json:"confidence"`
	First      time.Time `json:"first_seen,omitzero"`
	Last       time.Time `json:"last_seen,omitzero"`
	Expires    time.Time `json:"expires,omitzero"`
	Expired    bool      `json:"expired"`
	Tags       []string  `json:"tags,omitempty"`
}

func (s *Server) intelligence(api huma.API) {
	huma.Register(api, op(access.Read, "GET", "/api/v1/intel", "Feeds of intelligence, with how they do and what they met"), func(ctx context.Context, _ *struct{}) (*body[[]feedView], error) {
		if !scope(ctx).All() {
			return nil, huma.Error403Forbidden("hits are counted over all accounts: this needs a token that sees all")
		}
		feeds, err := s.Desk.Feeds(ctx)
		if err != nil {
			return nil, s.fault(err)
		}
		sums, err := s.Desk.HitsByFeed(ctx)
		if err != nil {
			return nil, s.fault(err)
		}
		hits := map[string]desk.FeedHits{}
		for _, h := range sums {
			hits[h.Feed] = h
		}
		out := make([]feedView, len(feeds))
		for i := range feeds {
			out[i] = viewOf(&feeds[i], hits)
		}
		return &body[[]feedView]{out}, nil
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/intel/check", "What the feeds say of an address, a name, a URL or a hash"), func(_ context.Context, in *struct {
		Value string `query:"value" required:"true" maxLength:"4096"`
	},
	) (*body[verdict], error) {
		var set *intel.Set
		if s.Intel != nil {
			set = s.Intel()
		}
		found, allowed, err := set.Check(in.Value)
		if err != nil {
			return nil, huma.Error422UnprocessableEntity(err.Error())
		}
		out := verdict{Value: in.Value, Feeds: []saying{}, Allowed: append([]string{}, allowed...)}
		for _, f := range found {
			i := f.Indicator
			expired := !i.Expires.IsZero() && i.Expires.Before(s.Now())
			out.Listed = out.Listed || !expired
			out.Feeds = append(out.Feeds, saying{f.Source.Name, f.Source.Version, i.Kind.String(), i.Value, int(i.Confidence), i.First, i.Last, i.Expires, expired, i.Tags})
		}
		return &body[verdict]{out}, nil
	})
}
