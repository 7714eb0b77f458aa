package hunt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
)

// PivotQuery asks for everything that mentions a value.
type PivotQuery struct {
	Value    string
	From, To time.Time // zero: no bound; To is exclusive
	Limit    int       // 0: 200; the newest are kept
	Own      bool      // also Tocsin's own audit events
	// Depth is how far to look: columns, or records (and every word of the records). "" looks into records only where columns hold nothing.
	Depth string
}

// The depths of a pivot.
const (
	DepthColumns = "columns"
	DepthRecords = "records"
)

// Sighting is one event or finding that mentions a value.
type Sighting struct {
	Time      time.Time `json:"time"`
	Event     string    `json:"event_uid,omitempty"`
	Alert     *Mention  `json:"alert,omitempty"`
	Account   string    `json:"account,omitempty"`
	Region    string    `json:"region,omitempty"`
	Service   string    `json:"service,omitempty"`
	Operation string    `json:"operation,omitempty"`
	Origin    string    `json:"origin,omitempty"`
	SrcIP     string    `json:"src_ip,omitempty"`
	Status    string    `json:"status,omitempty"`
	Resource  string    `json:"resource,omitempty"`
	As        []string  `json:"as"` // where it stands in the event
}

// Searched is one place that was looked in.
type Searched struct {
	What  string `json:"what"`
	Found int    `json:"found"`         // among what is returned
	Why   string `json:"why,omitempty"` // it was not looked in, or not to the end
	Asked *Asked `json:"asked,omitempty"`
}

// Pivot is everything that mentions a value, in time order.
type Pivot struct {
	Value     string     `json:"value"`
	Own       bool       `json:"own"`       // Tocsin's own audit events are among them
	Sightings []Sighting `json:"sightings"` // the oldest first
	More      bool       `json:"more"`      // older ones are left out
	Searched  []Searched `json:"searched"`
	Millis    int64      `json:"millis"`
}

const sighted = "time_dt, metadata.uid AS uid, account, region, api.service.name AS service, operation, origin, src_ip, status, resource"

// Pivot looks a value up everywhere.
func (v *Investigator) Pivot(ctx context.Context, scope access.Scope, q PivotQuery) (*Pivot, error) {
	start := time.Now()
	switch {
	case q.Value == "":
		return nil, MistakeError{"the value is empty: name what to look for"}
	case !slices.Contains([]string{"", DepthColumns, DepthRecords}, q.Depth):
		return nil, MistakeError{fmt.Sprintf("%.40q is no depth; there are columns and records", q.Depth)}
	}
	if q.Limit <= 0 {
		q.Limit = 200
	}
	q.Own = q.Own || asksForOwn(q.Value)
	g := gathering{v: v, scope: scope, q: q, out: &Pivot{Value: q.Value, Own: q.Own, Sightings: []Sighting{}}, at: map[[2]string]int{}}
	if err := g.all(ctx); err != nil {
		return nil, err
	}
	g.out.Millis = time.Since(start).Milliseconds()
	return g.out, nil
}

// gathering is a pivot under way.
type gathering struct {
	v     *Investigator
	scope access.Scope
	q     PivotQuery
	out   *Pivot
	at    map[[2]string]int // account and uid of an event → its sighting
}

func (g *gathering) all(ctx context.Context) error {
	if err := g.columns(ctx); err != nil {
		return err
	}
	switch found := len(g.out.Sightings); {
	case g.q.Depth == DepthRecords, g.q.Depth == "" && found == 0:
		if err := g.records(ctx); err != nil {
			return err
		}
	case g.q.Depth == "":
		g.skip(everyWord, "the columns held it; ask for the depth records to look there too")
	default:
		g.skip(everyWord, "not asked for")
	}
	if err := g.findings(ctx); err != nil {
		return err
	}
	g.finish()
	return nil
}

func (g *gathering) skip(what, why string) {
	g.out.Searched = append(g.out.Searched, Searched{What: what, Why: why})
}

// everyWord is the place that no column names.
const everyWord = "every word of the records"

// columns looks where the filters of the data files say that a column may hold the value.
func (g *gathering) columns(ctx context.Context) error {
	start := time.Now()
	holders, err := g.v.Lake.Holders(ctx, g.q.From, g.q.To, g.q.Value)
	if err != nil {
		return err
	}
	all, err := g.v.Lake.Plan(ctx, g.q.From, g.q.To)
	if err != nil {
		return err
	}
	look := duck.Look{Value: g.q.Value, Holders: holders, Show: sighted, Most: g.q.Limit + 1}
	if !g.q.Own {
		look.And = others
	}
	if len(holders) > 0 {
		_, err := g.v.ask(ctx, g.scope, &question{look: &look, from: g.q.From, to: g.q.To}, func(c cells) error {
			if c != nil {
				g.sight(c)
			} else if len(g.out.Sightings) > g.q.Limit { // a page is complete, and what comes after it is older
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
	}
	g.keep()
	// Which files and columns hold a value may be another account's secret: what is told covers all of the time range.
	asked := Asked{SQL: look.SQL(), Args: []string{g.q.Value}, From: g.q.From, To: g.q.To, Files: len(all), Millis: time.Since(start).Milliseconds()}
	for i := range all {
		asked.Bytes += all[i].Bytes
	}
	g.out.Searched = append(g.out.Searched, Searched{What: "columns: " + strings.Join(lake.Filtered(), ", "), Found: len(g.out.Sightings), Asked: &asked})
	return nil
}

// records looks into every word.
func (g *gathering) records(ctx context.Context) error {
	q := &question{from: g.q.From, to: g.q.To}
	p := q.arg(g.q.Value)
	q.sql = "SELECT " + sighted + ", 'raw_data' AS place FROM events WHERE " + within("contains(raw_data, "+p+")", g.q.Own) + fmt.Sprintf(" ORDER BY time_dt DESC LIMIT %d", g.q.Limit+1)
	s := Searched{What: everyWord}
	asked, err := g.v.ask(ctx, g.scope, q, func(c cells) error {
		s.Found += g.sight(c)
		return nil
	})
	s.Asked = &asked
	g.out.Searched = append(g.out.Searched, s)
	return err
}

// sight takes an event and where it holds the value, and returns 1 if it was not seen before.
func (g *gathering) sight(c cells) int {
	key, place := [2]string{c.text(2), c.text(1)}, c.text(10)
	if i, known := g.at[key]; known {
		g.out.Sightings[i].As = append(g.out.Sightings[i].As, place)
		return 0
	}
	g.at[key] = len(g.out.Sightings)
	g.out.Sightings = append(g.out.Sightings, Sighting{
		Time: c.time(0), Event: c.text(1), Account: c.text(2), Region: c.text(3), Service: c.text(4), Operation: c.text(5), Origin: c.text(6), SrcIP: c.text(7), Status: c.text(8), Resource: c.text(9), As: []string{place},
	})
	return 1
}

func (g *gathering) findings(ctx context.Context) error {
	if g.v.Desk == nil {
		g.skip("findings", "there is no desk here")
		return nil
	}
	list, err := g.v.Desk.Mentions(ctx, g.scope, g.q.Value, g.q.Limit+1)
	if err != nil {
		return err
	}
	s := Searched{What: "findings"}
	for i := range list {
		m := &list[i]
		if !g.q.From.IsZero() && m.Last.Before(g.q.From) || !g.q.To.IsZero() && !m.First.Before(g.q.To) {
			continue
		}
		s.Found++
		g.out.Sightings = append(g.out.Sightings, Sighting{Time: m.Last, Alert: m, Account: m.Account, Origin: m.Origin, As: []string{"alert"}})
	}
	g.out.Searched = append(g.out.Searched, s)
	return nil
}

// keep leaves the newest.
func (g *gathering) keep() {
	list := g.out.Sightings
	slices.SortStableFunc(list, func(a, b Sighting) int { return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.Event, b.Event)) })
	if len(list) > g.q.Limit {
		list, g.out.More = list[:g.q.Limit], true
	}
	g.out.Sightings = list
	clear(g.at)
	for i := range list {
		g.at[[2]string{list[i].Account, list[i].Event}] = i
	}
}

// finish puts the newest in order, and the places of each.
func (g *gathering) finish() {
	g.keep()
	slices.Reverse(g.out.Sightings)
	columns := append(lake.Filtered(), "raw_data")
	for i := range g.out.Sightings {
		slices.SortFunc(g.out.Sightings[i].As, func(a, b string) int { return cmp.Compare(slices.Index(columns, a), slices.Index(columns, b)) })
	}
}
