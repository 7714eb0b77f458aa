package hunt

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/detect"
)

// Proof is what a filter would have done to all of history.
type Proof struct {
	From     time.Time      `json:"from"` // of the first and the last match
	To       time.Time      `json:"to"`
	Matches  int            `json:"matches"` // of the rule
	Hidden   int            `json:"hidden"`  // of Matches
	Alerts   int            `json:"alerts"`  // as the rule's matches fold: by origin, account and day
	Saved    int            `json:"saved"`   // of Alerts: those that the filter takes whole
	PerDay   float64        `json:"saved_per_day"`
	Lost     []string       `json:"lost"`     // events of true positives that it would hide; a filter with any is not accepted
	Examples []string       `json:"examples"` // events that it hides
	ByOrigin map[string]int `json:"by_origin"`
	Partial  string         `json:"partial,omitempty"`
	Asked    Asked          `json:"asked"`
}

const (
	maxExamples = 20
	maxOrigins  = 50
)

// Prove runs a rule over all of history and says what a filter hides of it. harm are the events of true positives.
func (v *Investigator) Prove(ctx context.Context, scope access.Scope, rule *detect.Rules, f *Expected, harm map[string]bool) (*Proof, error) {
	type fold struct{ origin, account, day string }
	left, hidden := map[fold]int{}, map[fold]int{}
	p := &Proof{Lost: []string{}, Examples: []string{}, ByOrigin: map[string]int{}}
	asked, err := v.Matches(ctx, scope, rule, time.Time{}, time.Time{}, func(m *Match) error {
		at := m.Event.Time()
		if p.Matches++; p.To.IsZero() {
			p.To = at
		}
		p.From = at
		k := fold{m.Origin, m.Account, at.Format(time.DateOnly)}
		if !f.Event(m.Event, m.Facts) {
			left[k]++
			return nil
		}
		p.Hidden++
		hidden[k]++
		if len(p.ByOrigin) < maxOrigins || p.ByOrigin[m.Origin] > 0 {
			p.ByOrigin[m.Origin]++
		}
		if len(p.Examples) < maxExamples {
			p.Examples = append(p.Examples, m.UID)
		}
		if harm[m.UID] {
			p.Lost = append(p.Lost, m.UID)
		}
		return nil
	})
	p.Asked = asked.Asked
	if asked.More {
		p.Partial = fmt.Sprintf("only the newest %d records that could match were judged", maxCandidates)
	}
	for k := range hidden {
		if left[k] == 0 {
			p.Saved++
		}
	}
	p.Alerts = len(left)
	for k := range hidden {
		if left[k] == 0 {
			p.Alerts++
		}
	}
	if days := p.To.Sub(p.From).Hours()/24 + 1; p.Matches > 0 {
		p.PerDay = tenth(float64(p.Saved) / days)
	}
	return p, err
}

// Acceptable says why a proposal cannot be accepted by somebody until some time; nil where it can.
func (p *Proposal) Acceptable(owner string, expires, now time.Time) error {
	switch {
	case p.Proof == nil || p.Proof.Partial != "":
		return MistakeError{"there is no proof over all of history"}
	case len(p.Proof.Lost) > 0:
		return MistakeError{fmt.Sprintf("it would hide %d events of true positives", len(p.Proof.Lost))}
	case strings.TrimSpace(owner) == "":
		return MistakeError{"a filter has an owner"}
	case !expires.After(now) || expires.Sub(now) > maxExpiry:
		return MistakeError{"a filter expires, within a year"}
	}
	return nil
}

const maxExpiry = 366 * 24 * time.Hour

// Tuning proposes a filter from the verdicts on a rule, with its proof.
func (v *Investigator) Tuning(ctx context.Context, scope access.Scope, rules *detect.Rules, id string, list []Judged) (*Proposal, error) {
	one, err := only(rules, id)
	if err != nil {
		return nil, err
	}
	p, err := Propose(one.All[0], list)
	if err != nil {
		return nil, err
	}
	f, err := ParseFilter(p.Sigma)
	if err != nil {
		return nil, err
	}
	harm := map[string]bool{}
	for i := range list {
		if list[i].Harm {
			for _, uid := range list[i].Alert.EventUIDs {
				harm[uid] = true
			}
		} else if !f.Alert(&list[i].Alert) {
			p.Left++
		}
	}
	p.Learned -= p.Left
	p.Proof, err = v.Prove(ctx, scope, one, f, harm)
	return p, err
}

// only is a set of one rule.
func only(rules *detect.Rules, id string) (*detect.Rules, error) {
	found, correlations := rules.Find(id)
	switch {
	case len(correlations) > 0:
		return nil, MistakeError{"this rule counts events: tune the rules that it counts, or its threshold"}
	case len(found) != 1:
		return nil, MistakeError{fmt.Sprintf("there is no rule %.60q", id)}
	}
	return rules.Only(found[0]), nil
}
