package hunt

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// GraphQuery asks for what an entity is tied to.
type GraphQuery struct {
	Kind, Value string
	From, To    time.Time // zero: no bound. To is exclusive, and as of when: nothing later is looked at
	Depth       int       // steps from the entity; 0: 1, at most 3
	Nodes       int       // at most so many; 0: 80, at most 500
	Own         bool      // also Tocsin's own audit events
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
	q.Own = q.Own || asksForOwn(q.Value)
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
