package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// PresenceFor is how long somebody is said to look at an incident after the stream that said so was heard of last.
const PresenceFor = 20 * time.Second

// Look notes that somebody looks at an incident, by a live stream of a name of its own, and returns the names of all who do, in order. An
// incident that the Scope does not see is ErrNotFound.
func (d *Desk) Look(ctx context.Context, scope access.Scope, uid, who, stream string, now time.Time) ([]string, error) {
	uid = text(uid)
	if _, err := d.Incident(ctx, scope, uid); err != nil {
		return nil, err
	}
	_, err := d.db.ExecContext(ctx, `INSERT INTO presence (incident, who, stream, until) VALUES ($1, $2, $3, $4) ON CONFLICT (incident, stream) DO UPDATE SET until = excluded.until`,
		uid, text(who), stream, now.Add(PresenceFor).UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", uid, err)
	}
	if _, err := d.db.ExecContext(ctx, `DELETE FROM presence WHERE until < $1`, now.UnixMilli()); err != nil {
		return nil, fmt.Errorf("look at %s: %w", uid, err)
	}
	return d.column(ctx, `SELECT DISTINCT who FROM presence WHERE incident = $1 ORDER BY who`, uid)
}

// LookAway ends what Look noted of a stream.
func (d *Desk) LookAway(ctx context.Context, stream string) error {
	if _, err := d.db.ExecContext(ctx, `DELETE FROM presence WHERE stream = $1`, stream); err != nil {
		return fmt.Errorf("look away: %w", err)
	}
	return nil
}
