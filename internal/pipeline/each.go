package pipeline

import (
	"context"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Each surveys an inventory and then calls do for every event with its facts, in order of files.
func Each(ctx context.Context, inv *collect.Inventory, places enrich.Locator, do func(e *ocsf.Event, f *enrich.Facts) error) error {
	o := &Options{Workers: 1, Places: places, Progress: &Progress{}}
	s, err := runSurvey(ctx, o, Files{inv})
	if err != nil {
		return err
	}
	judge := enrich.NewJudge(s.enrich, nil, places)
	var facts enrich.Facts
	w := newWorker(Files{inv}, o.Progress)
	w.event = func(e *ocsf.Event, at place) error {
		if !s.winners.counts(idOf(e), at) {
			return nil
		}
		facts.Reset(judge, e)
		return do(e, &facts)
	}
	w.unreadable = func(ocsf.Unreadable) error { return nil }
	w.problem = func(collect.Problem) {}
	return share(ctx, s.read, []*worker{w}, func(int) {})
}

// EachRecord calls do for every event of an inventory, in order of files, without a survey.
func EachRecord(ctx context.Context, inv *collect.Inventory, do func(e *ocsf.Event)) error {
	w := newWorker(Files{inv}, &Progress{})
	w.event = func(e *ocsf.Event, _ place) error { do(e); return nil }
	w.unreadable = func(ocsf.Unreadable) error { return nil }
	w.problem = func(collect.Problem) {}
	files := make([]int, len(inv.Files))
	for i := range files {
		files[i] = i
	}
	return share(ctx, files, []*worker{w}, func(int) {})
}
