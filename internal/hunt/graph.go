package hunt

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// GraphQuery asks for what an entity is tied to.
type GraphQuery struct {
	Kind, Value string
	From, To    time.Time // zero: no bound. To is exclusive, and as of when: nothing later is looked at
	Depth       int       // steps from the entity; 0: 1, at most 3
	Nodes       int       // at most so many; 0: 80, at most 500
}

// Node is an entity in a neighbourhood.
type Node struct {
	ID       string    `json:"id"` // kind:value
	Kind     string    `json:"kind"`
	Value    string    `json:"value"`
	Name     string    `json:"name,omitempty"`
	Step     int       `json:"step"` // from the entity that was asked for
	Events   int64     `json:"events"`
	First    time.Time `json:"first_seen"`
	Last     time.Time `json:"last_seen"`
	Others   int64     `json:"others"`             // how many origins beside the entity's own share it in the span; -1 where that was not counted
	Cut      string    `json:"cut,omitempty"`      // why it was not followed
	Severity string    `json:"severity,omitempty"` // of an alert
}

// Edge is a tie between two entities: events that name both.
type Edge struct {
	From       string    `json:"from"`
	To         string    `json:"to"`
	Tie        string    `json:"tie"` // "comes from"
	Events     int64     `json:"events"`
	Denied     int64     `json:"denied"`
	First      time.Time `json:"first_seen"`
	Last       time.Time `json:"last_seen"`
	Operations []string  `json:"operations,omitempty"` // some of what was called
	Others     int64     `json:"others"`               // see Node.Others: the fewer, the more the tie says
}

// Graph is a bounded neighbourhood.
type Graph struct {
	Root   string   `json:"root"`
	Nodes  []Node   `json:"nodes"`
	Edges  []Edge   `json:"edges"`
	Notes  []string `json:"notes"` // what was cut
	Asked  []Asked  `json:"asked"`
	Millis int64    `json:"millis"`
}

// The bounds of a neighbourhood.
const (
	maxDepth      = 3
	defaultNodes  = 80
	maxNodes      = 500
	nodeEvents    = 20_000 // newest events of one entity that its ties are read from
	kindNodes     = 15     // neighbours of one kind that one entity brings in
	maxFrontier   = 12     // entities that are followed in one step
	sharedTooWide = 20     // an entity that so many others share joins nothing, as with incidents
)

// follows are the kinds that are followed: who acts, and with what. What is only acted upon ends a path.
var follows = []string{"origin", "principal", "session", "access_key", "ip", "user", "role", "instance"}

// Graph tells what an entity is tied to.
func (v *Investigator) Graph(ctx context.Context, scope access.Scope, q GraphQuery) (*Graph, error) {
	start := time.Now()
	switch _, ok := kindOf(q.Kind); {
	case !ok:
		return nil, unknownKind(q.Kind)
	case q.Value == "":
		return nil, MistakeError{"the value is empty: name an entity"}
	}
	q.Depth = min(max(q.Depth, 1), maxDepth)
	if q.Nodes <= 0 {
		q.Nodes = defaultNodes
	}
	q.Nodes = min(q.Nodes, maxNodes)
	w := walk{v: v, scope: scope, q: q, at: map[string]int{}, ties: map[[2]string]int{}, g: &Graph{Root: q.Kind + ":" + q.Value, Nodes: []Node{}, Edges: []Edge{}, Notes: []string{}, Asked: []Asked{}}}
	w.add(Node{Kind: q.Kind, Value: q.Value, Others: -1})
	frontier := []int{0}
	for step := 1; step <= q.Depth && len(frontier) > 0; step++ {
		if err := w.step(ctx, frontier, step); err != nil {
			return nil, err
		}
		if err := w.share(ctx); err != nil {
			return nil, err
		}
		frontier = w.next(step)
	}
	if err := w.findings(ctx); err != nil {
		return nil, err
	}
	w.g.Millis = time.Since(start).Milliseconds()
	return w.g, nil
}

// walk is a neighbourhood under way.
type walk struct {
	v     *Investigator
	scope access.Scope
	q     GraphQuery
	g     *Graph
	at    map[string]int    // id → node
	ties  map[[2]string]int // ids → edge
	left  int               // nodes that had no room
}

// add finds or makes a node; -1 where there is no room.
func (w *walk) add(n Node) int {
	n.ID = n.Kind + ":" + n.Value
	if i, known := w.at[n.ID]; known {
		return i
	}
	if n.Kind == "resource" { // the same thing under a kind of its own says more
		for i := range w.g.Nodes {
			if w.g.Nodes[i].Value == n.Value {
				return i
			}
		}
	}
	if len(w.g.Nodes) >= w.q.Nodes {
		w.left++
		return -1
	}
	w.at[n.ID] = len(w.g.Nodes)
	w.g.Nodes = append(w.g.Nodes, n)
	return len(w.g.Nodes) - 1
}

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
			sources = append(sources, fmt.Sprintf("(SELECT %d AS node, metadata.uid AS uid, time_dt, operation, %s AS refused%s FROM events WHERE %s ORDER BY time_dt DESC LIMIT %d)", i, denied, columns, test, nodeEvents))
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

// join makes nodes and edges of what was met, kind by kind, and says what had no room.
func (w *walk) join(frontier []int, list []met, step int) {
	slices.SortStableFunc(list, func(a, b met) int { // plain resources last: they may have another kind
		return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(rank(a.kind), rank(b.kind)), cmp.Compare(b.events, a.events))
	})
	type group struct {
		node int
		kind string
	}
	taken, over := map[group]int{}, map[group]int{}
	for _, m := range list {
		from := frontier[m.node]
		if w.g.Nodes[from].Kind == m.kind && w.g.Nodes[from].Value == m.value || m.kind == "resource" && w.g.Nodes[from].Value == m.value {
			continue
		}
		id := m.kind + ":" + m.value
		g := group{m.node, m.kind}
		if _, known := w.at[id]; !known {
			if taken[g] >= kindNodes {
				over[g]++
				continue
			}
			taken[g]++
		}
		to := w.add(Node{Kind: m.kind, Value: m.value, Name: m.name, Step: step, Events: m.events, First: m.first, Last: m.last, Others: -1})
		if to >= 0 && to != from {
			w.tie(from, to, m)
		}
	}
	for i := range frontier {
		for _, k := range kinds {
			if n := over[group{i, k.Name}]; n > 0 {
				w.g.Notes = append(w.g.Notes, fmt.Sprintf("%s: %d more of the kind %s are left out", w.g.Nodes[frontier[i]].ID, n, k.Name))
			}
		}
	}
	if w.left > 0 {
		w.g.Notes = append(w.g.Notes, fmt.Sprintf("step %d: %d entities are left out, as there are %d already", step, w.left, w.q.Nodes))
		w.left = 0
	}
}

func rank(kind string) int {
	return slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == kind })
}

// tie adds to the edge between two nodes. Whoever acts stands before what is acted upon.
func (w *walk) tie(from, to int, m met) {
	a, b := from, to
	if rank(w.g.Nodes[b].Kind) < rank(w.g.Nodes[a].Kind) {
		a, b = b, a
	}
	key := [2]string{w.g.Nodes[a].ID, w.g.Nodes[b].ID}
	i, known := w.ties[key]
	if !known {
		i = len(w.g.Edges)
		w.ties[key] = i
		tie := "of"
		if k, ok := kindOf(w.g.Nodes[b].Kind); ok {
			tie = k.Ties
		}
		w.g.Edges = append(w.g.Edges, Edge{From: key[0], To: key[1], Tie: tie, Events: m.events, Denied: m.denied, First: m.first, Last: m.last, Operations: m.operations, Others: -1})
		return
	}
	e := &w.g.Edges[i]
	e.Events, e.Denied = max(e.Events, m.events), max(e.Denied, m.denied) // the same events, met from its other end
	if m.first.Before(e.First) {
		e.First = m.first
	}
	if m.last.After(e.Last) {
		e.Last = m.last
	}
	for _, op := range m.operations {
		if !slices.Contains(e.Operations, op) {
			e.Operations = append(e.Operations, op)
		}
	}
}

// shareable are the columns by which it is counted how many origins share an entity.
var shareable = map[string]string{
	"principal": "principal", "session": "session", "access_key": "access_key", "ip": "src_ip", "account": "account", "user_agent": "http_request.user_agent",
	"user": "resource", "role": "resource", "policy": "resource", "bucket": "resource", "function": "resource", "key": "resource", "secret": "resource", "image": "resource",
	"snapshot": "resource", "security_group": "resource", "trail": "resource", "instance": "resource", "resource": "resource", "domain": "query.hostname",
}

// share counts how many origins share each entity that is new here, within the Scope and the span.
func (w *walk) share(ctx context.Context) error {
	q := &question{from: w.q.From, to: w.q.To}
	by := map[string][]string{}
	for i := range w.g.Nodes {
		if n := &w.g.Nodes[i]; n.Others < 0 && shareable[n.Kind] != "" {
			by[shareable[n.Kind]] = append(by[shareable[n.Kind]], n.Value)
		}
	}
	var parts []string
	for column, values := range by {
		slices.Sort(values)
		parts = append(parts, fmt.Sprintf("SELECT '%s', %s, count(DISTINCT origin) FROM events WHERE %s GROUP BY 2", column, column, among(q, column, slices.Compact(values))))
	}
	if len(parts) == 0 {
		return nil
	}
	slices.Sort(parts)
	q.sql = strings.Join(parts, "\nUNION ALL ")
	counts := map[[2]string]int64{}
	asked, err := w.v.ask(ctx, w.scope, q, func(c cells) error {
		counts[[2]string{c.text(0), c.text(1)}] = c.number(2)
		return nil
	})
	w.g.Asked = append(w.g.Asked, asked)
	if err != nil {
		return err
	}
	for i := range w.g.Nodes {
		n := &w.g.Nodes[i]
		if n.Others < 0 && shareable[n.Kind] != "" {
			n.Others = max(0, counts[[2]string{shareable[n.Kind], n.Value}]-1)
		}
	}
	for i := range w.g.Edges {
		e := &w.g.Edges[i]
		e.Others = w.g.Nodes[w.at[e.To]].Others
	}
	return nil
}

// next picks what is followed: the rarest entities of the last step.
func (w *walk) next(step int) []int {
	var out []int
	for i := range w.g.Nodes {
		n := &w.g.Nodes[i]
		switch {
		case n.Step != step || !slices.Contains(follows, n.Kind):
		case n.Others >= sharedTooWide:
			n.Cut = fmt.Sprintf("shared by %d others: it joins nothing", n.Others)
		default:
			out = append(out, i)
		}
	}
	if step >= w.q.Depth {
		return nil
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(w.g.Nodes[a].Others, w.g.Nodes[b].Others) })
	if len(out) > maxFrontier {
		for _, i := range out[maxFrontier:] {
			w.g.Nodes[i].Cut = fmt.Sprintf("not followed: only the %d rarest of a step are", maxFrontier)
		}
		out = out[:maxFrontier]
	}
	return out
}

// findings adds the alerts that name the entity, with their incidents.
func (w *walk) findings(ctx context.Context) error {
	if w.v.Desk == nil {
		w.g.Notes = append(w.g.Notes, "there is no desk here: findings are not told")
		return nil
	}
	list, err := w.v.Desk.Mentions(ctx, w.scope, w.q.Value, kindNodes+1)
	if err != nil {
		return err
	}
	if len(list) > kindNodes {
		w.g.Notes = append(w.g.Notes, fmt.Sprintf("only the newest %d alerts are here", kindNodes))
		list = list[:kindNodes]
	}
	for i := range list {
		m := &list[i]
		if !w.q.To.IsZero() && !m.First.Before(w.q.To) || !w.q.From.IsZero() && m.Last.Before(w.q.From) {
			continue
		}
		w.finding(m)
	}
	return nil
}

func (w *walk) finding(m *Mention) {
	alert := w.add(Node{Kind: "alert", Value: m.UID, Name: m.Title, Severity: m.Severity.String(), Step: 1, Events: 1, First: m.First, Last: m.Last, Others: -1})
	if alert < 0 {
		return
	}
	w.g.Edges = append(w.g.Edges, Edge{From: w.g.Nodes[alert].ID, To: w.g.Root, Tie: "names", Events: 1, First: m.First, Last: m.Last, Others: -1})
	if m.Incident == "" {
		return
	}
	if in := w.add(Node{Kind: "incident", Value: m.Incident, Step: 2, Events: 1, First: m.First, Last: m.Last, Others: -1}); in >= 0 {
		w.g.Edges = append(w.g.Edges, Edge{From: w.g.Nodes[in].ID, To: w.g.Nodes[alert].ID, Tie: "tells", Events: 1, First: m.First, Last: m.Last, Others: -1})
	}
}
