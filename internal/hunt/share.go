package hunt

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

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
	for _, column := range slices.Sorted(maps.Keys(by)) {
		values := by[column]
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
