package ocsf

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"
)

// fieldType says what OCSF has a field as, where that is not text.
var fieldType = map[FieldID]string{
	Time: "number", SeverityID: "number", StatusID: "number", ActorUserTypeID: "number", ActorSessionCreated: "number",
	ActorSessionMFA: "flag", IsMFA: "flag",
	APIRequestData: "document", APIResponseData: "document",
	FindingTypes: "list",
	StartTime: "number", EndTime: "number", ActionID: "number", DispositionID: "number", SrcPort: "number", DstPort: "number",
	ProtocolNumber: "number", ProtocolVersionID: "number", DirectionID: "number", BoundaryID: "number", TCPFlags: "number", TrafficBytes: "number",
	TrafficPackets: "number", RcodeID: "number", HTTPRequestLength: "number", URLPort: "number", HTTPResponseCode: "number", HTTPResponseLength: "number",
	LoadBalancerCode: "number",
	MetadataLabels: "list", SrcIntermediateIPs: "list", DstIntermediateIPs: "list", FirewallRuleDetails: "list", XForwardedFor: "list",
	Answers: "built", HTTPHeaders: "built",
}

// profile is the OCSF profile that all mapped events follow; a Mapping may name more.
const profile = "cloud"

func (m *Mapping) profiles() []string { return append([]string{profile}, m.Profiles...) }

// observableTypes are the fields that an analyst pivots on, with OCSF's observable type_id.
var observableTypes = []struct {
	field FieldID
	id    int
}{{SrcDomain, 1}, {QueryHostname, 1}, {URLHostname, 1}, {SrcIP, 2}, {DstIP, 2}, {ActorUserName, 4}, {UserName, 4}, {ResourceUID, 10}, {ActorUserCredentialUID, 19}}

// Object writes the whole event as an OCSF object: for export and for checks, not for detection. What no row carries goes
// to unmapped under the vendor's names, the record itself to raw_data. Members are sorted, so the same event gives the
// same bytes. An event that came as OCSF is written as it came.
func (e *Event) Object() []byte { return encode(e.Document()) }

// Document is Object before it is written: maps, slices, strings, booleans, int, int64 and json.Number. It is the
// caller's own, but for texts, which are valid as long as the event.
func (e *Event) Document() map[string]any {
	if e.Mapping.Stored != nil {
		doc, _ := tree(e.Doc).(map[string]any)
		return doc
	}
	doc := map[string]any{}
	class, activity := e.Mapping.Class(e)
	known, _ := loadSchema().class(class)
	put(doc, "class_uid", class)
	put(doc, "category_uid", class/1000)
	put(doc, "activity_id", activity)
	put(doc, "type_uid", class*100+activity)
	put(doc, "metadata.version", SchemaVersion)
	put(doc, "metadata.profiles", e.Mapping.profiles())
	used := e.fill(doc, known)
	loadSchema().prune(known, doc)
	if rest, ok := without(e.Doc, used); ok {
		put(doc, "unmapped", rest)
	}
	if list := e.observables(known); len(list) > 0 {
		doc["observables"] = list
	}
	doc["raw_data"] = valid(view(e.Raw))
	loadSchema().caption(known, doc)
	return doc
}

// fill sets what the rows carry and returns the vendor paths that are thereby told.
func (e *Event) fill(doc map[string]any, known schemaEntity) (used []Path) {
	profiles := e.Mapping.profiles()
	for i := range e.Mapping.Rows {
		r := &e.Mapping.Rows[i]
		path := r.Field.String()
		top, _, _ := strings.Cut(path, ".")
		a, fits := known.Attributes[top]
		if !fits || a.Profile != "" && !slices.Contains(profiles, a.Profile) || top == "resources" || e.row(r.Field) == nil {
			continue
		}
		if x, ok := e.plain(r); ok {
			put(doc, path, x)
			if r.From != "" && !r.Copied {
				used = append(used, r.path)
			}
		}
	}
	if list := e.resources(); len(list) > 0 && known.Attributes["resources"].Array {
		doc["resources"] = list
		for _, f := range []FieldID{ResourceUID, ResourceType, ResourceOwnerAccount} {
			if r := e.Mapping.byField[f]; r != nil && !r.Copied {
				used = append(used, r.path)
			}
		}
	}
	return used
}

// plain returns what encoding/json writes for a row; ok is false where there is nothing to write.
func (e *Event) plain(r *Row) (x any, ok bool) {
	kind := fieldType[r.Field]
	switch kind {
	case "document":
		v := e.at(e.Doc, r.path)
		return tree(v), v != nil && v.Type() != fastjson.TypeNull
	case "built":
		v := e.at(e.Doc, r.path)
		if v == nil || r.Build == nil {
			return nil, false
		}
		list := r.Build(v)
		return list, len(list) > 0
	case "list":
		list := e.list(r.Field)
		return list, len(list) > 0
	}
	s := e.Str(r.Field)
	if s == "" {
		return nil, false
	}
	switch kind {
	case "number":
		n, err := strconv.ParseInt(s, 10, 64)
		return n, err == nil
	case "flag":
		return BoolOf(Value{Str: s})
	}
	return valid(s), true
}

func (e *Event) list(f FieldID) []string {
	var few [8]Value
	var out []string
	for _, v := range e.Values(f, few[:0]) {
		if v.Str != "" {
			out = append(out, valid(v.Str))
		}
	}
	return out
}

// resources pairs the columns of the resources array up. A record that names just one resource has it in a member.
func (e *Event) resources() []any {
	uid, kind, owner := e.Mapping.byField[ResourceUID], e.Mapping.byField[ResourceType], e.Mapping.byField[ResourceOwnerAccount]
	switch {
	case uid != nil && len(uid.path) == 1:
		return e.oneResource()
	case uid == nil || kind == nil || owner == nil || len(uid.path) != 2:
		return nil
	}
	var out []any
	for _, item := range e.Doc.GetArray(uid.path[0]) {
		column := func(r *Row) string {
			v, _ := e.first(item, r.path[1:])
			return valid(v.Str)
		}
		if column(uid) == "" {
			continue
		}
		r := map[string]any{"uid": column(uid)}
		if t := column(kind); t != "" {
			r["type"] = t
		}
		if a := column(owner); a != "" {
			r["owner"] = map[string]any{"account": map[string]any{"uid": a}, "uid": a}
		}
		out = append(out, r)
	}
	return out
}

func (e *Event) oneResource() []any {
	r := map[string]any{}
	for name, f := range map[string]FieldID{"uid": ResourceUID, "type": ResourceType} {
		if s := e.Str(f); s != "" {
			r[name] = valid(s)
		}
	}
	if r["uid"] == nil {
		return nil
	}
	if a := e.Str(ResourceOwnerAccount); a != "" {
		r["owner"] = map[string]any{"account": map[string]any{"uid": valid(a)}, "uid": valid(a)}
	}
	return []any{r}
}

func (e *Event) observables(known schemaEntity) []any {
	var out []any
	for _, o := range observableTypes {
		name := o.field.String()
		top, under, _ := strings.Cut(name, ".")
		a, fits := known.Attributes[top]
		if !fits {
			continue
		}
		if a.Array {
			name = top + "[]." + under
		}
		var few [8]Value
		for _, v := range e.Values(o.field, few[:0]) {
			if v.Kind == String && v.Str != "" && v.Str != "unknown" {
				out = append(out, map[string]any{"name": name, "type_id": o.id, "value": valid(v.Str)})
			}
		}
	}
	return out
}

// without copies a JSON value leaving out what stands at the paths; ok is false where nothing is left. An array loses
// items' members only where no item keeps any, so that no item moves.
func without(v *fastjson.Value, paths []Path) (rest any, ok bool) {
	if slices.ContainsFunc(paths, func(p Path) bool { return len(p) == 0 }) || v.Type() == fastjson.TypeNull {
		return nil, false
	}
	if len(paths) == 0 {
		return tree(v), true
	}
	switch v.Type() {
	case fastjson.TypeArray:
		for _, item := range v.GetArray() {
			if _, left := without(item, paths); left {
				return tree(v), true
			}
		}
		return nil, false
	case fastjson.TypeObject:
		out := map[string]any{}
		eachMember(v.GetObject(), func(key []byte, item *fastjson.Value) {
			var below []Path
			for _, p := range paths {
				if p[0] == view(key) {
					below = append(below, p[1:])
				}
			}
			if x, left := without(item, below); left {
				out[valid(string(key))] = x
			}
		})
		return out, len(out) > 0
	}
	return tree(v), true
}

// tree turns JSON into what encoding/json writes the same, but for bytes that are no UTF-8, numbers that are no JSON (they
// become text) and members that repeat a name.
func tree(v *fastjson.Value) any {
	if v == nil {
		return nil
	}
	switch v.Type() {
	case fastjson.TypeObject:
		out := map[string]any{}
		eachMember(v.GetObject(), func(key []byte, item *fastjson.Value) {
			if name := valid(string(key)); out[name] == nil {
				out[name] = tree(item)
			}
		})
		return out
	case fastjson.TypeArray:
		out := []any{}
		for _, item := range v.GetArray() {
			out = append(out, tree(item))
		}
		return out
	case fastjson.TypeString:
		return valid(string(v.GetStringBytes()))
	case fastjson.TypeNumber:
		if literal := v.MarshalTo(nil); json.Valid(literal) {
			return json.Number(literal)
		}
		return string(v.MarshalTo(nil))
	case fastjson.TypeTrue, fastjson.TypeFalse:
		return v.GetBool()
	}
	return nil
}

func encode(doc any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		panic("BUG: an object of plain values does not encode: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

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
