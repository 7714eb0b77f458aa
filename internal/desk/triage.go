package desk

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/finding"
)

// The verdicts on a finding.
const (
	TruePositive       = "true_positive"        // it is what it says, and it is bad
	BenignTruePositive = "benign_true_positive" // it is what it says, and it was meant to be
	FalsePositive      = "false_positive"       // it is not what it says
)

// ReasonsOf lists the preset reasons of a verdict; a comment says the rest.
func ReasonsOf(verdict string) []string {
	switch verdict {
	case TruePositive:
		return []string{"confirmed intrusion", "policy violation", "misuse by an insider", "exercise"}
	case BenignTruePositive:
		return []string{"planned change", "known automation", "authorised test", "accepted risk"}
	case FalsePositive:
		return []string{"rule too broad", "wrong data", "expected by design", "duplicate"}
	}
	return nil
}

// Change is what a person decides about findings; what is nil stays.
type Change struct {
	Status         *string        `json:"status,omitempty" enum:"new,in_progress,on_hold,resolved,closed"`
	Assignee       *string        `json:"assignee,omitempty" maxLength:"100" doc:"name of a person; empty takes the assignment back"`
	Verdict        *string        `json:"verdict,omitempty" enum:"true_positive,benign_true_positive,false_positive"`
	Reason         *string        `json:"reason,omitempty" maxLength:"200" doc:"of the verdict: one of its preset reasons, see /api/v1/verdicts"`
	Severity       *finding.Level `json:"severity,omitempty" enum:"informational,low,medium,high,critical"`
	SeverityReason *string        `json:"severity_reason,omitempty" maxLength:"200" doc:"why it is set; needed with severity"`
	Comment        string         `json:"comment,omitempty" maxLength:"20000" doc:"a note, in Markdown, kept as it was written"`
}

// MistakeError is a mistake of who asked, in a sentence that says what to do.
type MistakeError string

// Error is the sentence.
func (e MistakeError) Error() string { return string(e) }

// check says what is wrong with a change, and makes its texts fit for the database.
func (c *Change) check() error {
	for _, s := range []**string{&c.Status, &c.Assignee, &c.Verdict, &c.Reason, &c.SeverityReason} {
		if *s != nil {
			fit := text(**s)
			*s = &fit
		}
	}
	c.Comment = text(c.Comment)
	switch {
	case c.Status == nil && c.Assignee == nil && c.Verdict == nil && c.Severity == nil && strings.TrimSpace(c.Comment) == "":
		return MistakeError("nothing would change: give a status, an assignee, a verdict, a severity or a comment")
	case c.Reason != nil && c.Verdict == nil:
		return MistakeError("a reason belongs to a verdict: give both")
	case c.Reason != nil && *c.Reason != "" && !slices.Contains(ReasonsOf(*c.Verdict), *c.Reason):
		return MistakeError("the reason is none of the verdict's: choose of " + strings.Join(ReasonsOf(*c.Verdict), ", ") + ", and say more in the comment")
	case c.Severity != nil && (c.SeverityReason == nil || strings.TrimSpace(*c.SeverityReason) == ""):
		return MistakeError("say why the severity is set: severity_reason")
	}
	return nil
}

// Kinds of findings that people decide about.
const (
	Incidents = "incidents"
	Alerts    = "alerts"
)

// The kinds of an Activity.
const (
	kindVerdict = "verdict"
	kindChanged = "changed"
	kindNote    = "note"
	kindTask    = "task"
	kindLink    = "link"
	kindMerge   = "merge"
	kindSplit   = "split"
)

// By is who decides, with what the audit log keeps of it.
type By struct {
	Name, Kind, Address string
	At                  time.Time
}

// Changed is what a decision did.
type Changed struct {
	ID      string   `json:"id"`      // undoes it, for a while
	Changed []string `json:"changed"` // uids, alerts of incidents with them
	Missing []string `json:"missing"` // uids that are not there, or not to be seen
}

// ErrChanged says that somebody else changed the finding since it was read.
var ErrChanged = errors.New("somebody else changed this meanwhile: look at it again")

// Decide applies a change to findings of a kind, in one transaction with its audit entries. Where version is not nil and there is one
// uid, the finding must still be of that version. A verdict on an incident is one on its alerts that have none of their own.
func (d *Desk) Decide(ctx context.Context, scope access.Scope, kind string, uids []string, version *int64, c Change, by By) (Changed, error) {
	out := Changed{ID: newID(by.At), Changed: []string{}, Missing: []string{}}
	if err := c.check(); err != nil {
		return out, err
	}
	err := d.db.Tx(ctx, func(tx *sql.Tx) error {
		w, err := begin(ctx, tx, out.ID, by)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, uid := range uids {
			if uid = text(uid); seen[uid] {
				continue
			}
			seen[uid] = true
			s, err := standing(ctx, tx, kind, uid)
			switch {
			case errors.Is(err, sql.ErrNoRows) || err == nil && !seesAll(scope, s.accounts):
				out.Missing = append(out.Missing, uid)
				continue
			case err != nil:
				return err
			case version != nil && *version != s.Version:
				return ErrChanged
			}
			if err := w.decide(ctx, &out, kind, uid, s, c); err != nil {
				return err
			}
		}
		return w.order.keep(ctx)
	})
	return out, told("decide", err)
}

// told says what was being done where the error is none that a caller decides by.
func told(what string, err error) error {
	var mistake MistakeError
	if err == nil || errors.Is(err, ErrChanged) || errors.Is(err, ErrTooLate) || errors.Is(err, ErrNotFound) || errors.As(err, &mistake) {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}

// work is one thing that somebody does, in a transaction. All writers of findings take turns (see order), so that what is read in it is
// what is changed in it; the version stands in each UPDATE all the same.
type work struct {
	tx     *sql.Tx
	order  *order
	change string
	by     By
}

func begin(ctx context.Context, tx *sql.Tx, change string, by By) (*work, error) {
	o, err := inOrder(ctx, tx)
	return &work{tx, o, change, by}, err
}

// decide applies a change to one finding, and to the alerts of an incident.
func (w *work) decide(ctx context.Context, out *Changed, kind, uid string, s state, c Change) error {
	if err := w.apply(ctx, kind, uid, s, c); err != nil {
		return err
	}
	out.Changed = append(out.Changed, uid)
	if kind != Incidents || c.Verdict == nil {
		return nil
	}
	alerts, err := strs(ctx, w.tx, `SELECT uid FROM alerts WHERE verdict = '' AND withdrawn_at IS NULL AND `+within+` ORDER BY uid`, uid)
	if err != nil {
		return err
	}
	for _, alert := range alerts {
		s, err := standing(ctx, w.tx, Alerts, alert)
		if err != nil {
			return err
		}
		if err := w.apply(ctx, Alerts, alert, s, Change{Verdict: c.Verdict, Reason: c.Reason}); err != nil {
			return err
		}
		out.Changed = append(out.Changed, alert)
	}
	return nil
}

// state is what people decided about a finding so far; undo puts it back.
type state struct {
	Status      string `json:"status"`
	Assignee    string `json:"assignee"`
	Verdict     string `json:"verdict"`
	Reason      string `json:"reason"`
	Severity    *int64 `json:"severity"`
	SeverityWhy string `json:"severity_why"`
	Version     int64  `json:"version"`
	Points      points `json:"points"`
	// Regroup is how what a merge or split moved stood before; of one of its two incidents.
	Regroup  *regroup `json:"regroup,omitempty"`
	accounts []string
}

// points are the time points that a decision can set; see docs of the desk's tables.
type points struct {
	Acknowledged, Triaged, Declared, Closed *int64
}

func standing(ctx context.Context, tx *sql.Tx, kind, uid string) (state, error) {
	const columns = `SELECT status, assignee, verdict, verdict_reason, set_severity, severity_reason, version, acknowledged_at, triaged_at, declared_at, closed_at, `
	query := columns + `accounts || more_accounts FROM incidents WHERE uid = $1`
	if kind == Alerts {
		query = columns + `accounts FROM alerts WHERE uid = $1`
	}
	var s state
	var accounts string
	err := tx.QueryRowContext(ctx, query, uid).Scan(&s.Status, &s.Assignee, &s.Verdict, &s.Reason, &s.Severity, &s.SeverityWhy, &s.Version,
		&s.Points.Acknowledged, &s.Points.Triaged, &s.Points.Declared, &s.Points.Closed, &accounts)
	s.accounts = splitAccounts(accounts)
	return s, err
}

// next is the state after a change.
func (s state) next(kind string, c Change, now int64) state {
	n := s
	n.Regroup = nil
	set := func(at **int64) {
		if *at == nil {
			*at = &now
		}
	}
	if c.Assignee != nil {
		n.Assignee = *c.Assignee
	}
	if c.Severity != nil {
		level := int64(*c.Severity)
		n.Severity, n.SeverityWhy = &level, *c.SeverityReason
	}
	if c.Status != nil {
		n.Status = *c.Status
	}
	if c.Verdict != nil {
		n.Verdict, n.Reason = *c.Verdict, ""
		if c.Reason != nil {
			n.Reason = *c.Reason
		}
		set(&n.Points.Triaged)
		switch {
		case c.Status != nil:
		case *c.Verdict != TruePositive || kind == Alerts:
			n.Status = "closed"
		case n.Status == "new":
			n.Status = "in_progress"
		}
		if *c.Verdict == TruePositive && kind == Incidents {
			set(&n.Points.Declared)
		}
	}
	set(&n.Points.Acknowledged)
	if n.Status == "closed" {
		set(&n.Points.Closed)
	} else {
		n.Points.Closed = nil
	}
	return n
}

func (w *work) apply(ctx context.Context, kind, uid string, s state, c Change) error {
	if err := w.put(ctx, kind, uid, s.Version, s.next(kind, c, w.by.At.UnixMilli())); err != nil {
		return err
	}
	before, err := json.Marshal(s)
	if err != nil {
		return err
	}
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	what := kindChanged
	switch {
	case c.Verdict != nil:
		what = kindVerdict
	case c.Status == nil && c.Assignee == nil && c.Severity == nil:
		what = kindNote
	}
	return w.note(ctx, kind, uid, what, string(body), string(before))
}

// note writes down what was done, for those who look at the finding and in the audit log.
func (w *work) note(ctx context.Context, kind, uid, what, body, before string) error {
	_, err := w.tx.ExecContext(ctx, `INSERT INTO activity (id, change_id, subject, at, actor, actor_kind, kind, body, before) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		newID(w.by.At), w.change, uid, w.by.At.UnixMilli(), text(w.by.Name), w.by.Kind, what, body, before)
	if err != nil {
		return err
	}
	return w.audit(ctx, kind, uid, what, body)
}

func (w *work) audit(ctx context.Context, kind, uid, what, detail string) error {
	return audit.Record(ctx, w.tx, audit.Entry{
		At: w.by.At, Actor: w.by.Name, Kind: w.by.Kind, Address: w.by.Address, Action: strings.TrimSuffix(kind, "s") + "." + what, Object: uid, Outcome: audit.Success, Detail: detail,
	})
}

// put writes a state where the finding is still of the version that was read.
func (w *work) put(ctx context.Context, kind, uid string, version int64, n state) error {
	query := `UPDATE incidents SET status = $1, assignee = $2, verdict = $3, verdict_reason = $4, set_severity = $5, severity_reason = $6, version = version + 1, acknowledged_at = $7, triaged_at = $8, declared_at = $9, closed_at = $10, updated_at = $11, seq = $12 WHERE uid = $13 AND version = $14`
	if kind == Alerts {
		query = strings.Replace(query, "incidents", "alerts", 1)
	}
	r, err := w.tx.ExecContext(ctx, query, n.Status, n.Assignee, n.Verdict, n.Reason, n.Severity, n.SeverityWhy, n.Points.Acknowledged, n.Points.Triaged, n.Points.Declared, n.Points.Closed, w.by.At.UnixMilli(), w.order.next(), uid, version)
	if err != nil {
		return err
	}
	if rows, err := r.RowsAffected(); err != nil || rows == 0 {
		return errors.Join(err, ErrChanged)
	}
	return nil
}

func strs(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// newID makes an id that sorts by time.
func newID(at time.Time) string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	return fmt.Sprintf("%013x-%s", at.UnixMicro(), hex.EncodeToString(random[:]))
}
