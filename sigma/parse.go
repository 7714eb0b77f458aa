package sigma

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits of one rule file. The largest of SigmaHQ has 60 KB and 3,000 nodes.
const (
	maxFileBytes = 1 << 20
	maxNodes     = 100_000
	maxDepth     = 32
)

// Options change how rules are read.
type Options struct {
	// Expand gives the values of placeholders for the modifier expand: "admins" for %admins%.
	Expand map[string][]string
}

// Parse reads a rule file with one or more YAML documents. Documents that are right are returned also where others of
// the file are wrong.
func Parse(file string, src []byte, o Options) ([]Document, Errors) {
	p := &parser{file: file, lines: strings.Split(string(src), "\n"), options: o}
	if len(src) > maxFileBytes {
		p.fail(nil, "the file has %d bytes (limit: %d)", len(src), maxFileBytes)
		return nil, p.errors
	}
	var docs []Document
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var root yaml.Node
		err := dec.Decode(&root)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			p.yamlError(err)
			break
		}
		before := len(p.errors)
		if doc := p.document(&root); doc != nil && len(p.errors) == before {
			docs = append(docs, doc)
		}
	}
	return docs, p.errors.sorted()
}

type parser struct {
	file    string
	lines   []string
	options Options
	errors  Errors
	nodes   int
}

func (p *parser) fail(at *yaml.Node, format string, args ...any) {
	e := &Error{File: p.file, Line: 1, Column: 1, Text: fmt.Sprintf(format, args...)}
	if at != nil && at.Line > 0 {
		e.Line, e.Column = at.Line, at.Column
	}
	if e.Line <= len(p.lines) {
		e.Source = strings.TrimRight(p.lines[e.Line-1], "\r")
	}
	p.errors = append(p.errors, e)
}

// yamlError takes the line out of the YAML library's message.
func (p *parser) yamlError(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	at := &yaml.Node{Line: 1, Column: 1}
	if n, scanErr := fmt.Sscanf(text, "line %d:", &at.Line); n == 1 && scanErr == nil {
		_, text, _ = strings.Cut(text, ": ")
	}
	p.fail(at, "not YAML: %s", text)
}

// sound counts nodes with aliases expanded, so that a small file cannot stand for a huge one.
func (p *parser) sound(n *yaml.Node, depth int) bool {
	p.nodes++
	switch {
	case p.nodes > maxNodes:
		p.fail(n, "more than %d values once aliases are expanded", maxNodes)
		return false
	case depth > maxDepth:
		p.fail(n, "nested deeper than %d levels", maxDepth)
		return false
	case n.Kind == yaml.AliasNode:
		return p.sound(n.Alias, depth+1)
	}
	for _, kid := range n.Content {
		if !p.sound(kid, depth+1) {
			return false
		}
	}
	return true
}

// resolved follows aliases.
func resolved(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func (p *parser) document(root *yaml.Node) Document {
	if root.Kind != yaml.DocumentNode || len(root.Content) == 0 || !p.sound(root, 0) {
		return nil
	}
	top := resolved(root.Content[0])
	if top.Kind != yaml.MappingNode {
		p.fail(top, "a rule is a map of attributes such as title, logsource and detection")
		return nil
	}
	h := Header{File: p.file, Line: top.Line, Custom: map[string]*yaml.Node{}}
	parts := map[string]*yaml.Node{}
	seen := map[string]bool{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], resolved(top.Content[i+1])
		if seen[key.Value] {
			p.fail(key, "%s stands twice", key.Value)
		}
		seen[key.Value] = true
		p.attribute(&h, parts, key, value)
	}
	if h.Title == "" {
		p.fail(top, "the rule has no title")
	}
	switch {
	case parts["correlation"] != nil:
		return p.correlation(h, parts["correlation"])
	case parts["filter"] != nil:
		p.fail(parts["filter"], "global filters are not read yet; put the filter into the rule's condition")
		return nil
	case parts["detection"] == nil:
		p.fail(top, "the rule has no detection")
		return nil
	}
	return p.rule(h, parts)
}

var levels = []string{"informational", "low", "medium", "high", "critical"}

func (p *parser) attribute(h *Header, parts map[string]*yaml.Node, key, value *yaml.Node) {
	switch key.Value {
	case "title":
		h.Title = value.Value
	case "id":
		h.ID = value.Value
	case "name":
		h.Name = value.Value
	case "status":
		h.Status = value.Value
	case "description":
		h.Description = value.Value
	case "author":
		h.Author = value.Value
	case "date":
		h.Date = value.Value
	case "level":
		h.Level = value.Value
		if !slices.Contains(levels, value.Value) {
			p.fail(value, "level %q is not one of %s", value.Value, strings.Join(levels, ", "))
		}
	case "references":
		h.References = texts(value)
	case "tags":
		h.Tags = texts(value)
	case "falsepositives":
		h.FalsePositives = texts(value)
	case "fields":
		h.Fields = texts(value)
	case "logsource", "detection", "correlation", "filter":
		parts[key.Value] = value
	case "modified", "license", "related", "taxonomy", "scope":
	default:
		h.Custom[key.Value] = value
	}
}

// texts reads a list of scalars, or one.
func texts(n *yaml.Node) []string {
	if n.Kind == yaml.ScalarNode {
		if n.Value == "" || n.Tag == "!!null" {
			return nil
		}
		return []string{n.Value}
	}
	var out []string
	for _, kid := range n.Content {
		out = append(out, resolved(kid).Value)
	}
	return out
}

func (p *parser) rule(h Header, parts map[string]*yaml.Node) Document {
	r := &Rule{Header: h}
	if source := parts["logsource"]; source == nil {
		p.fail(parts["detection"], "the rule has no logsource")
	} else {
		r.LogSource = p.logSource(source)
	}
	p.detection(r, parts["detection"])
	return r
}

func (p *parser) logSource(n *yaml.Node) LogSource {
	var l LogSource
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := strings.ToLower(resolved(n.Content[i+1]).Value)
		switch n.Content[i].Value {
		case "category":
			l.Category = value
		case "product":
			l.Product = value
		case "service":
			l.Service = value
		}
	}
	if l == (LogSource{}) {
		p.fail(n, "logsource names none of category, product and service")
	}
	return l
}
