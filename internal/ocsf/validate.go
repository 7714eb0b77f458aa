package ocsf

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Problem is one way in which an object is not valid OCSF.
type Problem struct {
	Path string
	Text string
}

// String is the problem on one line: path, then what is wrong.
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
	if len(e.JustOne) > 0 {
		n := 0
		for _, name := range e.JustOne {
			if doc[name] != nil {
				n++
			}
		}
		if n != 1 {
			v.add(path, "needs exactly one of %s", strings.Join(e.JustOne, ", "))
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
	literal, fault := scalar(a.Type, value)
	if fault != "" {
		v.add(path, "%s", fault)
		return
	}
	if _, known := a.Enum[literal]; len(a.Enum) > 0 && !known {
		v.add(path, "%s is not one of the schema's values", literal)
	}
}

// scalar checks a value against a type of the schema's dictionary and returns its literal.
func scalar(kind string, value any) (literal, fault string) {
	number, isNumber := value.(json.Number)
	s, isText := value.(string)
	_, isBool := value.(bool)
	switch kind {
	case "integer_t", "long_t", "timestamp_t", "port_t":
		n, err := number.Int64()
		switch {
		case !isNumber || err != nil:
			return "", "is not an integer"
		case kind == "port_t" && (n < 0 || n > 65535):
			return "", "is not a port"
		}
		return number.String(), ""
	case "float_t":
		if !isNumber {
			return "", "is not a number"
		}
		return number.String(), ""
	case "boolean_t":
		if !isBool {
			return "", "is not true or false"
		}
		return "", ""
	case "json_t", "object":
		return "", ""
	}
	if !isText {
		return "", "is not text"
	}
	if check := textTypes[kind]; check != nil && !check(s) {
		return "", fmt.Sprintf("%q is no %s", s, kind)
	}
	return s, ""
}

// textTypes are the types of text that have a form.
var textTypes = map[string]func(string) bool{
	"ip_t":         func(s string) bool { _, err := netip.ParseAddr(s); return err == nil },
	"subnet_t":     func(s string) bool { _, err := netip.ParsePrefix(s); return err == nil },
	"datetime_t":   func(s string) bool { _, err := time.Parse(time.RFC3339Nano, strings.ToUpper(s)); return err == nil },
	"uuid_t":       regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`).MatchString,
	"mac_t":        regexp.MustCompile(`^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$`).MatchString,
	"email_t":      regexp.MustCompile(`^[^@\s]+@[^@\s]+$`).MatchString,
	"bytestring_t": func(s string) bool { _, err := base64.StdEncoding.DecodeString(s); return err == nil },
}
