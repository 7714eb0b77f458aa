package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/baseline"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// hitsEvery is how long counts of indicators may wait that changed no finding.
const hitsEvery = 5 * time.Second

// newestDay is the last day of which the lake holds anything but what Tocsin wrote of itself: somebody who signs in today to look at an
// archive of last year does not make it older.
func newestDay(files []lake.File) (day time.Time, ok bool) {
	for _, f := range files { // the newest first
		if f.Source != audit.Source {
			return f.Day, true
		}
	}
	return time.Time{}, false
}

// windowOf keeps the files, the newest first, that live detection reaches back to, and says since when.
func windowOf(files []lake.File, window time.Duration) ([]lake.File, time.Time) {
	newest, ok := newestDay(files)
	if !ok {
		return files, time.Time{}
	}
	since := newest.Add(24*time.Hour - window)
	return slices.DeleteFunc(slices.Clone(files), func(f lake.File) bool { return f.Day.Add(24 * time.Hour).Before(since) }), since
}

// Before keeps the files of a lake that live detection with a window does not reach back to.
func Before(files []lake.File, window time.Duration) []lake.File {
	within, _ := windowOf(files, window)
	inside := map[string]bool{}
	for _, f := range within {
		inside[f.Path] = true
	}
	return slices.DeleteFunc(slices.Clone(files), func(f lake.File) bool { return inside[f.Path] })
}

// renew takes in a set of feeds that is new, and looks for it in the window. What was taken in must be in the lake first.
func (w *Worker) renew(ctx context.Context) error {
	if w.Intel == nil || w.Intel() == w.live.o.Intel || since(w.Now(), w.last.renew) < min(10*w.cost.renew, time.Hour) {
		return nil
	}
	set := w.Intel()
	if err := w.wait(); err != nil {
		return err
	}
	if err := w.commit(ctx); err != nil {
		return err
	}
	if err := w.wait(); err != nil {
		return err
	}
	files, err := w.Lake.Plan(ctx, w.since.Add(-24*time.Hour), w.Now().Add(24*time.Hour))
	if err != nil {
		return err
	}
	start := time.Now()
	w.last.renew = w.Now()
	if err := w.live.Renew(ctx, set, files); err != nil {
		return fmt.Errorf("look for intelligence in the lake: %w", err)
	}
	w.Judging.Intel = set
	w.cost.renew = time.Since(start)
	w.Log.Info("looked for intelligence in the lake", "indicators", set.Size(), "files", len(files), "took", w.cost.renew)
	return nil
}

// sift calls do with every stored event that could name an indicator. What is not decoded any more is passed over.
func sift(ctx context.Context, files []lake.File, set *intel.Set, do func(e *ocsf.Event, received time.Time)) error {
	if set.Size() == 0 {
		return nil
	}
	fields := intel.Fields()
	columns := make([]string, len(fields))
	for i := range fields {
		columns[i] = fields[i].Path
	}
	decoders := map[string]*ocsf.Decoder{}
	for _, f := range format.All() {
		decoders[f.Name] = ocsf.NewDecoder(f.Shape(), records.Limits{})
	}
	var scratch intel.Scratch
	could := func(column int, text string) bool { return set.Has(&fields[column], text, &scratch) }
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := lake.Sift(ctx, f.Path, columns, could, func(k lake.Kept) error {
			d := decoders[k.Format]
			if d == nil {
				return nil
			}
			return d.Record(k.Raw, k.ID, ocsf.Position{Source: k.Object}, eventSink(func(e *ocsf.Event) { do(e, k.Received) }))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// SweepOptions are what history is searched for intelligence with. Set is required.
type SweepOptions struct {
	Files       []lake.File
	Set         *intel.Set
	Environment *enrich.Environment // nil: unknown
	Places      enrich.Locator      // nil: addresses have no places
	From, To    time.Time           // zero: no bound; To is exclusive
}

// Swept is what a sweep found.
type Swept struct {
	*Result
	Events   int // that name an indicator
	Hits     []detect.IntelHits
	received func(account, uid string) time.Time
}

// Received says when an event came in.
func (s *Swept) Received(account, uid string) time.Time { return s.received(account, uid) }

// Sweep looks for indicators in stored events, by feeds alone. Files are sifted by their columns, and the engine judges what is left. Who
// stands behind a session is known as far as the events that are left tell it.
func Sweep(ctx context.Context, o SweepOptions) (*Swept, error) {
	within := func(e *ocsf.Event) bool {
		t := e.Time()
		return (o.From.IsZero() || !t.Before(o.From)) && (o.To.IsZero() || t.Before(o.To))
	}
	learned := &enrich.Survey{}
	if err := sift(ctx, o.Files, o.Set, func(e *ocsf.Event, _ time.Time) { learned.Add(e) }); err != nil {
		return nil, err
	}
	history := &baseline.History{}
	l := NewLive(Options{Rules: &detect.Rules{}, Environment: o.Environment, Places: o.Places, Intel: o.Set})
	l.reset(&survey{enrich: learned, history: history})
	s := &Swept{received: l.Received}
	err := sift(ctx, o.Files, o.Set, func(e *ocsf.Event, received time.Time) {
		if !within(e) {
			return
		}
		id := idOf(e)
		l.facts.Reset(l.judge, e)
		if l.detector.Intel(e, &l.facts, id, 0) {
			l.kept.keep(e, id, received)
		}
	})
	if err != nil {
		return nil, err
	}
	s.Result = l.Conclude()
	s.Hits, _ = l.Hits()
	for i := range s.Hits {
		s.Events += int(s.Hits[i].Count)
	}
	return s, nil
}
