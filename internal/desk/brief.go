package desk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

// The most that a brief incident holds. An incident of 10,000 alerts is a document of 34 MB, and its brief is one of about 2 MB.
const (
	briefAlerts    = 200 // the weightiest
	briefCards     = 600 // events with their records, of all alerts and signals
	briefSentences = 300
	briefEntities  = 100 // of each type
	briefJoins     = 100 // each reason once
	briefEvents    = 500 // ids of events, of one alert or sentence
)

// Extent is how much an incident holds where a part of it is shown.
type Extent struct {
	Alerts    int `json:"alerts"`
	Signals   int `json:"signals"`
	Events    int `json:"events"` // with their records
	Sentences int `json:"sentences"`
	Entities  int `json:"entities"`
}

// briefed is a brief incident as it is kept.
type briefed struct {
	incident.Incident
	Whole *Extent `json:"whole,omitempty"`
}

// cut leaves of an incident what its page shows first: the weightiest alerts, the beginning of the story. The numbers above its parts
// stay those of all. Whole is nil where nothing was left out.
func cut(in incident.Incident) briefed {
	whole := Extent{Alerts: len(in.Alerts), Signals: len(in.Signals), Sentences: len(in.Story), Entities: len(in.Entities)}
	for i := range in.Alerts {
		whole.Events += cards(in.Alerts[i].Signals)
	}
	whole.Events += cards(in.Signals)
	if whole.Alerts <= briefAlerts && whole.Events <= briefCards && whole.Sentences <= briefSentences && whole.Entities <= briefEntities && len(in.Joins) <= briefAlerts {
		return briefed{Incident: in}
	}
	room := briefCards
	in.Alerts = slices.Clone(in.Alerts[:min(len(in.Alerts), briefAlerts)])
	for i := range in.Alerts {
		a := &in.Alerts[i]
		a.Signals = fitting(a.Signals, &room)
		a.EventUIDs = a.EventUIDs[:min(len(a.EventUIDs), briefEvents)]
	}
	in.Signals = fitting(in.Signals, &room)
	in.Story = slices.Clone(in.Story[:min(len(in.Story), briefSentences)])
	for i := range in.Story {
		in.Story[i].EventUIDs = in.Story[i].EventUIDs[:min(len(in.Story[i].EventUIDs), briefEvents)]
	}
	in.Who, in.From, in.Entities, in.Joins = someOfEach(in.Who), someOfEach(in.From), someOfEach(in.Entities), reasons(in.Joins)
	return briefed{in, &whole}
}

// cards counts the events of signals.
func cards(signals []finding.Signal) (n int) {
	for i := range signals {
		n += 1 + len(signals[i].Related)
	}
	return n
}

// fitting takes signals while there is room for their events.
func fitting(signals []finding.Signal, room *int) []finding.Signal {
	for i := range signals {
		n := 1 + len(signals[i].Related)
		if n > *room {
			return signals[:i]
		}
		*room -= n
	}
	return signals
}

func someOfEach(entities []finding.Entity) []finding.Entity {
	n := map[string]int{}
	var out []finding.Entity
	for _, e := range entities {
		if n[e.Type]++; n[e.Type] <= briefEntities {
			out = append(out, e)
		}
	}
	return out
}

func reasons(joins []incident.Join) []incident.Join {
	said := map[string]bool{}
	var out []incident.Join
	for _, j := range joins {
		if !said[j.Reason] && len(out) < briefJoins {
			said[j.Reason] = true
			out = append(out, j)
		}
	}
	return out
}

// briefText is what is kept of an incident of which more is there than its page shows first; "" where it is all.
func briefText(in *incident.Incident) (string, error) {
	b := cut(*in)
	if b.Whole == nil {
		return "", nil
	}
	line, err := json.Marshal(&b)
	return string(line), err
}

// BriefCase is Case with what the page of an incident shows first; Whole says how much more there is.
func (d *Desk) BriefCase(ctx context.Context, scope access.Scope, uid string) (Case, error) {
	var c Case
	var doc, accounts string
	var into sql.NullString
	var regrouped int64
	err := d.db.QueryRowContext(ctx, `SELECT CASE WHEN brief = '' THEN doc ELSE brief END, accounts || more_accounts, merged_into, regrouped FROM incidents WHERE uid = $1`, text(uid)).Scan(&doc, &accounts, &into, &regrouped)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !seesAll(scope, splitAccounts(accounts)) {
		return c, fmt.Errorf("%s: %w", uid, ErrNotFound)
	}
	if err != nil {
		return c, fmt.Errorf("read %s: %w", uid, err)
	}
	if regrouped == 1 && !into.Valid { // it is told of the alerts that it has now
		if c, err = d.Case(ctx, scope, uid); err != nil {
			return c, err
		}
		b := cut(c.Incident)
		c.Incident, c.Whole = b.Incident, b.Whole
		return c, nil
	}
	var b briefed
	if err := json.Unmarshal([]byte(doc), &b); err != nil {
		return c, fmt.Errorf("incident %s: %w", uid, err)
	}
	if b.Whole == nil {
		b = cut(b.Incident)
	}
	c.Incident, c.Whole, c.Into = b.Incident, b.Whole, into.String
	return c, d.around(ctx, scope, &c)
}

// around adds what people decided and did about an incident.
func (d *Desk) around(ctx context.Context, scope access.Scope, c *Case) error {
	var err error
	if c.Decision, err = d.Decision(ctx, scope, Incidents, c.UID); err != nil {
		return err
	}
	if c.Merged, err = d.column(ctx, `SELECT uid FROM incidents WHERE merged_into = $1 ORDER BY first_seen, uid`, text(c.UID)); err != nil {
		return err
	}
	if c.Tasks, err = d.tasks(ctx, c.UID); err != nil {
		return err
	}
	c.Links, err = d.links(ctx, c.UID)
	return err
}
