package evidence

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Deed is one line of the chain of custody.
type Deed struct {
	At       time.Time `json:"at"`
	By       By        `json:"by"`
	Action   string    `json:"action"` // captured, viewed, read, verified, altered, held, released, exported, deleted
	Object   string    `json:"object"` // SHA-256 of what it was done to; "" is the whole set
	Detail   string    `json:"detail"` // the reason, in the person's words
	Previous string    `json:"previous"`
}

// write adds a line to a set's chain of custody, within a transaction.
func write(ctx context.Context, tx *sql.Tx, id string, d Deed) error {
	var n int64
	var last string
	err := tx.QueryRowContext(ctx, `SELECT n, line FROM evidence_custody WHERE set_id = $1 ORDER BY n DESC LIMIT 1`, id).Scan(&n, &last)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return fmt.Errorf("chain of custody of %s: %w", id, err)
	default:
		d.Previous = lineHash(last)
	}
	d.At, d.Detail = d.At.UTC().Truncate(time.Millisecond), text(d.Detail)
	d.By.Name, d.By.Address = text(d.By.Name), text(d.By.Address)
	line, err := encode(d)
	if err != nil {
		return fmt.Errorf("chain of custody of %s: %w", id, err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO evidence_custody (set_id, n, line) VALUES ($1, $2, $3)`, id, n+1, string(line)); err != nil {
		return fmt.Errorf("chain of custody of %s: %w", id, err)
	}
	return nil
}

func lineHash(line string) string {
	sum := sha256.Sum256([]byte(line))
	return hex.EncodeToString(sum[:])
}

// note adds a line on its own.
func (s *Store) note(ctx context.Context, id string, d Deed) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	d.At = s.o.Now()
	return s.o.DB.Tx(ctx, func(tx *sql.Tx) error { return write(ctx, tx, id, d) })
}

// lines reads a set's chain, the oldest first.
func (s *Store) lines(ctx context.Context, id string) ([]string, error) {
	rows, err := s.o.DB.QueryContext(ctx, `SELECT line FROM evidence_custody WHERE set_id = $1 ORDER BY n`, id)
	if err != nil {
		return nil, fmt.Errorf("chain of custody of %s: %w", id, err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []string{}
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, fmt.Errorf("chain of custody of %s: %w", id, err)
		}
		out = append(out, line)
	}
	return out, rows.Err()
}

// readChain reads lines and checks that each holds the hash of the one before.
func readChain(lines []string) ([]Deed, error) {
	out, previous := make([]Deed, 0, len(lines)), ""
	for i, line := range lines {
		var d Deed
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			return out, fmt.Errorf("line %d of the chain of custody cannot be read: %w", i+1, err)
		}
		if d.Previous != previous {
			return out, fmt.Errorf("line %d of the chain of custody does not follow from the one before: one of them was changed, or a line is missing", i+1)
		}
		out, previous = append(out, d), lineHash(line)
	}
	return out, nil
}
