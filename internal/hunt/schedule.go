package hunt

import (
	"context"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// Due reports whether a hunt is to be run by itself.
func (h *File) Due(now time.Time) bool {
	every, err := spanOf(h.Every)
	return err == nil && every > 0 && (h.Result == nil || !h.Result.At.Add(every).After(now))
}

// Scheduler runs the hunts that say so.
type Scheduler struct {
	Folder       Folder
	Investigator *Investigator
	// Hit is told of a run of a hunt that notifies and found more than the run before.
	Hit func(ctx context.Context, h *File, k Kept) error
	// Failed is told of what could not be run, read or kept.
	Failed func(name string, err error)
}

// Tick runs what is due, one after the other, and keeps the results.
func (s *Scheduler) Tick(ctx context.Context) {
	list, err := s.Folder.List()
	if err != nil {
		s.Failed("", err)
	}
	for i := range list {
		h := &list[i]
		if ctx.Err() != nil || !h.Due(s.Investigator.Now()) {
			continue
		}
		_, k, err := s.Investigator.Run(ctx, access.Everything(), h, "schedule")
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.Failed(h.Name, err)
		}
		before := int64(0)
		if h.Result != nil {
			before = h.Result.Hits
		}
		if err := s.Folder.Keep(h.Name, k); err != nil {
			s.Failed(h.Name, err)
			continue
		}
		if h.Notify == "alert" && k.Hits > before && s.Hit != nil {
			if err := s.Hit(ctx, h, k); err != nil {
				s.Failed(h.Name, err)
			}
		}
	}
}

// Loop ticks until the context ends.
func (s *Scheduler) Loop(ctx context.Context, every time.Duration) error {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			s.Tick(ctx)
		}
	}
}
