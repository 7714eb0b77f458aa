package incident

import (
	"slices"
	"sort"
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
)

// storyGap is the longest pause inside one sentence: calls of one kind further apart are told twice.
const storyGap = 6 * time.Hour

// story folds signals into human-sized sentences in time order. A signal whose events another signal of at least
// its level already tells (a count over them, or a sharper rule on the same call) is told with it, not beside it.
func story(signals []finding.Signal) []Sentence {
	kept := dropTold(signals)
	finding.SortSignals(kept)
	type key struct{ rule, origin string }
	open := map[key]int{}
	var out []Sentence
	for i := range kept {
		s := &kept[i]
		k := key{s.Rule.ID, s.Event.Origin.ID}
		at, ok := open[k]
		if !ok || s.Time.Sub(out[at].Last) > storyGap {
			at = len(out)
			open[k] = at
			out = append(out, Sentence{Time: begin(s), Last: s.Time, Tactic: tactic(s.Rule.Attacks), Text: s.Sentence, Subject: s.Subject, Level: s.Rule.Level})
		}
		line := &out[at]
		if s.Time.After(line.Last) {
			line.Last = s.Time
		}
		line.EventUIDs = append(line.EventUIDs, s.Event.UID)
		for r := range s.Related {
			line.EventUIDs = append(line.EventUIDs, s.Related[r].UID)
		}
	}
	for i := range out {
		slices.Sort(out[i].EventUIDs)
		out[i].EventUIDs = slices.Compact(out[i].EventUIDs)
		out[i].Count = len(out[i].EventUIDs)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Time.Before(out[j].Time) })
	return out
}

func begin(s *finding.Signal) time.Time {
	if len(s.Related) > 0 && s.Related[0].Time.Before(s.Event.Time) {
		return s.Related[0].Time
	}
	return s.Event.Time
}

// dropTold removes signals all of whose events are told by one signal of a higher level, or of the same level and
// more events; ties go to the smaller rule id.
func dropTold(signals []finding.Signal) []finding.Signal {
	byEvent := map[string][]int{}
	for i := range signals {
		for _, uid := range eventUIDs(&signals[i]) {
			byEvent[uid] = append(byEvent[uid], i)
		}
	}
	var kept []finding.Signal
	for i := range signals {
		if !told(signals, i, byEvent) {
			kept = append(kept, signals[i])
		}
	}
	return kept
}

func told(signals []finding.Signal, i int, byEvent map[string][]int) bool {
	mine := eventUIDs(&signals[i])
	for _, j := range byEvent[mine[0]] {
		if j == i || !sharper(&signals[j], &signals[i]) {
			continue
		}
		theirs := eventUIDs(&signals[j])
		if len(theirs) < len(mine) {
			continue
		}
		all := true
		for _, uid := range mine {
			all = all && slices.Contains(theirs, uid)
		}
		if all {
			return true
		}
	}
	return false
}

func sharper(a, b *finding.Signal) bool {
	switch {
	case a.Rule.Level != b.Rule.Level:
		return a.Rule.Level > b.Rule.Level
	case len(a.Related) != len(b.Related):
		return len(a.Related) > len(b.Related)
	case a.Rule.ID != b.Rule.ID:
		return a.Rule.ID < b.Rule.ID
	}
	return a.UID < b.UID
}

func eventUIDs(s *finding.Signal) []string {
	out := make([]string, 0, 1+len(s.Related))
	out = append(out, s.Event.UID)
	for i := range s.Related {
		out = append(out, s.Related[i].UID)
	}
	return out
}
