package desk

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/intel"
)

// FeedState is how a feed does.
type FeedState struct {
	intel.Seen
	Checked time.Time     `json:"checked_at,omitzero"` // last look
	Fetched time.Time     `json:"fetched_at,omitzero"` // last that brought something new
	Error   string        `json:"error,omitempty"`     // of the last look
	Reading intel.Reading `json:"reading"`             // of what was last fetched
	Tally   intel.Tally   `json:"tally"`               // of what is known of it, expired and allowed by now
	Gone    int           `json:"gone"`                // known from before, no longer named
	As      string        `json:"as,omitempty"`        // the settings that it was last read with
}

// Feed is a feed with how it does.
type Feed struct {
	intel.Feed
	State   FeedState `json:"state"`
	Created time.Time `json:"created_at"`
}

// AddFeed keeps a feed, or changes the settings of the one of that name.
func (d *Desk) AddFeed(ctx context.Context, f intel.Feed, now time.Time) error {
	settings, err := json.Marshal(f)
	if err == nil {
		_, err = d.db.ExecContext(ctx, `INSERT INTO intel_feeds (name, settings, state, created_at) VALUES ($1, $2, '{}', $3)
			ON CONFLICT (name) DO UPDATE SET settings = excluded.settings`, f.Name, string(settings), now.UnixMilli())
	}
	if err != nil {
		return fmt.Errorf("feed %s: %w", f.Name, err)
	}
	return nil
}

// SetFeedState notes how a feed does.
func (d *Desk) SetFeedState(ctx context.Context, name string, s *FeedState) error {
	state, err := json.Marshal(s)
	if err == nil {
		_, err = d.db.ExecContext(ctx, `UPDATE intel_feeds SET state = $1 WHERE name = $2`, string(state), name)
	}
	if err != nil {
		return fmt.Errorf("state of feed %s: %w", name, err)
	}
	return nil
}

// RemoveFeed forgets a feed. Its hits stay.
func (d *Desk) RemoveFeed(ctx context.Context, name string) error {
	r, err := d.db.ExecContext(ctx, `DELETE FROM intel_feeds WHERE name = $1`, name)
	if err != nil {
		return fmt.Errorf("feed %s: %w", name, err)
	}
	if n, err := r.RowsAffected(); err == nil && n == 0 {
		return fmt.Errorf("feed %s: %w", name, ErrNotFound)
	}
	return nil
}

// Feeds lists the feeds by name.
func (d *Desk) Feeds(ctx context.Context) ([]Feed, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT name, settings, state, created_at FROM intel_feeds ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list feeds: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []Feed{}
	for rows.Next() {
		var f Feed
		var name, settings, state string
		var created sql.NullInt64
		if err := rows.Scan(&name, &settings, &state, &created); err != nil {
			return nil, fmt.Errorf("list feeds: %w", err)
		}
		if err := json.Unmarshal([]byte(settings), &f.Feed); err != nil {
			return nil, fmt.Errorf("feed %s: %w", name, err)
		}
		if err := json.Unmarshal([]byte(state), &f.State); err != nil {
			return nil, fmt.Errorf("feed %s: %w", name, err)
		}
		f.Created = timeOf(created)
		out = append(out, f)
	}
	return out, rows.Err()
}

// FeedHits is how often a feed, or one indicator of it, was met.
type FeedHits struct {
	Feed    string        `json:"feed"`
	Kind    string        `json:"kind,omitempty"`
	Value   string        `json:"value,omitempty"`
	Count   int64         `json:"count"`
	Highest finding.Level `json:"highest"`
	First   time.Time     `json:"first_seen"`
	Last    time.Time     `json:"last_seen"`
}

// HitsByFeed sums the hits of each feed.
func (d *Desk) HitsByFeed(ctx context.Context) ([]FeedHits, error) {
	return d.hits(ctx, `SELECT feed, '', '', sum(count), max(highest), min(first_seen), max(last_seen) FROM intel_hits GROUP BY feed ORDER BY feed`)
}

// HitsOf sums the hits of each indicator of a feed, the most often met first.
func (d *Desk) HitsOf(ctx context.Context, feed string, limit int) ([]FeedHits, error) {
	return d.hits(ctx, `SELECT feed, kind, value, sum(count), max(highest), min(first_seen), max(last_seen) FROM intel_hits WHERE feed = $1
		GROUP BY feed, kind, value ORDER BY 5 DESC, 4 DESC, value LIMIT $2`, feed, limit)
}

// HitsOn sums the hits of one value, by feed.
func (d *Desk) HitsOn(ctx context.Context, value string) ([]FeedHits, error) {
	return d.hits(ctx, `SELECT feed, kind, value, sum(count), max(highest), min(first_seen), max(last_seen) FROM intel_hits WHERE value = $1
		GROUP BY feed, kind, value ORDER BY feed`, value)
}

func (d *Desk) hits(ctx context.Context, query string, args ...any) ([]FeedHits, error) {
	rows, err := d.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list hits: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []FeedHits{}
	for rows.Next() {
		var h FeedHits
		var count float64 // PostgreSQL sums BIGINT as a decimal number
		var highest, first, last int64
		if err := rows.Scan(&h.Feed, &h.Kind, &h.Value, &count, &highest, &first, &last); err != nil {
			return nil, fmt.Errorf("list hits: %w", err)
		}
		h.Count, h.Highest = int64(count), finding.Level(highest) //nolint:gosec // a level
		h.First, h.Last = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		out = append(out, h)
	}
	return out, rows.Err()
}

// saveHits writes counts. whole says that they are all that there are from the day of since on.
func saveHits(ctx context.Context, tx *sql.Tx, hits []detect.IntelHits, whole bool, since time.Time) error {
	if whole {
		day := int64(0)
		if !since.IsZero() {
			day = since.Unix() / 86400
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM intel_hits WHERE day >= $1`, day); err != nil {
			return err
		}
	}
	if len(hits) == 0 {
		return nil
	}
	put, err := tx.PrepareContext(ctx, `INSERT INTO intel_hits (feed, kind, value, day, count, highest, first_seen, last_seen) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (feed, kind, value, day) DO UPDATE SET count = excluded.count, highest = excluded.highest, first_seen = excluded.first_seen, last_seen = excluded.last_seen
		WHERE excluded.count >= intel_hits.count`)
	if err != nil {
		return err
	}
	defer put.Close() //nolint:errcheck // it ends with the transaction
	for i := range hits {
		h := &hits[i]
		if _, err := put.ExecContext(ctx, h.Feed, h.Kind.String(), h.Value, h.Day, h.Count, int64(h.Highest), h.First, h.Last); err != nil {
			return err
		}
	}
	return nil
}
