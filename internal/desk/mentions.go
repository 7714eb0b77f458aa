package desk

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
)

// maxNamed bounds the values that one alert is found by.
const maxNamed = 2000

// keyOf is what a value is looked up by: a value may be longer than an index takes.
func keyOf(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:16])
}

// valuesOf lists the values that an alert names.
func valuesOf(a *finding.Alert) map[string]bool {
	out := map[string]bool{keyOf(a.UID): true}
	add := func(values ...string) {
		for _, v := range values {
			if v != "" && len(out) < maxNamed {
				out[keyOf(v)] = true
			}
		}
	}
	add(a.Account, a.Origin.ID, a.Origin.Name, a.Rule.ID)
	for _, e := range a.Entities {
		add(e.ID, e.Name)
	}
	for i := range a.Signals {
		s := &a.Signals[i]
		for _, c := range append([]finding.Card{s.Event}, s.Related...) {
			add(c.UID, c.Account, c.Principal, c.Origin.ID, c.Session, c.AccessKey, c.SrcIP, c.UserAgent, c.Operation)
			add(c.Chain...)
			for _, e := range append(append([]finding.Entity(nil), c.Resources...), c.Grants...) {
				add(e.ID, e.Name)
			}
		}
		for _, x := range s.Intel {
			add(x.Value, x.Indicator)
		}
	}
	add(a.EventUIDs...)
	return out
}

// saveMentions makes an alert found by what it names now.
func saveMentions(ctx context.Context, tx *sql.Tx, a *finding.Alert) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM mentions WHERE alert_uid = $1`, a.UID); err != nil {
		return err
	}
	for hash := range valuesOf(a) {
		if _, err := tx.ExecContext(ctx, `INSERT INTO mentions (value_hash, alert_uid) VALUES ($1, $2) ON CONFLICT DO NOTHING`, hash, a.UID); err != nil {
			return err
		}
	}
	return nil
}

// fillMentions indexes the alerts that are not: those of before there was an index.
func (d *Desk) fillMentions(ctx context.Context) error {
	for {
		rows, err := d.db.QueryContext(ctx, `SELECT uid, doc FROM alerts WHERE NOT EXISTS (SELECT 1 FROM mentions WHERE alert_uid = alerts.uid) LIMIT 500`)
		if err != nil {
			return err
		}
		var list []finding.Alert
		for rows.Next() {
			var uid, doc string
			if err := rows.Scan(&uid, &doc); err != nil {
				return errors.Join(err, rows.Close())
			}
			var a finding.Alert
			if json.Unmarshal([]byte(doc), &a) != nil {
				a = finding.Alert{}
			}
			a.UID = uid
			list = append(list, a)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(list) == 0 {
			return err
		}
		err = d.db.Tx(ctx, func(tx *sql.Tx) error {
			for i := range list {
				if err := saveMentions(ctx, tx, &list[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// Mentions lists the alerts that name a value, the newest first; withdrawn ones are left out.
func (d *Desk) Mentions(ctx context.Context, scope access.Scope, value string, limit int) ([]AlertRow, error) {
	var w where
	w.and("uid IN (SELECT alert_uid FROM mentions WHERE value_hash = ?)", keyOf(value))
	w.and("withdrawn_at IS NULL")
	w.alerts(scope)
	rows, err := d.db.QueryContext(ctx, `SELECT uid, kind, `+home+`, `+homeAccounts+`, title, sentence, coalesce(set_severity, severity), score, rule_id, account, origin, count, first_seen, last_seen, status, verdict FROM alerts`+
		w.String()+fmt.Sprintf(` ORDER BY last_seen DESC, uid LIMIT %d`, max(1, limit)), w.args...)
	if err != nil {
		return nil, fmt.Errorf("look for alerts that name a value: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []AlertRow{}
	for rows.Next() {
		var r AlertRow
		var of string
		var severity, first, last int64
		if err := rows.Scan(&r.UID, &r.Kind, &r.Incident, &of, &r.Title, &r.Sentence, &severity, &r.Score, &r.Rule, &r.Account, &r.Origin, &r.Count, &first, &last, &r.Status, &r.Verdict); err != nil {
			return nil, fmt.Errorf("look for alerts that name a value: %w", err)
		}
		r.Severity, r.First, r.Last = finding.Level(severity), time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC() //nolint:gosec // a level
		r.Incident = shownTo(scope, r.Incident, of)
		out = append(out, r)
	}
	return out, rows.Err()
}
