package desk

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// RuleUse is what came of a rule: its alerts and how people judged them.
type RuleUse struct {
	Alerts int       `json:"alerts"`         // ever, withdrawn ones left out
	Recent int       `json:"alerts_30_days"` // last seen within 30 days
	True   int       `json:"true_positive"`
	Benign int       `json:"benign_true_positive"`
	False  int       `json:"false_positive"`
	Hidden int       `json:"suppressed"` // that accepted filters take out of the queue
	Last   time.Time `json:"last_fired,omitzero"`
}

// Precision is the share of judged alerts that were what they said, from 0 to 1; nil where none was judged. A benign true positive is one
// that the rule got right.
func (u RuleUse) Precision() *float64 {
	judged := u.True + u.Benign + u.False
	if judged == 0 {
		return nil
	}
	p := float64(u.True+u.Benign) / float64(judged)
	return &p
}

// RuleUses says what came of each rule that made an alert, by its id, of what the Scope sees.
func (d *Desk) RuleUses(ctx context.Context, scope access.Scope, now time.Time) (map[string]RuleUse, error) {
	var w where
	w.and("withdrawn_at IS NULL")
	w.alerts(scope)
	args := append(slices.Clone(w.args), now.AddDate(0, 0, -30).UnixMilli())
	rows, err := d.db.QueryContext(ctx, `SELECT rule_id, count(*), sum(CASE WHEN last_seen >= $`+fmt.Sprint(len(args))+` THEN 1 ELSE 0 END), sum(CASE WHEN verdict = 'true_positive' THEN 1 ELSE 0 END), sum(CASE WHEN verdict = 'benign_true_positive' THEN 1 ELSE 0 END),
		sum(CASE WHEN verdict = 'false_positive' THEN 1 ELSE 0 END), sum(CASE WHEN suppressed_by <> '' THEN 1 ELSE 0 END), max(last_seen) FROM alerts`+w.String()+` GROUP BY rule_id`, args...)
	if err != nil {
		return nil, fmt.Errorf("what came of rules: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := map[string]RuleUse{}
	for rows.Next() {
		var id string
		var u RuleUse
		var last sql.NullInt64
		if err := rows.Scan(&id, &u.Alerts, &u.Recent, &u.True, &u.Benign, &u.False, &u.Hidden, &last); err != nil {
			return nil, fmt.Errorf("what came of rules: %w", err)
		}
		u.Last = timeOf(last)
		out[id] = u
	}
	return out, rows.Err()
}
