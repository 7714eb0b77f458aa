package pipeline

import (
	"bytes"
	"context"
	"strings"
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

	kept    *kept
	rebuilt bool                    // since the last conclusion
	unfound map[detect.EventID]bool // records that are needed and that a rebuild did not find

	Arrived time.Time // when the events that are judged next were received

	handles   map[string]*handle
	changes   int // of the survey, when the handles were last compared
	own       int // accounts that are known to be ours
	stale     bool
	recounted bool // the hits of indicators were counted again from nothing
	news      bool // something matched, or a conclusion can come out otherwise, since the last one
}

// handle is one set of credentials that acted.
type handle struct {
	origin   string // that it was judged as
	last     int64  // when it last acted, epoch milliseconds
	selfMade bool   // it was judged as that of a role that who stands behind it had made
}

// NewLive returns a Live that knows nothing.
func NewLive(o Options) *Live {
	o.orDefault()
	l := &Live{o: o, decoders: map[string]*ocsf.Decoder{}}
	for _, f := range format.All() {
		l.decoders[f.Name] = ocsf.NewDecoder(f.Shape(), records.Limits{})
	}
	l.reset(&survey{enrich: &enrich.Survey{}, history: &baseline.History{}})
	l.detector = detect.NewDetector(o.Rules, l.history)
	l.detector.SetIntel(o.Intel)
	return l
}

func (l *Live) reset(s *survey) {
	l.survey, l.history, l.handles, l.stale, l.changes = s.enrich, s.history, map[string]*handle{}, false, s.enrich.Changes()
	l.judge, l.own = enrich.NewJudge(l.survey, l.o.Environment, l.o.Places), l.survey.Own()
	for h, last := range s.handles {
		l.handles[h] = &handle{l.judge.Resolve(h), last, l.judge.SelfMade(h, last)}
	}
	l.kept, l.rebuilt, l.unfound = newKept(l.o.Rules), false, map[detect.EventID]bool{}
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
	o.keep = func(e *ocsf.Event, id detect.EventID) { l.kept.keep(e, id, time.Time{}) }
	l.detector, _, _, err = runDetection(ctx, &o, in, s, l.judge)
	l.news, l.recounted, l.rebuilt = true, true, true
	return err
}

// Learn takes in what an event says about others. Learn all events of a batch before any is judged.
func (l *Live) Learn(e *ocsf.Event) {
	l.survey.Add(e)
	if n := l.survey.Own(); n != l.own {
		l.own = n
		l.stale = l.stale || l.concerns(e.Str(ocsf.CloudAccountUID))
	}
}

// concerns reports whether something that was judged while an account was not known to be ours speaks of it.
func (l *Live) concerns(account string) bool {
	for name := range l.handles {
		if strings.Contains(name, account) {
			return true
		}
	}
	for _, k := range l.kept.each() {
		if bytes.Contains(k.raw, []byte(account)) {
			return true
		}
	}
	return l.kept.gone.has(account)
}

// Judge judges an event, and reports whether a rule matched.
func (l *Live) Judge(e *ocsf.Event, id detect.EventID) bool {
	l.facts.Reset(l.judge, e)
	if name := enrich.Handle(e); name != "" {
		h := l.handles[name]
		if h == nil {
			name = strings.Clone(name)
			h = &handle{origin: strings.Clone(l.judge.Resolve(name)), selfMade: l.judge.SelfMade(name, e.Millis)}
			l.handles[name] = h
		}
		h.last = max(h.last, e.Millis)
		detect.Observe(l.history, e, &l.facts, h.origin, id)
	}
	if !l.detector.Event(e, &l.facts, id, 0) {
		return false
	}
	l.kept.keep(e, id, l.Arrived)
	l.news = true
	return true
}

// Stale reports whether something that was judged would come out otherwise now.
func (l *Live) Stale() bool {
	if l.stale || l.survey.Changes() == l.changes {
		return l.stale
	}
	l.changes = l.survey.Changes()
	for name, h := range l.handles {
		if l.judge.Resolve(name) != h.origin || !h.selfMade && l.judge.SelfMade(name, h.last) {
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
	v := l.detector.Conclude()
	needed := map[detect.EventID]bool{}
	for _, ids := range v.Needs() {
		for id := range ids {
			needed[id] = true
		}
	}
	l.kept.unpack(needed)
	for id := range needed {
		l.evidence(v, id)
	}
	l.miss(needed)
	r := &Result{Survey: l.survey, Origins: l.history.Origins()}
	r.finish(v, l.history)
	l.stale = l.stale || r.Missing > 0
	l.kept.settle(needed)
	return r
}

// miss makes Live stale where a record is needed that is not kept any more. What a rebuild did not find either is not looked for again.
func (l *Live) miss(needed map[detect.EventID]bool) {
	for id := range needed {
		if _, is := l.kept.open[id]; is || l.unfound[id] {
			continue
		}
		if !l.rebuilt {
			l.stale = true
			break
		}
		l.unfound[id] = true
	}
	l.rebuilt = false
}

func (l *Live) evidence(v *detect.Verdict, id detect.EventID) {
	k, ok := l.kept.open[id]
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
		l.kept.keep(e, id, received)
	})
}

// Hits lists what changed in the counts of indicators since it was last asked. whole says that they were counted again from nothing.
func (l *Live) Hits() (hits []detect.IntelHits, whole bool) {
	whole, l.recounted = l.recounted, false
	return l.detector.IntelHits(), whole
}
