package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/tocsin-security/tocsin/internal/baseline"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Options are what a scan is made with. Rules is required; the other zero values work.
type Options struct {
	Rules       *detect.Rules
	Environment *enrich.Environment // nil: unknown
	Places      enrich.Locator      // nil: addresses have no places
	Intel       *intel.Set          // nil: nothing is accused
	From, To    time.Time           // zero: no bound; To is exclusive
	Workers     int                 // 0: one per core
	Progress    *Progress
	Propose     bool // gather what environment.yaml could say
	keep        func(e *ocsf.Event, id detect.EventID)
}

// Result is all that a scan concluded.
type Result struct {
	Incidents []incident.Incident
	Loose     []finding.Alert
	Below     []finding.Alert // that did not reach the queue
	Received  Received
	Problems  []collect.Problem
	Unread    []ocsf.Unreadable // the first of each reason and source, see Received for counts
	Survey    *enrich.Survey
	Origins   int
	Signals   map[finding.Level]int64
	Notes     []string // bounds that were met
	Missing   int      // signals whose records could not be read again
	Partial   string
	Proposal  *enrich.Proposal
}

// Received is the double entry of records: Total = Mapped + Duplicate + Unreadable + OutOfRange.
type Received struct {
	Total, Mapped, Duplicate, Unreadable, OutOfRange int64
	ByReason                                         map[string]int64 // of Unreadable
	First, Last                                      time.Time
	FilesRead                                        int64
}

// Run judges an input. The error is a fault of this program or of the machine; what cannot be read is in Result.
func Run(ctx context.Context, in Input, o Options) (*Result, error) {
	o.orDefault()
	s, err := runSurvey(ctx, &o, in)
	partial, err := interrupted(err, "surveying", len(s.read), in.Parts())
	if err != nil {
		return nil, err
	}
	if partial != "" {
		ctx = context.WithoutCancel(ctx) // judge what was surveyed
	}
	judge := enrich.NewJudge(s.enrich, o.Environment, o.Places)
	d, result, judged, err := runDetection(ctx, &o, in, s, judge)
	later, err := interrupted(err, "judging", judged, in.Parts())
	if err != nil {
		return nil, err
	}
	if result.Partial = partial; partial == "" {
		result.Partial = later
	}
	result.Survey, result.Origins = s.enrich, s.history.Origins()
	result.Problems = append(result.Problems, in.Problems()...)
	return result, conclude(context.WithoutCancel(ctx), &o, in, s, judge, d, result)
}

func (o *Options) orDefault() {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Progress == nil {
		o.Progress = &Progress{}
	}
}

// interrupted turns the end of a context into a sentence.
func interrupted(err error, doing string, done, of int) (string, error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("interrupted while %s: %d of %d files are in this result", doing, done, of), nil
	}
	return "", err
}

// maxPlaces bounds the unreadable records of one reason and source that are kept whole; all are counted.
const maxPlaces = 3

// tally is one worker's part of the double entry.
type tally struct {
	Received
	unread   []ocsf.Unreadable
	kept     map[[2]string]int // of unread, by reason and source
	problems []collect.Problem
	proposal enrich.Proposal
}

// count counts an event that is neither a duplicate nor out of range.
func (t *tally) count(when time.Time) {
	t.Mapped++
	if t.First.IsZero() || when.Before(t.First) {
		t.First = when
	}
	if when.After(t.Last) {
		t.Last = when
	}
}

// runDetection makes the second reading.
func runDetection(ctx context.Context, o *Options, in Input, s *survey, judge *enrich.Judge) (*detect.Detector, *Result, int, error) {
	o.Progress.begin("judging")
	detectors := make([]*detect.Detector, o.Workers)
	tallies := make([]*tally, o.Workers)
	workers := make([]*worker, o.Workers)
	for i := range workers {
		detectors[i] = detect.NewDetector(o.Rules, s.history)
		detectors[i].SetIntel(o.Intel)
		tallies[i] = newTally()
		workers[i] = o.judging(newWorker(in, o.Progress), tallies[i], s, judge, detectors[i])
	}
	var mu sync.Mutex
	judged := 0
	err := share(ctx, s.read, workers, func(int) { mu.Lock(); judged++; mu.Unlock() })
	r := &Result{Received: Received{ByReason: map[string]int64{}, FilesRead: int64(judged)}}
	if o.Propose {
		r.Proposal = &enrich.Proposal{}
	}
	for i, t := range tallies {
		r.add(t)
		if i > 0 {
			detectors[0].Merge(detectors[i])
		}
	}
	r.sort()
	return detectors[0], r, judged, err
}

// judging sets a worker up for the second reading.
func (o *Options) judging(w *worker, t *tally, s *survey, judge *enrich.Judge, d *detect.Detector) *worker {
	var facts enrich.Facts
	w.event = func(e *ocsf.Event, at place) error {
		t.Total++
		id := idOf(e)
		if !s.winners.counts(id, at) {
			t.Duplicate++
			return nil
		}
		when := e.Time()
		if !o.From.IsZero() && when.Before(o.From) || !o.To.IsZero() && !when.Before(o.To) {
			t.OutOfRange++
			return nil
		}
		t.count(when)
		facts.Reset(judge, e)
		if d.Event(e, &facts, id, int32(w.part)) && o.keep != nil { //nolint:gosec // parts are fewer than 2^31
			o.keep(e, id)
		}
		if o.Propose {
			t.proposal.Add(e, &facts)
		}
		return nil
	}
	w.unreadable = func(u ocsf.Unreadable) error {
		t.Total++
		t.Unreadable++
		t.ByReason[u.Reason]++
		if key := [2]string{u.Reason, u.At.Source}; t.kept[key] < maxPlaces {
			t.kept[key]++
			t.unread = append(t.unread, u)
		}
		return nil
	}
	w.problem = func(p collect.Problem) { t.problems = append(t.problems, p) }
	return w
}

// conclude reads the evidence and makes findings of the verdict.
func conclude(ctx context.Context, o *Options, in Input, s *survey, judge *enrich.Judge, d *detect.Detector, r *Result) error {
	v := d.Conclude()
	if err := readEvidence(ctx, o, in, s, judge, v); err != nil {
		return err
	}
	r.finish(v, s.history)
	return nil
}

// finish makes findings of a verdict whose evidence was read.
func (r *Result) finish(v *detect.Verdict, h *baseline.History) {
	signals, rest, missing := v.Signals()
	r.Missing = missing
	if missing > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d signals are left out: their records could not be read a second time; did the files change during the scan?", missing))
	}
	r.Signals, r.Notes = v.Counts(), append(r.Notes, v.Overflow()...)
	alerts := finding.Fold(signals, rest)
	unusual := novelNetworks(signals)
	for i := range alerts {
		finding.Weigh(&alerts[i], contextOf(&alerts[i], unusual))
	}
	queue, low := finding.Promote(alerts)
	r.Below = low
	var below []finding.Signal
	for i := range low {
		below = append(below, low[i].Signals...)
	}
	r.Incidents, r.Loose = incident.Build(queue, below, world{h})
}

// world answers what incidents ask of the history.
type world struct{ h *baseline.History }

func (w world) AddressUsers(ip string) int { return w.h.Users(baseline.Address, ip) }

// readEvidence reads the needed events once more, from the files that hold them.
func readEvidence(ctx context.Context, o *Options, in Input, s *survey, judge *enrich.Judge, v *detect.Verdict) error {
	o.Progress.begin("reading evidence")
	needs := v.Needs()
	var files []int
	for i := range in.Parts() {
		if needs[int32(i)] != nil { //nolint:gosec // files are fewer than 2^31
			files = append(files, i)
		}
	}
	var mu sync.Mutex
	workers := make([]*worker, o.Workers)
	for i := range workers {
		w := newWorker(in, o.Progress)
		var facts enrich.Facts
		w.event = func(e *ocsf.Event, at place) error {
			id := idOf(e)
			if !needs[int32(w.part)][id] || !s.winners.counts(id, at) { //nolint:gosec // files are fewer than 2^31
				return nil
			}
			facts.Reset(judge, e)
			mu.Lock()
			defer mu.Unlock()
			v.Evidence(e, &facts, id)
			return nil
		}
		w.unreadable = func(ocsf.Unreadable) error { return nil }
		w.problem = func(collect.Problem) {}
		workers[i] = w
	}
	return share(ctx, files, workers, func(int) {})
}
