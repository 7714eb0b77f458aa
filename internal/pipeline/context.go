package pipeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// novelty is how near in time a first use of a network raises what an origin does.
const novelty = 24 * time.Hour

// novelNetworks lists, by origin, when the rarity rules found it on a network new to it.
func novelNetworks(signals []finding.Signal) map[string][]time.Time {
	out := map[string][]time.Time{}
	for i := range signals {
		s := &signals[i]
		if s.Rule.Tier == "rarity" && slices.ContainsFunc(s.Rule.Attacks, func(a finding.Attack) bool { return a.Tactic == "initial-access" }) {
			out[s.Event.Origin.ID] = append(out[s.Event.Origin.ID], s.Time)
		}
	}
	return out
}

// contextOf says what is known around an alert.
func contextOf(a *finding.Alert, unusual map[string][]time.Time) finding.Context {
	var c finding.Context
	automated, scanner := len(a.Signals) > 0, len(a.Signals) > 0
	for i := range a.Signals {
		e := &a.Signals[i].Event
		c.CriticalAsset = c.CriticalAsset || e.Critical
		automated = automated && e.ActorKind == "automation" && (e.Proof == "aws" || e.Proof == "environment")
		scanner = scanner && e.Scanner
	}
	c.ProvenAutomation, c.Scanner = automated, scanner && !automated
	if a.Rule.Tier != "rarity" && a.Rule.Level >= finding.Medium {
		for _, at := range unusual[a.Origin.ID] {
			c.NewNetwork = c.NewNetwork || a.Last.Sub(at) >= 0 && a.First.Sub(at) <= novelty
		}
	}
	return c
}

func (r *Result) add(t *tally) {
	x := &r.Received
	x.Total += t.Total
	x.Mapped += t.Mapped
	x.Duplicate += t.Duplicate
	x.Unreadable += t.Unreadable
	x.OutOfRange += t.OutOfRange
	for reason, n := range t.ByReason {
		x.ByReason[reason] += n
	}
	if !t.First.IsZero() && (x.First.IsZero() || t.First.Before(x.First)) {
		x.First = t.First
	}
	if t.Last.After(x.Last) {
		x.Last = t.Last
	}
	r.Unread = append(r.Unread, t.unread...)
	r.Problems = append(r.Problems, t.problems...)
	if r.Proposal != nil {
		r.Proposal.Merge(&t.proposal)
	}
}

// sort puts what came from several workers into one order.
func (r *Result) sort() {
	slices.SortFunc(r.Unread, func(a, b ocsf.Unreadable) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.At.Source, b.At.Source), cmp.Compare(a.At.Record, b.At.Record))
	})
}
