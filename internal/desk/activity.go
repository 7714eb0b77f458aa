package desk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
)

// Activity is one thing that somebody did about a finding.
type Activity struct {
	ID        string     `json:"id"`
	Change    string     `json:"change_id"`
	At        time.Time  `json:"at"`
	Actor     string     `json:"actor"`
	By        string     `json:"actor_kind"` // person, token
	Kind      string     `json:"kind"`       // verdict, changed, note, task, link, merge, split
	Decided   *Change    `json:"decided,omitempty"`
	Regrouped *Regrouped `json:"regrouped,omitempty"`
	Text      string     `json:"text,omitempty"` // of what is no decision
	Undone    bool       `json:"undone,omitempty"`
}

// Decision is what people decided about a finding, beside what Tocsin concludes.
type Decision struct {
	UID          string        `json:"uid"`
	Status       string        `json:"status"`
	Assignee     string        `json:"assignee"`
	Verdict      string        `json:"verdict"`
	Reason       string        `json:"reason"`   // of the verdict
	Severity     finding.Level `json:"severity"` // as set by a person, else as concluded
	SetByPerson  bool          `json:"severity_set"`
	SeverityWhy  string        `json:"severity_reason"`
	Version      int64         `json:"version"`
	Ingested     time.Time     `json:"ingested_at,omitzero"`
	Created      time.Time     `json:"created_at"`
	Acknowledged time.Time     `json:"acknowledged_at,omitzero"`
	Triaged      time.Time     `json:"triaged_at,omitzero"`
	Declared     time.Time     `json:"declared_at,omitzero"`
	Closed       time.Time     `json:"closed_at,omitzero"`
	Withdrawn    time.Time     `json:"withdrawn_at,omitzero"`
	Activity     []Activity    `json:"activity"` // the oldest first
}

// Decision returns what people decided about an incident or an alert.
func (d *Desk) Decision(ctx context.Context, scope access.Scope, kind, uid string) (Decision, error) {
	out := Decision{UID: uid}
	const columns = `SELECT status, assignee, verdict, verdict_reason, severity, set_severity, severity_reason, version, ingested_at, created_at, acknowledged_at, triaged_at, declared_at, closed_at, withdrawn_at, `
	query := columns + `accounts || more_accounts FROM incidents WHERE uid = $1`
	if kind == Alerts {
		query = columns + `accounts FROM alerts WHERE uid = $1`
	}
	var accounts string
	var severity int64
	var set, ingested, created, acknowledged, triaged, declared, closed, withdrawn sql.NullInt64
	err := d.db.QueryRowContext(ctx, query, text(uid)).Scan(&out.Status, &out.Assignee, &out.Verdict, &out.Reason, &severity, &set, &out.SeverityWhy, &out.Version,
		&ingested, &created, &acknowledged, &triaged, &declared, &closed, &withdrawn, &accounts)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !seesAll(scope, splitAccounts(accounts)) {
		return out, fmt.Errorf("%s: %w", uid, ErrNotFound)
	}
	if err != nil {
		return out, fmt.Errorf("read %s: %w", uid, err)
	}
	if set.Valid {
		severity, out.SetByPerson = set.Int64, true
	}
	out.Severity = finding.Level(severity) //nolint:gosec // a level
	out.Ingested, out.Created, out.Acknowledged, out.Triaged = timeOf(ingested), timeOf(created), timeOf(acknowledged), timeOf(triaged)
	out.Declared, out.Closed, out.Withdrawn = timeOf(declared), timeOf(closed), timeOf(withdrawn)
	out.Activity, err = d.activity(ctx, uid)
	return out, err
}

func (d *Desk) activity(ctx context.Context, uid string) ([]Activity, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT id, change_id, at, actor, actor_kind, kind, body, undone_at FROM activity WHERE subject = $1 ORDER BY at, id`, uid)
	if err != nil {
		return nil, fmt.Errorf("activity of %s: %w", uid, err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []Activity{}
	for rows.Next() {
		var a Activity
		var at, undone sql.NullInt64
		var body string
		if err := rows.Scan(&a.ID, &a.Change, &at, &a.Actor, &a.By, &a.Kind, &body, &undone); err != nil {
			return nil, fmt.Errorf("activity of %s: %w", uid, err)
		}
		a.At, a.Undone = timeOf(at), undone.Valid
		switch a.Kind {
		case kindVerdict, kindChanged, kindNote:
			if err := json.Unmarshal([]byte(body), &a.Decided); err != nil {
				return nil, fmt.Errorf("activity %s: %w", a.ID, err)
			}
		case kindMerge, kindSplit:
			if json.Unmarshal([]byte(body), &a.Regrouped) != nil { // of before it was kept in parts
				a.Regrouped, a.Text = nil, body
			}
		default:
			a.Text = body
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

// Precision is how the verdicts on a rule's alerts fell.
type Precision struct {
	Rule   string `json:"rule_id"`
	Alerts int    `json:"alerts"` // in all, withdrawn ones left out
	True   int    `json:"true_positive"`
	Benign int    `json:"benign_true_positive"`
	False  int    `json:"false_positive"`
}

// Precisions lists how the verdicts fell, by rule.
func (d *Desk) Precisions(ctx context.Context, scope access.Scope) ([]Precision, error) {
	var w where
	w.and("withdrawn_at IS NULL")
	w.alerts(scope)
	rows, err := d.db.QueryContext(ctx, `SELECT rule_id, count(*), sum(CASE WHEN verdict = 'true_positive' THEN 1 ELSE 0 END), sum(CASE WHEN verdict = 'benign_true_positive' THEN 1 ELSE 0 END),
		sum(CASE WHEN verdict = 'false_positive' THEN 1 ELSE 0 END) FROM alerts`+w.String()+` GROUP BY rule_id ORDER BY rule_id`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("precision of rules: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []Precision{}
	for rows.Next() {
		var p Precision
		if err := rows.Scan(&p.Rule, &p.Alerts, &p.True, &p.Benign, &p.False); err != nil {
			return nil, fmt.Errorf("precision of rules: %w", err)
		}
		out = append(out, p)
	}
	return out, rows.Err()
}
