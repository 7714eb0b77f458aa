package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/source"
)

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
		if err == nil {
			err = s.noteOf(ctx, "deadletter.replay", l.ID, "")
		}
		return &body[again]{out}, s.fault(err)
	})
	api.OpenAPI().Paths["/api/v1/deadletters/{uid}/replay"].Post.RequestBody.Required = false // huma takes a raw body for required
}
