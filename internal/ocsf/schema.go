package ocsf

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the schema
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// schemaFile holds the requirements of the classes in use, made by internal/ocsf/gen from the schema's own release.
//
//go:embed schema.json.gz
var schemaFile []byte

type schemaAttribute struct {
	Type        string            `json:"t"`
	Required    bool              `json:"r"`
	Recommended bool              `json:"m"`
	Profile     string            `json:"p"`
	Array       bool              `json:"a"`
	Sibling     string            `json:"s"` // the attribute that carries the caption of this one's value
	Enum        map[string]string `json:"e"` // value to caption
}

type schemaEntity struct {
	UID        int                        `json:"uid"`
	Attributes map[string]schemaAttribute `json:"attributes"`
	AtLeastOne []string                   `json:"at_least_one"`
	JustOne    []string                   `json:"just_one"`
}

type schema struct {
	Classes map[string]schemaEntity `json:"classes"`
	Objects map[string]schemaEntity `json:"objects"`
}

var loadSchema = sync.OnceValue(func() schema {
	var s schema
	z, err := gzip.NewReader(bytes.NewReader(schemaFile))
	if err == nil {
		err = json.NewDecoder(z).Decode(&s)
	}
	if err != nil {
		panic("BUG: the embedded schema does not read: " + err.Error())
	}
	return s
})

func (s schema) class(uid int) (schemaEntity, bool) {
	for _, c := range s.Classes {
		if c.UID == uid {
			return c, true
		}
	}
	return schemaEntity{}, false
}

// caption adds the captions of enum values: class_name beside class_uid, status beside status_id and so on, at all depths,
// where the source gave no words of its own.
func (s schema) caption(e schemaEntity, doc map[string]any) {
	for name, a := range e.Attributes {
		value, ok := doc[name]
		if !ok {
			continue
		}
		if object, ok := s.Objects[a.Type]; ok && a.Type != "object" {
			for _, item := range items(value) {
				if inner, ok := item.(map[string]any); ok {
					s.caption(object, inner)
				}
			}
		}
		if _, fits := e.Attributes[a.Sibling]; !fits || doc[a.Sibling] != nil {
			continue
		}
		if words := a.Enum[fmt.Sprint(value)]; words != "" {
			doc[a.Sibling] = words
		}
	}
}

func items(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// prune leaves out objects, below the outermost level, that lack what their schema requires: an endpoint of which only a port is
// known, a response without a code. raw_data has it all.
func (s schema) prune(e schemaEntity, doc map[string]any) {
	for name, a := range e.Attributes {
		inner, ok := doc[name].(map[string]any)
		object, known := s.Objects[a.Type]
		if !ok || !known || a.Type == "object" {
			continue
		}
		s.prune(object, inner)
		if !object.complete(inner) {
			delete(doc, name)
		}
	}
}

func (e schemaEntity) complete(doc map[string]any) bool {
	for name, a := range e.Attributes {
		if a.Required && a.Profile == "" && doc[name] == nil {
			return false
		}
	}
	return len(e.AtLeastOne) == 0 || slices.ContainsFunc(e.AtLeastOne, func(name string) bool { return doc[name] != nil })
}
