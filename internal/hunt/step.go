package hunt

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// met is one neighbour of one entity.
type met struct {
	node           int // in the frontier
	kind, value    string
	events, denied int64
	first, last    time.Time
	operations     []string
	name           string
}

// step reads the events of some entities and ties them to whatever else those name.
func (w *walk) step(ctx context.Context, frontier []int, step int) error {
	q := &question{from: w.q.From, to: w.q.To}
	q.sql = w.stepSQL(q, frontier)
	if q.sql == "" {
		return nil
	}
	var list []met
	asked, err := w.v.ask(ctx, w.scope, q, func(c cells) error {
		m := met{node: int(c.number(0)), kind: c.text(1), value: c.text(2), events: c.number(3), denied: c.number(4), first: c.time(5), last: c.time(6), operations: c.texts(7)}
		if m.kind == "" {
			w.whole(&w.g.Nodes[frontier[m.node]], m)
			return nil
		}
		list = append(list, m)
		return nil
	})
	w.g.Asked = append(w.g.Asked, asked)
	if err != nil {
		return err
	}
	list = append(list, w.networks(list)...)
	w.join(frontier, list, step)
	return nil
}

// whole notes what one entity's own events are.
func (w *walk) whole(n *Node, m met) {
	n.Events, n.First, n.Last = m.events, m.first, m.last
	if m.events == nodeEvents {
		w.g.Notes = append(w.g.Notes, fmt.Sprintf("%s: only its newest %d events are read", n.ID, nodeEvents))
	}
}

// stepSQL reads each entity's newest events once, and counts the values of every kind in them.
func (w *walk) stepSQL(q *question, frontier []int) string {
	var sources []string
	for i, at := range frontier {
		n := &w.g.Nodes[at]
		k, _ := kindOf(n.Kind)
		if k == nil || k.Places == nil {
			continue
		}
		columns := ""
		for p, place := range placesOf() {
			columns += fmt.Sprintf(", %s AS p%d", place.sql, p)
		}
		for _, test := range w.tests(q, k, n) {
			sources = append(sources, fmt.Sprintf("(SELECT %d AS node, metadata.uid AS uid, time_dt, operation, %s AS refused%s FROM events WHERE %s ORDER BY time_dt DESC LIMIT %d)", i, denied, columns, within(test, w.q.Own), nodeEvents))
		}
	}
	if len(sources) == 0 {
		return ""
	}
	const figures = "count(DISTINCT uid) AS events, count(DISTINCT uid) FILTER (WHERE refused) AS denied, min(time_dt) AS first, max(time_dt) AS last"
	parts := []string{"SELECT node, '' AS kind, NULL AS value, " + figures + ", NULL::VARCHAR[] AS operations FROM e GROUP BY node"}
	for p, place := range placesOf() {
		parts = append(parts, fmt.Sprintf("SELECT node, '%s', p%d, %s, list_slice(list_sort(list(DISTINCT operation)), 1, 12) FROM e WHERE p%d IS NOT NULL AND p%d <> '' GROUP BY node, p%d", place.kind, p, figures, p, p, p))
	}
	return "WITH e AS MATERIALIZED (" + strings.Join(sources, "\nUNION ALL ") + ")\n" + strings.Join(parts, "\nUNION ALL ") + "\nORDER BY 1, 2, 4 DESC, 3"
}

// tests are the conditions on an entity's events: one for each column with a bloom filter, one for other columns, and one for what calls
// asked for and were answered, where looking for the text comes before parsing it.
func (w *walk) tests(q *question, k *Kind, n *Node) []string {
	var fast, paths, members []string
	value := q.arg(n.Value)
	for _, p := range k.Places {
		test := "(" + p.SQL + ") = " + value
		switch {
		case p.Fast && slices.Contains(fast, test):
		case p.Fast:
			fast = append(fast, test)
		case strings.Contains(p.SQL, "json_"):
			members = append(members, test)
		default:
			paths = append(paths, test)
		}
	}
	if len(paths) > 0 {
		fast = append(fast, strings.Join(paths, " OR "))
	}
	if len(members) > 0 && k.Name != "object_prefix" {
		return append(fast, "(contains(api.request.data, "+value+") OR contains(api.response.data, "+value+")) AND ("+strings.Join(members, " OR ")+")")
	}
	return append(fast, members...)
}

// placed is one expression whose values are entities of a kind.
type placed struct{ kind, sql string }

// placesOf lists the expressions of all kinds.
func placesOf() []placed {
	var out []placed
	for _, k := range kinds {
		for _, p := range k.Places {
			sql := p.SQL
			if p.Only != "" {
				sql = "CASE WHEN " + p.Only + " THEN " + p.SQL + " END"
			}
			out = append(out, placed{k.Name, sql})
		}
	}
	return out
}

// networks are the networks of the addresses.
func (w *walk) networks(list []met) []met {
	if w.v.Places == nil {
		return nil
	}
	var out []met
	at := map[string]int{}
	for _, m := range list {
		a, err := netip.ParseAddr(m.value)
		if m.kind != "ip" || err != nil {
			continue
		}
		place := w.v.Places.Locate(a)
		if place.ASN == 0 {
			continue
		}
		m.kind, m.value, m.name = kindASN, strconv.FormatUint(uint64(place.ASN), 10), place.Org
		key := fmt.Sprint(m.node, m.value)
		if i, known := at[key]; known {
			out[i].events += m.events
			out[i].denied += m.denied
			continue
		}
		at[key] = len(out)
		out = append(out, m)
	}
	return out
}
