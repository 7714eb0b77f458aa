package desk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/finding"
)

// Tuning is a filter that was accepted.
type Tuning struct {
	ID       string          `json:"id"`
	Rule     string          `json:"rule_id"`
	Title    string          `json:"title"`
	Sigma    string          `json:"sigma"`
	Owner    string          `json:"owner"`
	Reason   string          `json:"reason"`
	Proof    json.RawMessage `json:"proof"`
	Accepted time.Time       `json:"accepted_at"`
	Expires  time.Time       `json:"expires_at"`
	Ended    time.Time       `json:"ended_at,omitzero"`
	Takes    int             `json:"suppressed_alerts"` // now
}

// Lives reports whether it takes anything at a time.
func (t *Tuning) Lives(now time.Time) bool { return t.Ended.IsZero() && t.Expires.After(now) }

// Judged is an alert with the verdict of a person.
type Judged struct {
	Alert   finding.Alert
	Verdict string
}

// JudgedAlerts lists the alerts of a rule that people judged, of what the Scope sees.
func (d *Desk) JudgedAlerts(ctx context.Context, scope access.Scope, rule string) ([]Judged, error) {
	var w where
	w.and("rule_id = ?", text(rule))
	w.and("verdict <> ''")
	w.alerts(scope)
	rows, err := d.db.QueryContext(ctx, `SELECT verdict, doc FROM alerts`+w.String()+` ORDER BY uid`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("list judged alerts: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var out []Judged
	for rows.Next() {
		var j Judged
		var doc string
		if err := rows.Scan(&j.Verdict, &doc); err != nil {
			return nil, fmt.Errorf("list judged alerts: %w", err)
		}
		if err := json.Unmarshal([]byte(doc), &j.Alert); err != nil {
			return nil, fmt.Errorf("read a judged alert: %w", err)
		}
		out = append(out, j)
	}
	return out, rows.Err()
}

// AcceptTuning keeps a filter, with its audit entry. One of the same id is renewed.
func (d *Desk) AcceptTuning(ctx context.Context, t *Tuning, by By) error {
	err := d.db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO tunings (id, rule_id, title, sigma, owner, reason, proof, accepted_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, reason = excluded.reason, proof = excluded.proof, accepted_at = excluded.accepted_at, expires_at = excluded.expires_at, ended_at = NULL`,
			t.ID, text(t.Rule), text(t.Title), text(t.Sigma), text(t.Owner), text(t.Reason), string(t.Proof), by.At.UnixMilli(), t.Expires.UnixMilli())
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{At: by.At, Actor: by.Name, Kind: by.Kind, Address: by.Address, Action: "tuning.accept", Object: t.ID, Outcome: audit.Success, Detail: "rule " + t.Rule + " until " + t.Expires.Format(time.DateOnly)})
	})
	if err != nil {
		return fmt.Errorf("accept a filter: %w", err)
	}
	return nil
}

// EndTuning ends a filter; what it took comes back.
func (d *Desk) EndTuning(ctx context.Context, id string, by By) error {
	return d.db.Tx(ctx, func(tx *sql.Tx) error {
		o, err := inOrder(ctx, tx)
		if err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, `UPDATE tunings SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL`, by.At.UnixMilli(), text(id))
		if err != nil {
			return fmt.Errorf("end a filter: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("filter %s: %w", id, ErrNotFound))
		}
		if _, err := tx.ExecContext(ctx, `UPDATE alerts SET suppressed_by = '', updated_at = $1, seq = $3 WHERE suppressed_by = $2 AND suppressed_by <> ''`, by.At.UnixMilli(), text(id), o.next()); err != nil {
			return fmt.Errorf("end a filter: %w", err)
		}
		if err := o.keep(ctx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{At: by.At, Actor: by.Name, Kind: by.Kind, Address: by.Address, Action: "tuning.end", Object: id, Outcome: audit.Success})
	})
}

// Tunings lists the filters, the newest first, with how many alerts each takes. A filter names what it hides: only an unbounded Scope sees any.
func (d *Desk) Tunings(ctx context.Context, scope access.Scope) ([]Tuning, error) {
	out := []Tuning{}
	if !scope.All() {
		return out, nil
	}
	rows, err := d.db.QueryContext(ctx, `SELECT id, rule_id, title, sigma, owner, reason, proof, accepted_at, expires_at, ended_at, (SELECT count(*) FROM alerts WHERE suppressed_by = tunings.id AND suppressed_by <> '') FROM tunings ORDER BY accepted_at DESC, id`)
	if err != nil {
		return nil, fmt.Errorf("list filters: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	for rows.Next() {
		var t Tuning
		var proof string
		var accepted, expires int64
		var ended sql.NullInt64
		if err := rows.Scan(&t.ID, &t.Rule, &t.Title, &t.Sigma, &t.Owner, &t.Reason, &proof, &accepted, &expires, &ended, &t.Takes); err != nil {
			return nil, fmt.Errorf("list filters: %w", err)
		}
		t.Proof, t.Accepted, t.Expires, t.Ended = json.RawMessage(proof), time.UnixMilli(accepted).UTC(), time.UnixMilli(expires).UTC(), timeOf(ended)
		out = append(out, t)
	}
	return out, rows.Err()
}

// taking is what Suppress wants of an alert, as it was read: seq is its place in the order of changes then.
type taking struct {
	uid, was, want string
	seq            int64
}

// Suppress gives each alert of a rule to the filter that takes it, and gives back what none takes any more. An alert that was judged a
// true positive, or that somebody works on, is never taken: also not where that was decided while the filters were looked at. What changed
// meanwhile is left for the next time. It returns how many alerts changed.
func (d *Desk) Suppress(ctx context.Context, rule string, takes func(a *finding.Alert) string, now time.Time) (int, error) {
	wanted, err := d.takings(ctx, rule, takes)
	if err != nil || len(wanted) == 0 {
		return 0, err
	}
	changed := 0
	err = d.db.Tx(ctx, func(tx *sql.Tx) error {
		o, err := inOrder(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range wanted {
			done, err := t.apply(ctx, tx, o.next(), now)
			if err != nil {
				return err
			}
			if done {
				changed++
			}
		}
		return o.keep(ctx)
	})
	if err != nil {
		return 0, fmt.Errorf("apply filters: %w", err)
	}
	return changed, nil
}

// takings asks of each alert of a rule which filter takes it, and lists those that are another's than they were.
func (d *Desk) takings(ctx context.Context, rule string, takes func(a *finding.Alert) string) ([]taking, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT uid, doc, suppressed_by, seq, CASE WHEN verdict = 'true_positive' OR status <> 'new' AND suppressed_by = '' THEN 1 ELSE 0 END FROM alerts
		WHERE rule_id = $1 AND kind = 'detection' AND withdrawn_at IS NULL ORDER BY uid`, text(rule))
	if err != nil {
		return nil, fmt.Errorf("apply filters: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var out []taking
	for rows.Next() {
		var t taking
		var doc string
		var never int
		if err := rows.Scan(&t.uid, &doc, &t.was, &t.seq, &never); err != nil {
			return nil, fmt.Errorf("apply filters: %w", err)
		}
		var a finding.Alert
		if never == 0 && json.Unmarshal([]byte(doc), &a) == nil {
			t.want = takes(&a)
		}
		if t.want != t.was {
			out = append(out, t)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("apply filters: %w", err)
	}
	return out, nil
}

// apply writes it where the alert is still as it was read, and the filter still lives.
func (t *taking) apply(ctx context.Context, tx *sql.Tx, seq int64, now time.Time) (bool, error) {
	r, err := tx.ExecContext(ctx, `UPDATE alerts SET suppressed_by = $1, updated_at = $2, seq = $3 WHERE uid = $4 AND seq = $5 AND suppressed_by = $6 AND withdrawn_at IS NULL
		AND ($1 = '' OR verdict <> 'true_positive' AND (status = 'new' OR suppressed_by <> '') AND EXISTS (SELECT 1 FROM tunings WHERE id = $1 AND ended_at IS NULL AND expires_at > $2))`,
		t.want, now.UnixMilli(), seq, t.uid, t.seq, t.was)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// Tell makes or renews an alert of a hunt that found more than before.
func (d *Desk) Tell(ctx context.Context, name, title, sentence string, hits int, at time.Time) error {
	a := finding.Alert{
		UID: finding.UID("hunt", name, at.UTC().Format(time.DateOnly)), Title: title, Sentence: sentence, Severity: finding.Medium, Promotion: "hunt", First: at, Last: at, Count: hits,
		Rule: finding.Rule{ID: "hunt:" + name, Title: title, Level: finding.Medium, Tier: "hunt"}, Origin: finding.Entity{Type: "hunt", ID: "hunt:" + name, Name: title}, Signals: []finding.Signal{}, EventUIDs: []string{}, Entities: []finding.Entity{},
	}
	finding.Score(&a)
	a.Title, a.Sentence = text(a.Title), text(a.Sentence)
	doc, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("alert of the hunt %s: %w", name, err)
	}
	err = d.db.Tx(ctx, func(tx *sql.Tx) error {
		o, err := inOrder(ctx, tx)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO alerts (uid, title, sentence, severity, score, rule_id, rule_hash, account, origin, count, first_seen, last_seen, status, late, doc, occurred_at, ingested_at, created_at, updated_at, kind, seq)
			VALUES ($1, $2, $3, $4, $5, $6, '', '', $7, $8, $9, $9, 'new', 0, $10, $9, $9, $9, $9, 'hunt', $11)
			ON CONFLICT (uid) DO UPDATE SET sentence = excluded.sentence, count = excluded.count, last_seen = excluded.last_seen, doc = excluded.doc, updated_at = excluded.updated_at, seq = excluded.seq`,
			a.UID, a.Title, a.Sentence, int64(a.Severity), a.Score, a.Rule.ID, a.Origin.ID, a.Count, at.UnixMilli(), string(doc), o.next())
		if err != nil {
			return err
		}
		return errors.Join(saveAccounts(ctx, tx, &a), saveMentions(ctx, tx, &a), o.keep(ctx))
	})
	if err != nil {
		return fmt.Errorf("alert of the hunt %s: %w", name, err)
	}
	return nil
}
