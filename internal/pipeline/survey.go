package pipeline

import (
	"context"
	"sync"

	"github.com/tocsin-security/tocsin/internal/baseline"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// survey is what the first reading leaves behind.
type survey struct {
	enrich  *enrich.Survey
	history *baseline.History
	handles map[string]int64 // credentials that were seen, see enrich.Handle, and when they last were
	winners *winners
	read    []int // files that were read to their end, in order
}

// winners holds for each event the place of the one record of it that counts.
type winners struct {
	shards [64]struct {
		sync.Mutex
		at map[detect.EventID]place
	}
}

func newWinners() *winners {
	w := &winners{}
	for i := range w.shards {
		w.shards[i].at = map[detect.EventID]place{}
	}
	return w
}

func (w *winners) offer(id detect.EventID, at place) {
	s := &w.shards[id[0]&63]
	s.Lock()
	if old, known := s.at[id]; !known || at < old {
		s.at[id] = at
	}
	s.Unlock()
}

// counts reports whether the record at a place is the one that counts. Only read after the survey.
func (w *winners) counts(id detect.EventID, at place) bool { return w.shards[id[0]&63].at[id] == at }

func idOf(e *ocsf.Event) detect.EventID {
	return detect.IDOf(e.Str(ocsf.CloudAccountUID), e.ID)
}

// runSurvey makes the first reading.
func runSurvey(ctx context.Context, o *Options, in Input) (*survey, error) {
	o.Progress.begin("surveying")
	s := &survey{enrich: &enrich.Survey{}, winners: newWinners()}
	var mu sync.Mutex
	parts := make([]*enrich.Survey, o.Workers)
	histories := make([]*baseline.History, o.Workers)
	workers := make([]*worker, o.Workers)
	places := enrich.NewJudge(&enrich.Survey{}, nil, o.Places)
	for i := range workers {
		w := newWorker(in, o.Progress)
		parts[i], histories[i], workers[i] = &enrich.Survey{}, &baseline.History{}, w
		learning(w, s.winners, places, parts[i], histories[i])
	}
	files := make([]int, in.Parts())
	for i := range files {
		files[i] = i
	}
	read := map[int]bool{}
	err := share(ctx, files, workers, func(file int) { mu.Lock(); read[file] = true; mu.Unlock() })
	for _, f := range files {
		if read[f] {
			s.read = append(s.read, f)
		}
	}
	var history baseline.History
	for i := range parts {
		s.enrich.Merge(parts[i])
		history.Merge(histories[i])
	}
	s.resolve(o, &history)
	return s, err
}

// learning sets a worker up for the first reading.
func learning(w *worker, winners *winners, places *enrich.Judge, part *enrich.Survey, history *baseline.History) {
	var facts enrich.Facts
	w.event = func(e *ocsf.Event, at place) error {
		id := idOf(e)
		winners.offer(id, at)
		part.Add(e)
		facts.Reset(places, e)
		detect.Observe(history, e, &facts, enrich.Handle(e), id)
		return nil
	}
	w.unreadable = func(ocsf.Unreadable) error { return nil } // told by the detection
	w.problem = func(collect.Problem) {}
}

// resolve gives the habits of credentials to who stood behind them.
func (s *survey) resolve(o *Options, history *baseline.History) {
	judge := enrich.NewJudge(s.enrich, o.Environment, o.Places)
	s.handles = history.Last()
	s.history = history.Renamed(judge.Resolve)
}
