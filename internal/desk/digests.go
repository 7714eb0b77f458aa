package desk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Digest is a digest file of CloudTrail's, and what came of checking it.
type Digest struct {
	Content   string    `json:"content"` // SHA-256 of the file, unpacked
	Source    string    `json:"source"`
	Object    string    `json:"object"`
	Signature string    `json:"-"` // that came beside it; "" where none did
	Raw       string    `json:"-"` // unpacked; "" where a list leaves it out
	Received  time.Time `json:"received_at"`
	Verdict   string    `json:"verdict"` // valid, invalid, missing; "" is not judged yet
	Reason    string    `json:"reason"`
	Judged    time.Time `json:"judged_at,omitzero"`
	DigestSaying
}

// DigestSaying is what a digest file says of itself. All of it is empty until it was read, but for Name, which is NoDigest of one that cannot be.
type DigestSaying struct {
	Name              string    `json:"name"`  // the object that it says it is
	Chain             string    `json:"chain"` // the row of digests that it is one of
	Account           string    `json:"account"`
	Region            string    `json:"region"`
	Trail             string    `json:"trail"`
	Start             time.Time `json:"start,omitzero"`
	End               time.Time `json:"end,omitzero"`
	Files             int       `json:"files"`
	Previous          string    `json:"previous"` // the object before it in its chain; "" where the chain begins
	PreviousSignature string    `json:"-"`
}

// NoDigest is the Name of a digest file that cannot be read.
const NoDigest = "-"

// AddDigest keeps a digest file. A signature that comes later is added to it.
func (d *Desk) AddDigest(ctx context.Context, x *Digest) error {
	_, err := d.db.ExecContext(ctx, `INSERT INTO digests (content, source, object, signature, raw, received_at, verdict, reason) VALUES ($1, $2, $3, $4, $5, $6, '', '')
		ON CONFLICT (content) DO UPDATE SET signature = excluded.signature WHERE digests.signature = ''`, x.Content, text(x.Source), text(x.Object), text(x.Signature), text(x.Raw), x.Received.UnixMilli())
	if err != nil {
		return fmt.Errorf("keep digest %s: %w", x.Object, err)
	}
	return nil
}

// Digests lists the digest files without their bytes, chain by chain, the oldest first.
func (d *Desk) Digests(ctx context.Context) ([]Digest, error) {
	return d.digests(ctx, `'' AS raw`, `TRUE ORDER BY chain, end_at, received_at, object`)
}

// UnreadDigests lists digest files of which is not known yet what they say, with their bytes.
func (d *Desk) UnreadDigests(ctx context.Context, limit int) ([]Digest, error) {
	return d.digests(ctx, `raw`, `name = '' ORDER BY received_at, object LIMIT $1`, limit)
}

// UnjudgedDigests lists the content of the digest files without a final verdict, the oldest first.
func (d *Desk) UnjudgedDigests(ctx context.Context) ([]Digest, error) {
	return d.digests(ctx, `'' AS raw`, `verdict NOT IN ('valid', 'invalid') ORDER BY received_at, object`)
}

// Digest gives one digest file with its bytes.
func (d *Desk) Digest(ctx context.Context, content string) (*Digest, error) {
	list, err := d.digests(ctx, `raw`, `content = $1`, content)
	if err != nil || len(list) == 0 {
		return nil, errors.Join(fmt.Errorf("digest %s", content), err)
	}
	return &list[0], nil
}

// DigestsCalled lists the digest files that say that they are an object, without their bytes: one, unless one was changed.
func (d *Desk) DigestsCalled(ctx context.Context, name string) ([]Digest, error) {
	return d.digests(ctx, `'' AS raw`, `name = $1 ORDER BY received_at`, text(name))
}

// NextSignature is the signature of an object, as the digest after it names it; "" where none does.
func (d *Desk) NextSignature(ctx context.Context, name string) (string, error) {
	return d.digestText(ctx, `SELECT previous_signature FROM digests WHERE previous = $1 ORDER BY received_at DESC LIMIT 1`, text(name))
}

// FirstOf is the name of the oldest digest file of a chain; "" where there is none.
func (d *Desk) FirstOf(ctx context.Context, chain string) (string, error) {
	return d.digestText(ctx, `SELECT name FROM digests WHERE chain = $1 ORDER BY end_at LIMIT 1`, text(chain))
}

func (d *Desk) digestText(ctx context.Context, query, value string) (string, error) {
	var out string
	err := d.db.QueryRowContext(ctx, query, value).Scan(&out)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look for a digest: %w", err)
	}
	return out, nil
}

func (d *Desk) digests(ctx context.Context, raw, where string, args ...any) ([]Digest, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT content, source, object, signature, `+raw+`, received_at, verdict, reason, judged_at,
		name, chain, account, region, trail, start_at, end_at, files, previous, previous_signature FROM digests WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list digests: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var out []Digest
	for rows.Next() {
		var x Digest
		var received, judged, start, end sql.NullInt64
		if err := rows.Scan(&x.Content, &x.Source, &x.Object, &x.Signature, &x.Raw, &received, &x.Verdict, &x.Reason, &judged,
			&x.Name, &x.Chain, &x.Account, &x.Region, &x.Trail, &start, &end, &x.Files, &x.Previous, &x.PreviousSignature); err != nil {
			return nil, fmt.Errorf("list digests: %w", err)
		}
		x.Received, x.Judged, x.Start, x.End = timeOf(received), timeOf(judged), timeOf(start), timeOf(end)
		out = append(out, x)
	}
	return out, rows.Err()
}

// ReadDigest keeps what a digest file says of itself.
func (d *Desk) ReadDigest(ctx context.Context, content string, x *DigestSaying) error {
	_, err := d.db.ExecContext(ctx, `UPDATE digests SET name = $1, chain = $2, account = $3, region = $4, trail = $5, start_at = $6, end_at = $7, files = $8, previous = $9, previous_signature = $10
		WHERE content = $11`, text(x.Name), text(x.Chain), text(x.Account), text(x.Region), text(x.Trail), millis(x.Start), millis(x.End), x.Files, text(x.Previous), text(x.PreviousSignature), content)
	if err != nil {
		return fmt.Errorf("keep what a digest says: %w", err)
	}
	return nil
}
