package app

import (
	"context"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

// lookAtFeeds is how often the list of feeds is read again.
const lookAtFeeds = 2 * time.Second

// beginFeeds loads what is kept of the feeds, so that the first judgement knows it. Fetching waits until all else runs.
func (h *house) beginFeeds(ctx context.Context) error {
	now := h.feeds.now()
	for i := range h.o.Config.Intel {
		f, err := h.o.Config.Intel[i].feed()
		if err != nil {
			return err
		}
		if err := h.desk.AddFeed(ctx, f, now); err != nil {
			return err
		}
	}
	list, err := h.desk.Feeds(ctx)
	if err != nil {
		return err
	}
	h.loadFeeds(ctx, list)
	return nil
}

func (h *house) loadFeeds(ctx context.Context, list []desk.Feed) {
	set, err := h.feeds.load(ctx, list)
	if err != nil && ctx.Err() == nil {
		h.log.Error("a feed cannot be loaded", "error", err)
	}
	h.feedsAs = signature(list)
	h.intel.Store(set)
	h.log.Info("intelligence is loaded", "feeds", len(set.Sources), "indicators", set.Size())
}

// watchFeeds keeps the feeds current, and looks for what is new in all of history.
func (h *house) watchFeeds(ctx context.Context) error {
	for {
		list, err := h.desk.Feeds(ctx)
		if err == nil {
			for _, i := range h.feeds.due(list) {
				if err := h.feeds.refresh(ctx, &list[i]); err != nil && ctx.Err() == nil {
					h.log.Warn("a feed cannot be fetched", "feed", list[i].Name, "error", err)
				}
			}
			if signature(list) != h.feedsAs {
				h.loadFeeds(ctx, list)
			}
			err = h.sweepOld(ctx)
		}
		if err != nil && ctx.Err() == nil {
			h.log.Error("the feeds cannot be kept current", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lookAtFeeds):
		}
	}
}

// sweptMark is the name of the desk's note of when history was last searched.
const sweptMark = "intel-swept"

// never is after the last time that an event can have.
var never = time.Date(lastYear, 1, 1, 0, 0, 0, 0, time.UTC)

const lastYear = 9000

// sweepOld looks for indicators that were not known at the last sweep in what is older than live detection reaches. The window itself is
// the worker's.
func (h *house) sweepOld(ctx context.Context) error {
	set := h.intel.Load()
	if set == h.swept || set.Size() == 0 {
		h.swept = set
		return nil
	}
	mark, err := h.desk.Position(ctx, sweptMark)
	if err != nil {
		return err
	}
	now := h.feeds.now()
	fresh := set.Newer(time.UnixMilli(int64(mark))) //nolint:gosec // a time
	if fresh.Size() > 0 {
		if err := h.sweepFor(ctx, fresh, now); err != nil {
			return err
		}
	}
	h.swept = set
	return nil
}

func (h *house) sweepFor(ctx context.Context, set *intel.Set, now time.Time) error {
	files, err := h.oldFiles(ctx)
	if err != nil {
		return err
	}
	judging := &h.worker.Judging
	s, err := pipeline.Sweep(ctx, pipeline.SweepOptions{Files: files, Set: set, Environment: judging.Environment, Places: judging.Places})
	if err != nil {
		return err
	}
	c := desk.Conclusion{Partition: sweptMark, Position: uint64(now.UnixMilli()), Findings: true, Since: never, Incidents: s.Incidents, Loose: s.Loose, Received: s.Received, Hits: s.Hits, Now: now} //nolint:gosec // a time
	if err := h.desk.Save(ctx, &c); err != nil {
		return err
	}
	h.log.Info("history was searched for new intelligence", "indicators", set.Size(), "files", len(files), "events", s.Events, "incidents", len(s.Incidents), "alerts", len(s.Loose))
	return nil
}

func (h *house) oldFiles(ctx context.Context) ([]lake.File, error) {
	files, err := h.lake.Plan(ctx, time.Time{}, time.Time{})
	if err != nil {
		return nil, err
	}
	window := h.o.Config.Detect.Window
	if window == 0 {
		window = pipeline.DefaultWindow
	}
	return pipeline.Before(files, window), nil
}
