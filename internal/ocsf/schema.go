package ocsf

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the schema
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// schemaFile holds the requirements of the classes in use, made by internal/ocsf/gen from the schema's own release.
//
//go:embed schema.json.gz
var schemaFile []byte

type schemaAttribute struct {
	Type     string   `json:"t"`
	Required bool     `json:"r"`
	Profile  string   `json:"p"`
	Array    bool     `json:"a"`
	Enum     []string `json:"e"`
}

type schemaEntity struct {
	UID        int                        `json:"uid"`
	Attributes map[string]schemaAttribute `json:"attributes"`
	AtLeastOne []string                   `json:"at_least_one"`
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

// Problem is one way in which an object is not valid OCSF.
type Problem struct {
	Path string
	Text string
}

func (p Problem) String() string { return p.Path + ": " + p.Text }

// Validate checks a JSON object against the requirements of its class: required attributes, types, enum numbers,
// constraints, unknown attributes, and that type_uid fits. Attributes of a profile count where metadata.profiles names it.
func Validate(object []byte) []Problem {
	var doc map[string]any
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return []Problem{{"", "not a JSON object: " + err.Error()}}
	}
	s := loadSchema()
	uid := intOf(doc["class_uid"])
	class, ok := s.class(uid)
	if !ok {
		return []Problem{{"class_uid", fmt.Sprintf("class %d is not one that is written here", uid)}}
	}
	v := validator{schema: s, profiles: profiles(doc)}
	v.entity("", class, doc)
	if got, want := intOf(doc["type_uid"]), uid*100+intOf(doc["activity_id"]); got != want {
		v.add("type_uid", "is %d, want class_uid × 100 + activity_id = %d", got, want)
	}
	sort.Slice(v.problems, func(i, j int) bool { return v.problems[i].Path < v.problems[j].Path })
	return v.problems
}

func profiles(doc map[string]any) []string {
	meta, _ := doc["metadata"].(map[string]any)
	list, _ := meta["profiles"].([]any)
	var out []string
	for _, p := range list {
		if s, ok := p.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func intOf(v any) int {
	n, _ := v.(json.Number)
	i, _ := strconv.Atoi(n.String())
	return i
}

type validator struct {
	schema   schema
	profiles []string
	problems []Problem
}

func (v *validator) add(path, format string, args ...any) {
	v.problems = append(v.problems, Problem{strings.TrimPrefix(path, "."), fmt.Sprintf(format, args...)})
}

func (v *validator) entity(path string, e schemaEntity, doc map[string]any) {
	for name, a := range e.Attributes {
		if _, present := doc[name]; a.Required && !present && (a.Profile == "" || slices.Contains(v.profiles, a.Profile)) {
			v.add(path+"."+name, "required and missing")
		}
	}
	if len(e.AtLeastOne) > 0 && !slices.ContainsFunc(e.AtLeastOne, func(n string) bool { return doc[n] != nil }) {
		v.add(path, "needs at least one of %s", strings.Join(e.AtLeastOne, ", "))
	}
	for name, value := range doc {
		a, known := e.Attributes[name]
		switch {
		case !known:
			v.add(path+"."+name, "no attribute of this class or object")
		case a.Profile != "" && !slices.Contains(v.profiles, a.Profile):
			v.add(path+"."+name, "belongs to the profile %s, which metadata.profiles does not name", a.Profile)
		default:
			v.attribute(path+"."+name, a, value)
		}
	}
}

func (v *validator) attribute(path string, a schemaAttribute, value any) {
	if !a.Array {
		v.value(path, a, value)
		return
	}
	list, ok := value.([]any)
	if !ok {
		v.add(path, "is not an array")
	}
	for i, item := range list {
		v.value(fmt.Sprintf("%s[%d]", path, i), a, item)
	}
}

func (v *validator) value(path string, a schemaAttribute, value any) {
	if object, ok := v.schema.Objects[a.Type]; ok {
		switch doc, ok := value.(map[string]any); {
		case !ok:
			v.add(path, "is not an object of type %s", a.Type)
		case a.Type != "object":
			v.entity(path, object, doc)
		}
		return
	}
	number, isNumber := value.(json.Number)
	_, isText := value.(string)
	_, isBool := value.(bool)
	switch a.Type {
	case "integer_t", "long_t", "timestamp_t", "port_t":
		if _, err := number.Int64(); !isNumber || err != nil {
			v.add(path, "is not an integer")
			return
		}
	case "float_t":
		if !isNumber {
			v.add(path, "is not a number")
		}
	case "boolean_t":
		if !isBool {
			v.add(path, "is not true or false")
		}
	case "json_t", "object":
	default:
		if !isText {
			v.add(path, "is not text")
			return
		}
	}
	if len(a.Enum) > 0 && isNumber && !slices.Contains(a.Enum, number.String()) {
		v.add(path, "%s is not one of the schema's values", number)
	}
}
