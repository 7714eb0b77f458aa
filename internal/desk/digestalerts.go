package desk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/health"
)

// The verdicts on a digest file.
const (
	DigestValid   = "valid"
	DigestInvalid = "invalid"
	DigestMissing = "missing" // something that is needed to judge it did not come
)

// NoDigestKey begins the reason of a digest whose signature cannot be checked for want of a key. A source that lacks the key lacks it for every digest, so
// that is one alert of the source.
const NoDigestKey = "no public key has the fingerprint "

// JudgeDigest keeps a verdict that the ledger holds, and with it the alert that tells of one that is not valid: one for an object, however often it is
// judged. An alert ends when what it is about is valid after all; one that a person closed stays closed, unless it comes to be worse.
func (d *Desk) JudgeDigest(ctx context.Context, x *Digest, verdict, reason string, now time.Time) error {
	err := d.db.Tx(ctx, func(tx *sql.Tx) error {
		o, err := inOrder(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE digests SET verdict = $1, reason = $2, judged_at = $3 WHERE content = $4`, verdict, text(reason), now.UnixMilli(), x.Content); err != nil {
			return err
		}
		before, after := digestCause(x, x.Verdict, x.Reason), digestCause(x, verdict, reason)
		if before != "" && before != after {
			if err := endDigestAlert(ctx, o, x, before, now); err != nil {
				return err
			}
		}
		if after != "" {
			if err := tellDigest(ctx, o, x, after, verdict, reason, now); err != nil {
				return err
			}
		}
		return o.keep(ctx)
	})
	if err != nil {
		return fmt.Errorf("keep the verdict on a digest: %w", err)
	}
	return nil
}

// digestCause is what the alert on a verdict is about; "" where there is none.
func digestCause(x *Digest, verdict, reason string) string {
	switch {
	case verdict != DigestInvalid && verdict != DigestMissing:
		return ""
	case strings.HasPrefix(reason, NoDigestKey):
		return reason
	}
	return x.Object
}

func digestAlertUID(x *Digest, cause string) string { return finding.UID("digest", x.Source, cause) }

// tellDigest makes the alert, or renews it where it is open.
func tellDigest(ctx context.Context, o *order, x *Digest, cause, verdict, reason string, now time.Time) error {
	a := digestAlert(x, cause, verdict, reason, now)
	doc, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("alert of %s: %w", x.Object, err)
	}
	_, err = o.tx.ExecContext(ctx, `INSERT INTO alerts (uid, title, sentence, severity, score, rule_id, rule_hash, account, origin, count, first_seen, last_seen, status, late, doc, occurred_at, ingested_at, created_at, updated_at, kind, seq)
		VALUES ($1, $2, $3, $4, $5, $6, '', $7, $8, 1, $9, $9, 'new', 0, $10, $11, $12, $9, $9, 'digest', $13)
		ON CONFLICT (uid) DO UPDATE SET title = excluded.title, sentence = excluded.sentence, severity = excluded.severity, score = excluded.score, last_seen = excluded.last_seen, doc = excluded.doc, updated_at = excluded.updated_at, seq = excluded.seq,
			status = CASE WHEN alerts.closed_at IS NULL THEN alerts.status ELSE 'new' END, closed_at = NULL, recovered_at = NULL
			WHERE alerts.closed_at IS NULL OR alerts.recovered_at IS NOT NULL OR alerts.severity < excluded.severity`,
		a.UID, a.Title, a.Sentence, int64(a.Severity), a.Score, a.Rule.ID, a.Account, a.Origin.ID, now.UnixMilli(), string(doc), a.First.UnixMilli(), x.Received.UnixMilli(), o.next())
	if err != nil {
		return err
	}
	return errors.Join(saveAccounts(ctx, o.tx, &a), saveMentions(ctx, o.tx, &a))
}

func digestAlert(x *Digest, cause, verdict, reason string, now time.Time) finding.Alert {
	rule := finding.Rule{ID: "tocsin.digest.missing", Title: "CloudTrail's digest cannot be verified", Level: finding.Medium, Tier: "decisive"}
	sentence := fmt.Sprintf("The digest file %s of CloudTrail cannot be verified: %s", x.Object, reason)
	why, points := "until it is verified nothing proves that the log files of its hour are whole", 20.0
	if verdict == DigestInvalid {
		rule = finding.Rule{
			ID: "tocsin.digest.invalid", Title: "CloudTrail's digest is invalid", Level: finding.High, Tier: "decisive",
			Attacks: []finding.Attack{{Tactic: "defense-evasion", Technique: "T1565.001", Name: "Stored Data Manipulation"}},
		}
		sentence = fmt.Sprintf("The digest file %s of CloudTrail is invalid: %s", x.Object, reason)
		why, points = "log files or their digest are not as CloudTrail wrote them, and somebody may have wanted that", 50
	}
	if cause != x.Object {
		sentence = fmt.Sprintf("The digest files of CloudTrail in source %s cannot be verified, first %s: %s", x.Source, x.Object, reason)
	}
	first := x.End
	if first.IsZero() || first.After(now) {
		first = x.Received
	}
	return finding.Alert{
		UID: digestAlertUID(x, cause), Title: rule.Title, Sentence: text(sentence), Severity: rule.Level, Promotion: "level", Rule: rule, First: first, Last: now, Count: 1,
		Signals: []finding.Signal{}, EventUIDs: []string{}, Entities: []finding.Entity{{Type: "source", ID: x.Source}, {Type: "object", ID: text(x.Object)}}, Score: points,
		Parts: []finding.Part{{Reason: why, Points: points}}, Account: text(x.Account), Origin: finding.Entity{Type: "source", ID: x.Source},
	}
}

// endDigestAlert closes an alert whose cause is gone for every digest that it was about.
func endDigestAlert(ctx context.Context, o *order, x *Digest, cause string, now time.Time) error {
	if cause != x.Object {
		var still int
		if err := o.tx.QueryRowContext(ctx, `SELECT count(*) FROM digests WHERE source = $1 AND verdict = 'missing' AND reason = $2`, x.Source, cause).Scan(&still); err != nil || still > 0 {
			return err
		}
	}
	var sentence string
	var first int64
	err := o.tx.QueryRowContext(ctx, `SELECT sentence, created_at FROM alerts WHERE uid = $1 AND closed_at IS NULL`, digestAlertUID(x, cause)).Scan(&sentence, &first)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	sentence = fmt.Sprintf("Over since %s, after %s. %s", now.UTC().Format(time.RFC3339), health.Span(now.Sub(time.UnixMilli(first))), sentence)
	_, err = o.tx.ExecContext(ctx, `UPDATE alerts SET status = 'closed', sentence = $1, recovered_at = $2, closed_at = $2, updated_at = $2, seq = $4 WHERE uid = $3`, sentence, now.UnixMilli(), digestAlertUID(x, cause), o.next())
	return err
}
