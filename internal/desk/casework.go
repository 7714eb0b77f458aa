package desk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

// Task is something to be done about an incident.
type Task struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Assignee string    `json:"assignee"`
	By       string    `json:"created_by"`
	Created  time.Time `json:"created_at"`
	DoneBy   string    `json:"done_by,omitempty"`
	Done     time.Time `json:"done_at,omitzero"`
	Version  int64     `json:"version"`
}

// Link leads from an incident to a page elsewhere.
type Link struct {
	ID      string    `json:"id"`
	URL     string    `json:"url"`
	Title   string    `json:"title"`
	By      string    `json:"created_by"`
	Created time.Time `json:"created_at"`
}

// Case is an incident with all that people did about it. Where people regrouped it, the story is told anew of the alerts that it has now.
type Case struct {
	incident.Incident
	Decision Decision `json:"decision"`
	Tasks    []Task   `json:"tasks"`
	Links    []Link   `json:"links"`
	Merged   []string `json:"merged"`                // uids of the incidents that were merged into it
	Into     string   `json:"merged_into,omitempty"` // it is a part of that one
	Whole    *Extent  `json:"whole,omitempty"`       // how much there is, where this is brief and leaves some of it out
}

// AlertCase is an alert with what people did about it.
type AlertCase struct {
	finding.Alert
	Kind     string   `json:"kind"`
	Incident string   `json:"incident,omitempty"` // as people grouped it
	Decision Decision `json:"decision"`
}

// Case returns an incident.
func (d *Desk) Case(ctx context.Context, scope access.Scope, uid string) (Case, error) {
	var c Case
	doc, err := d.Incident(ctx, scope, uid)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(doc, &c.Incident); err != nil {
		return c, fmt.Errorf("incident %s: %w", uid, err)
	}
	var into sql.NullString
	var regrouped int64
	if err := d.db.QueryRowContext(ctx, `SELECT merged_into, regrouped FROM incidents WHERE uid = $1`, text(uid)).Scan(&into, &regrouped); err != nil {
		return c, fmt.Errorf("incident %s: %w", uid, err)
	}
	if c.Into = into.String; c.Into != "" {
		if _, err := d.Incident(ctx, scope, c.Into); errors.Is(err, ErrNotFound) {
			c.Into = "" // it holds more than the Scope sees
		} else if err != nil {
			return c, err
		}
	}
	if err := d.around(ctx, scope, &c); err != nil || regrouped == 0 || into.String != "" {
		return c, err
	}
	if err := d.retell(ctx, &c); err != nil {
		return c, err
	}
	if !seesAll(scope, accountsOfIncident(&c.Incident)) { // what was told anew is asked for again: it was read after the Scope was asked for
		return Case{}, fmt.Errorf("%s: %w", uid, ErrNotFound)
	}
	return c, nil
}

// retell tells an incident of the alerts that people put in it, with the signals of all incidents that they came from.
func (d *Desk) retell(ctx context.Context, c *Case) error {
	alerts, err := alertsWithin(ctx, d.db, c.UID)
	if err != nil || len(alerts) == 0 {
		return err
	}
	below := c.Signals
	for _, part := range c.Merged {
		doc, err := d.Incident(ctx, access.Everything(), part) // the Scope was asked for all accounts of its parts
		if err != nil {
			return err
		}
		var in incident.Incident
		if err := json.Unmarshal(doc, &in); err != nil {
			return fmt.Errorf("incident %s: %w", part, err)
		}
		below = append(below, in.Signals...)
	}
	uid, joins := c.UID, c.Joins
	c.Incident = incident.Tell(alerts, below)
	c.UID, c.Joins = uid, slices.DeleteFunc(joins, func(j incident.Join) bool {
		return !slices.ContainsFunc(alerts, func(a finding.Alert) bool { return a.UID == j.A }) || !slices.ContainsFunc(alerts, func(a finding.Alert) bool { return a.UID == j.B })
	})
	return nil
}

// AlertCase returns an alert.
func (d *Desk) AlertCase(ctx context.Context, scope access.Scope, uid string) (AlertCase, error) {
	var c AlertCase
	doc, err := d.Alert(ctx, scope, uid)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(doc, &c.Alert); err != nil {
		return c, fmt.Errorf("alert %s: %w", uid, err)
	}
	var of string
	if err := d.db.QueryRowContext(ctx, `SELECT kind, `+home+`, `+homeAccounts+` FROM alerts WHERE uid = $1`, text(uid)).Scan(&c.Kind, &c.Incident, &of); err != nil {
		return c, fmt.Errorf("alert %s: %w", uid, err)
	}
	c.Incident = shownTo(scope, c.Incident, of)
	c.Decision, err = d.Decision(ctx, scope, Alerts, uid)
	return c, err
}

// home is the incident of an alert as people grouped it; ” for none.
const home = `coalesce(placed_in, (SELECT merged_into FROM incidents WHERE incidents.uid = alerts.incident_uid), incident_uid, '')`

// homeAccounts are the accounts of that incident.
const homeAccounts = `coalesce((SELECT its.accounts || its.more_accounts FROM incidents its WHERE its.uid = ` + home + `), '')`

// shownTo is the uid of an incident that a finding names, or ” where the Scope does not see all of that incident's accounts: a uid is made of
// what the incident holds.
func shownTo(scope access.Scope, uid, accounts string) string {
	if seesAll(scope, splitAccounts(accounts)) {
		return uid
	}
	return ""
}

func (d *Desk) column(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := d.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the desk: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []string{}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, fmt.Errorf("read the desk: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// onIncident does something about an incident that is none of its state: tasks and links.
func (d *Desk) onIncident(ctx context.Context, scope access.Scope, uid, kind string, by By, do func(tx *sql.Tx, id string) (told string, err error)) error {
	uid = text(uid)
	err := d.db.Tx(ctx, func(tx *sql.Tx) error {
		w, err := begin(ctx, tx, newID(by.At), by)
		if err != nil {
			return err
		}
		s, err := standing(ctx, tx, Incidents, uid)
		if errors.Is(err, sql.ErrNoRows) || err == nil && !seesAll(scope, s.accounts) {
			return fmt.Errorf("incident %s: %w", uid, ErrNotFound)
		}
		if err != nil {
			return err
		}
		what, err := do(tx, w.change)
		if err != nil {
			return err
		}
		if err := w.touch(ctx, uid, s, what, kind); err != nil {
			return err
		}
		return w.order.keep(ctx)
	})
	return told(kind, err)
}

// AddTask adds something to be done and returns its id.
func (d *Desk) AddTask(ctx context.Context, scope access.Scope, uid, title, assignee string, by By) (id string, err error) {
	if title = strings.TrimSpace(text(title)); title == "" {
		return "", MistakeError("say what is to be done: title")
	}
	err = d.onIncident(ctx, scope, uid, kindTask, by, func(tx *sql.Tx, change string) (string, error) {
		id = change
		_, err := tx.ExecContext(ctx, `INSERT INTO tasks (id, incident, title, assignee, created_by, created_at, done_by, version) VALUES ($1, $2, $3, $4, $5, $6, '', 0)`,
			id, text(uid), title, text(assignee), text(by.Name), by.At.UnixMilli())
		return "task: " + title, err
	})
	return id, err
}

// TaskChange is what somebody changes of a task; what is nil stays.
type TaskChange struct {
	Title    *string `json:"title,omitempty" minLength:"1" maxLength:"500"`
	Assignee *string `json:"assignee,omitempty" maxLength:"100"`
	Done     *bool   `json:"done,omitempty"`
	Version  *int64  `json:"version,omitempty" doc:"of the task as it was read; refused when somebody changed it since"`
}

// ChangeTask changes a task.
func (d *Desk) ChangeTask(ctx context.Context, scope access.Scope, uid, id string, c TaskChange, by By) error {
	return d.onIncident(ctx, scope, uid, kindTask, by, func(tx *sql.Tx, _ string) (string, error) {
		var t Task
		var done sql.NullInt64
		err := tx.QueryRowContext(ctx, `SELECT title, assignee, done_by, done_at, version FROM tasks WHERE id = $1 AND incident = $2`, text(id), text(uid)).Scan(&t.Title, &t.Assignee, &t.DoneBy, &done, &t.Version)
		if errors.Is(err, sql.ErrNoRows) {
			return "", fmt.Errorf("task %s: %w", id, ErrNotFound)
		}
		if err != nil {
			return "", err
		}
		if c.Version != nil && *c.Version != t.Version {
			return "", ErrChanged
		}
		what := "task changed: "
		if c.Title != nil {
			t.Title = text(*c.Title)
		}
		if c.Assignee != nil {
			t.Assignee = text(*c.Assignee)
		}
		if c.Done != nil {
			t.DoneBy, done, what = "", sql.NullInt64{}, "task open again: "
			if *c.Done {
				t.DoneBy, done, what = text(by.Name), millis(by.At), "task done: "
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE tasks SET title = $1, assignee = $2, done_by = $3, done_at = $4, version = version + 1 WHERE id = $5 AND version = $6`, t.Title, t.Assignee, t.DoneBy, done, text(id), t.Version)
		return what + t.Title, err
	})
}

// AddLink adds a link to a page elsewhere and returns its id. Only addresses that a browser opens as pages are taken.
func (d *Desk) AddLink(ctx context.Context, scope access.Scope, uid, address, title string, by By) (id string, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return "", MistakeError("give an address that begins with https:// or http://, without a password")
	}
	err = d.onIncident(ctx, scope, uid, kindLink, by, func(tx *sql.Tx, change string) (string, error) {
		id = change
		_, err := tx.ExecContext(ctx, `INSERT INTO links (id, incident, url, title, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)`, id, text(uid), text(u.String()), text(title), text(by.Name), by.At.UnixMilli())
		return "link: " + text(u.String()), err
	})
	return id, err
}

// DropLink takes a link away.
func (d *Desk) DropLink(ctx context.Context, scope access.Scope, uid, id string, by By) error {
	return d.onIncident(ctx, scope, uid, kindLink, by, func(tx *sql.Tx, _ string) (string, error) {
		var address string
		err := tx.QueryRowContext(ctx, `DELETE FROM links WHERE id = $1 AND incident = $2 RETURNING url`, text(id), text(uid)).Scan(&address)
		if errors.Is(err, sql.ErrNoRows) {
			return "", fmt.Errorf("link %s: %w", id, ErrNotFound)
		}
		return "link taken away: " + address, err
	})
}

func (d *Desk) tasks(ctx context.Context, uid string) ([]Task, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT id, title, assignee, created_by, created_at, done_by, done_at, version FROM tasks WHERE incident = $1 ORDER BY created_at, id`, text(uid))
	if err != nil {
		return nil, fmt.Errorf("tasks of %s: %w", uid, err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []Task{}
	for rows.Next() {
		var t Task
		var created, done sql.NullInt64
		if err := rows.Scan(&t.ID, &t.Title, &t.Assignee, &t.By, &created, &t.DoneBy, &done, &t.Version); err != nil {
			return nil, fmt.Errorf("tasks of %s: %w", uid, err)
		}
		t.Created, t.Done = timeOf(created), timeOf(done)
		out = append(out, t)
	}
	return out, rows.Err()
}

func (d *Desk) links(ctx context.Context, uid string) ([]Link, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT id, url, title, created_by, created_at FROM links WHERE incident = $1 ORDER BY created_at, id`, text(uid))
	if err != nil {
		return nil, fmt.Errorf("links of %s: %w", uid, err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	out := []Link{}
	for rows.Next() {
		var l Link
		var created sql.NullInt64
		if err := rows.Scan(&l.ID, &l.URL, &l.Title, &l.By, &created); err != nil {
			return nil, fmt.Errorf("links of %s: %w", uid, err)
		}
		l.Created = timeOf(created)
		out = append(out, l)
	}
	return out, rows.Err()
}
