package desk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// UndoFor is how long a decision can be undone by its id.
const UndoFor = 30 * time.Second

// ErrTooLate says that a decision cannot be undone any more.
var ErrTooLate = errors.New("a decision can be undone for 30 seconds, by the one who made it: decide again")

// Undo takes a decision back where nobody decided after it. What was changed since, and what the Scope does not see any more, stays as it
// is. Only who made the decision can undo it: the same name of the same kind.
func (d *Desk) Undo(ctx context.Context, scope access.Scope, change string, by By) (Changed, error) {
	out := Changed{ID: change, Changed: []string{}, Missing: []string{}}
	err := d.db.Tx(ctx, func(tx *sql.Tx) error {
		w, err := begin(ctx, tx, change, by)
		if err != nil {
			return err
		}
		list, err := undoable(ctx, tx, text(change), by)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return ErrTooLate
		}
		for _, a := range slices.Backward(list) {
			done, err := w.undo(ctx, scope, a)
			if err != nil {
				return err
			}
			if done {
				out.Changed = append(out.Changed, a.subject)
			} else {
				out.Missing = append(out.Missing, a.subject)
			}
		}
		return w.order.keep(ctx)
	})
	return out, told("undo", err)
}

// undo puts back what was before, and reports whether it could.
func (w *work) undo(ctx context.Context, scope access.Scope, a undone) (bool, error) {
	kind := Incidents
	s, err := standing(ctx, w.tx, kind, a.subject)
	if errors.Is(err, sql.ErrNoRows) {
		kind = Alerts
		s, err = standing(ctx, w.tx, kind, a.subject)
	}
	if err != nil {
		return false, err
	}
	if !seesAll(scope, s.accounts) || s.Version != a.before.Version+1 {
		return false, nil
	}
	if err := w.put(ctx, kind, a.subject, s.Version, a.before); err != nil {
		return false, err
	}
	if _, err := w.tx.ExecContext(ctx, `UPDATE activity SET undone_at = $1 WHERE id = $2`, w.by.At.UnixMilli(), a.id); err != nil {
		return false, err
	}
	return true, w.audit(ctx, kind, a.subject, "undo", w.change)
}

type undone struct {
	id, subject string
	before      state
}

func undoable(ctx context.Context, tx *sql.Tx, change string, by By) ([]undone, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, subject, before FROM activity WHERE change_id = $1 AND actor = $2 AND actor_kind = $3 AND at >= $4 AND undone_at IS NULL AND before <> '' ORDER BY id`,
		change, text(by.Name), by.Kind, by.At.Add(-UndoFor).UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var out []undone
	for rows.Next() {
		var u undone
		var before string
		if err := rows.Scan(&u.id, &u.subject, &before); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(before), &u.before); err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, rows.Err()
}
