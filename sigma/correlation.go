package sigma

import (
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Correlation is a rule over the matches of other rules.
type Correlation struct {
	Header
	Type      string   // event_count, value_count, temporal or temporal_ordered
	Rules     []string // names or ids of the rules whose matches are its events
	GroupBy   []string
	Timespan  time.Duration
	Field     string                       // value_count: the field whose distinct values are counted
	Condition []Bound                      // all must hold; temporal: none means every rule
	Aliases   map[string]map[string]string // alias → rule → field
	Generate  bool                         // the rules it refers to also speak for themselves
}

// Bound is one comparison of a correlation's condition.
type Bound struct {
	How string // gt, gte, lt, lte, eq, neq
	N   float64
}

func (b Bound) holds(n float64) bool {
	switch b.How {
	case "gt":
		return n > b.N
	case "gte":
		return n >= b.N
	case "lt":
		return n < b.N
	case "lte":
		return n <= b.N
	case "neq":
		return n != b.N
	}
	return n == b.N
}

var correlationTypes = []string{"event_count", "value_count", "temporal", "temporal_ordered"}

// maxTimespan bounds a correlation's window.
const maxTimespan = 366 * 24 * time.Hour

func (p *parser) correlation(h Header, n *yaml.Node) Document {
	c := &Correlation{Header: h}
	if n.Kind != yaml.MappingNode {
		p.fail(n, "correlation is not a map")
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolved(n.Content[i+1])
		switch key.Value {
		case "type":
			c.Type = value.Value
			if !contains(correlationTypes, c.Type) {
				p.fail(value, "correlation type %q is not one of %s", c.Type, strings.Join(correlationTypes, ", "))
			}
		case "rules":
			c.Rules = texts(value)
		case "group-by":
			c.GroupBy = texts(value)
		case "timespan", "timeframe":
			c.Timespan = p.timespan(value)
		case "condition":
			p.bounds(c, value)
		case "aliases":
			c.Aliases = aliases(value)
		case "generate":
			c.Generate = value.Value == "true"
		default:
			p.fail(key, "correlation has no attribute %q", key.Value)
		}
	}
	if generate := h.Custom["generate"]; generate != nil {
		c.Generate = generate.Value == "true"
	}
	p.completeCorrelation(c, n)
	return c
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func (p *parser) completeCorrelation(c *Correlation, n *yaml.Node) {
	if len(c.Rules) == 0 {
		p.fail(n, "correlation names no rules")
	}
	if c.Timespan == 0 {
		p.fail(n, "correlation has no timespan")
	}
	counts := c.Type == "event_count" || c.Type == "value_count"
	if counts && len(c.Condition) == 0 {
		p.fail(n, "%s has no condition", c.Type)
	}
	if c.Type == "value_count" && c.Field == "" {
		p.fail(n, "value_count's condition names no field")
	}
}

// timespan reads 30s, 5m, 1h, 7d, 1M (30 days).
func (p *parser) timespan(n *yaml.Node) time.Duration {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour, 'M': 30 * 24 * time.Hour}
	if s := n.Value; len(s) > 1 {
		count, err := strconv.Atoi(s[:len(s)-1])
		unit, ok := units[s[len(s)-1]]
		if err == nil && ok && count > 0 && time.Duration(count) <= maxTimespan/unit {
			return time.Duration(count) * unit
		}
	}
	p.fail(n, "timespan %q is not a number with s, m, h, d, w or M, of at most a year", n.Value)
	return 0
}

func (p *parser) bounds(c *Correlation, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		p.fail(n, "the condition is not a map such as gte: 10")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolved(n.Content[i+1])
		switch key.Value {
		case "field":
			c.Field = value.Value
		case "gt", "gte", "lt", "lte", "eq", "neq":
			x, err := strconv.ParseFloat(value.Value, 64)
			if err != nil {
				p.fail(value, "%s wants a number, not %q", key.Value, value.Value)
			}
			c.Condition = append(c.Condition, Bound{key.Value, x})
		default:
			p.fail(key, "the condition has no attribute %q", key.Value)
		}
	}
}

func aliases(n *yaml.Node) map[string]map[string]string {
	out := map[string]map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		inner := resolved(n.Content[i+1])
		m := map[string]string{}
		for k := 0; k+1 < len(inner.Content); k += 2 {
			m[inner.Content[k].Value] = resolved(inner.Content[k+1]).Value
		}
		out[n.Content[i].Value] = m
	}
	return out
}
