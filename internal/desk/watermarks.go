package desk

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Watermark says how far, by the time of its events, a source has delivered of an account, Region and lane. It never passes the time of receipt
// by more than five minutes, and never goes back.
type Watermark struct {
	Source  string    `json:"source"`
	Account string    `json:"account,omitempty"`
	Region  string    `json:"region,omitempty"`
	Lane    string    `json:"lane"`
	At      time.Time `json:"at"`
}

// Watermarks lists them, by source; "" is all.
func (d *Desk) Watermarks(ctx context.Context, source string) ([]Watermark, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT source, account, region, lane, at FROM watermarks WHERE $1 = '' OR source = $1 ORDER BY source, account, region, lane`, source)
	if err != nil {
		return nil, fmt.Errorf("list watermarks: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []Watermark{}
	for rows.Next() {
		var w Watermark
		var at int64
		if err := rows.Scan(&w.Source, &w.Account, &w.Region, &w.Lane, &at); err != nil {
			return nil, fmt.Errorf("list watermarks: %w", err)
		}
		w.At = time.UnixMilli(at).UTC()
		out = append(out, w)
	}
	return out, rows.Err()
}

func saveWatermarks(ctx context.Context, tx *sql.Tx, list []Watermark) error {
	for _, w := range list {
		_, err := tx.ExecContext(ctx, `INSERT INTO watermarks (source, account, region, lane, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (source, account, region, lane) DO UPDATE SET at = excluded.at WHERE excluded.at > watermarks.at`,
			text(w.Source), text(w.Account), text(w.Region), text(w.Lane), w.At.UnixMilli())
		if err != nil {
			return err
		}
	}
	return nil
}
