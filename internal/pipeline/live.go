package pipeline

import (
	"bytes"
	"context"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-security/tocsin/internal/baseline"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// Live judges events as they arrive, with what is known by then, and concludes as often as it is asked. It gives what a scan of
// the same events gives: what a later event changes backwards (who stood behind a session, which accounts are ours) makes it
// Stale, and then it is to be rebuilt from all events. It has one owner.
type Live struct {
	o        Options
	survey   *enrich.Survey
	history  *baseline.History
	judge    *enrich.Judge
	detector *detect.Detector
	decoders map[string]*ocsf.Decoder
	facts    enrich.Facts

	mu      sync.Mutex // guards records and bytes while several workers rebuild
	records map[detect.EventID]keptRecord
	bytes   int

	Arrived  time.Time // when the events that are judged next were received
	received map[detect.EventID]time.Time

	handles   map[string]string // origin that a handle was judged as
	changes   int               // of the survey, when the handles were last compared
	stale     bool
	recounted bool // the hits of indicators were counted again from nothing
	news      bool // something matched, or a conclusion can come out otherwise, since the last one
}

// keptRecord is the record of an event that a rule matched.
type keptRecord struct {
	raw    []byte
	format string
	id     string
	at     ocsf.Position
}

// maxKept bounds the records that are kept for evidence. Above it, what the last conclusion did not need goes; it is read from the
// lake again if it comes to be needed.
const maxKept = 256 << 20

// NewLive returns a Live that knows nothing.
func NewLive(o Options) *Live {
	o.orDefault()
	l := &Live{o: o, decoders: map[string]*ocsf.Decoder{}, received: map[detect.EventID]time.Time{}}
	for _, f := range format.All() {
		l.decoders[f.Name] = ocsf.NewDecoder(f.Shape(), records.Limits{})
	}
	l.reset(&survey{enrich: &enrich.Survey{}, history: &baseline.History{}})
	l.detector = detect.NewDetector(o.Rules, l.history)
	l.detector.SetIntel(o.Intel)
	return l
}

func (l *Live) reset(s *survey) {
	l.survey, l.history, l.handles, l.stale, l.changes = s.enrich, s.history, map[string]string{}, false, s.enrich.Changes()
	l.judge = enrich.NewJudge(l.survey, l.o.Environment, l.o.Places)
	for _, h := range s.handles {
		l.handles[h] = l.judge.Resolve(h)
	}
	l.records, l.bytes = map[detect.EventID]keptRecord{}, 0
}

// Rebuild forgets everything and judges an input in its place.
func (l *Live) Rebuild(ctx context.Context, in Input) error {
	o := l.o
	o.Progress = &Progress{}
	s, err := runSurvey(ctx, &o, in)
	if err != nil {
		return err
	}
	l.reset(s)
	o.keep = l.keep
	l.detector, _, _, err = runDetection(ctx, &o, in, s, l.judge)
	l.news, l.recounted = true, true
	return err
}

// Learn takes in what an event says about others. Learn all events of a batch before any is judged.
func (l *Live) Learn(e *ocsf.Event) { l.survey.Add(e) }

// Judge judges an event.
func (l *Live) Judge(e *ocsf.Event, id detect.EventID) {
	l.facts.Reset(l.judge, e)
	if handle := enrich.Handle(e); handle != "" {
		origin, known := l.handles[handle]
		if !known {
			handle = strings.Clone(handle)
			origin = strings.Clone(l.judge.Resolve(handle))
			l.handles[handle] = origin
		}
		detect.Observe(l.history, e, &l.facts, origin, id)
	}
	if l.detector.Event(e, &l.facts, id, 0) {
		l.keep(e, id)
		l.received[id] = l.Arrived
		l.news = true
	}
}

func (l *Live) keep(e *ocsf.Event, id detect.EventID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.records[id]; known {
		return
	}
	at := e.At
	at.Source = strings.Clone(at.Source)
	l.records[id] = keptRecord{bytes.Clone(e.Raw), e.Mapping.Name, strings.Clone(e.ID), at}
	l.bytes += len(e.Raw)
	if _, known := l.received[id]; !known && !at.Received.IsZero() {
		l.received[id] = at.Received
	}
}

// Stale reports whether something that was judged would come out otherwise now.
func (l *Live) Stale() bool {
	if l.stale || l.survey.Changes() == l.changes {
		return l.stale
	}
	l.changes = l.survey.Changes()
	for h, origin := range l.handles {
		if l.judge.Resolve(h) != origin {
			l.stale = true
			break
		}
	}
	return l.stale
}

// News reports whether a conclusion could come out otherwise than the last.
func (l *Live) News() bool { return l.news }

// Conclude decides over all events so far.
func (l *Live) Conclude() *Result {
	l.news = false
	l.history.Seal()
	v := l.detector.Conclude()
	needed := map[detect.EventID]bool{}
	for _, ids := range v.Needs() {
		for id := range ids {
			needed[id] = true
			l.evidence(v, id)
		}
	}
	r := &Result{Survey: l.survey, Origins: l.history.Origins()}
	r.finish(v, l.history)
	l.stale = l.stale || r.Missing > 0
	if l.bytes > maxKept {
		for id, k := range l.records {
			if !needed[id] {
				l.bytes -= len(k.raw)
				delete(l.records, id)
				delete(l.received, id)
			}
		}
		runtime.GC()
	}
	return r
}

func (l *Live) evidence(v *detect.Verdict, id detect.EventID) {
	k, ok := l.records[id]
	if !ok {
		return
	}
	var facts enrich.Facts
	_ = l.decoders[k.format].Record(k.raw, k.id, k.at, ocsf.Sink{
		Event: func(e *ocsf.Event) error {
			facts.Reset(l.judge, e)
			v.Evidence(e, &facts, id)
			return nil
		},
		Unreadable: func(ocsf.Unreadable) error { return nil }, // it was readable when it was kept
	})
}

// Renew gives Live another set of feeds and looks for it in what the lake holds of its window: files, which must hold all that was judged.
func (l *Live) Renew(ctx context.Context, set *intel.Set, files []lake.File) error {
	l.o.Intel = set
	l.detector.SetIntel(set)
	l.news, l.recounted = true, true
	return sift(ctx, files, set, func(e *ocsf.Event, received time.Time) {
		id := idOf(e)
		l.facts.Reset(l.judge, e)
		if !l.detector.Intel(e, &l.facts, id, 0) {
			return
		}
		l.keep(e, id)
		if _, known := l.received[id]; !known {
			l.received[id] = received
		}
	})
}

// Hits lists what changed in the counts of indicators since it was last asked. whole says that they were counted again from nothing.
func (l *Live) Hits() (hits []detect.IntelHits, whole bool) {
	whole, l.recounted = l.recounted, false
	return l.detector.IntelHits(), whole
}
