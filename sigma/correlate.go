package sigma

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Hit is one match of a rule that a correlation refers to.
type Hit struct {
	Rule  int      // index in Correlation.Rules
	Time  int64    // when the event occurred, epoch milliseconds
	Group []string // the values of GroupBy, in its order
	Value string   // value_count: the value of Field
	Key   string   // identity of the event: breaks ties in time, and one event counts once a rule
}

// Episode is one stretch in which a correlation held: the union of all its windows that overlap.
type Episode struct {
	Group  []string
	Hits   []Hit // in order of time and key
	Values []string
	Peak   int // events, distinct values or rules in the fullest window
}

// MaxHits bounds what one Correlator remembers. Overflow says how many hits came beyond it.
const MaxHits = 4_000_000

// Correlator collects the hits of one correlation. It has one owner; Merge joins two. The result depends on the set of
// hits only: not on the order in which they came.
type Correlator struct {
	rule     *Correlation
	groups   map[string][]Hit
	held     int
	overflow int
}

// NewCorrelator returns an empty Correlator.
func NewCorrelator(c *Correlation) *Correlator {
	return &Correlator{rule: c, groups: map[string][]Hit{}}
}

// Add takes one hit in. A hit without a value for some group-by field groups with the others that lack it.
func (c *Correlator) Add(h Hit) {
	if c.held >= MaxHits {
		c.overflow++
		return
	}
	c.held++
	key := strings.Join(h.Group, "\x00")
	c.groups[key] = append(c.groups[key], h)
}

// Merge takes the hits of another Correlator of the same rule in; other must not be used afterwards.
func (c *Correlator) Merge(other *Correlator) {
	for key, hits := range other.groups {
		c.groups[key] = append(c.groups[key], hits...)
	}
	c.held += other.held
	c.overflow += other.overflow
}

// Overflow returns how many hits were not remembered because MaxHits was met. Zero means that the result is exact.
func (c *Correlator) Overflow() int { return c.overflow }

// Episodes evaluates the correlation over all hits, in order of group and time.
func (c *Correlator) Episodes() []Episode {
	keys := make([]string, 0, len(c.groups))
	for k := range c.groups {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var out []Episode
	for _, k := range keys {
		hits := ordered(c.groups[k])
		if c.rule.Type == "temporal_ordered" {
			out = append(out, c.chains(hits)...)
			continue
		}
		out = append(out, c.windows(hits)...)
	}
	return out
}

// ordered sorts by time, then key, then rule, and drops repetitions of one event for one rule.
func ordered(hits []Hit) []Hit {
	sort.Slice(hits, func(i, j int) bool {
		a, b := &hits[i], &hits[j]
		switch {
		case a.Time != b.Time:
			return a.Time < b.Time
		case a.Key != b.Key:
			return a.Key < b.Key
		case a.Rule != b.Rule:
			return a.Rule < b.Rule
		}
		return a.Value < b.Value
	})
	return slices.CompactFunc(hits, func(a, b Hit) bool {
		return a.Key == b.Key && a.Rule == b.Rule && a.Time == b.Time && a.Value == b.Value
	})
}

// windows slides the timespan over the hits and joins the windows that hold.
func (c *Correlator) windows(hits []Hit) []Episode {
	span := c.rule.Timespan.Milliseconds()
	count := counter{kind: c.rule.Type, seen: map[string]int{}}
	var out []Episode
	from, openFrom, openTo, peak := 0, -1, -1, 0
	flush := func() {
		if openFrom >= 0 {
			out = append(out, episode(hits[openFrom:openTo+1], peak))
		}
		openFrom, peak = -1, 0
	}
	for to := range hits {
		count.add(&hits[to], +1)
		for hits[to].Time-hits[from].Time > span {
			count.add(&hits[from], -1)
			from++
		}
		if to+1 < len(hits) && hits[to+1].Time == hits[to].Time {
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
	seen map[string]int
	n    int
}

func (c *counter) add(h *Hit, by int) {
	key := h.Value
	switch c.kind {
	case "event_count":
		c.n += by
		return
	case "temporal":
		key = fmt.Sprint(h.Rule)
	case "value_count":
		if key == "" {
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
func (c *Correlator) chains(hits []Hit) []Episode {
	span := c.rule.Timespan.Milliseconds()
	rules := len(c.rule.Rules)
	best := make([][]Hit, rules)
	var out []Episode
	for from := 0; from < len(hits); {
		to := from
		for to < len(hits) && hits[to].Time == hits[from].Time {
			to++
		}
		instant := slices.Clone(hits[from:to])
		sort.SliceStable(instant, func(i, j int) bool { return instant[i].Rule < instant[j].Rule })
		for _, h := range instant {
			if h.Rule >= rules {
				continue
			}
			if h.Rule == 0 {
				best[0] = []Hit{h}
			} else if prev := best[h.Rule-1]; prev != nil && h.Time-prev[0].Time <= span {
				best[h.Rule] = append(slices.Clone(prev), h)
			}
			if last := best[rules-1]; last != nil && h.Rule == rules-1 {
				out = append(out, episode(last, rules))
				clear(best)
			}
		}
		from = to
	}
	return out
}

func episode(hits []Hit, peak int) Episode {
	e := Episode{Group: hits[0].Group, Hits: slices.Clone(hits), Peak: peak}
	seen := map[string]bool{}
	for _, h := range hits {
		if h.Value != "" && !seen[h.Value] {
			seen[h.Value] = true
			e.Values = append(e.Values, h.Value)
		}
	}
	return e
}
