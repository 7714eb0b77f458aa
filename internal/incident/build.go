package incident

import (
	"sort"
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
)

// Build joins alerts into incidents. below are the signals that no queued alert holds; those that belong to an
// incident's origins and time become part of its story. loose are the alerts in no incident. Both are in rank order.
func Build(alerts []finding.Alert, below []finding.Signal, world World) (incidents []Incident, loose []finding.Alert) {
	ordered := append([]finding.Alert(nil), alerts...)
	sort.Slice(ordered, func(i, j int) bool {
		if !ordered[i].First.Equal(ordered[j].First) {
			return ordered[i].First.Before(ordered[j].First)
		}
		return ordered[i].UID < ordered[j].UID
	})
	joins := links(ordered, below, world)
	for _, group := range groups(ordered, joins) {
		context := around(group, below)
		if !isIncident(group, context) {
			loose = append(loose, group...)
			continue
		}
		incidents = append(incidents, tell(group, context, joins))
	}
	sort.Slice(incidents, func(i, j int) bool { return outranks(&incidents[i], &incidents[j]) })
	sort.Slice(loose, func(i, j int) bool { return alertOutranks(&loose[i], &loose[j]) })
	return incidents, loose
}

// groups returns the connected components of the joins, each in time order.
func groups(alerts []finding.Alert, joins []Join) [][]finding.Alert {
	at := make(map[string]int, len(alerts))
	parent := make([]int, len(alerts))
	for i := range alerts {
		at[alerts[i].UID], parent[i] = i, i
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	weight := map[[2]int]float64{}
	for _, j := range joins {
		pair := [2]int{min(at[j.A], at[j.B]), max(at[j.A], at[j.B])}
		weight[pair] += j.Weight
		if weight[pair] >= JoinWeight {
			a, b := root(pair[0]), root(pair[1])
			parent[max(a, b)] = min(a, b)
		}
	}
	members := map[int][]finding.Alert{}
	var order []int
	for i := range alerts {
		r := root(i)
		if members[r] == nil {
			order = append(order, r)
		}
		members[r] = append(members[r], alerts[i])
	}
	out := make([][]finding.Alert, 0, len(order))
	for _, r := range order {
		out = append(out, members[r])
	}
	return out
}

// around returns the signals below the queue that belong to the group: same origin or access key, within ActivityGap/2 of its span.
func around(group []finding.Alert, below []finding.Signal) []finding.Signal {
	origins, keys := map[string]bool{}, map[string]bool{}
	first, last := span(group)
	for i := range group {
		if joinsByOrigin(&group[i]) {
			origins[group[i].Origin.ID] = true
		}
		for e := range pivots(&group[i]) {
			if e.Type == "access_key" {
				keys[e.ID] = true
			}
		}
	}
	inside := eventsOf(group)
	from, to := first.Add(-ActivityGap/2), last.Add(ActivityGap/2)
	var out []finding.Signal
	for i := range below {
		s := &below[i]
		if s.Rule.Level <= finding.Informational || s.Time.Before(from) || s.Time.After(to) || inside[s.Event.UID+s.Rule.ID] {
			continue
		}
		if origins[s.Event.Origin.ID] || (s.Event.AccessKey != "" && keys[s.Event.AccessKey]) {
			out = append(out, *s)
		}
	}
	finding.SortSignals(out)
	return out
}

func eventsOf(group []finding.Alert) map[string]bool {
	out := map[string]bool{}
	for i := range group {
		for _, s := range group[i].Signals {
			out[s.Event.UID+s.Rule.ID] = true
		}
	}
	return out
}

func span(group []finding.Alert) (first, last time.Time) {
	first, last = group[0].First, group[0].Last
	for i := range group {
		if group[i].First.Before(first) {
			first = group[i].First
		}
		if group[i].Last.After(last) {
			last = group[i].Last
		}
	}
	return first, last
}

// isIncident asks for more than one weak alert: two rules in the queue, one alert at high or above, or one medium
// with at least two other behaviours beside it.
func isIncident(group []finding.Alert, context []finding.Signal) bool {
	rules, lows := map[string]bool{}, map[string]bool{}
	for i := range group {
		rules[group[i].Rule.ID] = true
		if group[i].Severity >= finding.High || group[i].Promotion == "risk" {
			return true
		}
	}
	for i := range context {
		lows[context[i].Rule.ID] = true
	}
	return len(rules) >= 2 || len(lows) >= 2
}

func outranks(a, b *Incident) bool {
	switch {
	case a.Severity != b.Severity:
		return a.Severity > b.Severity
	case a.Score != b.Score:
		return a.Score > b.Score
	case !a.First.Equal(b.First):
		return a.First.Before(b.First)
	}
	return a.UID < b.UID
}

func alertOutranks(a, b *finding.Alert) bool {
	switch {
	case a.Severity != b.Severity:
		return a.Severity > b.Severity
	case a.Score != b.Score:
		return a.Score > b.Score
	case !a.First.Equal(b.First):
		return a.First.Before(b.First)
	}
	return a.UID < b.UID
}
