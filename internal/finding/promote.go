package finding

import (
	"fmt"
	"sort"
	"time"
)

// RiskThreshold is the sum of low signals of one origin in RiskWindow, over at least RiskTactics tactics of which
// one is not discovery, that puts the origin in the queue.
const (
	RiskThreshold = 30.0
	RiskTactics   = 3
	RiskWindow    = 24 * time.Hour
)

// RiskRuleID names the alert that accumulated risk makes. It is no rule of the content: it has no file.
const RiskRuleID = "tocsin-accumulated-risk"

// Promote parts weighed alerts into those that stand in the queue and the rest, whose signals stay context. An
// alert is promoted by level (its rule's level is medium or above), or by context (a step raised it to medium).
// An origin whose remaining lows add up to RiskThreshold gets one alert that holds them, promoted by risk.
func Promote(weighed []Alert) (queue, rest []Alert) {
	for _, a := range weighed {
		switch {
		case a.Severity >= Medium && a.Rule.Level >= Medium:
			a.Promotion = "level"
		case a.Severity >= Medium:
			a.Promotion = "context"
		default:
			rest = append(rest, a)
			continue
		}
		Score(&a)
		queue = append(queue, a)
	}
	risky := accumulate(rest)
	return append(queue, risky...), rest
}

// accumulate finds, per origin, the densest window of low alerts and makes one alert of it where it is enough.
func accumulate(rest []Alert) []Alert {
	byOrigin := map[string][]Alert{}
	for _, a := range rest {
		if a.Severity == Low {
			byOrigin[a.Origin.ID] = append(byOrigin[a.Origin.ID], a)
		}
	}
	origins := make([]string, 0, len(byOrigin))
	for o := range byOrigin {
		origins = append(origins, o)
	}
	sort.Strings(origins)
	var out []Alert
	for _, o := range origins {
		lows := byOrigin[o]
		sort.Slice(lows, func(i, j int) bool {
			if !lows[i].First.Equal(lows[j].First) {
				return lows[i].First.Before(lows[j].First)
			}
			return lows[i].UID < lows[j].UID
		})
		if a, ok := riskAlert(densest(lows)); ok {
			out = append(out, a)
		}
	}
	return out
}

// densest returns the run of alerts within RiskWindow that has the most different rules.
func densest(sorted []Alert) []Alert {
	best, bestRules := sorted[:0], 0
	for start := range sorted {
		end, rules := start, map[string]bool{}
		for end < len(sorted) && sorted[end].First.Sub(sorted[start].First) <= RiskWindow {
			rules[sorted[end].Rule.ID] = true
			end++
		}
		if len(rules) > bestRules {
			best, bestRules = sorted[start:end], len(rules)
		}
	}
	return best
}

func riskAlert(lows []Alert) (Alert, bool) {
	if len(lows) == 0 {
		return Alert{}, false
	}
	tactics, beyondDiscovery, seen := map[string]bool{}, false, map[string]int{}
	for _, a := range lows {
		seen[a.Rule.ID] += a.Count
		for _, at := range a.Rule.Attacks {
			tactics[at.Tactic] = true
			beyondDiscovery = beyondDiscovery || at.Tactic != "discovery"
		}
	}
	first := lows[0]
	risk := Alert{
		UID: UID("alert", RiskRuleID, first.Origin.ID, first.First.UTC().Format(time.DateOnly)), Severity: Medium, Promotion: "risk",
		First: first.First, Account: first.Account, Origin: first.Origin,
		Rule: Rule{ID: RiskRuleID, Title: "Many weak signals from one origin", Level: Medium, Tier: "sequence"},
	}
	done := map[string]bool{}
	for _, a := range lows {
		if a.Last.After(risk.Last) {
			risk.Last = a.Last
		}
		risk.Count += a.Count
		risk.EventUIDs = append(risk.EventUIDs, a.EventUIDs...)
		risk.Accounts = append(risk.Accounts, a.Accounts...)
		risk.Entities = append(risk.Entities, a.Entities...)
		risk.Rule.Attacks = append(risk.Rule.Attacks, a.Rule.Attacks...)
		if room := MaxKeptSignals - len(risk.Signals); room > 0 {
			risk.Signals = append(risk.Signals, a.Signals[:min(room, len(a.Signals))]...)
		}
		if !done[a.Rule.ID] {
			done[a.Rule.ID] = true
			risk.Parts = append(risk.Parts, Part{Reason: "low: " + a.Title, Points: Diminished(Low, seen[a.Rule.ID])})
		}
	}
	risk.Score = Sum(risk.Parts)
	risk.Rule.Attacks = uniqueAttacks(risk.Rule.Attacks)
	risk.Title = fmt.Sprintf("%d different weak signals from one origin, over %d tactics", len(seen), len(tactics))
	risk.Sentence = risk.Title
	risk.finish()
	SortSignals(risk.Signals)
	return risk, risk.Score >= RiskThreshold && len(tactics) >= RiskTactics && beyondDiscovery
}

func uniqueAttacks(in []Attack) []Attack {
	sort.Slice(in, func(i, j int) bool {
		if in[i].Tactic != in[j].Tactic {
			return in[i].Tactic < in[j].Tactic
		}
		return in[i].Technique < in[j].Technique
	})
	var out []Attack
	for _, a := range in {
		if len(out) == 0 || out[len(out)-1] != a {
			out = append(out, a)
		}
	}
	return out
}
