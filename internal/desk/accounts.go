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

// accountsOf lists the accounts whose data an alert holds. The events of a correlation and of accumulated risk are those of one origin,
// which may work in many accounts: who does not see them all does not see the alert.
func accountsOf(a *finding.Alert) []string {
	out := append([]string{a.Account}, a.Accounts...)
	return distinct(append(out, accountsIn(a.Signals)...))
}

func accountsIn(signals []finding.Signal) []string {
	var out []string
	for i := range signals {
		out = append(out, signals[i].Accounts()...)
	}
	return out
}

// accountsOfIncident lists the accounts whose data an incident holds, in its alerts and around them.
func accountsOfIncident(in *incident.Incident) []string {
	out := append(slices.Clone(in.Accounts), accountsIn(in.Signals)...)
	for i := range in.Alerts {
		out = append(out, accountsOf(&in.Alerts[i])...)
	}
	return distinct(out)
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// saveAccounts keeps whose data an alert holds.
func saveAccounts(ctx context.Context, tx *sql.Tx, a *finding.Alert) error {
	all := accountsOf(a)
	if _, err := tx.ExecContext(ctx, `UPDATE alerts SET accounts = $1 WHERE uid = $2`, joinAccounts(all), a.UID); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM alert_accounts WHERE alert_uid = $1`, a.UID); err != nil {
		return err
	}
	for _, account := range all {
		if account == a.Account {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO alert_accounts (alert_uid, account) VALUES ($1, $2) ON CONFLICT DO NOTHING`, a.UID, text(account)); err != nil {
			return err
		}
	}
	return nil
}

// alerts narrows a list of alerts to those whose every account is of the Scope.
func (w *where) alerts(scope access.Scope) {
	w.scope(scope, "account")
	list := scope.List()
	if scope.All() || len(list) == 0 {
		return
	}
	args := make([]any, len(list))
	for i, a := range list {
		args[i] = text(a)
	}
	w.and("NOT EXISTS (SELECT 1 FROM alert_accounts more WHERE more.alert_uid = alerts.uid AND (more.account = '' OR more.account NOT IN (?"+strings.Repeat(", ?", len(list)-1)+")))", args...)
}

// regather keeps whose alerts people put into an incident, and whose they are by now: who does not see them all does not see it.
func regather(ctx context.Context, tx *sql.Tx, uid string) error {
	own, err := strs(ctx, tx, `SELECT accounts FROM incidents WHERE uid = $1`, uid)
	if err != nil {
		return err
	}
	joined, err := strs(ctx, tx, `SELECT accounts FROM incidents WHERE merged_into = $1`, uid)
	if err != nil {
		return err
	}
	within, err := strs(ctx, tx, `SELECT DISTINCT accounts FROM alerts WHERE (withdrawn_at IS NULL OR placed_in IS NOT NULL) AND `+within, uid)
	if err != nil {
		return err
	}
	has := splitAccounts(strings.Join(own, ""))
	var all []string
	for _, a := range append(joined, within...) {
		all = append(all, splitAccounts(a)...)
	}
	all = slices.DeleteFunc(distinct(all), func(a string) bool { return slices.Contains(has, a) })
	more := ""
	if len(all) > 0 {
		more = joinAccounts(all)
	}
	_, err = tx.ExecContext(ctx, `UPDATE incidents SET more_accounts = $1 WHERE uid = $2 AND more_accounts <> $1`, more, uid)
	return err
}

// regatherAll does so for the incidents that people regrouped and that changed findings are a part of.
func regatherAll(ctx context.Context, tx *sql.Tx, changed func(uid string) bool) error {
	of := map[string]bool{}
	for _, query := range []string{
		`SELECT uid, coalesce(merged_into, uid) FROM incidents WHERE regrouped = 1`,
		`SELECT uid, placed_in FROM alerts WHERE placed_in IS NOT NULL`,
	} {
		if err := targets(ctx, tx, query, changed, of); err != nil {
			return err
		}
	}
	for uid := range of {
		if err := regather(ctx, tx, uid); err != nil {
			return err
		}
	}
	return nil
}

func targets(ctx context.Context, tx *sql.Tx, query string, changed func(uid string) bool, into map[string]bool) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	for rows.Next() {
		var uid, target string
		if err := rows.Scan(&uid, &target); err != nil {
			return err
		}
		if changed(uid) {
			into[target] = true
		}
	}
	return rows.Err()
}

// fillAccounts reads from the documents whose data findings hold that were saved before this was kept.
func (d *Desk) fillAccounts(ctx context.Context) error {
	filled, err := d.fill(ctx, `SELECT uid, doc FROM alerts WHERE accounts = '' ORDER BY uid LIMIT 500`, func(tx *sql.Tx, uid string, doc []byte) error {
		var a finding.Alert
		var account string
		if err := tx.QueryRowContext(ctx, `SELECT account FROM alerts WHERE uid = $1`, uid).Scan(&account); err != nil {
			return err
		}
		if json.Unmarshal(doc, &a) != nil { // what it holds is not known
			a = finding.Alert{Accounts: []string{""}}
		}
		a.UID, a.Account = uid, account
		return saveAccounts(ctx, tx, &a)
	})
	if err != nil {
		return err
	}
	more, err := d.fill(ctx, `SELECT uid, doc FROM incidents WHERE related_told = 0 ORDER BY uid LIMIT 500`, func(tx *sql.Tx, uid string, doc []byte) error {
		var in incident.Incident
		if json.Unmarshal(doc, &in) != nil {
			in = incident.Incident{Accounts: []string{""}}
		}
		_, err := tx.ExecContext(ctx, `UPDATE incidents SET accounts = $1, related_told = 1 WHERE uid = $2`, joinAccounts(accountsOfIncident(&in)), uid)
		return err
	})
	if err != nil || !filled && !more {
		return err
	}
	return d.db.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := inOrder(ctx, tx); err != nil {
			return err
		}
		return regatherAll(ctx, tx, func(string) bool { return true })
	})
}

// fill does something with each row of a query that finds nothing any more when it is done.
func (d *Desk) fill(ctx context.Context, query string, do func(tx *sql.Tx, uid string, doc []byte) error) (found bool, _ error) {
	type row struct{ uid, doc string }
	for {
		rows, err := d.db.QueryContext(ctx, query)
		if err != nil {
			return found, err
		}
		var list []row
		for rows.Next() {
			var r row
			if err := rows.Scan(&r.uid, &r.doc); err != nil {
				return found, errors.Join(err, rows.Close())
			}
			list = append(list, r)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(list) == 0 {
			return found, err
		}
		found = true
		err = d.db.Tx(ctx, func(tx *sql.Tx) error {
			if _, err := inOrder(ctx, tx); err != nil { // one fills at a time
				return err
			}
			for _, r := range list {
				if err := do(tx, r.uid, []byte(r.doc)); err != nil {
					return fmt.Errorf("%s: %w", r.uid, err)
				}
			}
			return nil
		})
		if err != nil {
			return found, err
		}
	}
}
