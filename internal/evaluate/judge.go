package evaluate

import (
	"math"
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
	"github.com/tocsin-security/tocsin/internal/report"
)

// Score is how one attack fared.
type Score struct {
	Attack     string        `json:"attack"`
	Detected   finding.Level `json:"detected"`    // highest severity of an alert on its events; zero when missed
	TimeTo     time.Duration `json:"time_to"`     // from its first event to the first alert's first event
	Rank       int           `json:"rank"`        // of its incident, from 1; 0 without one
	Incidents  int           `json:"incidents"`   // incidents that hold its alerts: one is right
	Inside     float64       `json:"inside"`      // share of its alerts that are in that incident
	Purity     float64       `json:"purity"`      // share of that incident's alerts that are its own
	StepsTold  float64       `json:"steps_told"`  // share of its steps with an event in that incident's story
	Alerts     int           `json:"alerts"`      // its alerts, in and out of incidents
	AlertTitle string        `json:"alert_title"` // the weightiest of them
}

// Noise is the alerts that touch no labelled event.
type Noise struct {
	ByLevel       map[string]int     `json:"by_level"`
	PerAccountDay map[string]float64 `json:"per_account_day"`
	AboveMedium   float64            `json:"above_medium_per_account_day"`
	Incidents     int                `json:"incidents"`
	Titles        map[string]int     `json:"titles"` // which rules make it
}

// Judge compares a scan with its labels.
func Judge(scan *report.Scan, labels *Labels) ([]Score, Noise) {
	owner := map[string]int{}
	for i, a := range labels.Attacks {
		for _, s := range a.Steps {
			for _, id := range s.EventIDs {
				owner[id] = i
			}
		}
	}
	scores := make([]Score, len(labels.Attacks))
	for i := range labels.Attacks {
		scores[i] = judgeAttack(scan, labels, i, owner)
	}
	return scores, noise(scan, labels, owner)
}

// of returns the attack that most of an alert's events belong to, or -1 for a benign one.
func of(a *finding.Alert, owner map[string]int) int {
	count := map[int]int{}
	best := -1
	for _, uid := range a.EventUIDs {
		if i, ok := owner[uid]; ok {
			count[i]++
			if best < 0 || count[i] > count[best] || (count[i] == count[best] && i < best) {
				best = i
			}
		}
	}
	return best
}

func judgeAttack(scan *report.Scan, labels *Labels, attack int, owner map[string]int) Score {
	truth := labels.Attacks[attack]
	s := Score{Attack: truth.ID}
	best, bestShare := -1, 0
	first := time.Time{}
	weigh := func(a *finding.Alert) {
		s.Alerts++
		if a.Severity > s.Detected {
			s.Detected, s.AlertTitle = a.Severity, a.Title
		}
		if first.IsZero() || a.First.Before(first) {
			first = a.First
		}
	}
	for i := range scan.Incidents {
		mine := 0
		for j := range scan.Incidents[i].Alerts {
			if a := &scan.Incidents[i].Alerts[j]; of(a, owner) == attack {
				mine++
				weigh(a)
			}
		}
		if mine > 0 {
			s.Incidents++
		}
		if mine > bestShare {
			best, bestShare = i, mine
		}
	}
	for i := range scan.Alerts {
		if of(&scan.Alerts[i], owner) == attack {
			weigh(&scan.Alerts[i])
		}
	}
	if !first.IsZero() {
		s.TimeTo = max(0, first.Sub(truth.First))
	}
	if best >= 0 {
		in := &scan.Incidents[best]
		s.Rank = best + 1
		s.Inside = ratio(bestShare, s.Alerts)
		s.Purity = ratio(bestShare, len(in.Alerts))
		s.StepsTold = told(truth, in.Story)
	}
	return s
}

// told is the share of the attack's steps of which at least one event stands in the story.
func told(truth Attack, story []incident.Sentence) float64 {
	in := map[string]bool{}
	for _, line := range story {
		for _, uid := range line.EventUIDs {
			in[uid] = true
		}
	}
	hit := 0
	for _, step := range truth.Steps {
		for _, id := range step.EventIDs {
			if in[id] {
				hit++
				break
			}
		}
	}
	return ratio(hit, len(truth.Steps))
}

func noise(scan *report.Scan, labels *Labels, owner map[string]int) Noise {
	n := Noise{ByLevel: map[string]int{}, PerAccountDay: map[string]float64{}, Titles: map[string]int{}}
	count := func(a *finding.Alert) {
		if of(a, owner) < 0 {
			n.ByLevel[a.Severity.String()]++
			n.Titles[a.Severity.String()+": "+a.Title]++
		}
	}
	for i := range scan.Incidents {
		benign := true
		for j := range scan.Incidents[i].Alerts {
			a := &scan.Incidents[i].Alerts[j]
			count(a)
			benign = benign && of(a, owner) < 0
		}
		if benign {
			n.Incidents++
		}
	}
	for i := range scan.Alerts {
		count(&scan.Alerts[i])
	}
	accountDays := float64(max(1, labels.Accounts*labels.Days))
	for level, c := range n.ByLevel {
		n.PerAccountDay[level] = float64(c) / accountDays
	}
	n.AboveMedium = float64(n.ByLevel["high"]+n.ByLevel["critical"]) / accountDays
	return n
}

func ratio(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return math.Round(1000*float64(part)/float64(whole)) / 1000
}
