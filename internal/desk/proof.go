package desk

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Unledgered lists deliveries that the ledger was not told of, the oldest first.
func (d *Desk) Unledgered(ctx context.Context, limit int) ([]Delivery, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT source, object, etag, records, bytes, received_at, sha256, content FROM deliveries WHERE ledgered_at IS NULL AND sha256 <> ''
		ORDER BY received_at, source, object LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var out []Delivery
	for rows.Next() {
		var x Delivery
		var at sql.NullInt64
		if err := rows.Scan(&x.Source, &x.Object, &x.ETag, &x.Records, &x.Bytes, &at, &x.SHA256, &x.Content); err != nil {
			return nil, fmt.Errorf("list deliveries: %w", err)
		}
		x.At = timeOf(at)
		out = append(out, x)
	}
	return out, rows.Err()
}

// Ledgered notes that the ledger holds the leaves of deliveries.
func (d *Desk) Ledgered(ctx context.Context, list []Delivery, now time.Time) error {
	err := d.db.Tx(ctx, func(tx *sql.Tx) error {
		for i := range list {
			x := &list[i]
			if _, err := tx.ExecContext(ctx, `UPDATE deliveries SET ledgered_at = $1 WHERE source = $2 AND object = $3 AND etag = $4`, now.UnixMilli(), x.Source, x.Object, x.ETag); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note the leaves of deliveries: %w", err)
	}
	return nil
}

// Contents lists the hashes of what was packed in the objects of a file name that a source delivered.
func (d *Desk) Contents(ctx context.Context, source, name string) ([]string, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT content FROM deliveries WHERE name = $1 AND source = $2 AND content <> ''`, text(name), text(source))
	if err != nil {
		return nil, fmt.Errorf("look for %s: %w", name, err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, fmt.Errorf("look for %s: %w", name, err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
