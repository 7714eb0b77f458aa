package hunt

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// PivotQuery asks for everything that mentions a value.
type PivotQuery struct {
	Value    string
	From, To time.Time // zero: no bound; To is exclusive
	Limit    int       // 0: 200; the newest are kept
	Own      bool      // also Tocsin's own audit events
	// Depth is how far to look: columns (with bloom filters), paths (and other columns of the event) or records (and every word of the
	// records). "" looks as far as columns and paths, and into records only where those hold nothing.
	Depth string
}

// The depths of a pivot.
const (
	DepthColumns = "columns"
	DepthPaths   = "paths"
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

// pivotPaths are the columns beside the pivots that hold names and addresses.
var pivotPaths = []string{
	"metadata.uid", "metadata.correlation_uid", "api.request.uid", "actor.user.name", "actor.user.uid_alt", "actor.user.account.uid", "actor.session.issuer", "actor.invoked_by", "user.uid", "user.name",
	"http_request.user_agent", "http_request.url.hostname", "http_request.url.path", "src_endpoint.domain", "src_endpoint.instance_uid", "src_endpoint.interface_uid", "src_endpoint.vpc_uid", "src_endpoint.uid",
	"dst_endpoint.ip", "dst_endpoint.domain", "dst_endpoint.instance_uid", "dst_endpoint.interface_uid", "query.hostname", "tls.sni", "finding_info.uid", "finding_info.title", "api.response.error", "region",
}

var pivotColumns = []string{"account", "principal", "origin", "session", "access_key", "src_ip", "operation", "resource", "batch_id"}

const sighted = "time_dt, metadata.uid AS uid, account, region, api.service.name AS service, operation, origin, src_ip, status, resource"

// Pivot looks a value up everywhere.
func (v *Investigator) Pivot(ctx context.Context, scope access.Scope, q PivotQuery) (*Pivot, error) {
	start := time.Now()
	switch {
	case q.Value == "":
		return nil, MistakeError{"the value is empty: name what to look for"}
	case !slices.Contains([]string{"", DepthColumns, DepthPaths, DepthRecords}, q.Depth):
		return nil, MistakeError{fmt.Sprintf("%.40q is no depth; there are columns, paths and records", q.Depth)}
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
	if err := g.search(ctx, "columns with bloom filters: "+strings.Join(pivotColumns, ", "), g.columns()); err != nil {
		return err
	}
	if g.q.Depth == DepthColumns {
		g.skip("other columns", "not asked for")
	} else if err := g.search(ctx, "other columns: "+strings.Join(pivotPaths, ", "), g.paths()); err != nil {
		return err
	}
	switch found := len(g.out.Sightings); {
	case g.q.Depth == DepthRecords, g.q.Depth == "" && found == 0:
		if err := g.search(ctx, "every word of the records", g.records()); err != nil {
			return err
		}
	case g.q.Depth == "":
		g.skip("every word of the records", "the columns held it; ask for the depth records to look there too")
	default:
		g.skip("every word of the records", "not asked for")
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

// columns is a question per column, so that each is answered by its own bloom filter.
func (g *gathering) columns() *question {
	q := &question{}
	p := q.arg(g.q.Value)
	var parts []string
	for _, c := range pivotColumns {
		parts = append(parts, fmt.Sprintf("(SELECT %s, '%s' AS place FROM events WHERE %s ORDER BY time_dt DESC LIMIT %d)", sighted, c, within(c+" = "+p, g.q.Own), g.q.Limit+1))
	}
	q.sql = "SELECT * FROM (" + strings.Join(parts, "\nUNION ALL ") + ")\nORDER BY time_dt DESC"
	return q
}

func (g *gathering) paths() *question {
	q := &question{}
	p := q.arg(g.q.Value)
	var tests, places []string
	for _, path := range pivotPaths {
		tests = append(tests, path+" = "+p)
		places = append(places, "CASE WHEN "+path+" = "+p+" THEN '"+path+"' END")
	}
	q.sql = "SELECT " + sighted + ", concat_ws(' ', " + strings.Join(places, ", ") + ") AS place FROM events WHERE " + within(strings.Join(tests, " OR "), g.q.Own) + fmt.Sprintf(" ORDER BY time_dt DESC LIMIT %d", g.q.Limit+1)
	return q
}

func (g *gathering) records() *question {
	q := &question{}
	p := q.arg(g.q.Value)
	q.sql = "SELECT " + sighted + ", 'raw_data' AS place FROM events WHERE " + within("contains(raw_data, "+p+")", g.q.Own) + fmt.Sprintf(" ORDER BY time_dt DESC LIMIT %d", g.q.Limit+1)
	return q
}

// search puts one question and joins what it finds with what was found before.
func (g *gathering) search(ctx context.Context, what string, q *question) error {
	q.from, q.to = g.q.From, g.q.To
	s := Searched{What: what}
	asked, err := g.v.ask(ctx, g.scope, q, func(c cells) error {
		key := [2]string{c.text(2), c.text(1)}
		places := strings.Fields(c.text(10))
		if i, known := g.at[key]; known {
			g.out.Sightings[i].As = append(g.out.Sightings[i].As, places...)
			return nil
		}
		s.Found++
		g.at[key] = len(g.out.Sightings)
		g.out.Sightings = append(g.out.Sightings, Sighting{
			Time: c.time(0), Event: c.text(1), Account: c.text(2), Region: c.text(3), Service: c.text(4), Operation: c.text(5), Origin: c.text(6), SrcIP: c.text(7), Status: c.text(8), Resource: c.text(9), As: places,
		})
		return nil
	})
	s.Asked = &asked
	g.out.Searched = append(g.out.Searched, s)
	return err
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

// finish keeps the newest and puts them in order.
func (g *gathering) finish() {
	list := g.out.Sightings
	slices.SortStableFunc(list, func(a, b Sighting) int { return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.Event, b.Event)) })
	if len(list) > g.q.Limit {
		list, g.out.More = list[:g.q.Limit], true
	}
	slices.Reverse(list)
	g.out.Sightings = list
}
