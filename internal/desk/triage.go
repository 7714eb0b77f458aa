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

// Reasons are the preset reasons of each verdict; a comment says the rest.
var Reasons = map[string][]string{
	TruePositive:       {"confirmed intrusion", "policy violation", "misuse by an insider", "exercise"},
	BenignTruePositive: {"planned change", "known automation", "authorised test", "accepted risk"},
	FalsePositive:      {"rule too broad", "wrong data", "expected by design", "duplicate"},
}

// Statuses are the states of a finding, in the order in which it walks them.
var Statuses = []string{"new", "in_progress", "on_hold", "resolved", "closed"}

// Change is what a person decides about findings; what is nil stays.
type Change struct {
	Status   *string        `json:"status,omitempty" enum:"new,in_progress,on_hold,resolved,closed"`
	Assignee *string        `json:"assignee,omitempty" maxLength:"100" doc:"name of a person; empty takes the assignment back"`
	Verdict  *string        `json:"verdict,omitempty" enum:"true_positive,benign_true_positive,false_positive"`
	Reason   *string        `json:"reason,omitempty" maxLength:"200" doc:"of the verdict or the severity"`
	Severity *finding.Level `json:"severity,omitempty" enum:"informational,low,medium,high,critical"`
	Comment  string         `json:"comment,omitempty" maxLength:"20000" doc:"a note, in Markdown"`
}

// empty reports whether nothing would change.
func (c *Change) empty() bool {
	return c.Status == nil && c.Assignee == nil && c.Verdict == nil && c.Severity == nil && strings.TrimSpace(c.Comment) == ""
}

// Kinds of findings that people decide about.
const (
	Incidents = "incidents"
	Alerts    = "alerts"
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
	if c.empty() {
		return out, nil
	}
	err := d.db.Tx(ctx, func(tx *sql.Tx) error {
		for _, uid := range uids {
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
			if err := d.decide(ctx, tx, &out, kind, uid, s, c, by); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, ErrChanged) {
		err = fmt.Errorf("decide: %w", err)
	}
	return out, err
}

// decide applies a change to one finding, and to the alerts of an incident.
func (d *Desk) decide(ctx context.Context, tx *sql.Tx, out *Changed, kind, uid string, s state, c Change, by By) error {
	if err := apply(ctx, tx, out.ID, kind, uid, s, c, by); err != nil {
		return err
	}
	out.Changed = append(out.Changed, uid)
	if kind != Incidents || c.Verdict == nil {
		return nil
	}
	alerts, err := strs(ctx, tx, `SELECT uid FROM alerts WHERE incident_uid = $1 AND verdict = '' AND withdrawn_at IS NULL ORDER BY uid`, uid)
	if err != nil {
		return err
	}
	for _, alert := range alerts {
		s, err := standing(ctx, tx, Alerts, alert)
		if err != nil {
			return err
		}
		if err := apply(ctx, tx, out.ID, Alerts, alert, s, Change{Verdict: c.Verdict, Reason: c.Reason}, by); err != nil {
			return err
		}
		out.Changed = append(out.Changed, alert)
	}
	return nil
}

// state is what people decided about a finding so far; undo puts it back.
type state struct {
	Status   string `json:"status"`
	Assignee string `json:"assignee"`
	Verdict  string `json:"verdict"`
	Reason   string `json:"reason"`
	Severity *int64 `json:"severity"`
	Version  int64  `json:"version"`
	Points   points `json:"points"`
	accounts []string
}

// points are the time points that a decision can set; see docs of the desk's tables.
type points struct {
	Acknowledged, Triaged, Declared, Closed *int64
}

func standing(ctx context.Context, tx *sql.Tx, kind, uid string) (state, error) {
	query := `SELECT status, assignee, verdict, verdict_reason, set_severity, version, acknowledged_at, triaged_at, declared_at, closed_at, accounts FROM incidents WHERE uid = $1`
	if kind == Alerts {
		query = `SELECT status, assignee, verdict, verdict_reason, set_severity, version, acknowledged_at, triaged_at, declared_at, closed_at, account FROM alerts WHERE uid = $1`
	}
	var s state
	var accounts string
	err := tx.QueryRowContext(ctx, query, uid).Scan(&s.Status, &s.Assignee, &s.Verdict, &s.Reason, &s.Severity, &s.Version,
		&s.Points.Acknowledged, &s.Points.Triaged, &s.Points.Declared, &s.Points.Closed, &accounts)
	s.accounts = []string{accounts}
	if kind == Incidents {
		s.accounts = splitAccounts(accounts)
	}
	return s, err
}

// next is the state after a change.
func (s state) next(kind string, c Change, now int64) state {
	n := s
	n.Version++
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
		n.Severity = &level
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

func apply(ctx context.Context, tx *sql.Tx, change, kind, uid string, s state, c Change, by By) error {
	n := s.next(kind, c, by.At.UnixMilli())
	if err := put(ctx, tx, kind, uid, n, by.At); err != nil {
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
	what := "changed"
	switch {
	case c.Verdict != nil:
		what = "verdict"
	case c.Status == nil && c.Assignee == nil && c.Severity == nil:
		what = "note"
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO activity (id, change_id, subject, at, actor, kind, body, before) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		newID(by.At), change, uid, by.At.UnixMilli(), by.Name, what, string(body), string(before))
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{At: by.At, Actor: by.Name, Kind: by.Kind, Address: by.Address, Action: strings.TrimSuffix(kind, "s") + "." + what, Object: uid, Outcome: audit.Success, Detail: string(body)})
}

func put(ctx context.Context, tx *sql.Tx, kind, uid string, n state, at time.Time) error {
	query := `UPDATE incidents SET status = $1, assignee = $2, verdict = $3, verdict_reason = $4, set_severity = $5, version = $6, acknowledged_at = $7, triaged_at = $8, declared_at = $9, closed_at = $10, updated_at = $11 WHERE uid = $12`
	if kind == Alerts {
		query = strings.Replace(query, "incidents", "alerts", 1)
	}
	_, err := tx.ExecContext(ctx, query, n.Status, n.Assignee, n.Verdict, n.Reason, n.Severity, n.Version, n.Points.Acknowledged, n.Points.Triaged, n.Points.Declared, n.Points.Closed, at.UnixMilli(), uid)
	return err
}

// UndoFor is how long a decision can be undone by its id.
const UndoFor = 30 * time.Second

// ErrTooLate says that a decision cannot be undone any more.
var ErrTooLate = errors.New("a decision can be undone for 30 seconds, by the one who made it: decide again")

// Undo takes a decision back where nobody decided after it. What was changed since stays as it is.
func (d *Desk) Undo(ctx context.Context, change string, by By) (Changed, error) {
	out := Changed{ID: change, Changed: []string{}, Missing: []string{}}
	err := d.db.Tx(ctx, func(tx *sql.Tx) error {
		list, err := undoable(ctx, tx, change, by)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return ErrTooLate
		}
		for _, a := range slices.Backward(list) {
			kind := Incidents
			s, err := standing(ctx, tx, kind, a.subject)
			if errors.Is(err, sql.ErrNoRows) {
				kind = Alerts
				s, err = standing(ctx, tx, kind, a.subject)
			}
			if err != nil {
				return err
			}
			if s.Version != a.before.Version+1 {
				out.Missing = append(out.Missing, a.subject)
				continue
			}
			a.before.Version = s.Version + 1
			if err := put(ctx, tx, kind, a.subject, a.before, by.At); err != nil {
				return err
			}
			out.Changed = append(out.Changed, a.subject)
			e := audit.Entry{At: by.At, Actor: by.Name, Kind: by.Kind, Address: by.Address, Action: strings.TrimSuffix(kind, "s") + ".undo", Object: a.subject, Outcome: audit.Success}
			if err := audit.Record(ctx, tx, e); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE activity SET undone_at = $1 WHERE change_id = $2`, by.At.UnixMilli(), change)
		return err
	})
	if err != nil && !errors.Is(err, ErrTooLate) {
		err = fmt.Errorf("undo: %w", err)
	}
	return out, err
}

type undo struct {
	subject string
	before  state
}

func undoable(ctx context.Context, tx *sql.Tx, change string, by By) ([]undo, error) {
	rows, err := tx.QueryContext(ctx, `SELECT subject, before FROM activity WHERE change_id = $1 AND actor = $2 AND at >= $3 AND undone_at IS NULL ORDER BY id`, change, by.Name, by.At.Add(-UndoFor).UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var out []undo
	for rows.Next() {
		var u undo
		var before string
		if err := rows.Scan(&u.subject, &before); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(before), &u.before); err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, rows.Err()
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
