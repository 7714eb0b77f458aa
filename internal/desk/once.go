package desk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// AnswersKept is how long the answer to a write with an Idempotency-Key is remembered.
const AnswersKept = 24 * time.Hour

// Said is the answer to a write.
type Said struct {
	Request string // a hash of what was asked
	Status  int    // 0: it is being done, or was when the program ended
	Kind    string // media type
	ETag    string
	Body    string
}

// Once begins a write of a name, or returns what was said when it was done before. Of several at once one begins.
func (d *Desk) Once(ctx context.Context, id, request string, now time.Time) (before *Said, err error) {
	if _, err := d.db.ExecContext(ctx, `DELETE FROM answers WHERE at < $1`, now.Add(-AnswersKept).UnixMilli()); err != nil {
		return nil, fmt.Errorf("remember a request: %w", err)
	}
	r, err := d.db.ExecContext(ctx, `INSERT INTO answers (id, request, status, kind, etag, body, at) VALUES ($1, $2, 0, '', '', '', $3) ON CONFLICT (id) DO NOTHING`, id, request, now.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("remember a request: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 1 {
		return nil, err
	}
	var s Said
	err = d.db.QueryRowContext(ctx, `SELECT request, status, kind, etag, body FROM answers WHERE id = $1`, id).Scan(&s.Request, &s.Status, &s.Kind, &s.ETag, &s.Body)
	if errors.Is(err, sql.ErrNoRows) { // the one that was being done failed this moment
		return &Said{Request: request}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("remember a request: %w", err)
	}
	return &s, nil
}

// Say remembers the answer to a write that Once began. One of status 0 is forgotten: it can be tried again.
func (d *Desk) Say(ctx context.Context, id string, s Said) error {
	query, args := `UPDATE answers SET status = $1, kind = $2, etag = $3, body = $4 WHERE id = $5`, []any{s.Status, s.Kind, s.ETag, text(s.Body), id}
	if s.Status == 0 {
		query, args = `DELETE FROM answers WHERE id = $1`, []any{id}
	}
	if _, err := d.db.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("remember an answer: %w", err)
	}
	return nil
}
