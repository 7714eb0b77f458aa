package sigma

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// detection reads the search identifiers and the condition over them.
func (p *parser) detection(r *Rule, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		p.fail(n, "detection is not a map of search identifiers and a condition")
		return
	}
	var condition *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolved(n.Content[i+1])
		switch key.Value {
		case "condition":
			condition = value
		case "timeframe":
			p.fail(key, "timeframe belongs to the old aggregations; write a correlation instead")
		default:
			r.selections = append(r.selections, selection{key.Value, p.search(key, value)})
		}
	}
	if condition == nil {
		p.fail(n, "detection has no condition")
		return
	}
	list := []*yaml.Node{condition}
	if condition.Kind == yaml.SequenceNode {
		list = condition.Content
	}
	var any []*expr
	for _, c := range list {
		c = resolved(c)
		r.Conditions = append(r.Conditions, c.Value)
		if e := p.condition(c, r.selections); e != nil {
			any = append(any, e)
		}
	}
	r.expr = combine(opOr, any)
}

// combine makes one expression of several; nil for none.
func combine(o op, kids []*expr) *expr {
	switch len(kids) {
	case 0:
		return nil
	case 1:
		return kids[0]
	}
	return &expr{op: o, kids: kids}
}

// search reads one search identifier: a map is AND, a list is OR of maps or keywords, a scalar is a keyword.
func (p *parser) search(key, n *yaml.Node) *expr {
	switch n.Kind {
	case yaml.MappingNode:
		var all []*expr
		for i := 0; i+1 < len(n.Content); i += 2 {
			if e := p.field(n.Content[i], resolved(n.Content[i+1])); e != nil {
				all = append(all, e)
			}
		}
		if len(n.Content) == 0 {
			p.fail(key, "%s is empty", key.Value)
		}
		return combine(opAnd, all)
	case yaml.SequenceNode:
		return p.searchList(key, n)
	case yaml.ScalarNode:
		return p.item(key, "", nil, []*yaml.Node{n})
	}
	p.fail(n, "%s is neither a map nor a list", key.Value)
	return nil
}

func (p *parser) searchList(key, n *yaml.Node) *expr {
	var any []*expr
	var keywords []*yaml.Node
	for _, kid := range n.Content {
		kid = resolved(kid)
		if kid.Kind == yaml.ScalarNode {
			keywords = append(keywords, kid)
			continue
		}
		if e := p.search(key, kid); e != nil {
			any = append(any, e)
		}
	}
	if len(keywords) > 0 {
		any = append(any, p.item(key, "", nil, keywords))
	}
	if len(n.Content) == 0 {
		p.fail(key, "%s is empty", key.Value)
	}
	return combine(opOr, any)
}

// field reads one "field|modifier|…: values".
func (p *parser) field(key, n *yaml.Node) *expr {
	parts := strings.Split(key.Value, "|")
	values := []*yaml.Node{n}
	switch n.Kind {
	case yaml.SequenceNode:
		values = make([]*yaml.Node, 0, len(n.Content))
		for _, kid := range n.Content {
			values = append(values, resolved(kid))
		}
	case yaml.MappingNode:
		p.fail(n, "the value of %s is a map; write nested fields with dots", key.Value)
		return nil
	}
	if len(values) == 0 {
		p.fail(key, "%s has no values", key.Value)
		return nil
	}
	for _, v := range values {
		if v.Kind != yaml.ScalarNode {
			p.fail(v, "a value of %s is not a scalar", key.Value)
			return nil
		}
	}
	return p.item(key, parts[0], parts[1:], values)
}
