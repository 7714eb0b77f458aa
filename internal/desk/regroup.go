package desk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

// within is the condition that an alert belongs to the incident $1: because people put it there, or because it is concluded and people
// did not put it elsewhere, in that incident or in one that was merged into it.
const within = `(placed_in = $1 OR placed_in IS NULL AND incident_uid IN (SELECT uid FROM incidents WHERE uid = $1 OR merged_into = $1))`

// Merge tells an incident as a part of another from now on, whatever is concluded later: its alerts, those to come too, are alerts of the
// other. Both must be of the Scope. Split takes it back.
func (d *Desk) Merge(ctx context.Context, scope access.Scope, uid, into string, version *int64, by By) error {
	uid, into = text(uid), text(into)
	if uid == into {
		return MistakeError("an incident cannot be merged into itself")
	}
	err := d.db.Tx(ctx, func(tx *sql.Tx) error {
		w, err := begin(ctx, tx, newID(by.At), by)
		if err != nil {
			return err
		}
		part, err := w.whole(ctx, scope, uid, nil)
		if err != nil {
			return err
		}
		target, err := w.whole(ctx, scope, into, version)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE incidents SET merged_into = $1 WHERE uid = $2 OR merged_into = $2`, into, uid); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE alerts SET placed_in = $1 WHERE placed_in = $2`, into, uid); err != nil { // what was put into the part goes with it
			return err
		}
		for _, one := range []struct {
			uid, text string
			s         state
		}{{uid, "merged into " + into, part}, {into, "took in " + uid, target}} {
			if err := w.touch(ctx, one.uid, one.s, one.text, kindMerge); err != nil {
				return err
			}
		}
		if err := regather(ctx, w.tx, into); err != nil {
			return err
		}
		return w.order.keep(ctx)
	})
	return told("merge", err)
}

// whole reads an incident that is not a part of another.
func (w *work) whole(ctx context.Context, scope access.Scope, uid string, version *int64) (state, error) {
	s, err := standing(ctx, w.tx, Incidents, uid)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !seesAll(scope, s.accounts) {
		return s, fmt.Errorf("incident %s: %w", uid, ErrNotFound)
	}
	if err != nil {
		return s, err
	}
	if version != nil && *version != s.Version {
		return s, ErrChanged
	}
	var into sql.NullString
	if err := w.tx.QueryRowContext(ctx, `SELECT merged_into FROM incidents WHERE uid = $1`, uid).Scan(&into); err != nil {
		return s, err
	}
	if into.Valid {
		return s, MistakeError("incident " + uid + " is a part of " + into.String + ": look there")
	}
	return s, nil
}

// touch counts a change of an incident that is none of its state, and takes it up: what people grouped is not withdrawn.
func (w *work) touch(ctx context.Context, uid string, s state, text, kind string) error {
	if err := w.put(ctx, Incidents, uid, s.Version, s.next(Incidents, Change{}, w.by.At.UnixMilli())); err != nil {
		return err
	}
	if kind == kindMerge || kind == kindSplit {
		if _, err := w.tx.ExecContext(ctx, `UPDATE incidents SET regrouped = 1 WHERE uid = $1`, uid); err != nil {
			return err
		}
	}
	return w.note(ctx, Incidents, uid, kind, text, "")
}

// SplitOff is what is taken out of an incident: an incident that was merged into it, or some of its alerts, which become an incident of
// their own.
type SplitOff struct {
	Incident string   `json:"incident,omitempty" maxLength:"128" doc:"uid of an incident that was merged in"`
	Alerts   []string `json:"alerts,omitempty" maxItems:"10000" doc:"uids of alerts that become an incident of their own"`
}

// Split takes a part out of an incident and returns the uid of the incident that it is now. What people took out stays out, whatever is
// concluded later.
func (d *Desk) Split(ctx context.Context, scope access.Scope, uid string, off SplitOff, version *int64, by By) (part string, err error) {
	uid = text(uid)
	if (off.Incident == "") == (len(off.Alerts) == 0) {
		return "", MistakeError("say what to take out: an incident that was merged in, or alerts")
	}
	err = d.db.Tx(ctx, func(tx *sql.Tx) error {
		w, err := begin(ctx, tx, newID(by.At), by)
		if err != nil {
			return err
		}
		s, err := w.whole(ctx, scope, uid, version)
		if err != nil {
			return err
		}
		if off.Incident != "" {
			part, err = text(off.Incident), w.unmerge(ctx, uid, text(off.Incident))
		} else {
			part, err = w.takeOut(ctx, uid, off.Alerts)
		}
		if err != nil {
			return err
		}
		if err := regather(ctx, w.tx, uid); err != nil {
			return err
		}
		if err := w.touch(ctx, uid, s, "took out "+part, kindSplit); err != nil {
			return err
		}
		return w.order.keep(ctx)
	})
	return part, told("split", err)
}

func (w *work) unmerge(ctx context.Context, uid, part string) error {
	r, err := w.tx.ExecContext(ctx, `UPDATE incidents SET merged_into = NULL WHERE uid = $1 AND merged_into = $2`, part, uid)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, MistakeError("incident "+part+" is not a part of this one"))
	}
	s, err := standing(ctx, w.tx, Incidents, part)
	if err != nil {
		return err
	}
	return w.touch(ctx, part, s, "taken out of "+uid, kindSplit)
}

// takeOut makes an incident of alerts.
func (w *work) takeOut(ctx context.Context, uid string, alerts []string) (string, error) {
	all, err := alertsWithin(ctx, w.tx, uid)
	if err != nil {
		return "", err
	}
	var out []finding.Alert
	for i := range all {
		if slices.Contains(alerts, all[i].UID) {
			out = append(out, all[i])
		}
	}
	slices.Sort(alerts)
	if len(out) != len(slices.Compact(alerts)) || len(out) == len(all) {
		return "", MistakeError("name some of the incident's alerts, and leave at least one")
	}
	in := incident.Tell(out, nil)
	in.UID = "split-" + newID(w.by.At)
	doc, err := json.Marshal(&in)
	if err != nil {
		return "", err
	}
	now := w.by.At.UnixMilli()
	_, err = w.tx.ExecContext(ctx, `INSERT INTO incidents (uid, headline, severity, score, first_seen, last_seen, alerts, accounts, status, doc, occurred_at, created_at, acknowledged_at, updated_at, seq, regrouped, related_told)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'new', $9, $5, $10, $10, $10, $11, 1, 1)`,
		in.UID, text(in.Headline), int64(in.Severity), in.Score, in.First.UnixMilli(), in.Last.UnixMilli(), len(out), joinAccounts(accountsOfIncident(&in)), string(doc), now, w.order.next())
	if err != nil {
		return "", err
	}
	for i := range out {
		if _, err := w.tx.ExecContext(ctx, `UPDATE alerts SET placed_in = $1, seq = $2, updated_at = $3 WHERE uid = $4`, in.UID, w.order.next(), now, out[i].UID); err != nil {
			return "", err
		}
	}
	if err := regather(ctx, w.tx, in.UID); err != nil { // a document keeps some of an alert's events only
		return "", err
	}
	return in.UID, w.note(ctx, Incidents, in.UID, kindSplit, "taken out of "+uid, "")
}

type queried interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// alertsWithin reads the alerts of an incident as people have grouped them.
func alertsWithin(ctx context.Context, db queried, uid string) ([]finding.Alert, error) {
	rows, err := db.QueryContext(ctx, `SELECT doc FROM alerts WHERE (withdrawn_at IS NULL OR placed_in IS NOT NULL) AND `+within+` ORDER BY first_seen, uid`, uid)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var out []finding.Alert
	for rows.Next() {
		var doc string
		if err := rows.Scan(&doc); err != nil {
			return nil, err
		}
		var a finding.Alert
		if err := json.NewDecoder(strings.NewReader(doc)).Decode(&a); err != nil {
			return nil, fmt.Errorf("alert of %s: %w", uid, err)
		}
		out = append(out, a)
	}
	return out, rows.Err()
}
