package desk

import (
	"context"
	"slices"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

// Told is an incident in a few words: enough to choose by.
type Told struct {
	UID      string           `json:"uid,omitempty"` // "" is one that is not there yet
	Headline string           `json:"headline"`
	Severity finding.Level    `json:"severity"`
	Score    float64          `json:"score"`
	Alerts   int              `json:"alerts"`
	Who      []finding.Entity `json:"who"`    // at most ten origins
	Stages   []string         `json:"stages"` // ATT&CK tactics, in the order of an attack
	Accounts []string         `json:"accounts"`
	First    time.Time        `json:"first_seen"`
	Last     time.Time        `json:"last_seen"`
}

// Foreseen is what a merge or a split would make of an incident, before anybody decides.
type Foreseen struct {
	Now   Told  `json:"now"`             // the incident as it is told
	Other *Told `json:"other,omitempty"` // of a merge: the one that would become a part, as it is told
	Then  Told  `json:"then"`            // the incident after it
	Part  *Told `json:"part,omitempty"`  // of a split: what would be taken out
}

// ForeseeMerge tells what an incident would be with another as a part of it. Nothing changes.
func (d *Desk) ForeseeMerge(ctx context.Context, scope access.Scope, uid, into string) (Foreseen, error) {
	if text(uid) == text(into) {
		return Foreseen{}, MistakeError("an incident cannot be merged into itself")
	}
	now, alerts, err := d.toldNow(ctx, scope, into)
	if err != nil {
		return Foreseen{}, err
	}
	other, more, err := d.toldNow(ctx, scope, uid)
	if err != nil {
		return Foreseen{}, err
	}
	all := incident.Tell(append(slices.Clone(alerts), more...), append(slices.Clone(now.Signals), other.Signals...))
	of := brief(&other.Incident)
	out := Foreseen{Now: brief(&now.Incident), Other: &of, Then: brief(&all)}
	out.Then.UID = out.Now.UID
	return out, nil
}

// ForeseeSplit tells what an incident would be without a part, and what the part would be. Nothing changes.
func (d *Desk) ForeseeSplit(ctx context.Context, scope access.Scope, uid string, off SplitOff) (Foreseen, error) {
	if err := off.check(); err != nil {
		return Foreseen{}, err
	}
	now, alerts, err := d.toldNow(ctx, scope, uid)
	if err != nil {
		return Foreseen{}, err
	}
	if off.Incident != "" {
		if !slices.Contains(now.Merged, off.Incident) {
			return Foreseen{}, MistakeError("incident " + text(off.Incident) + " is not a part of this one")
		}
		if off.Alerts, err = d.column(ctx, `SELECT uid FROM alerts WHERE placed_in IS NULL AND withdrawn_at IS NULL AND incident_uid = $1 ORDER BY uid`, text(off.Incident)); err != nil {
			return Foreseen{}, err
		}
	}
	stay, out, err := off.of(alerts)
	if err != nil {
		return Foreseen{}, err
	}
	rest, taken := incident.Tell(stay, now.Signals), incident.Tell(out, now.Signals)
	part := brief(&taken)
	part.UID = off.Incident
	f := Foreseen{Now: brief(&now.Incident), Then: brief(&rest), Part: &part}
	f.Then.UID = f.Now.UID
	return f, nil
}

// toldNow reads an incident that is not a part of another, with the alerts that it has now.
func (d *Desk) toldNow(ctx context.Context, scope access.Scope, uid string) (Case, []finding.Alert, error) {
	c, err := d.Case(ctx, scope, uid)
	if err != nil {
		return c, nil, err
	}
	if c.Into != "" {
		return c, nil, MistakeError("incident " + c.UID + " is a part of " + c.Into + ": look there")
	}
	alerts, err := alertsWithin(ctx, d.db, c.UID)
	if err != nil {
		return c, nil, err
	}
	if len(alerts) == 0 {
		return c, nil, MistakeError("incident " + c.UID + " has no alerts any more")
	}
	return c, alerts, nil
}

// brief tells an incident in a few words.
func brief(in *incident.Incident) Told {
	out := Told{
		UID: in.UID, Headline: in.Headline, Severity: in.Severity, Score: in.Score, Alerts: len(in.Alerts), Who: in.Who[:min(len(in.Who), 10)], Stages: []string{},
		Accounts: in.Accounts, First: in.First, Last: in.Last,
	}
	for _, a := range in.Attacks {
		if a.Tactic != "" && !slices.Contains(out.Stages, a.Tactic) {
			out.Stages = append(out.Stages, a.Tactic)
		}
	}
	return out
}
