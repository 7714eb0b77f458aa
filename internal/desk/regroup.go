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

// Regrouped is what a merge or a split did to one of the two incidents, and why.
type Regrouped struct {
	Did    string `json:"did" enum:"merged into,took in,took out,taken out of"`
	Other  string `json:"other"`            // uid of the other incident
	Alerts int    `json:"alerts,omitempty"` // that were taken out one by one; 0 is an incident as a whole
	Why    string `json:"why,omitempty"`
}

// regroup is what undoes a merge or a split: how things stood before. "" is nowhere.
type regroup struct {
	Merged map[string]string `json:"merged,omitempty"` // merged_into of incidents
	Placed map[string]string `json:"placed,omitempty"` // placed_in of alerts
	Fresh  []string          `json:"fresh,omitempty"`  // incidents that nobody had regrouped
	Made   string            `json:"made,omitempty"`   // the incident that the split made
}

// Merge tells an incident as a part of another from now on, whatever is concluded later: its alerts, those to come too, are alerts of the
// other. Both must be of the Scope. Split takes it back, and Undo within its time by the change that is returned.
func (d *Desk) Merge(ctx context.Context, scope access.Scope, uid, into, why string, version *int64, by By) (change string, err error) {
	uid, into = text(uid), text(into)
	if uid == into {
		return "", MistakeError("an incident cannot be merged into itself")
	}
	change = newID(by.At)
	err = d.db.Tx(ctx, func(tx *sql.Tx) error {
		w, err := begin(ctx, tx, change, by)
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
		if target.Regroup, err = w.beforeMerge(ctx, uid, into); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE incidents SET merged_into = $1 WHERE uid = $2 OR merged_into = $2`, into, uid); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE alerts SET placed_in = $1 WHERE placed_in = $2`, into, uid); err != nil { // what was put into the part goes with it
			return err
		}
		if err := w.regrouped(ctx, uid, part, kindMerge, Regrouped{Did: "merged into", Other: into, Why: why}); err != nil {
			return err
		}
		if err := w.regrouped(ctx, into, target, kindMerge, Regrouped{Did: "took in", Other: uid, Why: why}); err != nil {
			return err
		}
		if err := regather(ctx, w.tx, into); err != nil {
			return err
		}
		return w.order.keep(ctx)
	})
	return change, told("merge", err)
}

// beforeMerge is how the incidents and alerts stand that a merge moves.
func (w *work) beforeMerge(ctx context.Context, uid, into string) (*regroup, error) {
	out := &regroup{Merged: map[string]string{uid: ""}, Placed: map[string]string{}}
	parts, err := strs(ctx, w.tx, `SELECT uid FROM incidents WHERE merged_into = $1`, uid)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		out.Merged[p] = uid
	}
	alerts, err := strs(ctx, w.tx, `SELECT uid FROM alerts WHERE placed_in = $1`, uid)
	if err != nil {
		return nil, err
	}
	for _, a := range alerts {
		out.Placed[a] = uid
	}
	out.Fresh, err = strs(ctx, w.tx, `SELECT uid FROM incidents WHERE regrouped = 0 AND (uid = $1 OR uid = $2)`, uid, into)
	return out, err
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

// touch counts a change of an incident that is none of its state, and takes it up.
func (w *work) touch(ctx context.Context, uid string, s state, text, kind string) error {
	if err := w.put(ctx, Incidents, uid, s.Version, s.next(Incidents, Change{}, w.by.At.UnixMilli())); err != nil {
		return err
	}
	return w.note(ctx, Incidents, uid, kind, text, "")
}

// regrouped takes an incident up that people grouped, which is not withdrawn from now on, and keeps how it stood before.
func (w *work) regrouped(ctx context.Context, uid string, s state, kind string, did Regrouped) error {
	if err := w.put(ctx, Incidents, uid, s.Version, s.next(Incidents, Change{}, w.by.At.UnixMilli())); err != nil {
		return err
	}
	if _, err := w.tx.ExecContext(ctx, `UPDATE incidents SET regrouped = 1 WHERE uid = $1`, uid); err != nil {
		return err
	}
	before, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return w.noteRegrouped(ctx, uid, kind, did, string(before))
}

func (w *work) noteRegrouped(ctx context.Context, uid, kind string, did Regrouped, before string) error {
	did.Why = strings.TrimSpace(text(did.Why))
	body, err := json.Marshal(did)
	if err != nil {
		return err
	}
	return w.note(ctx, Incidents, uid, kind, string(body), before)
}

// SplitOff is what is taken out of an incident: an incident that was merged into it, or some of its alerts, which become an incident of
// their own.
type SplitOff struct {
	Incident string   `json:"incident,omitempty" maxLength:"128" doc:"uid of an incident that was merged in"`
	Alerts   []string `json:"alerts,omitempty" maxItems:"10000" doc:"uids of alerts that become an incident of their own"`
	Why      string   `json:"why,omitempty" maxLength:"2000" doc:"the activity of both incidents keeps it"`
}

// Split takes a part out of an incident and returns the uid of the incident that it is now, and the change, which Undo takes back within
// its time. What people took out stays out, whatever is concluded later.
func (d *Desk) Split(ctx context.Context, scope access.Scope, uid string, off SplitOff, version *int64, by By) (part, change string, err error) {
	uid, off.Incident = text(uid), text(off.Incident)
	if err := off.check(); err != nil {
		return "", "", err
	}
	change = newID(by.At)
	err = d.db.Tx(ctx, func(tx *sql.Tx) error {
		w, err := begin(ctx, tx, change, by)
		if err != nil {
			return err
		}
		s, err := w.whole(ctx, scope, uid, version)
		if err != nil {
			return err
		}
		if off.Incident != "" {
			part, err = off.Incident, w.unmerge(ctx, uid, &s, off)
		} else {
			part, err = w.takeOut(ctx, uid, &s, off)
		}
		if err != nil {
			return err
		}
		if err := regather(ctx, w.tx, uid); err != nil {
			return err
		}
		if err := w.regrouped(ctx, uid, s, kindSplit, Regrouped{Did: "took out", Other: part, Alerts: len(off.Alerts), Why: off.Why}); err != nil {
			return err
		}
		return w.order.keep(ctx)
	})
	return part, change, told("split", err)
}

func (o *SplitOff) check() error {
	if (o.Incident == "") == (len(o.Alerts) == 0) {
		return MistakeError("say what to take out: an incident that was merged in, or alerts")
	}
	slices.Sort(o.Alerts)
	o.Alerts = slices.Compact(o.Alerts)
	return nil
}

// of sorts alerts into those that stay and those that are taken out.
func (o *SplitOff) of(all []finding.Alert) (stay, out []finding.Alert, err error) {
	for i := range all {
		if _, is := slices.BinarySearch(o.Alerts, all[i].UID); is {
			out = append(out, all[i])
		} else {
			stay = append(stay, all[i])
		}
	}
	if len(out) != len(o.Alerts) || len(stay) == 0 {
		return nil, nil, MistakeError("name some of the incident's alerts, and leave at least one")
	}
	return stay, out, nil
}

// unmerge takes an incident out that was merged in.
func (w *work) unmerge(ctx context.Context, uid string, s *state, off SplitOff) error {
	part := off.Incident
	r, err := w.tx.ExecContext(ctx, `UPDATE incidents SET merged_into = NULL WHERE uid = $1 AND merged_into = $2`, part, uid)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, MistakeError("incident "+part+" is not a part of this one"))
	}
	s.Regroup = &regroup{Merged: map[string]string{part: uid}}
	p, err := standing(ctx, w.tx, Incidents, part)
	if err != nil {
		return err
	}
	return w.regrouped(ctx, part, p, kindSplit, Regrouped{Did: "taken out of", Other: uid, Why: off.Why})
}

// takeOut makes an incident of alerts.
func (w *work) takeOut(ctx context.Context, uid string, s *state, off SplitOff) (string, error) {
	all, err := alertsWithin(ctx, w.tx, uid)
	if err != nil {
		return "", err
	}
	_, out, err := off.of(all)
	if err != nil {
		return "", err
	}
	in := incident.Tell(out, nil)
	in.UID = "split-" + newID(w.by.At)
	doc, err := json.Marshal(&in)
	if err != nil {
		return "", err
	}
	short, err := briefText(&in)
	if err != nil {
		return "", err
	}
	now := w.by.At.UnixMilli()
	_, err = w.tx.ExecContext(ctx, `INSERT INTO incidents (uid, headline, severity, score, first_seen, last_seen, alerts, accounts, status, doc, occurred_at, created_at, acknowledged_at, updated_at, seq, regrouped, related_told, brief)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'new', $9, $5, $10, $10, $10, $11, 1, 1, $12)`,
		in.UID, text(in.Headline), int64(in.Severity), in.Score, in.First.UnixMilli(), in.Last.UnixMilli(), len(out), joinAccounts(accountsOfIncident(&in)), string(doc), now, w.order.next(), short)
	if err != nil {
		return "", err
	}
	s.Regroup = &regroup{Placed: map[string]string{}, Made: in.UID}
	if s.Regroup.Fresh, err = strs(ctx, w.tx, `SELECT uid FROM incidents WHERE regrouped = 0 AND uid = $1`, uid); err != nil {
		return "", err
	}
	for i := range out {
		var before sql.NullString
		if err := w.tx.QueryRowContext(ctx, `SELECT placed_in FROM alerts WHERE uid = $1`, out[i].UID).Scan(&before); err != nil {
			return "", err
		}
		s.Regroup.Placed[out[i].UID] = before.String
		if _, err := w.tx.ExecContext(ctx, `UPDATE alerts SET placed_in = $1, seq = $2, updated_at = $3 WHERE uid = $4`, in.UID, w.order.next(), now, out[i].UID); err != nil {
			return "", err
		}
	}
	if err := regather(ctx, w.tx, in.UID); err != nil { // a document keeps some of an alert's events only
		return "", err
	}
	return in.UID, w.noteRegrouped(ctx, in.UID, kindSplit, Regrouped{Did: "taken out of", Other: uid, Alerts: len(out), Why: off.Why}, "")
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
