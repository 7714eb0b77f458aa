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
		if slices.ContainsFunc(list, func(u undone) bool { return u.before.Regroup != nil }) {
			if err := w.regroupBack(ctx, scope, list); err != nil {
				return err
			}
			for _, u := range list {
				out.Changed = append(out.Changed, u.subject)
			}
			return w.order.keep(ctx)
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

// regroupBack takes a merge or a split back: all of it, or nothing where somebody did something about one of its incidents since.
func (w *work) regroupBack(ctx context.Context, scope access.Scope, list []undone) error {
	var was *regroup
	for _, u := range list {
		done, err := w.undo(ctx, scope, u)
		if err != nil {
			return err
		}
		if !done {
			return errDecidedSince
		}
		if u.before.Regroup != nil {
			was = u.before.Regroup
		}
	}
	if was.Made != "" {
		r, err := w.tx.ExecContext(ctx, `UPDATE incidents SET withdrawn_at = $1, updated_at = $1, seq = $2, version = version + 1 WHERE uid = $3 AND version = 0`, w.by.At.UnixMilli(), w.order.next(), was.Made)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errDecidedSince)
		}
	}
	if err := w.putBack(ctx, was); err != nil {
		return err
	}
	if _, err := w.tx.ExecContext(ctx, `UPDATE activity SET undone_at = $1 WHERE change_id = $2`, w.by.At.UnixMilli(), list[0].change); err != nil {
		return err
	}
	for _, u := range list {
		if err := regather(ctx, w.tx, u.subject); err != nil {
			return err
		}
	}
	return nil
}

const errDecidedSince = MistakeError("somebody did something about one of the two incidents since, so they stay as they are: merge or split them again")

// putBack places incidents and alerts where they stood.
func (w *work) putBack(ctx context.Context, was *regroup) error {
	null := func(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }
	for uid, into := range was.Merged {
		if _, err := w.tx.ExecContext(ctx, `UPDATE incidents SET merged_into = $1 WHERE uid = $2`, null(into), uid); err != nil {
			return err
		}
	}
	for uid, in := range was.Placed {
		if _, err := w.tx.ExecContext(ctx, `UPDATE alerts SET placed_in = $1, seq = $2, updated_at = $3 WHERE uid = $4`, null(in), w.order.next(), w.by.At.UnixMilli(), uid); err != nil {
			return err
		}
	}
	for _, uid := range was.Fresh {
		if _, err := w.tx.ExecContext(ctx, `UPDATE incidents SET regrouped = 0 WHERE uid = $1`, uid); err != nil {
			return err
		}
	}
	return nil
}

type undone struct {
	id, change, subject string
	before              state
}

func undoable(ctx context.Context, tx *sql.Tx, change string, by By) ([]undone, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, change_id, subject, before FROM activity WHERE change_id = $1 AND actor = $2 AND actor_kind = $3 AND at >= $4 AND undone_at IS NULL AND before <> '' ORDER BY id`,
		change, text(by.Name), by.Kind, by.At.Add(-UndoFor).UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var out []undone
	for rows.Next() {
		var u undone
		var before string
		if err := rows.Scan(&u.id, &u.change, &u.subject, &before); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(before), &u.before); err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, rows.Err()
}
