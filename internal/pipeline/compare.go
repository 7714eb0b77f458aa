package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/tocsin-security/tocsin/internal/baseline"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/snapshot"
)

// Comparison judges a history with two sets of rules. Both see the same survey and the same reading. From time to time it keeps in a
// file where it is; when it is ended and made again, it goes on from there, and concludes what it would have concluded at once.
type Comparison struct {
	History History
	Options Options // without rules
	Rules   [2]*detect.Rules
	Memory  string             // file that keeps the place; "": none. Who has written the result removes it.
	Every   time.Duration      // at least so much lies between two keepings; below zero: none passes without one
	Resumed func(done, of int) // told where an earlier run is taken up: parts of the two readings
	Refused func(error)        // told why it is not
	Kept    func()             // told each time that the place was kept
}

// The readings of a Comparison.
const (
	readingSurvey = iota
	readingJudging
)

// comparing is where a Comparison is.
type comparing struct {
	*Comparison
	o         Options
	reading   int
	done      int // parts of this reading
	survey    *survey
	learned   *baseline.History // by credentials, while the survey is made
	judge     *enrich.Judge
	detectors [2]*detect.Detector
	received  Received
	kept      time.Time
	cost      time.Duration
}

// Compare judges, and returns what each set of rules concludes. Where the context ends it has kept its place.
func Compare(ctx context.Context, c Comparison) (out [2]*Result, err error) {
	c.Options.orDefault()
	c.Options.Rules = c.Rules[0]
	s := &comparing{Comparison: &c, o: c.Options, survey: &survey{enrich: &enrich.Survey{}, winners: newWinners()}, learned: &baseline.History{}, received: Received{ByReason: map[string]int64{}}}
	if err := s.resume(); err != nil {
		return out, err
	}
	s.kept = time.Now()
	if s.reading == readingSurvey {
		s.o.Progress.begin("surveying")
		if err := s.surveying(ctx); err != nil {
			return out, err
		}
	}
	s.o.Progress.begin("judging")
	if err := s.judging(ctx); err != nil {
		return out, err
	}
	for i := range out {
		out[i] = &Result{Survey: s.survey.enrich, Origins: s.survey.history.Origins(), Received: s.received}
		o := s.o
		o.Rules = c.Rules[i]
		if err := conclude(ctx, &o, s.History, s.survey, s.judge, s.detectors[i], out[i]); err != nil {
			return out, err
		}
	}
	return out, nil
}

// blocks reads what is left of the parts, some at a time, whole ones only: an end of the context is looked at between them. begin sets
// workers up, merge takes in what they found.
func (s *comparing) blocks(ctx context.Context, begin func(w *worker), merge func()) error {
	var workers []*worker
	for s.done < s.History.Parts() {
		if workers == nil {
			for range s.o.Workers {
				w := newWorker(s.History, s.o.Progress)
				begin(w)
				workers = append(workers, w)
			}
		}
		var block []int
		for i := s.done; i < min(s.done+2*s.o.Workers, s.History.Parts()); i++ {
			block = append(block, i)
		}
		if err := share(context.WithoutCancel(ctx), block, workers, func(int) {}); err != nil {
			return err
		}
		s.done += len(block)
		ended := ctx.Err()
		if ended != nil || s.done == s.History.Parts() || s.due() {
			merge()
			workers = nil
			if err := s.keep(); err != nil {
				return err
			}
		}
		if ended != nil {
			return ended
		}
	}
	return nil
}

func (s *comparing) surveying(ctx context.Context) error {
	places := enrich.NewJudge(&enrich.Survey{}, nil, s.o.Places)
	var parts []*enrich.Survey
	var histories []*baseline.History
	err := s.blocks(ctx, func(w *worker) {
		part, history := &enrich.Survey{}, &baseline.History{}
		parts, histories = append(parts, part), append(histories, history)
		learning(w, s.survey.winners, places, part, history)
	}, func() {
		for i := range parts {
			s.survey.enrich.Merge(parts[i])
			s.learned.Merge(histories[i])
		}
		parts, histories = nil, nil
	})
	if err != nil {
		return err
	}
	s.survey.resolve(&s.o, s.learned)
	s.reading, s.done, s.learned = readingJudging, 0, nil
	for i := range s.detectors {
		s.detectors[i] = s.detector(i)
	}
	return nil
}

func (s *comparing) detector(side int) *detect.Detector {
	d := detect.NewDetector(s.Rules[side], s.survey.history)
	d.SetIntel(s.o.Intel)
	return d
}

func (s *comparing) judging(ctx context.Context) error {
	s.judge = enrich.NewJudge(s.survey.enrich, s.o.Environment, s.o.Places)
	var sides [2][]*detect.Detector
	var tallies []*tally
	return s.blocks(ctx, func(w *worker) {
		t := newTally()
		tallies = append(tallies, t)
		for i := range sides {
			sides[i] = append(sides[i], s.detector(i))
		}
		last := len(tallies) - 1
		s.o.judging(w, newTally(), s.survey, s.judge, sides[1][last])
		second := w.event
		s.o.judging(w, t, s.survey, s.judge, sides[0][last])
		first := w.event
		w.event = func(e *ocsf.Event, at place) error {
			if err := first(e, at); err != nil {
				return err
			}
			return second(e, at)
		}
	}, func() {
		for i := range sides {
			for _, d := range sides[i] {
				s.detectors[i].Merge(d)
			}
			sides[i] = nil
		}
		r := &Result{Received: s.received}
		for _, t := range tallies {
			r.add(t)
		}
		s.received, tallies = r.Received, nil
		s.received.FilesRead = int64(s.done)
	})
}

// due is whether the place is to be kept again: keeping it costs a twentieth of the time at most.
func (s *comparing) due() bool {
	return s.Every < 0 || time.Since(s.kept) >= max(s.Every, 20*s.cost)
}

// head says what a kept place depends on. The files are in the file itself: those that came since are not looked at.
func (s *comparing) head() snapshot.Head {
	head := s.o.head(0)
	head["other rules"], head["from"], head["to"] = s.Rules[1].Hash(), s.o.From.String(), s.o.To.String()
	return head
}

// keep writes where the comparison is.
func (s *comparing) keep() error {
	if s.Memory == "" {
		return nil
	}
	start := time.Now()
	var failed error
	err := snapshot.Save(s.Memory, s.head(), func(e *snapshot.Encoder) { failed = s.encode(e) })
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("keep the place of the comparison: %w", err)
	}
	s.kept = time.Now()
	s.cost = s.kept.Sub(start)
	if s.Kept != nil {
		s.Kept()
	}
	return nil
}

func (s *comparing) encode(e *snapshot.Encoder) error {
	for _, v := range []any{s.History.Files, s.received} {
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		e.Bytes(text)
	}
	e.Int(int64(s.reading))
	e.Int(int64(s.done))
	s.survey.winners.encode(e)
	s.survey.enrich.Encode(e)
	if s.reading == readingSurvey {
		s.learned.Encode(e)
		return nil
	}
	s.survey.history.Encode(e)
	for _, d := range s.detectors {
		if err := d.Encode(e); err != nil {
			return err
		}
	}
	return nil
}

// resume takes up what an earlier run kept, where it is of the same question and its files are still there.
func (s *comparing) resume() error {
	if s.Memory == "" {
		return nil
	}
	fresh := *s
	err := snapshot.Load(s.Memory, s.head(), s.decode)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		*s = fresh
		s.survey, s.learned = &survey{enrich: &enrich.Survey{}, winners: newWinners()}, &baseline.History{}
		if s.Refused != nil {
			s.Refused(err)
		}
		return nil
	}
	if s.Resumed != nil {
		s.Resumed(s.done+s.reading*s.History.Parts(), 2*s.History.Parts())
	}
	return nil
}

func (s *comparing) decode(d *snapshot.Decoder) error {
	var files []lake.File
	for _, v := range []any{&files, &s.received} {
		if err := json.Unmarshal(d.Bytes(), v); err != nil {
			return err
		}
	}
	for _, f := range files {
		if at, err := os.Stat(f.Path); err != nil || at.Size() != f.Bytes {
			return errors.New("a data file that it reads is not there any more: the lake was compacted")
		}
	}
	if s.received.ByReason == nil {
		s.received.ByReason = map[string]int64{}
	}
	s.reading, s.done = int(d.Int()), int(d.Int())
	s.survey.winners.decode(d)
	var err error
	if s.survey.enrich, err = enrich.DecodeSurvey(d); err != nil {
		return err
	}
	history, err := baseline.DecodeHistory(d)
	if err != nil {
		return err
	}
	s.History.Files = files
	if s.reading == readingSurvey {
		s.learned = history
		return d.Err()
	}
	s.survey.history = history
	for i := range s.detectors {
		if s.detectors[i], err = detect.DecodeDetector(s.Rules[i], history, s.o.Intel, d); err != nil {
			return err
		}
	}
	return d.Err()
}

func (w *winners) encode(e *snapshot.Encoder) {
	for i := range w.shards {
		e.Len(len(w.shards[i].at))
		for id, at := range w.shards[i].at {
			e.Bytes(id[:])
			e.Int(int64(at)) //nolint:gosec // fewer than 2^31 files
		}
	}
}

func (w *winners) decode(d *snapshot.Decoder) {
	for i := range w.shards {
		n := d.Len()
		at := make(map[detect.EventID]place, n)
		for range n {
			var id detect.EventID
			d.Fill(id[:])
			at[id] = place(d.Int()) //nolint:gosec // as it was written
		}
		w.shards[i].at = at
	}
}

// newTally returns an empty one.
func newTally() *tally {
	return &tally{Received: Received{ByReason: map[string]int64{}}, kept: map[[2]string]int{}}
}
