package desk

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// DeadLetters lists what could not be read, the newest first; source "" is all. Only an unbounded Scope sees them: what cannot be
// read has no account.
func (d *Desk) DeadLetters(ctx context.Context, scope access.Scope, source string, limit int) ([]DeadLetter, error) {
	if !scope.All() {
		return []DeadLetter{}, nil
	}
	return d.deadLetters(ctx, `SELECT id, source, object, record, at_byte, format, reason, detail, raw, received_at, replayed_at FROM dead_letters
		WHERE ($1 = '' OR source = $1) ORDER BY received_at DESC, id LIMIT $2`, text(source), Query{Limit: limit}.limit())
}

// DeadLetter returns one, by its id or the beginning of it.
func (d *Desk) DeadLetter(ctx context.Context, scope access.Scope, id string) (DeadLetter, error) {
	if !scope.All() {
		return DeadLetter{}, fmt.Errorf("dead letter %s: %w", id, ErrNotFound)
	}
	list, err := d.deadLetters(ctx, `SELECT id, source, object, record, at_byte, format, reason, detail, raw, received_at, replayed_at FROM dead_letters
		WHERE substr(id, 1, length($1)) = $1 ORDER BY id LIMIT 2`, text(id))
	switch {
	case err != nil:
		return DeadLetter{}, err
	case id == "" || len(list) == 0:
		return DeadLetter{}, fmt.Errorf("dead letter %s: %w", id, ErrNotFound)
	case len(list) > 1:
		return DeadLetter{}, fmt.Errorf("dead letter %s: %w", id, ErrAmbiguous)
	}
	return list[0], nil
}

func (d *Desk) deadLetters(ctx context.Context, query string, args ...any) ([]DeadLetter, error) {
	rows, err := d.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []DeadLetter{}
	for rows.Next() {
		var l DeadLetter
		var raw string
		var received, replayed sql.NullInt64
		if err := rows.Scan(&l.ID, &l.Source, &l.Object, &l.Record, &l.Offset, &l.Format, &l.Reason, &l.Detail, &raw, &received, &replayed); err != nil {
			return nil, fmt.Errorf("list dead letters: %w", err)
		}
		if l.Raw, err = base64.StdEncoding.DecodeString(raw); err != nil {
			return nil, fmt.Errorf("dead letter %s: %w", l.ID, err)
		}
		l.ReceivedAt, l.ReplayedAt = timeOf(received), timeOf(replayed)
		out = append(out, l)
	}
	return out, rows.Err()
}

// Replayed notes that a dead letter was given to its source again.
func (d *Desk) Replayed(ctx context.Context, id string, now time.Time) error {
	if _, err := d.db.ExecContext(ctx, `UPDATE dead_letters SET replayed_at = $1 WHERE id = $2`, now.UnixMilli(), id); err != nil {
		return fmt.Errorf("dead letter %s: %w", id, err)
	}
	return nil
}
