package incident

import (
	"slices"
	"sort"

	"github.com/tocsin-security/tocsin/internal/finding"
)

// tell makes the incident of one group and its context.
func tell(group []finding.Alert, context []finding.Signal, joins []Join) Incident {
	in := Incident{Alerts: group, Signals: context}
	in.First, in.Last = span(group)
	uids := make([]string, 0, len(group))
	members := map[string]bool{}
	for i := range group {
		uids = append(uids, group[i].UID)
		members[group[i].UID] = true
	}
	slices.Sort(uids)
	// The earliest alert names the incident, so that it keeps its id while it grows.
	in.UID = finding.UID("incident", group[0].UID)
	for _, j := range joins {
		if members[j.A] && members[j.B] {
			in.Joins = append(in.Joins, j)
		}
	}
	in.people(all(group, context))
	in.score()
	in.Story = story(all(group, context))
	in.Headline = headline(&in)
	sort.Slice(in.Alerts, func(i, j int) bool { return alertOutranks(&in.Alerts[i], &in.Alerts[j]) })
	in.Unknown = unknowns(&in)
	return in
}

func all(group []finding.Alert, context []finding.Signal) []finding.Signal {
	var out []finding.Signal
	for i := range group {
		out = append(out, group[i].Signals...)
	}
	out = append(out, context...)
	finding.SortSignals(out)
	return slices.CompactFunc(out, func(a, b finding.Signal) bool { return a.UID == b.UID })
}

// people fills who, from where, and what was touched.
func (in *Incident) people(signals []finding.Signal) {
	var from []finding.Entity
	accounts, regions := map[string]bool{}, map[string]bool{}
	for i := range in.Alerts {
		a := &in.Alerts[i]
		in.Who = append(in.Who, a.Origin)
		in.Entities = append(in.Entities, a.Entities...)
		in.Attacks = append(in.Attacks, a.Rule.Attacks...)
		for _, account := range a.Accounts {
			accounts[account] = true
		}
	}
	for i := range signals {
		c := &signals[i].Event
		regions[c.Region] = true
		for _, account := range signals[i].Accounts() {
			accounts[account] = true
		}
		for _, e := range finding.EventEntities(c) {
			if e.Type == "ip" {
				from = append(from, e)
			}
		}
	}
	in.Who = finding.UniqueEntities(in.Who)
	in.From = finding.UniqueEntities(from)
	in.Entities = finding.UniqueEntities(in.Entities)
	in.Accounts, in.Regions = keys(accounts), keys(regions)
	in.Attacks = attacks(in.Attacks)
}

func keys(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		if k != "" {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

func attacks(in []finding.Attack) []finding.Attack {
	sort.Slice(in, func(i, j int) bool {
		a, b := in[i], in[j]
		if tacticOrder[a.Tactic] != tacticOrder[b.Tactic] {
			return tacticOrder[a.Tactic] < tacticOrder[b.Tactic]
		}
		return a.Tactic+a.Technique < b.Tactic+b.Technique
	})
	return slices.Compact(in)
}

// unknowns says in sentences what the records could not tell.
func unknowns(in *Incident) []string {
	var out []string
	noSource, unresolved := false, false
	for i := range in.Alerts {
		for _, s := range in.Alerts[i].Signals {
			noSource = noSource || s.Event.SrcIP == "" && s.Rule.Source == ""
			unresolved = unresolved || (s.Event.ActorKind == "role" && s.Event.Proof != "aws")
		}
	}
	if unresolved {
		out = append(out, "Who stood behind a role session: no record shows who assumed the role.")
	}
	if noSource {
		out = append(out, "The address behind some calls: AWS made them on the caller's behalf.")
	}
	return out
}

// Tell tells a group that people made: alerts that they put together, in any order, with the signals around them. What joins them is
// that somebody said so. There is at least one alert.
func Tell(alerts []finding.Alert, below []finding.Signal) Incident {
	group := slices.Clone(alerts)
	sort.Slice(group, func(i, j int) bool {
		if !group[i].First.Equal(group[j].First) {
			return group[i].First.Before(group[j].First)
		}
		return group[i].UID < group[j].UID
	})
	return tell(group, around(group, below), nil)
}
