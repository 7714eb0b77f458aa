package app

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/evidence"
	"github.com/tocsin-security/tocsin/internal/health"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/source"
)

// watch judges the health of the sources again and again, and keeps its alerts on the desk.
type watch struct {
	desk     *desk.Desk
	lake     *lake.Lake
	states   func() map[string]source.State
	stored   func(ctx context.Context) time.Time // up to when all that was received is counted
	evidence *evidence.Store                     // nil: none is kept
	damage   func(ctx context.Context, files []lake.File) (paths []string, since time.Time)
	unproven func() (why string, since time.Time)
	expected health.Expected
	prices   health.Prices
	silences map[string]time.Duration
	now      func() time.Time
	log      *slog.Logger

	book     *health.Book
	read     time.Time            // hours that changed before are in the book
	since    map[string]time.Time // since when a source is open without a break
	last     time.Time            // when it last looked
	bytes    int64                // of the lake
	measured time.Time
	harmed   []health.Trouble // of the lake, as of when it was measured
	report   atomic.Pointer[health.Report]
}

// watchEvery is how often the sources are looked at.
const watchEvery = 15 * time.Second

// run looks until the context ends. What fails is tried again.
func (w *watch) run(ctx context.Context) error {
	for {
		if err := w.look(ctx); err != nil && ctx.Err() == nil {
			w.log.Error("the health of the sources cannot be judged", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
	}
}

// look judges once.
func (w *watch) look(ctx context.Context) error {
	now := w.now()
	list, err := w.desk.Sources(ctx)
	if err != nil {
		return err
	}
	sources, open := w.sources(list, now)
	if span := now.Sub(w.last); !w.last.IsZero() && span > 0 {
		if err := w.desk.Watched(ctx, open, min(span, 2*watchEvery), now); err != nil {
			return err
		}
	}
	w.last = now
	if err := w.fill(ctx, now); err != nil {
		return err
	}
	if err := w.measure(ctx, now); err != nil {
		return err
	}
	as := now
	if w.stored != nil { // a worker that is behind makes no source silent
		if t := w.stored(ctx); !t.IsZero() && t.Before(as) {
			as = t
		}
	}
	r := health.Judge(health.Question{Book: w.book, Sources: sources, Running: true, LakeBytes: w.bytes, Prices: w.prices, Silences: w.silences, Now: as})
	if r.Troubles, err = withEvidence(ctx, w.evidence, r.Troubles); err != nil {
		return err
	}
	r.Troubles = append(r.Troubles, w.harmed...)
	if w.unproven != nil {
		if why, since := w.unproven(); why != "" {
			r.Troubles = append(r.Troubles, health.Unproven(why, since))
		}
	}
	w.report.Store(&r)
	_, err = w.desk.SaveTroubles(ctx, r.Troubles, now)
	return err
}

// sources says of each source what the judge must know, and lists those that are open.
func (w *watch) sources(list []desk.Source, now time.Time) (out []health.Source, open []string) {
	if w.since == nil {
		w.since = map[string]time.Time{}
	}
	states, totals := map[string]source.State{}, w.lake.Marks().Totals
	if w.states != nil {
		states = w.states()
	}
	listed := map[string]bool{}
	for _, s := range list {
		listed[s.Name] = true
		paused := s.Paused || states[s.Name].Doing == "paused"
		if paused {
			delete(w.since, s.Name)
		} else {
			open = append(open, s.Name)
			if _, is := w.since[s.Name]; !is {
				w.since[s.Name] = now
			}
		}
		out = append(out, health.Source{Name: s.Name, Paused: paused, Ends: s.Settings["to"] != "", From: w.since[s.Name], Totals: totalsOf(totals, s.Name)})
	}
	for name := range w.since {
		if !listed[name] {
			delete(w.since, name)
		}
	}
	return out, open
}

func totalsOf(totals map[string]uint64, name string) health.Counts {
	n := func(what string) int64 { return int64(totals[name+"/"+what]) } //nolint:gosec // counts of records
	return health.Counts{Received: n("received"), Stored: n("stored"), Duplicate: n("duplicate"), Dead: n("dead"), Dropped: n("dropped")}
}

// overlap is by how much hours are read again: a transaction may end after one that began later.
const overlap = 2 * time.Minute

func (w *watch) fill(ctx context.Context, now time.Time) error {
	if w.book == nil {
		w.book = health.NewBook()
	}
	if err := w.desk.Hours(ctx, w.read, w.book.Put); err != nil {
		return err
	}
	w.read = now.Add(-overlap)
	w.book.Forget(now)
	return nil
}

// measure adds the lake's files up, now and then.
func (w *watch) measure(ctx context.Context, now time.Time) error {
	if !w.measured.IsZero() && now.Sub(w.measured) < 5*time.Minute {
		return nil
	}
	files, err := w.lake.Plan(ctx, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	w.bytes, w.measured = 0, now
	for _, f := range files {
		w.bytes += f.Bytes
	}
	w.harmed = nil
	if w.damage != nil {
		if paths, since := w.damage(ctx, files); len(paths) > 0 {
			w.harmed = []health.Trouble{health.Damage(paths, since)}
		}
	}
	return nil
}

// Report is the last judgement.
func (w *watch) Report() health.Report {
	if r := w.report.Load(); r != nil {
		return *r
	}
	return health.Report{At: w.now()}
}

// Coverage lays the last judgement over what is expected.
func (w *watch) Coverage() health.Coverage { return health.Cover(w.Report(), w.expected) }

// newWatch makes a watch of a configuration and the environment, which may be nil.
func newWatch(c *Config, env *enrich.Environment, d *desk.Desk, l *lake.Lake, log *slog.Logger) (*watch, error) {
	w := &watch{desk: d, lake: l, prices: c.prices(), silences: c.Health.Silence, now: time.Now, log: log}
	if env != nil {
		for _, a := range env.Accounts {
			w.expected.Accounts = append(w.expected.Accounts, health.ExpectedAccount{ID: a.ID, Name: a.Name, From: "environment.yaml"})
		}
		w.expected.Regions = env.Regions
	}
	if c.Organization != "" {
		list, err := health.ReadOrganization(c.Organization)
		if err != nil {
			return nil, UsageError{Err: err, Hint: "set organization in tocsin.yaml to a file of: aws organizations list-accounts"}
		}
		w.expected.Join(list)
	}
	return w, nil
}
