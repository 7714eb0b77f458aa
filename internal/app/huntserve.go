package app

import (
	"context"
	"fmt"
	"time"

	"github.com/tocsin-security/tocsin/internal/api"
	"github.com/tocsin-security/tocsin/internal/hunt"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
)

// How often it is looked which hunts are due, and which alerts the accepted filters take.
const (
	huntsEvery    = 30 * time.Second
	suppressEvery = 15 * time.Second
)

// hunts runs the hunts that run by themselves.
func (h *house) hunts(ctx context.Context, engine *duck.Engine) error {
	s := hunt.Scheduler{
		Folder:       hunt.Folder{Dir: h.o.Config.huntsDir()},
		Investigator: &hunt.Investigator{Lake: h.lake, Engine: engine, Desk: api.Findings{Desk: h.desk}, Places: h.places, Now: time.Now},
		Hit: func(ctx context.Context, f *hunt.File, k hunt.Kept) error {
			more := ""
			if k.More {
				more = " or more"
			}
			return h.desk.Tell(ctx, f.Name, "Hunt: "+f.Title, fmt.Sprintf("The hunt %s has %d%s hits: %s", f.Name, k.Hits, more, f.Question), int(k.Hits), k.At)
		},
		Failed: func(name string, err error) { h.log.Warn("a hunt failed", "hunt", name, "error", err) },
	}
	return s.Loop(ctx, huntsEvery)
}

// suppress lets the accepted filters take new alerts, and gives back what expired ones took.
func (h *house) suppress(ctx context.Context) error {
	t := time.NewTicker(suppressEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			if _, err := api.Suppress(ctx, h.desk, time.Now()); err != nil && ctx.Err() == nil {
				h.log.Error("the accepted filters cannot be applied", "error", err)
			}
		}
	}
}
