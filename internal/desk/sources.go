package desk

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"time"
)

// Source is a door that logs come in by.
type Source struct {
	Name     string            `json:"name"`
	Kind     string            `json:"kind"`     // folder, http, s3
	Settings map[string]string `json:"settings"` // by kind, see the table of sources
	Paused   bool              `json:"paused"`
	Created  time.Time         `json:"created_at"`
}

var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// CheckName says what a source may be called.
func CheckName(name string) error {
	if !sourceName.MatchString(name) {
		return fmt.Errorf("%q is no name for a source: use small letters, digits, dots and dashes, at most 63", name)
	}
	return nil
}

// AddSource keeps a source, or changes kind and settings of the one of that name, which stays paused if it is.
func (d *Desk) AddSource(ctx context.Context, s Source) error {
	if err := CheckName(s.Name); err != nil {
		return err
	}
	if s.Settings == nil {
		s.Settings = map[string]string{}
	}
	settings, err := json.Marshal(s.Settings)
	if err != nil {
		return fmt.Errorf("source %s: %w", s.Name, err)
	}
	_, err = d.db.ExecContext(ctx, `INSERT INTO sources (name, kind, settings, paused, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, settings = excluded.settings`, s.Name, s.Kind, string(settings), flag(s.Paused), s.Created.UnixMilli())
	if err != nil {
		return fmt.Errorf("source %s: %w", s.Name, err)
	}
	return nil
}

// RemoveSource forgets a source. What it delivered stays.
func (d *Desk) RemoveSource(ctx context.Context, name string) error {
	r, err := d.db.ExecContext(ctx, `DELETE FROM sources WHERE name = $1`, text(name))
	if err != nil {
		return fmt.Errorf("source %s: %w", name, err)
	}
	if n, err := r.RowsAffected(); err == nil && n == 0 {
		return fmt.Errorf("source %s: %w", name, ErrNotFound)
	}
	return nil
}

// PauseSource pauses a source, or lets it go on.
func (d *Desk) PauseSource(ctx context.Context, name string, paused bool) error {
	r, err := d.db.ExecContext(ctx, `UPDATE sources SET paused = $1 WHERE name = $2`, flag(paused), text(name))
	if err != nil {
		return fmt.Errorf("source %s: %w", name, err)
	}
	if n, err := r.RowsAffected(); err == nil && n == 0 {
		return fmt.Errorf("source %s: %w", name, ErrNotFound)
	}
	return nil
}

// Sources lists the sources by name.
func (d *Desk) Sources(ctx context.Context) ([]Source, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT name, kind, settings, paused, created_at FROM sources ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list sources: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []Source{}
	for rows.Next() {
		var s Source
		var settings string
		var paused int64
		var created sql.NullInt64
		if err := rows.Scan(&s.Name, &s.Kind, &settings, &paused, &created); err != nil {
			return nil, fmt.Errorf("list sources: %w", err)
		}
		if err := json.Unmarshal([]byte(settings), &s.Settings); err != nil {
			return nil, fmt.Errorf("source %s: %w", s.Name, err)
		}
		s.Paused, s.Created = paused == 1, timeOf(created)
		out = append(out, s)
	}
	return out, rows.Err()
}

// Delivery is one object that a source delivered whole.
type Delivery struct {
	Source, Object, ETag string
	Records, Bytes       int64
	At                   time.Time
	SHA256               string // of the object as delivered, 64 digits; "" where it was not taken
	Content              string // of what was packed in it, where that is one stream
}

// Delivered notes that all of an object is in the stream. It may be said twice.
func (d *Desk) Delivered(ctx context.Context, x Delivery) error {
	_, err := d.db.ExecContext(ctx, `INSERT INTO deliveries (source, object, etag, records, bytes, received_at, sha256, content, name)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		text(x.Source), text(x.Object), text(x.ETag), x.Records, x.Bytes, x.At.UnixMilli(), x.SHA256, x.Content, text(path.Base(x.Object)))
	if err != nil {
		return fmt.Errorf("note delivery of %s: %w", x.Object, err)
	}
	return nil
}

// WasDelivered reports whether an object was noted.
func (d *Desk) WasDelivered(ctx context.Context, source, object, etag string) (bool, error) {
	var n int
	err := d.db.QueryRowContext(ctx, `SELECT count(*) FROM deliveries WHERE source = $1 AND object = $2 AND etag = $3`, text(source), text(object), text(etag)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for delivery of %s: %w", object, err)
	}
	return n > 0, nil
}

func flag(on bool) int64 {
	if on {
		return 1
	}
	return 0
}
