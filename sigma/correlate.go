package sigma

import (
	"bytes"
	"cmp"
	"slices"
	"sort"
	"strings"
)

// Hit is one match of a rule that a correlation refers to.
type Hit struct {
	Rule   int      // index in Correlation.Rules
	Time   int64    // when the event occurred, epoch milliseconds
	Group  []string // the values of GroupBy, in its order
	Value  string   // value_count: the value of Field
	Key    [16]byte // identity of the event: breaks ties in time, and one event counts once a rule and value
	Source int32    // the caller's own, given back in Episode
}

// EventRef is one event of an Episode.
type EventRef struct {
	Time   int64
	Key    [16]byte
	Source int32
	Rule   int
}

// Episode is one stretch in which a correlation held: the union of all its windows that overlap.
type Episode struct {
	Group  []string
	Events []EventRef // in order of time and key
	Values []string   // value_count: the distinct values, in order of their first event
	Peak   int        // events, distinct values or rules in the fullest window
}

// MaxHits bounds what one Correlator remembers, at 48 bytes a hit. Overflow says how many came beyond it.
const MaxHits = 4_000_000

// Correlator collects the hits of one correlation. It has one owner; Merge joins two. The result depends on the set of
// hits only: not on the order in which they came.
type Correlator struct {
	rule     *Correlation
	groups   map[string]*group
	values   []string
	index    map[string]uint32
	buf      []byte
	hits     []hit // of the group at hand, used again
	held     int
	overflow int
}

// NewCorrelator returns an empty Correlator.
func NewCorrelator(c *Correlation) *Correlator {
	return &Correlator{rule: c, groups: map[string]*group{}, values: []string{""}, index: map[string]uint32{"": 0}}
}

// Add takes one hit in; it keeps no memory of the caller. A hit without a value for some group-by field groups with
// the others that lack it.
func (c *Correlator) Add(h Hit) {
	if c.held >= MaxHits {
		c.overflow++
		return
	}
	c.held++
	c.buf = c.buf[:0]
	for _, g := range h.Group {
		c.buf = append(append(c.buf, g...), 0)
	}
	g := c.groups[string(c.buf)]
	if g == nil {
		g = &group{}
		for _, name := range h.Group {
			g.names = append(g.names, strings.Clone(name))
		}
		c.groups[string(c.buf)] = g
	}
	g.add(hit{h.Time, h.Key, c.intern(h.Value), h.Source, int32(h.Rule)}) //nolint:gosec // a correlation has few rules
}

func (c *Correlator) intern(value string) uint32 {
	if i, ok := c.index[value]; ok {
		return i
	}
	i := uint32(len(c.values)) //nolint:gosec // at most MaxHits
	value = strings.Clone(value)
	c.index[value] = i
	c.values = append(c.values, value)
	return i
}

// Merge takes the hits of another Correlator of the same rule in; other must not be used afterwards.
func (c *Correlator) Merge(other *Correlator) {
	to := make([]uint32, len(other.values))
	for i, v := range other.values {
		to[i] = c.intern(v)
	}
	for key, theirs := range other.groups {
		hits := theirs.all(nil)
		for i := range hits {
			hits[i].value = to[hits[i].value]
		}
		if c.groups[key] == nil {
			c.groups[key] = &group{names: theirs.names}
		}
		c.groups[key].add(hits...)
	}
	c.held += other.held
	c.overflow += other.overflow
}

// Overflow returns how many hits were not remembered because MaxHits was met. Zero means that the result is exact.
func (c *Correlator) Overflow() int { return c.overflow }

// Episodes evaluates the correlation over all hits so far, in order of group and time. Hits may be added afterwards, and it may be
// asked again: only groups that have more since are evaluated anew. What is in an Episode is not to be changed.
func (c *Correlator) Episodes() []Episode {
	keys := make([]string, 0, len(c.groups))
	for k := range c.groups {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var out []Episode
	for _, k := range keys {
		g := c.groups[k]
		episodes := g.episodes
		if g.changed {
			episodes = c.evaluate(g)
		}
		out = append(out, episodes...)
	}
	return out
}

// Bounds of what is kept from one evaluation for the next.
const (
	keepEvents = 2048 // events in the episodes of one group: above it they are found anew each time
	keepHits   = 512  // to unpack into
)

// evaluate finds the episodes of one group.
func (c *Correlator) evaluate(g *group) []Episode {
	c.hits = g.all(c.hits[:0])
	hits := c.ordered(c.hits)
	c.held -= len(c.hits) - len(hits)
	find := c.windows
	if c.rule.Type == "temporal_ordered" {
		find = c.chains
	}
	episodes := find(g, hits)
	events := 0
	for i := range episodes {
		events += len(episodes[i].Events)
	}
	if g.changed = events > keepEvents; g.changed {
		g.episodes = nil
	} else {
		g.episodes = episodes
	}
	if c.buf = g.set(hits, c.buf); len(hits) > keepHits {
		c.hits, c.buf = nil, nil
	}
	return episodes
}

// ordered sorts by time, then key, then rule, and drops repetitions of one event for one rule and value.
func (c *Correlator) ordered(hits []hit) []hit {
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.time, b.time), bytes.Compare(a.key[:], b.key[:]), cmp.Compare(a.rule, b.rule), strings.Compare(c.values[a.value], c.values[b.value]), cmp.Compare(a.source, b.source))
	})
	return slices.CompactFunc(hits, func(a, b hit) bool {
		return a.key == b.key && a.rule == b.rule && a.time == b.time && a.value == b.value
	})
}

// windows slides the timespan over the hits and joins the windows that hold.
func (c *Correlator) windows(g *group, hits []hit) []Episode {
	span := c.rule.Timespan.Milliseconds()
	count := counter{kind: c.rule.Type, seen: map[uint32]int{}}
	var out []Episode
	from, openFrom, openTo, peak := 0, -1, -1, 0
	flush := func() {
		if openFrom >= 0 {
			out = append(out, c.episode(g, hits[openFrom:openTo+1], peak))
		}
		openFrom, peak = -1, 0
	}
	for to := range hits {
		count.add(&hits[to], +1)
		for hits[to].time-hits[from].time > span {
			count.add(&hits[from], -1)
			from++
		}
		if to+1 < len(hits) && hits[to+1].time == hits[to].time {
			continue // a window ends after all that happened in its last instant
		}
		if !c.holds(count.n) {
			continue
		}
		if openFrom >= 0 && from > openTo {
			flush()
		}
		if openFrom < 0 {
			openFrom = from
		}
		openTo, peak = to, max(peak, count.n)
	}
	flush()
	return out
}

func (c *Correlator) holds(n int) bool {
	if len(c.rule.Condition) == 0 {
		return n == len(c.rule.Rules)
	}
	for _, b := range c.rule.Condition {
		if !b.holds(float64(n)) {
			return false
		}
	}
	return true
}

// counter counts what the correlation counts in the window.
type counter struct {
	kind string
	seen map[uint32]int
	n    int
}

func (c *counter) add(h *hit, by int) {
	key := h.value
	switch c.kind {
	case "event_count":
		c.n += by
		return
	case "temporal":
		key = uint32(h.rule) //nolint:gosec // an index
	case "value_count":
		if key == 0 { // the event lacks the field
			return
		}
	}
	before := c.seen[key]
	c.seen[key] = before + by
	switch {
	case before == 0 && by > 0:
		c.n++
	case before == 1 && by < 0:
		c.n--
		delete(c.seen, key)
	}
}

// chains finds rules in order within the timespan. Events of one instant count as in order, since logs with whole
// seconds do not tell. Of each chain the latest possible beginning is taken; a hit stands in one chain.
func (c *Correlator) chains(g *group, hits []hit) []Episode {
	span := c.rule.Timespan.Milliseconds()
	rules := int32(len(c.rule.Rules)) //nolint:gosec // few
	best := make([][]hit, rules)
	var out []Episode
	for from := 0; from < len(hits); {
		to := from
		for to < len(hits) && hits[to].time == hits[from].time {
			to++
		}
		instant := slices.Clone(hits[from:to])
		sort.SliceStable(instant, func(i, j int) bool { return instant[i].rule < instant[j].rule })
		for _, h := range instant {
			if h.rule == 0 {
				best[0] = []hit{h}
			} else if prev := best[h.rule-1]; prev != nil && h.time-prev[0].time <= span {
				best[h.rule] = append(slices.Clone(prev), h)
			}
			if last := best[rules-1]; last != nil && h.rule == rules-1 {
				out = append(out, c.episode(g, last, int(rules)))
				clear(best)
			}
		}
		from = to
	}
	return out
}

func (c *Correlator) episode(g *group, hits []hit, peak int) Episode {
	e := Episode{Group: g.names, Peak: peak}
	seen := map[uint32]bool{0: true}
	for _, h := range hits {
		e.Events = append(e.Events, EventRef{h.time, h.key, h.source, int(h.rule)})
		if !seen[h.value] {
			seen[h.value] = true
			e.Values = append(e.Values, c.values[h.value])
		}
	}
	return e
}
