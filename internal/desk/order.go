package desk

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
)

// order numbers the changes of one transaction. It holds its row until the transaction ends, so that numbers become visible in their
// order: a reader that has seen one has seen all before it.
type order struct {
	tx      *sql.Tx
	n       int64
	changed map[string]bool // uids of findings that a conclusion changed
}

// inOrder begins to number. It comes before anything else that a transaction writes to findings.
func inOrder(ctx context.Context, tx *sql.Tx) (*order, error) {
	o := &order{tx: tx, changed: map[string]bool{}}
	if err := tx.QueryRowContext(ctx, `UPDATE live_turn SET n = n WHERE id = 1 RETURNING n`).Scan(&o.n); err != nil {
		return nil, fmt.Errorf("order of changes: %w", err)
	}
	return o, nil
}

func (o *order) next() int64 {
	o.n++
	return o.n
}

// keep notes how far it came.
func (o *order) keep(ctx context.Context) error {
	if _, err := o.tx.ExecContext(ctx, `UPDATE live_turn SET n = $1 WHERE id = 1`, o.n); err != nil {
		return fmt.Errorf("order of changes: %w", err)
	}
	return nil
}

// Update is a finding that changed, for those who look on.
type Update struct {
	Seq       int64         `json:"seq"`  // its place in the order of all changes
	Kind      string        `json:"kind"` // incidents, alerts
	UID       string        `json:"uid"`
	Title     string        `json:"title"`
	Severity  finding.Level `json:"severity"`
	Status    string        `json:"status"`
	Assignee  string        `json:"assignee"`
	Verdict   string        `json:"verdict"`
	Version   int64         `json:"version"`
	At        time.Time     `json:"at"`
	Withdrawn bool          `json:"withdrawn,omitempty"`
	Merged    string        `json:"merged_into,omitempty"`
	accounts  string
}

// maxUpdates bounds one answer of Updates.
const maxUpdates = 1000

// Now is the place of the last change: updates after it are those to come.
func (d *Desk) Now(ctx context.Context) (n int64, err error) {
	if err := d.db.QueryRowContext(ctx, `SELECT n FROM live_turn WHERE id = 1`).Scan(&n); err != nil {
		return 0, fmt.Errorf("order of changes: %w", err)
	}
	return n, nil
}

// Updates lists findings that changed after a place, in order, and up to which place it looked: ask again from there. A finding that
// changed several times is told once, as it is now.
func (d *Desk) Updates(ctx context.Context, scope access.Scope, after int64) (_ []Update, upTo int64, _ error) {
	rows, err := d.db.QueryContext(ctx, `SELECT seq, 'incidents', uid, headline, coalesce(set_severity, severity), status, assignee, verdict, version, updated_at, accounts || more_accounts, coalesce(merged_into, ''), coalesce((SELECT its.accounts || its.more_accounts FROM incidents its WHERE its.uid = incidents.merged_into), ''), CASE WHEN withdrawn_at IS NULL THEN 0 ELSE 1 END FROM incidents WHERE seq > $1
		UNION ALL SELECT seq, 'alerts', uid, title, coalesce(set_severity, severity), status, assignee, verdict, version, updated_at, accounts, '', '', CASE WHEN withdrawn_at IS NULL THEN 0 ELSE 1 END FROM alerts WHERE seq > $1 ORDER BY 1 LIMIT $2`, after, maxUpdates)
	if err != nil {
		return nil, after, fmt.Errorf("updates: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var out []Update
	upTo = after
	for rows.Next() {
		var u Update
		var severity, withdrawn int64
		var into string
		var at sql.NullInt64
		if err := rows.Scan(&u.Seq, &u.Kind, &u.UID, &u.Title, &severity, &u.Status, &u.Assignee, &u.Verdict, &u.Version, &at, &u.accounts, &u.Merged, &into, &withdrawn); err != nil {
			return nil, after, fmt.Errorf("updates: %w", err)
		}
		u.Severity, u.At, u.Withdrawn = finding.Level(severity), timeOf(at), withdrawn == 1 //nolint:gosec // a level
		upTo = u.Seq
		if seesAll(scope, splitAccounts(u.accounts)) {
			u.Merged = shownTo(scope, u.Merged, into)
			out = append(out, u)
		}
	}
	return out, upTo, rows.Err()
}
