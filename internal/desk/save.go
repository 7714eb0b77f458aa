package desk

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

// Conclusion is what one save brings.
type Conclusion struct {
	Partition string // name of the stream's partition
	Position  uint64 // that was read up to
	Findings  bool   // Incidents and Loose are all that there are since Since; without it they stay as they were
	Since     time.Time
	Incidents []incident.Incident
	Loose     []finding.Alert
	// Received says when an event of an account came in; zero where that is not known any more.
	Received func(account, uid string) time.Time
	// Late says whether an event of an account came after its watermark had passed it by more than its format's lateness.
	Late        func(account, uid string) bool
	Watermarks  []Watermark
	DeadLetters []DeadLetter
	Hits        []detect.IntelHits // of indicators: counts that changed
	HitsWhole   bool               // they are all that there are since Since
	Tally       *Tally             // what was counted of the sources; nil for nothing
	Now         time.Time
}

// Save writes a conclusion in one transaction.
func (d *Desk) Save(ctx context.Context, c *Conclusion) error {
	err := d.db.Tx(ctx, func(tx *sql.Tx) error {
		if err := saveDeadLetters(ctx, tx, c.DeadLetters); err != nil {
			return err
		}
		if err := saveWatermarks(ctx, tx, c.Watermarks); err != nil {
			return err
		}
		if c.Findings {
			if err := saveFindings(ctx, tx, c); err != nil {
				return err
			}
		}
		if err := saveHits(ctx, tx, c.Hits, c.HitsWhole, c.Since); err != nil {
			return err
		}
		if c.Tally != nil {
			if err := saveTally(ctx, tx, c.Partition, c.Tally, c.Now); err != nil {
				return err
			}
		}
		return savePosition(ctx, tx, c.Partition, c.Position)
	})
	if err != nil {
		return fmt.Errorf("save to the desk: %w", err)
	}
	return nil
}

func saveFindings(ctx context.Context, tx *sql.Tx, c *Conclusion) error {
	o, err := inOrder(ctx, tx)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := range c.Incidents {
		in := &c.Incidents[i]
		seen[in.UID] = true
		if err := saveIncident(ctx, o, in, c); err != nil {
			return err
		}
		for k := range in.Alerts {
			seen[in.Alerts[k].UID] = true
			if err := saveAlert(ctx, o, &in.Alerts[k], in.UID, c); err != nil {
				return err
			}
		}
	}
	for i := range c.Loose {
		seen[c.Loose[i].UID] = true
		if err := saveAlert(ctx, o, &c.Loose[i], "", c); err != nil {
			return err
		}
	}
	for _, table := range []string{"incidents", "alerts"} {
		if err := withdraw(ctx, o, table, seen, c); err != nil {
			return err
		}
	}
	if err := regatherAll(ctx, tx, func(uid string) bool { return o.changed[uid] }); err != nil {
		return err
	}
	return o.keep(ctx)
}

// withdraw marks what is no longer concluded and that nobody has taken up.
func withdraw(ctx context.Context, o *order, table string, seen map[string]bool, c *Conclusion) error {
	only := ""
	if table == "alerts" {
		only = ` AND kind = 'detection'`
	}
	rows, err := o.tx.QueryContext(ctx, `SELECT uid FROM `+table+` WHERE withdrawn_at IS NULL AND acknowledged_at IS NULL AND last_seen >= $1`+only, c.Since.UnixMilli()) //nolint:gosec // the name of a table of ours
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var gone []string
	for rows.Next() {
		var uid string
		if err := rows.Scan(&uid); err != nil {
			return err
		}
		if !seen[uid] {
			gone = append(gone, uid)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, uid := range gone {
		if _, err := o.tx.ExecContext(ctx, `UPDATE `+table+` SET withdrawn_at = $1, updated_at = $1, seq = $3 WHERE uid = $2`, c.Now.UnixMilli(), uid, o.next()); err != nil { //nolint:gosec // likewise
			return err
		}
		o.changed[uid] = true
	}
	return nil
}

// saveIncident writes one. When it began moves back where an earlier event is found, never forward, nor after the case is closed.
func saveIncident(ctx context.Context, o *order, in *incident.Incident, c *Conclusion) error {
	doc, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("incident %s: %w", in.UID, err)
	}
	short, err := briefText(in)
	if err != nil {
		return fmt.Errorf("incident %s: %w", in.UID, err)
	}
	ingested := time.Time{}
	for i := range in.Alerts {
		if t := ingestedOf(&in.Alerts[i], c); ingested.IsZero() || !t.IsZero() && t.Before(ingested) {
			ingested = t
		}
	}
	r, err := o.tx.ExecContext(ctx, `INSERT INTO incidents (uid, headline, severity, score, first_seen, last_seen, alerts, accounts, status, doc, occurred_at, ingested_at, created_at, updated_at, seq, related_told, brief)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'new', $9, $5, $10, $11, $11, $12, 1, $13)
		ON CONFLICT (uid) DO UPDATE SET headline = excluded.headline, severity = excluded.severity, score = excluded.score, first_seen = excluded.first_seen,
			last_seen = excluded.last_seen, alerts = excluded.alerts, accounts = excluded.accounts, doc = excluded.doc, brief = excluded.brief, occurred_at = CASE WHEN incidents.closed_at IS NULL AND excluded.occurred_at < incidents.occurred_at THEN excluded.occurred_at ELSE incidents.occurred_at END,
			ingested_at = coalesce(incidents.ingested_at, excluded.ingested_at), withdrawn_at = NULL, updated_at = excluded.updated_at, seq = excluded.seq
		WHERE incidents.doc <> excluded.doc OR incidents.accounts <> excluded.accounts OR incidents.withdrawn_at IS NOT NULL`,
		in.UID, text(in.Headline), int64(in.Severity), in.Score, in.First.UnixMilli(), in.Last.UnixMilli(), len(in.Alerts), joinAccounts(accountsOfIncident(in)), string(doc), millis(ingested), c.Now.UnixMilli(), o.next(), short)
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	o.changed[in.UID] = n > 0
	return err
}

// saveAlert writes one; when it began moves as that of an incident does.
func saveAlert(ctx context.Context, o *order, a *finding.Alert, incidentUID string, c *Conclusion) error {
	doc, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("alert %s: %w", a.UID, err)
	}
	ingested, late := ingestedOf(a, c), 0
	if known := a.KnownSince(); !ingested.IsZero() && known.After(ingested) { // what accuses it came after it did
		late = 1
	}
	for i := range a.Signals {
		if c.Late != nil && c.Late(a.Signals[i].Event.Account, a.Signals[i].Event.UID) {
			late = 1
		}
	}
	r, err := o.tx.ExecContext(ctx, `INSERT INTO alerts (uid, incident_uid, title, sentence, severity, score, rule_id, rule_hash, account, origin, count, first_seen, last_seen, status, late, doc, occurred_at, ingested_at, created_at, updated_at, seq)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'new', $14, $15, $12, $16, $17, $17, $18)
		ON CONFLICT (uid) DO UPDATE SET incident_uid = excluded.incident_uid, title = excluded.title, sentence = excluded.sentence, severity = excluded.severity, score = excluded.score,
			rule_hash = excluded.rule_hash, count = excluded.count, first_seen = excluded.first_seen, last_seen = excluded.last_seen, doc = excluded.doc,
			occurred_at = CASE WHEN alerts.closed_at IS NULL AND excluded.occurred_at < alerts.occurred_at THEN excluded.occurred_at ELSE alerts.occurred_at END, ingested_at = coalesce(alerts.ingested_at, excluded.ingested_at), withdrawn_at = NULL, updated_at = excluded.updated_at, seq = excluded.seq,
			late = CASE WHEN excluded.late > alerts.late THEN excluded.late ELSE alerts.late END
		WHERE excluded.late > alerts.late OR alerts.doc <> excluded.doc OR alerts.accounts <> $19 OR alerts.withdrawn_at IS NOT NULL OR coalesce(alerts.incident_uid, '') <> coalesce(excluded.incident_uid, '')`,
		a.UID, sql.NullString{String: incidentUID, Valid: incidentUID != ""}, text(a.Title), text(a.Sentence), int64(a.Severity), a.Score, text(a.Rule.ID), a.Rule.Hash, text(a.Account), text(a.Origin.ID), a.Count,
		a.First.UnixMilli(), a.Last.UnixMilli(), late, string(doc), millis(ingested), c.Now.UnixMilli(), o.next(), joinAccounts(accountsOf(a)))
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return err
	}
	o.changed[a.UID] = true
	if err := saveAccounts(ctx, o.tx, a); err != nil {
		return err
	}
	return saveMentions(ctx, o.tx, a)
}

// ingestedOf is when the first event of an alert came in.
func ingestedOf(a *finding.Alert, c *Conclusion) time.Time {
	if c.Received == nil || len(a.Signals) == 0 {
		return time.Time{}
	}
	return c.Received(a.Signals[0].Event.Account, a.Signals[0].Event.UID)
}

// DeadLetter is a record that could not be made an event.
type DeadLetter struct {
	ID         string    `json:"id"` // the same for the same record of the same object
	Source     string    `json:"source"`
	Object     string    `json:"object"`
	Record     int       `json:"record"` // ordinal in the object, from 0
	Offset     int64     `json:"offset"` // bytes into the decompressed object
	Format     string    `json:"format"`
	Reason     string    `json:"reason"`
	Detail     string    `json:"detail"`
	Raw        []byte    `json:"raw,omitempty"` // the record, where it could be told from its neighbours
	ReceivedAt time.Time `json:"received_at"`
	ReplayedAt time.Time `json:"replayed_at,omitzero"`
}

func saveDeadLetters(ctx context.Context, tx *sql.Tx, list []DeadLetter) error {
	for i := range list {
		l := &list[i]
		_, err := tx.ExecContext(ctx, `INSERT INTO dead_letters (id, source, object, record, at_byte, format, reason, detail, raw, received_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING`,
			l.ID, text(l.Source), text(l.Object), l.Record, l.Offset, text(l.Format), text(l.Reason), text(l.Detail), base64.StdEncoding.EncodeToString(l.Raw), l.ReceivedAt.UnixMilli())
		if err != nil {
			return err
		}
	}
	return nil
}
