package desk

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
)

var (
	// ErrNotFound says that there is nothing of that name, or nothing that the Scope sees.
	ErrNotFound = errors.New("not found")
	// ErrAmbiguous says that the beginning of a name is that of several.
	ErrAmbiguous = errors.New("more than one begins so; give more of it")
)

// Query narrows a list.
type Query struct {
	MinSeverity finding.Level
	Status      string // "" for all; "open" for all but resolved and closed
	Assignee    string // "" for all
	Verdict     string // "" for all
	Incident    string // alerts of this incident
	Rule        string // alerts of this rule
	Text        string // a part of the title or sentence
	Withdrawn   bool   // also what is no longer concluded
	After       string // the Next of the page before
	Limit       int    // 0: 100
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // give it as after for the next page
	Total int    `json:"total"`          // on all pages
}

// IncidentRow is an incident as lists show it.
type IncidentRow struct {
	UID       string        `json:"uid"`
	Headline  string        `json:"headline"`
	Severity  finding.Level `json:"severity"` // as a person set it, else as concluded
	Score     float64       `json:"score"`
	First     time.Time     `json:"first_seen"`
	Last      time.Time     `json:"last_seen"`
	Alerts    int           `json:"alerts"`
	Accounts  []string      `json:"accounts"`
	Status    string        `json:"status"`
	Assignee  string        `json:"assignee"`
	Verdict   string        `json:"verdict"`
	Version   int64         `json:"version"`
	Ingested  time.Time     `json:"ingested_at,omitzero"`
	Created   time.Time     `json:"created_at"`
	Withdrawn time.Time     `json:"withdrawn_at,omitzero"`
}

// AlertRow is an alert as lists show it.
type AlertRow struct {
	UID       string        `json:"uid"`
	Kind      string        `json:"kind"` // detection or health
	Incident  string        `json:"incident,omitempty"`
	Title     string        `json:"title"`
	Sentence  string        `json:"sentence"`
	Severity  finding.Level `json:"severity"` // as a person set it, else as concluded
	Score     float64       `json:"score"`
	Rule      string        `json:"rule_id"`
	Account   string        `json:"account"`
	Origin    string        `json:"origin"`
	Count     int           `json:"count"`
	First     time.Time     `json:"first_seen"`
	Last      time.Time     `json:"last_seen"`
	Status    string        `json:"status"`
	Assignee  string        `json:"assignee"`
	Verdict   string        `json:"verdict"`
	Version   int64         `json:"version"`
	Late      bool          `json:"late"`
	Ingested  time.Time     `json:"ingested_at,omitzero"`
	Created   time.Time     `json:"created_at"`
	Closed    time.Time     `json:"closed_at,omitzero"`
	Withdrawn time.Time     `json:"withdrawn_at,omitzero"`
}

// narrow adds what both lists can be narrowed by.
func (q *Query) narrow(w *where) {
	w.and("coalesce(set_severity, severity) >= ?", int64(q.MinSeverity))
	switch q.Status {
	case "":
	case "open":
		w.and("status NOT IN ('resolved', 'closed')")
	default:
		w.and("status = ?", text(q.Status))
	}
	if q.Assignee != "" {
		w.and("assignee = ?", text(q.Assignee))
	}
	if q.Verdict != "" {
		w.and("verdict = ?", text(q.Verdict))
	}
	if !q.Withdrawn {
		w.and("withdrawn_at IS NULL")
	}
}

// like makes a pattern of a text that is to be found as it is.
func like(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(text)) + "%"
}

// Incidents lists incidents, the weightiest first. There are never so many that a page has to be found by its place: all are read.
func (d *Desk) Incidents(ctx context.Context, scope access.Scope, q Query) (Page[IncidentRow], error) {
	var w where
	q.narrow(&w)
	if q.Text != "" {
		w.and(`lower(headline) LIKE ? ESCAPE '\'`, text(like(q.Text)))
	}
	page := Page[IncidentRow]{Items: []IncidentRow{}}
	rows, err := d.db.QueryContext(ctx, `SELECT uid, headline, coalesce(set_severity, severity), score, first_seen, last_seen, alerts, accounts, status, assignee, verdict, version, ingested_at, created_at, withdrawn_at FROM incidents`+
		w.String()+` ORDER BY score DESC, last_seen DESC, uid`, w.args...)
	if err != nil {
		return page, fmt.Errorf("list incidents: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	reached := q.After == ""
	for rows.Next() {
		var r IncidentRow
		var severity, first, last int64
		var accounts string
		var ingested, created, withdrawn sql.NullInt64
		if err := rows.Scan(&r.UID, &r.Headline, &severity, &r.Score, &first, &last, &r.Alerts, &accounts, &r.Status, &r.Assignee, &r.Verdict, &r.Version, &ingested, &created, &withdrawn); err != nil {
			return page, fmt.Errorf("list incidents: %w", err)
		}
		r.Accounts = splitAccounts(accounts)
		if !seesAll(scope, r.Accounts) {
			continue
		}
		page.Total++
		switch {
		case !reached:
			reached = r.UID == q.After
			continue
		case len(page.Items) == q.limit():
			page.Next = page.Items[len(page.Items)-1].UID
			continue
		}
		r.Severity, r.First, r.Last = finding.Level(severity), time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC() //nolint:gosec // a level
		r.Ingested, r.Created, r.Withdrawn = timeOf(ingested), timeOf(created), timeOf(withdrawn)
		page.Items = append(page.Items, r)
	}
	return page, rows.Err()
}

// seesAll asks for every account of an incident: its story tells of all of them.
func seesAll(scope access.Scope, accounts []string) bool {
	return scope.All() || len(accounts) > 0 && !slices.ContainsFunc(accounts, func(a string) bool { return !scope.Sees(a) })
}

// Alerts lists alerts, the newest first.
func (d *Desk) Alerts(ctx context.Context, scope access.Scope, q Query) (Page[AlertRow], error) {
	var w where
	q.narrow(&w)
	w.scope(scope, "account")
	if q.Incident != "" {
		w.and("incident_uid = ?", text(q.Incident))
	}
	if q.Rule != "" {
		w.and("rule_id = ?", text(q.Rule))
	}
	if q.Text != "" {
		w.and(`lower(title || ' ' || sentence) LIKE ? ESCAPE '\'`, text(like(q.Text)))
	}
	page := Page[AlertRow]{Items: []AlertRow{}}
	if err := d.db.QueryRowContext(ctx, `SELECT count(*) FROM alerts`+w.String(), w.args...).Scan(&page.Total); err != nil {
		return page, fmt.Errorf("count alerts: %w", err)
	}
	if q.After != "" {
		at, uid, ok := cursor(q.After)
		if !ok {
			return page, ErrCursor
		}
		w.and("(last_seen < ? OR last_seen = ? AND uid > ?)", at, at, uid)
	}
	rows, err := d.db.QueryContext(ctx, `SELECT uid, kind, coalesce(incident_uid, ''), title, sentence, coalesce(set_severity, severity), score, rule_id, account, origin, count, first_seen, last_seen, status, assignee, verdict, version, late, ingested_at, created_at, closed_at, withdrawn_at FROM alerts`+
		w.String()+` ORDER BY last_seen DESC, uid LIMIT `+strconv.Itoa(q.limit()+1), w.args...)
	if err != nil {
		return page, fmt.Errorf("list alerts: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	for rows.Next() {
		var r AlertRow
		var severity, first, last, late int64
		var ingested, created, closed, withdrawn sql.NullInt64
		if err := rows.Scan(&r.UID, &r.Kind, &r.Incident, &r.Title, &r.Sentence, &severity, &r.Score, &r.Rule, &r.Account, &r.Origin, &r.Count, &first, &last, &r.Status, &r.Assignee, &r.Verdict, &r.Version, &late, &ingested, &created, &closed, &withdrawn); err != nil {
			return page, fmt.Errorf("list alerts: %w", err)
		}
		if n := len(page.Items); n == q.limit() {
			page.Next = strconv.FormatInt(page.Items[n-1].Last.UnixMilli(), 10) + "." + page.Items[n-1].UID
			break
		}
		r.Severity, r.First, r.Last, r.Late = finding.Level(severity), time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC(), late == 1 //nolint:gosec // a level
		r.Ingested, r.Created, r.Closed, r.Withdrawn = timeOf(ingested), timeOf(created), timeOf(closed), timeOf(withdrawn)
		page.Items = append(page.Items, r)
	}
	return page, rows.Err()
}

// ErrCursor says that an After is none that a page gave.
var ErrCursor = errors.New("after: give the next of the page before, as it was")

func cursor(after string) (at int64, uid string, ok bool) {
	ms, uid, ok := strings.Cut(after, ".")
	at, err := strconv.ParseInt(ms, 10, 64)
	return at, uid, ok && err == nil
}

func (q Query) limit() int {
	if q.Limit <= 0 {
		return 100
	}
	return q.Limit
}

func flag(on bool) int64 {
	if on {
		return 1
	}
	return 0
}

// Incident returns an incident's document: the JSON of incident.Incident.
func (d *Desk) Incident(ctx context.Context, scope access.Scope, uid string) (json.RawMessage, error) {
	return d.document(ctx, `SELECT doc, accounts FROM incidents WHERE uid = $1`, uid, func(accounts string) bool { return seesAll(scope, splitAccounts(accounts)) })
}

// Alert returns an alert's document: the JSON of finding.Alert.
func (d *Desk) Alert(ctx context.Context, scope access.Scope, uid string) (json.RawMessage, error) {
	return d.document(ctx, `SELECT doc, account FROM alerts WHERE uid = $1`, uid, scope.Sees)
}

func (d *Desk) document(ctx context.Context, query, uid string, sees func(accounts string) bool) (json.RawMessage, error) {
	var doc, accounts string
	err := d.db.QueryRowContext(ctx, query, text(uid)).Scan(&doc, &accounts)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !sees(accounts) {
		return nil, fmt.Errorf("%s: %w", uid, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", uid, err)
	}
	return json.RawMessage(doc), nil
}

// DeadLetters lists what could not be read, the newest first; source "" is all. Only an unbounded Scope sees them: what cannot be
// read has no account.
func (d *Desk) DeadLetters(ctx context.Context, scope access.Scope, source string, limit int) ([]DeadLetter, error) {
	if !scope.All() {
		return []DeadLetter{}, nil
	}
	return d.deadLetters(ctx, `SELECT id, source, object, record, at_byte, format, reason, detail, raw, received_at, replayed_at FROM dead_letters
		WHERE ($1 = '' OR source = $1) ORDER BY received_at DESC, id LIMIT $2`, text(source), Query{Limit: limit}.limit())
}

// DeadLetter returns one, by its id or the beginning of it.
func (d *Desk) DeadLetter(ctx context.Context, scope access.Scope, id string) (DeadLetter, error) {
	if !scope.All() {
		return DeadLetter{}, fmt.Errorf("dead letter %s: %w", id, ErrNotFound)
	}
	list, err := d.deadLetters(ctx, `SELECT id, source, object, record, at_byte, format, reason, detail, raw, received_at, replayed_at FROM dead_letters
		WHERE substr(id, 1, length($1)) = $1 ORDER BY id LIMIT 2`, text(id))
	switch {
	case err != nil:
		return DeadLetter{}, err
	case id == "" || len(list) == 0:
		return DeadLetter{}, fmt.Errorf("dead letter %s: %w", id, ErrNotFound)
	case len(list) > 1:
		return DeadLetter{}, fmt.Errorf("dead letter %s: %w", id, ErrAmbiguous)
	}
	return list[0], nil
}

func (d *Desk) deadLetters(ctx context.Context, query string, args ...any) ([]DeadLetter, error) {
	rows, err := d.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []DeadLetter{}
	for rows.Next() {
		var l DeadLetter
		var raw string
		var received, replayed sql.NullInt64
		if err := rows.Scan(&l.ID, &l.Source, &l.Object, &l.Record, &l.Offset, &l.Format, &l.Reason, &l.Detail, &raw, &received, &replayed); err != nil {
			return nil, fmt.Errorf("list dead letters: %w", err)
		}
		if l.Raw, err = base64.StdEncoding.DecodeString(raw); err != nil {
			return nil, fmt.Errorf("dead letter %s: %w", l.ID, err)
		}
		l.ReceivedAt, l.ReplayedAt = timeOf(received), timeOf(replayed)
		out = append(out, l)
	}
	return out, rows.Err()
}

// Replayed notes that a dead letter was given to its source again.
func (d *Desk) Replayed(ctx context.Context, id string, now time.Time) error {
	if _, err := d.db.ExecContext(ctx, `UPDATE dead_letters SET replayed_at = $1 WHERE id = $2`, now.UnixMilli(), id); err != nil {
		return fmt.Errorf("dead letter %s: %w", id, err)
	}
	return nil
}
