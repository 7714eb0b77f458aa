package desk

import (
	"context"
	"database/sql"
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
	Suppressed  bool   // only alerts that an accepted filter takes, in the place of all others
	Sort        string // "rank": the weightiest first; "newest": the last seen first; "" is rank for incidents, newest for alerts
	After       string // the Next of the page before
	Limit       int    // 0: 100
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // give it as after for the next page
	Total int    `json:"total"`          // on all pages
	// Hidden is how many alerts more there would be without the filters that people accepted; on the first page, where Suppressed is not asked for.
	Hidden int `json:"suppressed,omitempty"`
}

// IncidentRow is an incident as lists show it.
type IncidentRow struct {
	UID       string        `json:"uid"`
	Headline  string        `json:"headline"`
	Severity  finding.Level `json:"severity"` // as a person set it, else as concluded
	Score     float64       `json:"score"`
	First     time.Time     `json:"first_seen"`
	Last      time.Time     `json:"last_seen"`
	Alerts    int           `json:"alerts"` // as people grouped them
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
	Kind      string        `json:"kind"` // detection, health, hunt or digest
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
	if q.MinSeverity > 0 {
		w.and("coalesce(set_severity, severity) >= ?", int64(q.MinSeverity))
	}
	switch q.Status {
	case "":
	case "open":
		w.and("status NOT IN ('resolved', 'closed')")
	default:
		w.and("status = ?", text(q.Status))
	}
	if q.Assignee != "" {
		w.and("assignee <> '' AND assignee = ?", text(q.Assignee)) // the first is that of an index
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

// Incidents lists incidents. Parts of others are left out.
func (d *Desk) Incidents(ctx context.Context, scope access.Scope, q Query) (Page[IncidentRow], error) {
	var w where
	q.narrow(&w)
	w.and("merged_into IS NULL")
	if q.Text != "" {
		w.and(`lower(headline) LIKE ? ESCAPE '\'`, text(like(q.Text)))
	}
	page := Page[IncidentRow]{Items: []IncidentRow{}}
	if err := d.countIncidents(ctx, scope, &w, &page.Total); err != nil {
		return page, err
	}
	ranked := q.Sort != "newest"
	if err := w.after(q.After, ranked); err != nil {
		return page, err
	}
	rows, err := d.db.QueryContext(ctx, `SELECT uid, headline, coalesce(set_severity, severity), score, first_seen, last_seen, alerts, accounts || more_accounts, status, assignee, verdict, version, ingested_at, created_at, withdrawn_at, regrouped FROM incidents`+
		w.String()+sorted(ranked), w.args...)
	if err != nil {
		return page, fmt.Errorf("list incidents: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var regrouped []int
	for rows.Next() {
		r, again, err := incidentRow(rows)
		if err != nil {
			return page, err
		}
		if !seesAll(scope, r.Accounts) {
			continue
		}
		if n := len(page.Items); n == q.limit() {
			page.Next = place(ranked, page.Items[n-1].Score, page.Items[n-1].Last, page.Items[n-1].UID)
			break
		}
		if again {
			regrouped = append(regrouped, len(page.Items))
		}
		page.Items = append(page.Items, r)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return page, fmt.Errorf("list incidents: %w", err)
	}
	for _, i := range regrouped {
		if err := d.db.QueryRowContext(ctx, `SELECT count(*) FROM alerts WHERE (withdrawn_at IS NULL OR placed_in IS NOT NULL) AND `+within, page.Items[i].UID).Scan(&page.Items[i].Alerts); err != nil {
			return page, fmt.Errorf("count the alerts of %s: %w", page.Items[i].UID, err)
		}
	}
	return page, nil
}

// countIncidents counts those that the Scope sees whole.
func (d *Desk) countIncidents(ctx context.Context, scope access.Scope, w *where, total *int) error {
	rows, err := d.db.QueryContext(ctx, `SELECT accounts || more_accounts, count(*) FROM incidents`+w.String()+` GROUP BY 1`, w.args...)
	if err != nil {
		return fmt.Errorf("count incidents: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	for rows.Next() {
		var accounts string
		var n int
		if err := rows.Scan(&accounts, &n); err != nil {
			return fmt.Errorf("count incidents: %w", err)
		}
		if seesAll(scope, splitAccounts(accounts)) {
			*total += n
		}
	}
	return rows.Err()
}

func incidentRow(rows *sql.Rows) (r IncidentRow, regrouped bool, err error) {
	var severity, first, last, again int64
	var accounts string
	var ingested, created, withdrawn sql.NullInt64
	err = rows.Scan(&r.UID, &r.Headline, &severity, &r.Score, &first, &last, &r.Alerts, &accounts, &r.Status, &r.Assignee, &r.Verdict, &r.Version, &ingested, &created, &withdrawn, &again)
	if err != nil {
		return r, false, fmt.Errorf("list incidents: %w", err)
	}
	r.Accounts = splitAccounts(accounts)
	r.Severity, r.First, r.Last = finding.Level(severity), time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC() //nolint:gosec // a level
	r.Ingested, r.Created, r.Withdrawn = timeOf(ingested), timeOf(created), timeOf(withdrawn)
	return r, again == 1, nil
}

// seesAll asks for every account of a finding: what it tells and the records that it holds are those of all of them.
func seesAll(scope access.Scope, accounts []string) bool {
	return scope.All() || len(accounts) > 0 && !slices.ContainsFunc(accounts, func(a string) bool { return !scope.Sees(a) })
}

// Alerts lists alerts.
func (d *Desk) Alerts(ctx context.Context, scope access.Scope, q Query) (Page[AlertRow], error) {
	var w where
	q.narrow(&w)
	w.alerts(scope)
	if q.Incident != "" {
		if _, err := d.Incident(ctx, scope, q.Incident); errors.Is(err, ErrNotFound) {
			return Page[AlertRow]{Items: []AlertRow{}}, nil // whose alerts these are is not told
		} else if err != nil {
			return Page[AlertRow]{}, err
		}
		w.and(strings.ReplaceAll(within, "$1", "?"), text(q.Incident), text(q.Incident), text(q.Incident))
	}
	if q.Rule != "" {
		w.and("rule_id = ?", text(q.Rule))
	}
	if q.Text != "" {
		w.and(`lower(title || ' ' || sentence) LIKE ? ESCAPE '\'`, text(like(q.Text)))
	}
	page := Page[AlertRow]{Items: []AlertRow{}}
	switch {
	case q.Suppressed:
		w.and("suppressed_by <> ''")
	case q.Incident == "":
		if q.After == "" {
			taken := where{slices.Clone(w.conditions), w.args}
			taken.and("suppressed_by <> ''")
			if err := d.db.QueryRowContext(ctx, `SELECT count(*) FROM alerts`+taken.String(), w.args...).Scan(&page.Hidden); err != nil {
				return page, fmt.Errorf("count what filters take: %w", err)
			}
		}
		w.and("suppressed_by = ''")
	}
	if err := d.db.QueryRowContext(ctx, `SELECT count(*) FROM alerts`+w.String(), w.args...).Scan(&page.Total); err != nil {
		return page, fmt.Errorf("count alerts: %w", err)
	}
	ranked := q.Sort == "rank"
	if err := w.after(q.After, ranked); err != nil {
		return page, err
	}
	rows, err := d.db.QueryContext(ctx, `SELECT uid, kind, `+home+`, `+homeAccounts+`, title, sentence, coalesce(set_severity, severity), score, rule_id, account, origin, count, first_seen, last_seen, status, assignee, verdict, version, late, ingested_at, created_at, closed_at, withdrawn_at FROM alerts`+
		w.String()+sorted(ranked)+` LIMIT `+strconv.Itoa(q.limit()+1), w.args...)
	if err != nil {
		return page, fmt.Errorf("list alerts: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	for rows.Next() {
		var r AlertRow
		var severity, first, last, late int64
		var of string
		var ingested, created, closed, withdrawn sql.NullInt64
		if err := rows.Scan(&r.UID, &r.Kind, &r.Incident, &of, &r.Title, &r.Sentence, &severity, &r.Score, &r.Rule, &r.Account, &r.Origin, &r.Count, &first, &last, &r.Status, &r.Assignee, &r.Verdict, &r.Version, &late, &ingested, &created, &closed, &withdrawn); err != nil {
			return page, fmt.Errorf("list alerts: %w", err)
		}
		if n := len(page.Items); n == q.limit() {
			page.Next = place(ranked, page.Items[n-1].Score, page.Items[n-1].Last, page.Items[n-1].UID)
			break
		}
		r.Severity, r.First, r.Last, r.Late = finding.Level(severity), time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC(), late == 1 //nolint:gosec // a level
		r.Ingested, r.Created, r.Closed, r.Withdrawn = timeOf(ingested), timeOf(created), timeOf(closed), timeOf(withdrawn)
		r.Incident = shownTo(scope, r.Incident, of)
		page.Items = append(page.Items, r)
	}
	return page, rows.Err()
}

func (q Query) limit() int {
	if q.Limit <= 0 {
		return 100
	}
	return q.Limit
}

// Incident returns an incident's document: the JSON of incident.Incident.
func (d *Desk) Incident(ctx context.Context, scope access.Scope, uid string) (json.RawMessage, error) {
	return d.document(ctx, `SELECT doc, accounts || more_accounts FROM incidents WHERE uid = $1`, uid, scope)
}

// Alert returns an alert's document: the JSON of finding.Alert.
func (d *Desk) Alert(ctx context.Context, scope access.Scope, uid string) (json.RawMessage, error) {
	return d.document(ctx, `SELECT doc, accounts FROM alerts WHERE uid = $1`, uid, scope)
}

func (d *Desk) document(ctx context.Context, query, uid string, scope access.Scope) (json.RawMessage, error) {
	var doc, accounts string
	err := d.db.QueryRowContext(ctx, query, text(uid)).Scan(&doc, &accounts)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !seesAll(scope, splitAccounts(accounts)) {
		return nil, fmt.Errorf("%s: %w", uid, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", uid, err)
	}
	return json.RawMessage(doc), nil
}
