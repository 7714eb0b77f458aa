package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// Worker walks one partition of the stream: it judges each batch, keeps its events in the lake and what it concludes on the desk. Each of
// the two stores its position with its data, so a worker that is killed begins again where the slower one is, and the faster
// one passes over what it has.
type Worker struct {
	Stream  *stream.Stream
	Lake    *lake.Lake
	Desk    *desk.Desk
	Follow  func(ctx context.Context) error // called after each commit; nil for nothing
	Keep    lake.Retention                  // how long events stay
	Judging Options
	Intel   func() *intel.Set // the feeds of now, asked for often; nil for none
	Timing  Timing
	Now     func() time.Time
	Log     *slog.Logger
	Rules   func() *detect.Rules // the rules as they are now: where they are others than before, the lake is judged again; nil: those of Judging
	Memory  string               // file that keeps what detection remembers between two starts; "" for none
	Status  Status               // of this worker, kept up to date
	Trials  string               // file that remembers what was not survived; "" for nothing
	// At, where a test sets it, is called between two steps, and with each record before it is taken in.
	At func(step Step, record []byte)

	machine   func(time.Time) time.Time // where a test tells the time: when that was by the machine's clock, which files and snapshots bear
	partition string                    // under what name the sinks keep their positions
	damage    damage
	unproven  unproven
	trials    *trials
	tides     *tides
	shown     uint64 // position of the desk when this worker began
	live      *Live
	known     *known
	writer    *lake.Writer
	decoded   *decoding
	totals    map[string]uint64
	read      uint64 // last position that was taken in
	dead      []desk.DeadLetter
	hourly    *hourly
	since     time.Time  // what is older than this is not judged any more, and stays as it was
	newest    time.Time  // of the events that were judged, Tocsin's own left out
	commits   chan error // the commit under way, when there is one
	last      struct{ conclude, commit, rebuild, tidy, renew, hits, memory time.Time }
	cost      struct{ conclude, rebuild, renew, memory time.Duration }
}

// Timing says how often a worker does what. Zero values take the defaults.
type Timing struct {
	Conclude    time.Duration // the least between two conclusions; default 500 ms
	Commit      time.Duration // the most between two commits; default 60 s
	CommitBytes int64         // of records; default 128 MiB
	Window      time.Duration // how far back live detection reaches; default 30 days
	Tidy        time.Duration // between two compactions; default 10 min
}

func (t *Timing) orDefault() {
	for _, d := range []struct {
		value *time.Duration
		is    time.Duration
	}{{&t.Conclude, 500 * time.Millisecond}, {&t.Commit, time.Minute}, {&t.Window, DefaultWindow}, {&t.Tidy, 10 * time.Minute}} {
		if *d.value <= 0 {
			*d.value = d.is
		}
	}
	if t.CommitBytes <= 0 {
		t.CommitBytes = commitBytes
	}
}

// DefaultWindow is how far back live detection reaches where nothing else is said.
const DefaultWindow = 30 * 24 * time.Hour

type arrival struct {
	seq   uint64
	batch stream.Batch
}

// Run works until the context ends, and then stores what it has. Any other end is an error; what was acknowledged is in the stream
// still, and another Run begins there.
func (w *Worker) Run(ctx context.Context) error {
	w.Timing.orDefault()
	if err := w.begin(ctx); err != nil {
		if w.trials.end(); ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return nil // nothing was taken in yet
		}
		return fmt.Errorf("begin: %w", err)
	}
	group, inner := errgroup.WithContext(ctx)
	arrivals := make(chan arrival, 8)
	group.Go(func() error {
		defer close(arrivals)
		return w.follow(inner, w.read, func(seq uint64, b stream.Batch) error {
			select {
			case arrivals <- arrival{seq, b}:
				return nil
			case <-inner.Done():
				return inner.Err()
			}
		})
	})
	group.Go(func() error { return w.loop(inner, arrivals) })
	err := group.Wait()
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, stream.ErrClosed)) {
		err = nil
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	return errors.Join(err, w.end(end, err == nil))
}

// endTime is how long a worker may take to store what it has when it is told to stop.
const endTime = 2 * time.Minute

// begin takes up where the sinks are.
func (w *Worker) begin(ctx context.Context) error {
	var err error
	if err = w.resume(ctx); err != nil {
		return err
	}
	w.Status.Position.Store(w.read)
	if w.writer, err = w.Lake.NewWriter(); err != nil {
		return err
	}
	if w.hourly, err = newHourly(ctx, w.Desk, w.partition); err != nil {
		return err
	}
	w.known, w.since, w.newest = newKnown(w.Lake), time.Time{}, time.Time{}
	w.known.now = w.Now
	if w.Intel != nil {
		w.Judging.Intel = w.Intel()
	}
	if w.Rules != nil {
		w.Judging.Rules = w.Rules()
	}
	w.known.damaged = w.Harmed
	w.live, w.decoded = NewLive(w.Judging), newDecoding(w.Judging.Workers)
	now := w.Now()
	w.last.conclude, w.last.commit, w.last.tidy, w.last.memory = now, now, now, now
	if _, err := w.toLedger(ctx); err != nil { // a kill may have come between the lake and the ledger
		return err
	}
	if w.remember(ctx) {
		return nil
	}
	return w.rebuild(ctx)
}

// rebuild judges what the lake holds of the window, which ends with the newest event: an archive of last year's logs is judged like
// any other.
func (w *Worker) rebuild(ctx context.Context) error {
	start := time.Now()
	w.last.rebuild = w.Now()
	files, err := w.Lake.Plan(ctx, time.Time{}, w.Now().Add(24*time.Hour))
	if err != nil {
		return err
	}
	if w.otherRules() {
		w.Judging.Rules = w.Rules()
		w.live = NewLive(w.Judging)
	}
	if len(files) == 0 {
		return nil
	}
	if day, ok := newestDay(files); ok {
		w.newest = day.Add(24*time.Hour - time.Millisecond)
	}
	files, w.since = windowOf(files, w.Timing.Window)
	if err := w.live.Rebuild(ctx, History{Lake: w.Lake, Files: files, Damaged: w.Harmed}); err != nil {
		return fmt.Errorf("judge the lake again: %w", err)
	}
	w.cost.rebuild = time.Since(start)
	w.Status.Rebuilds.Add(1)
	w.Log.Info("judged the lake again", "files", len(files), "took", w.cost.rebuild)
	return nil
}

func (w *Worker) loop(ctx context.Context, arrivals <-chan arrival) error {
	tick := time.NewTicker(min(w.Timing.Conclude, w.Timing.Commit) / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-w.commits:
			w.commits = nil
			if err != nil {
				return err
			}
		case a, open := <-arrivals:
			if !open {
				arrivals = nil
				continue
			}
			if err := w.take(ctx, a); err != nil {
				return err
			}
		case <-tick.C:
		}
		if err := w.due(ctx); err != nil {
			return err
		}
	}
}

// due does what the clock asks for.
func (w *Worker) due(ctx context.Context) error {
	now := w.Now()
	if since(now, w.last.conclude) >= max(w.Timing.Conclude, 4*w.cost.conclude) {
		if err := w.conclude(ctx); err != nil {
			return err
		}
	}
	_, bytes := w.writer.Pending()
	if w.commits == nil && (bytes >= w.Timing.CommitBytes || since(now, w.last.commit) >= w.Timing.Commit) {
		return w.commit(ctx)
	}
	if bytes >= 2*w.Timing.CommitBytes { // the lake is slower than the sources: wait for it, and the stream fills in our place
		return w.wait()
	}
	return nil
}

// since is never negative: a clock that was set back must not stop the work.
func since(now, then time.Time) time.Duration {
	if d := now.Sub(then); d >= 0 {
		return d
	}
	return time.Duration(1<<63 - 1)
}

// conclude saves what is to be concluded by now, if anything changed.
func (w *Worker) conclude(ctx context.Context) error {
	w.last.conclude = w.Now()
	pause := 10 * time.Second
	if !w.otherRules() { // what events changed can wait; somebody who accepted a rule does
		pause = max(pause, 20*w.cost.rebuild)
	}
	if (w.live.Stale() || w.otherRules()) && since(w.Now(), w.last.rebuild) >= pause {
		if err := w.settle(ctx); err != nil {
			return err
		}
	}
	if err := w.renew(ctx); err != nil {
		return err
	}
	return w.tell(ctx)
}

// otherRules reports whether the rules are others than those that it judges by.
func (w *Worker) otherRules() bool { return w.Rules != nil && w.Rules() != w.Judging.Rules }

// tell saves what is to be concluded of what was judged so far, if anything changed.
func (w *Worker) tell(ctx context.Context) error {
	if w.read < w.shown { // the desk knows more than this worker has read again
		return nil
	}
	count := w.live.News() || since(w.Now(), w.last.hits) >= hitsEvery
	if !w.live.News() && len(w.dead) == 0 && !count {
		return nil
	}
	start := time.Now()
	c := desk.Conclusion{Partition: w.partition, Position: w.read, DeadLetters: w.dead, Now: w.Now(), Received: w.live.Received, Since: w.since, Late: w.tides.lateEvent, Watermarks: w.tides.marks()}
	if count {
		w.last.hits = w.Now()
		c.Hits, c.HitsWhole = w.live.Hits()
		if !w.live.News() && len(w.dead)+len(c.Hits) == 0 {
			return nil
		}
	}
	if w.live.News() {
		r := w.live.Conclude()
		c.Findings, c.Incidents, c.Loose = true, r.Incidents, r.Loose
		w.Status.Incidents.Store(int64(len(r.Incidents)))
	}
	if err := w.Desk.Save(ctx, &c); err != nil {
		w.live.news = true // a stop in the middle of it: the desk does not have it yet
		return err
	}
	w.at(StepSaved, nil)
	w.dead = nil
	w.cost.conclude = time.Since(start)
	w.Status.ConcludeNanos.Store(int64(w.cost.conclude))
	return nil
}

// settle judges everything again, because what came late changes what was judged before. The lake must hold all of it first.
func (w *Worker) settle(ctx context.Context) error {
	if err := w.wait(); err != nil {
		return err
	}
	if err := w.commit(ctx); err != nil {
		return err
	}
	if err := w.wait(); err != nil {
		return err
	}
	return w.rebuild(ctx)
}

// wait waits for the commit under way.
func (w *Worker) wait() error {
	if w.commits == nil {
		return nil
	}
	err := <-w.commits
	w.commits = nil
	return err
}

// commit starts a commit of what is gathered; new events go into another writer meanwhile.
func (w *Worker) commit(ctx context.Context) error {
	w.last.commit = w.Now()
	rows, _ := w.writer.Pending()
	tidy := since(w.Now(), w.last.tidy) >= w.Timing.Tidy
	if rows == 0 && !tidy && w.read == w.Lake.Marks().Positions[w.partition] {
		return nil
	}
	if _, moves := w.window(); moves { // what is forgotten now must have been told
		if err := w.tell(ctx); err != nil {
			return err
		}
	}
	// The dead letters of these batches must be on the desk before the batches may go.
	if err := w.Desk.Save(ctx, &desk.Conclusion{Partition: w.partition, Position: w.read, DeadLetters: w.dead, Tally: w.hourly.take(w.read), Now: w.Now()}); err != nil {
		return err
	}
	w.at(StepDesk, nil)
	w.dead = nil
	w.bound()
	w.keepMemory(ctx, false)
	gathered := w.known.cut()
	full, marks := w.writer, lake.Marks{Positions: map[string]uint64{w.partition: w.read}, Totals: map[string]uint64{}}
	for name, n := range w.totals {
		marks.Totals[name] = n
	}
	next, err := w.Lake.NewWriter()
	if err != nil {
		return err
	}
	w.writer = next
	if tidy {
		w.last.tidy = w.Now()
	}
	done := make(chan error, 1)
	w.commits = done
	go func() {
		err := w.store(context.WithoutCancel(ctx), full, marks, tidy)
		if err == nil {
			w.known.stored(gathered)
			w.Status.Known.Store(w.known.Held.Load())
			w.Status.Unknown.Store(w.known.Forgotten.Load())
		}
		done <- err
	}()
	return nil
}

// store commits, follows with the ledger, and lets go of what is in both sinks now.
func (w *Worker) store(ctx context.Context, full *lake.Writer, marks lake.Marks, tidy bool) error {
	c, err := full.Commit(ctx, marks)
	if err != nil {
		return err
	}
	w.Status.committed(c)
	w.at(StepCommitted, nil)
	if tidy {
		if err := w.tidy(ctx); err != nil {
			return err
		}
		w.at(StepCompacted, nil)
	}
	proven, err := w.toLedger(ctx)
	if err != nil {
		return err
	}
	if proven {
		w.at(StepLedgered, nil)
	}
	if tidy && proven {
		if err := w.forget(ctx); err != nil {
			return err
		}
	}
	reached, err := w.Desk.Position(ctx, w.partition)
	if err != nil {
		return err
	}
	return w.Stream.Purge(ctx, 0, min(reached, marks.Positions[w.partition])+1)
}

// tidy makes few files of many.
func (w *Worker) tidy(ctx context.Context) error {
	defer sparing()()
	for _, compact := range []func(context.Context) (lake.Compacted, error){
		func(ctx context.Context) (lake.Compacted, error) {
			return w.Lake.Compact(ctx, w.Now().UTC().Truncate(24*time.Hour))
		},
		w.Lake.CompactOpen,
	} {
		c, err := compact(ctx)
		if err != nil {
			if d := new(lake.DamagedError); errors.As(err, &d) {
				w.Harmed(err)
				continue
			}
			return fmt.Errorf("compact: %w", err)
		}
		if c.Before > 0 {
			w.Log.Info("compacted", "files", c.Before, "into", c.After, "rows", c.Rows)
		}
	}
	dropped, err := w.Lake.Retain(ctx, w.Keep, w.Now())
	if d := new(lake.DamagedError); errors.As(err, &d) {
		w.Harmed(err)
	} else if err != nil {
		return fmt.Errorf("retention: %w", err)
	}
	if dropped.Rows > 0 {
		w.Log.Info("let go of what is past its retention", "rows", dropped.Rows, "files", dropped.Files)
	}
	return nil
}

// grace is how old a snapshot or a file without one is before it goes: no query and no write takes as long.
const grace = time.Hour

// forget removes snapshots, and then files, that nobody can be reading any more.
func (w *Worker) forget(ctx context.Context) error {
	before := w.Now().Add(-grace)
	if w.machine != nil {
		before = w.machine(before)
	}
	if err := w.Lake.Expire(ctx, before); err != nil {
		return err
	}
	_, err := w.Lake.Sweep(ctx, before)
	return err
}

// end stores what there is. After an error only what was under way is waited for: what is gathered may be incomplete.
func (w *Worker) end(ctx context.Context, whole bool) error {
	defer w.trials.end()
	if err := w.wait(); err != nil || !whole {
		return err
	}
	if err := w.conclude(ctx); err != nil {
		return err
	}
	if err := w.commit(ctx); err != nil {
		return err
	}
	if err := w.wait(); err != nil {
		return err
	}
	w.keepMemory(ctx, true)
	return nil
}
