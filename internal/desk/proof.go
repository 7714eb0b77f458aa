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

// Digest is a digest file of CloudTrail's, and what came of checking it.
type Digest struct {
	Content   string    `json:"content"` // SHA-256 of the file, unpacked
	Source    string    `json:"source"`
	Object    string    `json:"object"`
	Signature string    `json:"-"` // that came beside it; "" where none did
	Raw       string    `json:"-"` // unpacked
	Received  time.Time `json:"received_at"`
	Verdict   string    `json:"verdict"` // valid, invalid, missing; "" is not judged yet
	Reason    string    `json:"reason"`
	Judged    time.Time `json:"judged_at,omitzero"`
}

// AddDigest keeps a digest file. A signature that comes later is added to it.
func (d *Desk) AddDigest(ctx context.Context, x *Digest) error {
	_, err := d.db.ExecContext(ctx, `INSERT INTO digests (content, source, object, signature, raw, received_at, verdict, reason) VALUES ($1, $2, $3, $4, $5, $6, '', '')
		ON CONFLICT (content) DO UPDATE SET signature = excluded.signature WHERE digests.signature = ''`, x.Content, text(x.Source), text(x.Object), text(x.Signature), text(x.Raw), x.Received.UnixMilli())
	if err != nil {
		return fmt.Errorf("keep digest %s: %w", x.Object, err)
	}
	return nil
}

// Digests lists the digest files, the oldest first.
func (d *Desk) Digests(ctx context.Context) ([]Digest, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT content, source, object, signature, raw, received_at, verdict, reason, judged_at FROM digests ORDER BY received_at, object`)
	if err != nil {
		return nil, fmt.Errorf("list digests: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var out []Digest
	for rows.Next() {
		var x Digest
		var received, judged sql.NullInt64
		if err := rows.Scan(&x.Content, &x.Source, &x.Object, &x.Signature, &x.Raw, &received, &x.Verdict, &x.Reason, &judged); err != nil {
			return nil, fmt.Errorf("list digests: %w", err)
		}
		x.Received, x.Judged = timeOf(received), timeOf(judged)
		out = append(out, x)
	}
	return out, rows.Err()
}

// JudgeDigest keeps a verdict that the ledger holds.
func (d *Desk) JudgeDigest(ctx context.Context, content, verdict, reason string, now time.Time) error {
	_, err := d.db.ExecContext(ctx, `UPDATE digests SET verdict = $1, reason = $2, judged_at = $3 WHERE content = $4`, verdict, text(reason), now.UnixMilli(), content)
	if err != nil {
		return fmt.Errorf("keep the verdict on a digest: %w", err)
	}
	return nil
}
