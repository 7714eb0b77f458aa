package hunt

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/enrich"
)

// EntityQuery names an entity and the window that is looked at. Zero times: the last day on which the entity did anything, up to Now.
type EntityQuery struct {
	Kind, Value  string
	From, To     time.Time // To is exclusive, and also as of when: nothing later is looked at
	BaselineDays int       // before From; 0: 30, at most 60
	Own          bool      // also Tocsin's own audit events
}

// Panel is one part of a profile, with the question that it answers.
type Panel struct {
	Name   string  `json:"name"`
	Title  string  `json:"title"`
	Habits []Habit `json:"habits"`
	Of     int64   `json:"of"` // how many values there are; more than Habits where it was cut
	Asked  Asked   `json:"asked"`
}

// Profile is what is known of an entity.
type Profile struct {
	Kind     string    `json:"kind"`
	Value    string    `json:"value"`
	Own      bool      `json:"own"` // Tocsin's own audit events are counted
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Baseline time.Time `json:"baseline_from"`
	Support  Support   `json:"support"`
	First    time.Time `json:"first_seen,omitzero"` // in all of the lake
	Last     time.Time `json:"last_seen,omitzero"`
	Events   int64     `json:"events"` // in all of the lake
	Now      int64     `json:"now"`    // in the window
	Denied   int64     `json:"denied"` // of Now
	Chain    []Link    `json:"chain"`  // how who stands at the start came to its sessions
	Origins  []string  `json:"origins"`
	Panels   []Panel   `json:"panels"`
	New      []News    `json:"new"`   // what of the window was never seen before
	Risk     Risk      `json:"risk"`  // of what findings say
	Notes    []string  `json:"notes"` // bounds that were met, and how it was looked for
	Asked    []Asked   `json:"asked"` // the questions beside those of the panels
	Millis   int64     `json:"millis"`
}

// News is one value that is new.
type News struct {
	Panel string `json:"panel"`
	Habit
}

// Link is one step of a role chain: who took which session.
type Link struct {
	Time    time.Time `json:"time"`
	By      string    `json:"by"`
	As      string    `json:"as"`
	Key     string    `json:"access_key,omitempty"`
	Event   string    `json:"event_uid"`
	Account string    `json:"account"`
}

const (
	defaultBaseline = 30
	maxBaseline     = 60  // the days of a baseline are bits of one number
	maxWindow       = 400 // days that a window may have: the risk is told for each
	keptHabits      = 200
	keptAddresses   = 2000 // from which networks and countries are summed
)

// denied is whether a call was refused, as enrich.Facts has it, in SQL.
const denied = `(regexp_matches(coalesce(api.response.error, ''), 'AccessDenied|Unauthorized|NotAuthorized|AuthFailure|Forbidden|OptInRequired') OR contains(coalesce(api.response.message, ''), 'not authorized to perform')` +
	` OR coalesce(action_id, 0) = 2 OR coalesce(http_response.code, 0) IN (401, 403) OR (operation = 'ConsoleLogin' AND coalesce(status_id, 1) = 2))`

// features are the panels of a profile, each with the expression whose values it counts.
var features = []struct {
	name, title, sql string
	limit            int
}{
	{"days", "events by day", "strftime(time_dt, '%Y-%m-%d')", 100},
	{"hours", "hours of the week, UTC, 0 is Monday 00:00", "CAST((isodow(time_dt) - 1) * 24 + hour(time_dt) AS VARCHAR)", 168},
	{"apis", "what was called", "coalesce(service, '') || ':' || operation", keptHabits},
	{"regions", "Regions", "region", keptHabits},
	{"addresses", "addresses", "src_ip", keptAddresses},
	{"agents", "programs, as they call themselves", "agent", keptHabits},
	{"accounts", "accounts", "account", keptHabits},
	{"resources", "what it was done to", "resource", keptHabits},
	{"origins", "who stands behind it", "origin", keptHabits},
	{"principals", "as whom", "principal", keptHabits},
	{"sessions", "sessions", "session", keptHabits},
	{"access_keys", "access keys", "access_key", keptHabits},
}

// Entity makes the profile of an entity.
func (v *Investigator) Entity(ctx context.Context, scope access.Scope, q EntityQuery) (*Profile, error) {
	start := time.Now()
	k, ok := kindOf(q.Kind)
	switch {
	case !ok:
		return nil, unknownKind(q.Kind)
	case q.Value == "":
		return nil, MistakeError{"the value is empty: name an entity"}
	}
	if q.BaselineDays <= 0 {
		q.BaselineDays = defaultBaseline
	}
	q.BaselineDays = min(q.BaselineDays, maxBaseline)
	q.Own = q.Own || asksForOwn(q.Value)
	p := &Profile{Kind: q.Kind, Value: q.Value, Own: q.Own, Chain: []Link{}, Origins: []string{}, Panels: []Panel{}, New: []News{}, Notes: []string{}}
	which, err := v.ever(ctx, scope, k, &q, p)
	if err != nil {
		return nil, err
	}
	p.window(&q, v.Now())
	if days := p.To.Sub(p.From) / (24 * time.Hour); days > maxWindow {
		return nil, MistakeError{fmt.Sprintf("a profile looks at no more than %d days: set from and to closer together", maxWindow)}
	}
	if err := v.panels(ctx, scope, which, p); err != nil {
		return nil, err
	}
	p.places(v.Places)
	p.judge()
	if err := v.chain(ctx, scope, p); err != nil {
		return nil, err
	}
	if err := v.risk(ctx, scope, p); err != nil {
		return nil, err
	}
	p.Millis = time.Since(start).Milliseconds()
	return p, nil
}

// which writes the condition on an entity's events into a question.
type which func(q *question) string

// ever finds out since when an entity is known, and by which columns it is found.
func (v *Investigator) ever(ctx context.Context, scope access.Scope, k *Kind, e *EntityQuery, p *Profile) (which, error) {
	var addresses []string
	if k.Places == nil {
		var err error
		if addresses, err = v.addressesOf(ctx, scope, k.Name, e, p); err != nil {
			return nil, err
		}
	}
	look := func(w which) error {
		q := &question{to: e.To}
		q.sql = "SELECT min(time_dt), max(time_dt), count(*) FROM events WHERE " + w(q)
		asked, err := v.ask(ctx, scope, q, func(c cells) error {
			p.First, p.Last, p.Events = c.time(0), c.time(1), c.number(2)
			return nil
		})
		p.Asked = append(p.Asked, asked)
		return err
	}
	fast := func(q *question) string { return within(k.fast(q, e.Value, addresses), e.Own) }
	if k.fast(&question{}, e.Value, addresses) != "" {
		if err := look(fast); err != nil || p.Events > 0 || k.Places == nil {
			return fast, err
		}
	}
	whole := func(q *question) string { return within(k.whole(q, e.Value, addresses), e.Own) }
	if err := look(whole); err != nil {
		return nil, err
	}
	if p.Events > 0 {
		p.Notes = append(p.Notes, "found by what calls asked for and were answered, not by who called")
	}
	return whole, nil
}

// window sets the span that is looked at and the baseline before it.
func (p *Profile) window(q *EntityQuery, now time.Time) {
	p.To = q.To
	if p.To.IsZero() {
		p.To = now.UTC()
		if !p.Last.IsZero() && p.Last.Before(p.To) {
			p.To = p.Last.Add(time.Millisecond)
		}
	}
	p.From = q.From
	if p.From.IsZero() || !p.From.Before(p.To) {
		p.From = p.To.Add(-24 * time.Hour)
	}
	p.Baseline = p.From.Add(-time.Duration(q.BaselineDays) * 24 * time.Hour)
}

// source is the WITH that all panels are answered from: the entity's events of baseline and window, each with its day of the baseline.
func (p *Profile) source(condition string) string {
	return "WITH e AS MATERIALIZED (SELECT time_dt, time_dt >= " + stamp(p.From) + " AS now, " +
		"CASE WHEN time_dt < " + stamp(p.From) + " THEN 1::BIGINT << greatest(0, least(62, date_diff('hour', " + stamp(p.Baseline) + ", time_dt) // 24)) ELSE 0 END AS d, " +
		"account, region, api.service.name AS service, operation, origin, principal, session, access_key, src_ip, http_request.user_agent AS agent, resource, " + denied + " AS refused FROM events WHERE " + condition + ")\n"
}

// counted are the figures of one value.
const counted = "count(*) FILTER (WHERE now) AS now, count(*) FILTER (WHERE NOT now) AS before, coalesce(bit_or(d), 0) AS days, count(*) FILTER (WHERE now AND refused) AS refused, min(time_dt) AS first, max(time_dt) AS last"

func panelSQL(i int) string {
	f := features[i]
	return fmt.Sprintf("SELECT '%s' AS panel, key, %s, count(*) OVER () AS of FROM (SELECT *, %s AS key FROM e) WHERE key IS NOT NULL GROUP BY key ORDER BY now DESC, before DESC, key LIMIT %d", f.name, counted, f.sql, f.limit)
}

// panels asks for all panels at once: the entity's events are read once. Each panel shows its own question, whose answer is the same.
func (v *Investigator) panels(ctx context.Context, scope access.Scope, w which, p *Profile) error {
	q := &question{from: p.Baseline, to: p.To}
	source := p.source(w(q))
	parts := []string{"SELECT '' AS panel, NULL AS key, " + counted + ", 0 AS of FROM e"}
	for i := range features {
		parts = append(parts, "SELECT * FROM ("+panelSQL(i)+")")
		p.Panels = append(p.Panels, Panel{Name: features[i].name, Title: features[i].title, Habits: []Habit{}})
	}
	q.sql = source + strings.Join(parts, "\nUNION ALL\n")
	asked, err := v.ask(ctx, scope, q, func(c cells) error {
		h := Habit{Key: c.text(1), Now: c.number(2), Before: c.number(3), mask: uint64(c.number(4)), Denied: c.number(5), First: c.time(6), Last: c.time(7)} //nolint:gosec // bits
		if c.text(0) == "" {
			p.Now, p.Denied, p.Support = h.Now, h.Denied, supportOf(h.Before, h.mask)
			return nil
		}
		panel := p.panel(c.text(0))
		panel.Habits, panel.Of = append(panel.Habits, h), c.number(8)
		return nil
	})
	if err != nil {
		return err
	}
	for i := range p.Panels {
		one := asked
		one.SQL = source + panelSQL(i)
		p.Panels[i].Asked = one
		if left := p.Panels[i].Of - int64(len(p.Panels[i].Habits)); left > 0 {
			p.Notes = append(p.Notes, fmt.Sprintf("%s: the %d most frequent of %d are here", p.Panels[i].Title, len(p.Panels[i].Habits), p.Panels[i].Of))
		}
	}
	return nil
}

func (p *Profile) panel(name string) *Panel {
	i := slices.IndexFunc(p.Panels, func(x Panel) bool { return x.Name == name })
	return &p.Panels[i]
}

// places adds the panels that come of others: networks and countries of the addresses, tools of the programs.
func (p *Profile) places(places enrich.Locator) {
	agents, addresses := *p.panel("agents"), *p.panel("addresses")
	p.Panels = append(p.Panels, Panel{Name: "tools", Title: "tools", Habits: regroup(agents.Habits, func(key string) (string, string) { return enrich.Tool(key), "" }), Asked: agents.Asked})
	if places == nil {
		p.Notes = append(p.Notes, "this binary knows no places: networks and countries are not told")
	} else {
		p.Panels = append(p.Panels, Panel{Name: "networks", Title: "networks (ASN)", Habits: regroup(addresses.Habits, networkOf(places)), Asked: addresses.Asked},
			Panel{Name: "countries", Title: "countries, where addresses are registered", Habits: regroup(addresses.Habits, countryOf(places)), Asked: addresses.Asked})
	}
	for i := range p.Panels {
		if p.Panels[i].Of == 0 {
			p.Panels[i].Of = int64(len(p.Panels[i].Habits))
		}
	}
}

func networkOf(places enrich.Locator) func(string) (string, string) {
	return func(address string) (string, string) {
		a, err := netip.ParseAddr(address)
		if err != nil {
			return "", ""
		}
		place := places.Locate(a)
		if place.ASN == 0 {
			return "", ""
		}
		return strconv.FormatUint(uint64(place.ASN), 10), place.Org
	}
}

func countryOf(places enrich.Locator) func(string) (string, string) {
	return func(address string) (string, string) {
		a, err := netip.ParseAddr(address)
		if err != nil {
			return "", ""
		}
		return places.Locate(a).Country, ""
	}
}

// judge says of each value how it stands, and lists what is new.
func (p *Profile) judge() {
	for i := range p.Panels {
		panel := &p.Panels[i]
		var near func(h *Habit) uint64
		if panel.Name == "hours" {
			near = nextHours(panel.Habits)
		}
		stand(panel.Habits, p.Support, near)
		if panel.Name == "days" {
			continue // a day is new every day
		}
		for _, h := range panel.Habits {
			if h.Standing == New {
				p.New = append(p.New, News{panel.Name, h})
			}
		}
	}
	if !p.Support.Enough {
		p.Notes = append(p.Notes, fmt.Sprintf("too little history to call anything new: %d events on %d days before %s (at least %d on %d)", p.Support.Events, p.Support.Days, p.From.Format(time.RFC3339), leastEvents, leastDays))
	}
	for _, h := range p.panel("origins").Habits {
		p.Origins = append(p.Origins, h.Key)
	}
}

// nextHours gives the days on which the hours before and after an hour of the week were used: one who comes an hour early is no stranger.
func nextHours(list []Habit) func(h *Habit) uint64 {
	var masks [168]uint64
	for _, h := range list {
		if n, err := strconv.Atoi(h.Key); err == nil && n >= 0 && n < len(masks) {
			masks[n] = h.mask
		}
	}
	return func(h *Habit) uint64 {
		n, err := strconv.Atoi(h.Key)
		if err != nil {
			return 0
		}
		return masks[(n+167)%168] | masks[(n+1)%168]
	}
}

// maxAddresses bounds the addresses that stand for a network or a country.
const maxAddresses = 500

// addressesOf lists the addresses of a network or a country that were seen.
func (v *Investigator) addressesOf(ctx context.Context, scope access.Scope, kind string, e *EntityQuery, p *Profile) ([]string, error) {
	if v.Places == nil {
		return nil, MistakeError{"this binary knows no places, so that there are no networks and countries to look for"}
	}
	under := networkOf(v.Places)
	if kind == kindCountry {
		under = countryOf(v.Places)
	}
	var out []string
	left := 0
	q := &question{sql: "SELECT src_ip, count(*) FROM events WHERE " + within("src_ip IS NOT NULL", e.Own) + " GROUP BY 1 ORDER BY 2 DESC, 1", to: e.To}
	asked, err := v.ask(ctx, scope, q, func(c cells) error {
		if key, _ := under(c.text(0)); key != e.Value {
			return nil
		}
		if len(out) == maxAddresses {
			left++
			return nil
		}
		out = append(out, c.text(0))
		return nil
	})
	p.Asked = append(p.Asked, asked)
	if left > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("the %d busiest addresses stand for it; %d more are left out", maxAddresses, left))
	}
	return out, err
}
