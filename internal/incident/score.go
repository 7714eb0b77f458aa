package incident

import (
	"fmt"
	"sort"

	"github.com/tocsin-security/tocsin/internal/finding"
)

// tacticOrder is the order of ATT&CK's enterprise tactics, version 19, in which defense-evasion became stealth and
// defense-impairment.
var tacticOrder = map[string]int{
	"reconnaissance": 1, "resource-development": 2, "initial-access": 3, "execution": 4, "persistence": 5,
	"privilege-escalation": 6, "stealth": 7, "defense-impairment": 8, "credential-access": 9, "discovery": 10,
	"lateral-movement": 11, "collection": 12, "command-and-control": 13, "exfiltration": 14, "impact": 15,
}

// breadthPoints is what each tactic after the first adds: an intrusion moves on, a chore stays where it is.
const breadthPoints = 10.0

// score fills the incident's score, its addends and its severity.
func (in *Incident) score() {
	type heap struct {
		level finding.Level
		title string
		count int
	}
	byRule := map[string]*heap{}
	for _, a := range in.Alerts {
		h := byRule[a.Rule.ID]
		if h == nil {
			h = &heap{title: a.Title}
			byRule[a.Rule.ID] = h
		}
		h.level = max(h.level, a.Severity)
		h.count += a.Count
		in.Severity = max(in.Severity, a.Severity)
	}
	queued := len(byRule)
	for _, s := range in.Signals {
		h := byRule[s.Rule.ID]
		if h == nil {
			h = &heap{title: s.Rule.Title, level: s.Rule.Level}
			byRule[s.Rule.ID] = h
		}
		h.count++
	}
	for _, h := range byRule {
		reason := fmt.Sprintf("%s: %s", h.level, h.title)
		if h.count > 1 {
			reason += fmt.Sprintf(" (%d times)", h.count)
		}
		in.Parts = append(in.Parts, finding.Part{Reason: reason, Points: finding.Diminished(h.level, h.count)})
	}
	sort.Slice(in.Parts, func(i, j int) bool {
		if in.Parts[i].Points != in.Parts[j].Points {
			return in.Parts[i].Points > in.Parts[j].Points
		}
		return in.Parts[i].Reason < in.Parts[j].Reason
	})
	stages := alertTactics(in.Alerts)
	if len(stages) > 1 {
		in.Parts = append(in.Parts, finding.Part{
			Reason: fmt.Sprintf("%d tactics, from %s to %s", len(stages), stages[0], stages[len(stages)-1]),
			Points: breadthPoints * float64(len(stages)-1),
		})
	}
	in.Score = finding.Sum(in.Parts)
	if in.Severity < finding.Critical && in.Severity > 0 && len(stages) >= 3 && queued >= 3 {
		in.Severity++
		in.Steps = append(in.Steps, finding.Part{Reason: fmt.Sprintf("%d behaviours of the queue over %d tactics in one story", queued, len(stages)), Points: 1})
	}
}

func alertTactics(alerts []finding.Alert) []string {
	seen := map[string]bool{}
	for _, a := range alerts {
		if t := tactic(a.Rule.Attacks); t != "" {
			seen[t] = true
		}
	}
	out := make([]string, 0, len(seen))
	for t := range seen {
		out = append(out, t)
	}
	sort.Slice(out, func(i, j int) bool {
		if tacticOrder[out[i]] != tacticOrder[out[j]] {
			return tacticOrder[out[i]] < tacticOrder[out[j]]
		}
		return out[i] < out[j]
	})
	return out
}

// tactic returns the first tactic that a rule names: its main one.
func tactic(attacks []finding.Attack) string {
	for _, a := range attacks {
		if a.Tactic != "" {
			return a.Tactic
		}
	}
	return ""
}
