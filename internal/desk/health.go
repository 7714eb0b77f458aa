package desk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/health"
)

// Kinds of alerts.
const (
	KindDetection = "detection"
	KindHealth    = "health" // of a source
)

// Tally is what a worker counted of the batches up to a position.
type Tally struct {
	Position uint64
	Hours    []health.Hour // what came on top of what was saved before
}

// tallyName is where the position of a partition's tally is kept.
func tallyName(partition string) string { return "tally/" + partition }

// Tallied returns the position up to which a partition's batches are counted.
func (d *Desk) Tallied(ctx context.Context, partition string) (uint64, error) {
	return d.Position(ctx, tallyName(partition))
}

// saveTally adds counts, with the position that they reach.
func saveTally(ctx context.Context, tx *sql.Tx, partition string, t *Tally, now time.Time) error {
	for i := range t.Hours {
		if err := addHour(ctx, tx, t.Hours[i], now); err != nil {
			return err
		}
	}
	return savePosition(ctx, tx, tallyName(partition), t.Position)
}

func savePosition(ctx context.Context, tx *sql.Tx, name string, position uint64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO positions (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE excluded.value > positions.value`, name, int64(position)) //nolint:gosec // counted from 1
	return err
}

const hourColumns = `source, format, account, region, hour, received, stored, duplicate, dead, dropped, bytes, lags, first_at, last_at, last_occurred, gap, watched`

// addHour merges an hour into what is there of it.
func addHour(ctx context.Context, tx *sql.Tx, h health.Hour, now time.Time) error {
	old, err := hourIn(tx.QueryRowContext(ctx, `SELECT `+hourColumns+` FROM source_hours WHERE source = $1 AND format = $2 AND account = $3 AND region = $4 AND hour = $5`,
		h.Source, h.Format, h.Account, h.Region, h.Start.UnixMilli()))
	switch {
	case err == nil:
		old.Merge(h)
		h = old
	case errors.Is(err, sql.ErrNoRows):
		var previous sql.NullInt64
		err := tx.QueryRowContext(ctx, `SELECT max(last_at) FROM source_hours WHERE source = $1 AND format = $2 AND account = $3 AND region = $4 AND hour < $5`,
			h.Source, h.Format, h.Account, h.Region, h.Start.UnixMilli()).Scan(&previous)
		if err != nil {
			return err
		}
		h.After(timeOf(previous))
	default:
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO source_hours (`+hourColumns+`, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
		ON CONFLICT (source, format, account, region, hour) DO UPDATE SET received = excluded.received, stored = excluded.stored, duplicate = excluded.duplicate, dead = excluded.dead,
			dropped = excluded.dropped, bytes = excluded.bytes, lags = excluded.lags, first_at = excluded.first_at, last_at = excluded.last_at,
			last_occurred = excluded.last_occurred, gap = excluded.gap, watched = excluded.watched, updated_at = excluded.updated_at`,
		h.Source, h.Format, h.Account, h.Region, h.Start.UnixMilli(), h.Counts.Received, h.Counts.Stored, h.Counts.Duplicate, h.Counts.Dead, h.Counts.Dropped, h.Bytes, h.Lags.String(),
		millis(h.First), millis(h.Last), millis(h.LastOccurred), h.Gap.Milliseconds(), h.Watched.Milliseconds(), now.UnixMilli())
	return err
}

func hourIn(row interface{ Scan(...any) error }) (h health.Hour, err error) {
	var start, gap, watched int64
	var lags string
	var first, last, occurred sql.NullInt64
	err = row.Scan(&h.Source, &h.Format, &h.Account, &h.Region, &start, &h.Counts.Received, &h.Counts.Stored, &h.Counts.Duplicate, &h.Counts.Dead, &h.Counts.Dropped, &h.Bytes, &lags,
		&first, &last, &occurred, &gap, &watched)
	h.Start, h.Lags, h.First, h.Last, h.LastOccurred = time.UnixMilli(start).UTC(), health.ParseLags(lags), timeOf(first), timeOf(last), timeOf(occurred)
	h.Gap, h.Watched = time.Duration(gap)*time.Millisecond, time.Duration(watched)*time.Millisecond
	return h, err
}

// Hours calls each with every hour that changed at a time or after it, the oldest first.
func (d *Desk) Hours(ctx context.Context, changed time.Time, each func(health.Hour)) error {
	rows, err := d.db.QueryContext(ctx, `SELECT `+hourColumns+` FROM source_hours WHERE updated_at >= $1 ORDER BY hour`, changed.UnixMilli())
	if err != nil {
		return fmt.Errorf("read the hours of sources: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	for rows.Next() {
		h, err := hourIn(rows)
		if err != nil {
			return fmt.Errorf("read the hours of sources: %w", err)
		}
		each(h)
	}
	return rows.Err()
}

// Streams calls each with every stream of logs that has hours.
func (d *Desk) Streams(ctx context.Context, each func(health.Key)) error {
	rows, err := d.db.QueryContext(ctx, `SELECT DISTINCT source, format, account, region FROM source_hours`)
	if err != nil {
		return fmt.Errorf("list the streams of sources: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	for rows.Next() {
		var k health.Key
		if err := rows.Scan(&k.Source, &k.Format, &k.Account, &k.Region); err != nil {
			return fmt.Errorf("list the streams of sources: %w", err)
		}
		each(k)
	}
	return rows.Err()
}

// Watched notes for how long sources were open since it was last called, and forgets hours that are older than health.Kept.
func (d *Desk) Watched(ctx context.Context, sources []string, span time.Duration, now time.Time) error {
	err := d.db.Tx(ctx, func(tx *sql.Tx) error {
		for _, name := range sources {
			if err := addHour(ctx, tx, health.Hour{Key: health.Key{Source: name}, Start: health.HourOf(now), Watched: span}, now); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM source_hours WHERE hour < $1`, now.Add(-health.Kept).UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("note that sources are watched: %w", err)
	}
	return nil
}

// openTrouble is an alert on health that is not closed.
type openTrouble struct {
	uid, rule, origin, sentence string
	first                       int64
}

// SaveTroubles makes the open alerts on the health of sources those of a list: a new one for what is new, a longer one for what lasts,
// and closed ones, with the time, for what is over. It returns how many are open.
func (d *Desk) SaveTroubles(ctx context.Context, list []health.Trouble, now time.Time) (int, error) {
	err := d.db.Tx(ctx, func(tx *sql.Tx) error {
		o, err := inOrder(ctx, tx)
		if err != nil {
			return err
		}
		open, err := openTroubles(ctx, tx)
		if err != nil {
			return err
		}
		lasts := map[string]bool{}
		for i := range list {
			a := list[i].Alert(now)
			if was, is := open[a.Rule.ID+" "+a.Origin.ID]; is { // the same episode, whatever its beginning is reckoned to be now
				lasts[was.uid] = true
				a.UID, a.First = was.uid, time.UnixMilli(was.first).UTC()
				if was.sentence == a.Sentence {
					continue
				}
			}
			if err := saveTrouble(ctx, o, &a, now); err != nil {
				return err
			}
		}
		for _, was := range open {
			if lasts[was.uid] {
				continue
			}
			if err := closeTrouble(ctx, o, was, now); err != nil {
				return err
			}
		}
		return o.keep(ctx)
	})
	if err != nil {
		return 0, fmt.Errorf("save the health of sources: %w", err)
	}
	return len(list), nil
}

func openTroubles(ctx context.Context, tx *sql.Tx) (map[string]openTrouble, error) {
	rows, err := tx.QueryContext(ctx, `SELECT uid, rule_id, origin, sentence, first_seen FROM alerts WHERE kind = 'health' AND closed_at IS NULL AND withdrawn_at IS NULL`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := map[string]openTrouble{}
	for rows.Next() {
		var o openTrouble
		if err := rows.Scan(&o.uid, &o.rule, &o.origin, &o.sentence, &o.first); err != nil {
			return nil, err
		}
		out[o.rule+" "+o.origin] = o
	}
	return out, rows.Err()
}

// saveTrouble opens an alert or lets it grow. One that was closed under the same UID opens again: its cause never ended.
func saveTrouble(ctx context.Context, o *order, a *finding.Alert, now time.Time) error {
	doc, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("alert %s: %w", a.UID, err)
	}
	_, err = o.tx.ExecContext(ctx, `INSERT INTO alerts (uid, title, sentence, severity, score, rule_id, rule_hash, account, origin, count, first_seen, last_seen, status, late, doc, occurred_at, ingested_at, created_at, updated_at, kind, seq)
		VALUES ($1, $2, $3, $4, $5, $6, '', $7, $8, $9, $10, $11, 'new', 0, $12, $10, $13, $13, $13, 'health', $14)
		ON CONFLICT (uid) DO UPDATE SET sentence = excluded.sentence, severity = excluded.severity, score = excluded.score, count = excluded.count, last_seen = excluded.last_seen,
			doc = excluded.doc, updated_at = excluded.updated_at, seq = excluded.seq, closed_at = NULL, recovered_at = NULL, status = CASE WHEN alerts.closed_at IS NULL THEN alerts.status ELSE 'new' END`,
		a.UID, a.Title, a.Sentence, int64(a.Severity), a.Score, a.Rule.ID, a.Account, a.Origin.ID, a.Count, a.First.UnixMilli(), a.Last.UnixMilli(), string(doc), now.UnixMilli(), o.next())
	if err != nil {
		return err
	}
	return saveAccounts(ctx, o.tx, a)
}

func closeTrouble(ctx context.Context, o *order, was openTrouble, now time.Time) error {
	sentence := fmt.Sprintf("Over since %s, after %s. %s", now.UTC().Format(time.RFC3339), health.Span(now.Sub(time.UnixMilli(was.first))), was.sentence)
	_, err := o.tx.ExecContext(ctx, `UPDATE alerts SET status = 'closed', sentence = $1, recovered_at = $2, closed_at = $2, updated_at = $2, seq = $4 WHERE uid = $3`, sentence, now.UnixMilli(), was.uid, o.next())
	return err
}
