package hunt

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// riskHalfLife is after how long a finding counts half. Ours: a week, so that last week's intrusion still leads and last month's does not.
const riskHalfLife = 7 * 24 * time.Hour

// maxMentions bounds the findings of one entity that are told.
const maxMentions = 200

// Risk is what the findings that name an entity add up to.
type Risk struct {
	Points   float64   `json:"points"` // at the end of the window: the sum of the parts
	Parts    []Share   `json:"parts"`
	Days     []DayRisk `json:"days"`
	Findings []Mention `json:"findings"`
}

// Share is what one finding adds now.
type Share struct {
	UID    string  `json:"uid"`
	Reason string  `json:"reason"`
	Score  float64 `json:"score"`  // when it was seen
	Points float64 `json:"points"` // what is left of it
}

// DayRisk is the sum at the end of a day.
type DayRisk struct {
	Day    string  `json:"day"`
	Points float64 `json:"points"`
}

// pointsAt is what is left of a score at a time; a false positive adds nothing.
func pointsAt(m *Mention, at time.Time) float64 {
	if m.First.After(at) || m.Verdict == "false_positive" {
		return 0
	}
	age := max(0, at.Sub(m.Last))
	return m.Score * math.Pow(0.5, float64(age)/float64(riskHalfLife))
}

// RiskOf adds findings up over the days from a time to another.
func RiskOf(list []Mention, from, to time.Time) Risk {
	r := Risk{Parts: []Share{}, Days: []DayRisk{}, Findings: list}
	if list == nil {
		r.Findings = []Mention{}
	}
	for i := range list {
		m := &list[i]
		if left := tenth(pointsAt(m, to)); left > 0 {
			r.Parts = append(r.Parts, Share{m.UID, fmt.Sprintf("%s, %s: %s", m.First.Format(time.DateOnly), m.Severity, m.Title), m.Score, left})
			r.Points += left
		}
	}
	r.Points = tenth(r.Points)
	for day := from.UTC().Truncate(24 * time.Hour); day.Before(to); day = day.Add(24 * time.Hour) {
		end := day.Add(24 * time.Hour)
		if end.After(to) {
			end = to
		}
		sum := 0.0
		for i := range list {
			sum += pointsAt(&list[i], end)
		}
		r.Days = append(r.Days, DayRisk{day.Format(time.DateOnly), tenth(sum)})
	}
	return r
}

func tenth(f float64) float64 { return math.Round(f*10) / 10 }

// risk asks the desk for the findings that name the entity.
func (v *Investigator) risk(ctx context.Context, scope access.Scope, p *Profile) error {
	var list []Mention
	if v.Desk == nil {
		p.Notes = append(p.Notes, "there is no desk here: findings are not told")
	} else {
		all, err := v.Desk.Mentions(ctx, scope, p.Value, maxMentions+1)
		if err != nil {
			return err
		}
		if len(all) > maxMentions {
			p.Notes = append(p.Notes, fmt.Sprintf("findings: only the newest %d are counted", maxMentions))
			all = all[:maxMentions]
		}
		for i := range all {
			if all[i].First.Before(p.To) {
				list = append(list, all[i])
			}
		}
	}
	p.Risk = RiskOf(list, p.Baseline, p.To)
	return nil
}
