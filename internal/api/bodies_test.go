package api

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// document is the OpenAPI document, as requests are made out of it.
type document struct {
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

type operation struct {
	Right       string `json:"x-tocsin-right"`
	Parameters  []parameter
	RequestBody *struct {
		Content map[string]struct{ Schema *schema }
	}
}

type parameter struct {
	Name, In string
	Required bool
	Schema   schema
}

// schema is what of JSON Schema a least value depends on.
type schema struct {
	Ref        string `json:"$ref"`
	Type       any
	Format     string
	Enum       []any
	Required   []string
	Properties map[string]schema
	Items      *schema
	MinLength  int
	MinItems   int
	Minimum    float64
}

func (s *site) document() *document {
	s.t.Helper()
	var d document
	_, text := s.described()
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		s.t.Fatal(err)
	}
	return &d
}

// least is the least value that a schema takes: what is required, and no more.
func (d *document) least(x schema) any {
	if name, is := strings.CutPrefix(x.Ref, "#/components/schemas/"); is {
		return d.least(d.Components.Schemas[name])
	}
	if len(x.Enum) > 0 {
		return x.Enum[0]
	}
	kind, _ := x.Type.(string)
	if list, is := x.Type.([]any); is && len(list) > 0 {
		kind, _ = list[0].(string)
	}
	switch kind {
	case "object":
		out := map[string]any{}
		for _, name := range x.Required {
			out[name] = d.least(x.Properties[name])
		}
		return out
	case "array":
		out := []any{}
		for range x.MinItems {
			out = append(out, d.least(*x.Items))
		}
		return out
	case "integer", "number":
		return x.Minimum
	case "boolean":
		return false
	case "string":
		switch x.Format {
		case "date-time":
			return "2030-01-01T00:00:00Z"
		case "uri":
			return "https://example.com/"
		}
		return strings.Repeat("x", max(1, x.MinLength))
	}
	return nil
}

// body is the least JSON that an operation takes, with what is given in the place of what the schema would make; "" where it takes none.
func (d *document) body(o *operation, given map[string]any) string {
	if o.RequestBody == nil {
		return ""
	}
	for _, kind := range slices.Sorted(maps.Keys(o.RequestBody.Content)) {
		x := o.RequestBody.Content[kind].Schema
		if kind != jsonBody || x == nil {
			continue
		}
		out, _ := d.least(*x).(map[string]any)
		maps.Copy(out, given)
		text, _ := json.Marshal(out)
		return string(text)
	}
	return ""
}

// path fills what a path names, and the parameters that must be there.
func (d *document) path(path string, o *operation, given map[string]string) string {
	query := url.Values{}
	for _, p := range o.Parameters {
		value, is := given[p.Name]
		if !is {
			value, _ = d.least(p.Schema).(string)
		}
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case p.In == "query" && (p.Required || is):
			query.Set(p.Name, value)
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}
