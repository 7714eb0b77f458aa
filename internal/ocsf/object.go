package ocsf

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"
)

// numbers and flags are the fields that OCSF has as integers and booleans.
var (
	numbers = map[FieldID]bool{Time: true, SeverityID: true, StatusID: true, ActorUserTypeID: true, ActorSessionCreated: true}
	flags   = map[FieldID]bool{ActorSessionMFA: true, IsMFA: true}
	// documents are the fields that hold a vendor's own JSON.
	documents = map[FieldID]bool{APIRequestData: true, APIResponseData: true}
)

// Object writes the whole event as an OCSF object: for export and for checks, not for detection. What no row carries
// goes to unmapped; the record itself to raw_data. Members are sorted, so the same event gives the same bytes.
func (e *Event) Object() []byte {
	doc := map[string]any{}
	class, activity := e.Mapping.Class(e)
	e.fill(doc)
	unmapped := e.unmapped()
	put(doc, "class_uid", class)
	put(doc, "category_uid", class/1000)
	put(doc, "activity_id", activity)
	put(doc, "type_uid", class*100+activity)
	put(doc, "metadata.version", SchemaVersion)
	put(doc, "metadata.profiles", []string{"cloud"})
	put(doc, "raw_data", strings.ToValidUTF8(string(e.Raw), "\uFFFD"))
	if known, ok := loadSchema().class(class); ok {
		for name := range doc {
			if _, fits := known.Attributes[name]; !fits {
				unmapped[name] = doc[name]
				delete(doc, name)
			}
		}
	}
	if len(unmapped) > 0 {
		doc["unmapped"] = unmapped
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		panic("BUG: an object of plain values does not encode: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func (e *Event) fill(doc map[string]any) {
	for i := range e.Mapping.Rows {
		r := &e.Mapping.Rows[i]
		var few [8]Value
		values := e.Values(r.Field, few[:0])
		if documents[r.Field] {
			values = append(values[:0], first(e.Doc, r.path))
		}
		if strings.HasPrefix(r.Field.String(), "resources.") {
			continue
		}
		for _, v := range values {
			if x, ok := plain(r.Field, v); ok {
				put(doc, r.Field.String(), x)
				break
			}
		}
	}
	if list := e.resources(); len(list) > 0 {
		doc["resources"] = list
	}
}

// resources pairs the columns of the resources array up again.
func (e *Event) resources() []any {
	var few [3][8]Value
	uids := e.Values(ResourceUID, few[0][:0])
	types := e.Values(ResourceType, few[1][:0])
	owners := e.Values(ResourceOwnerAccount, few[2][:0])
	var out []any
	for i, u := range uids {
		if u.Str == "" {
			continue
		}
		r := map[string]any{"uid": valid(u.Str)}
		if len(types) == len(uids) && types[i].Str != "" {
			r["type"] = valid(types[i].Str)
		}
		if len(owners) == len(uids) && owners[i].Str != "" {
			r["owner"] = map[string]any{"account": map[string]any{"uid": valid(owners[i].Str)}, "uid": valid(owners[i].Str)}
		}
		out = append(out, r)
	}
	return out
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// plain turns a Value into what encoding/json writes for the field; ok is false where there is nothing to write.
func plain(f FieldID, v Value) (any, bool) {
	switch {
	case v.Kind == Missing || v.Kind == Null || v.Str == "":
		return nil, false
	case documents[f]:
		return anyOf(v), true
	case numbers[f]:
		n, err := strconv.ParseInt(v.Str, 10, 64)
		return n, err == nil
	case flags[f]:
		b, ok := BoolOf(v)
		return b, ok
	}
	return valid(v.Str), true
}

func anyOf(v Value) any {
	if v.Kind == String {
		return valid(v.Str)
	}
	dec := json.NewDecoder(strings.NewReader(valid(v.Str)))
	dec.UseNumber()
	var x any
	if dec.Decode(&x) != nil {
		return valid(v.Str)
	}
	return x
}

// unmapped collects the members of the record that no row reads.
func (e *Event) unmapped() map[string]any {
	out := map[string]any{}
	claimed := map[string]bool{}
	for _, r := range e.Mapping.Rows {
		if len(r.path) > 0 {
			claimed[r.path[0]] = true
		}
	}
	if object := e.Doc.GetObject(); object != nil {
		object.Visit(func(key []byte, v *fastjson.Value) {
			if claimed[string(key)] {
				return
			}
			if l := leaf(v); l.Kind != Null {
				if _, taken := out[valid(string(key))]; !taken {
					out[valid(string(key))] = unmappedValue(l)
				}
			}
		})
	}
	return out
}

func unmappedValue(v Value) any {
	switch v.Kind {
	case Bool:
		return v.Str == "true"
	case Number, JSON:
		return anyOf(v)
	}
	return valid(v.Str)
}

// put sets a dotted path.
func put(doc map[string]any, path string, v any) {
	for {
		name, rest, more := strings.Cut(path, ".")
		if !more {
			doc[name] = v
			return
		}
		inner, ok := doc[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			doc[name] = inner
		}
		doc, path = inner, rest
	}
}

// inside reads a path within a document that another record stored: an object, or text that holds one.
func inside(doc *fastjson.Value, at, path Path, dst []Value) []Value {
	n := len(dst)
	if dst = collect(doc, append(append(Path{}, at...), path...), dst); len(dst) > n {
		return dst
	}
	held := first(doc, at)
	if held.Kind != String || len(held.Str) == 0 || held.Str[0] != '{' {
		return dst
	}
	parsed, err := fastjson.Parse(held.Str)
	if err != nil {
		return dst
	}
	return collect(parsed, path, dst)
}
