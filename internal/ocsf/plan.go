package ocsf

import (
	"strconv"
	"strings"
	"sync"

	"github.com/valyala/fastjson"
)

// Plan is how the leaves of the events of one mapping, class and activity are told one after the other, without an object of the
// whole event. What an event tells by its plan is what Document holds, but for observables, which only repeat.
type Plan struct {
	Fixed map[string]any // what all these events have, as Document writes it
	Paths []string       // the other leaves that there can be
	// Whole is set where a plan cannot tell all; then only Document does.
	Whole bool

	leaves    []leaf
	told      *told
	resources int // index in Paths, -1 where the class has none
	unmapped  int
}

// leaf is one row of the table as the plan reads it.
type leaf struct {
	row     int
	kind    string // see fieldType
	caption int    // index in Paths of the caption of the value; -1 for none
	words   map[string]string
	spoken  int // row that gives the caption's own words; -1 for none
}

// Taker takes the leaves of an event; which are indices in Plan.Paths. What it is given is valid as long as the event.
type Taker interface {
	Text(which int, s string)
	Number(which int, n int64)
	Flag(which int, b bool)
	Document(which int, v *fastjson.Value)
	JSON(which int, text []byte) // an object, written
	Any(which int, v any)        // whatever else Document would hold
}

type planKey struct {
	mapping         *Mapping
	class, activity int
}

// plans are made once each; there are as many as classes and activities.
var plans sync.Map

// Plan returns the plan of an event.
func (e *Event) Plan() *Plan {
	class, activity := 0, 0
	if e.Mapping.Stored == nil {
		class, activity = e.Mapping.Class(e)
	}
	key := planKey{e.Mapping, class, activity}
	if p, ok := plans.Load(key); ok {
		return p.(*Plan)
	}
	p, _ := plans.LoadOrStore(key, planOf(key))
	return p.(*Plan)
}

func planOf(key planKey) *Plan {
	m := key.mapping
	p := &Plan{Fixed: map[string]any{}, resources: -1, unmapped: -1}
	if p.Whole = m.Stored != nil || len(m.Rows) > maxRows; p.Whole {
		return p
	}
	known, _ := loadSchema().class(key.class)
	identify(p.Fixed, key.class, key.activity)
	loadSchema().caption(known, p.Fixed)
	p.told = toldOf(m.Rows)
	rows := map[string]int{}
	for i := range m.Rows {
		if path := m.Rows[i].Field.String(); m.Rows[i].fits(known, key.class) {
			rows[path] = i
			_, fixed := at(p.Fixed, path)
			p.Whole = p.Whole || fixed
		}
	}
	for i := range m.Rows {
		path := m.Rows[i].Field.String()
		if _, fits := rows[path]; !fits {
			continue
		}
		l := leaf{row: i, kind: fieldType[m.Rows[i].Field], caption: -1, spoken: -1}
		p.Paths = append(p.Paths, path)
		p.leaves = append(p.leaves, l)
	}
	for i := range p.leaves {
		p.describe(&p.leaves[i], known, p.Paths[i], rows)
	}
	if known.Attributes["resources"].Array && m.byField[ResourceUID] != nil {
		p.resources = len(p.Paths)
		p.Paths = append(p.Paths, "resources")
	}
	p.unmapped = len(p.Paths)
	p.Paths = append(p.Paths, "unmapped")
	return p
}

// describe finds the caption that goes with a leaf's value, as schema.caption does.
func (p *Plan) describe(l *leaf, known schemaEntity, path string, rows map[string]int) {
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		a := known.Attributes[name]
		object, ok := loadSchema().Objects[a.Type]
		if !ok || a.Type == "object" {
			return
		}
		known = object
	}
	a := known.Attributes[names[len(names)-1]]
	if _, fits := known.Attributes[a.Sibling]; !fits || len(a.Enum) == 0 {
		return
	}
	names[len(names)-1] = a.Sibling
	sibling := strings.Join(names, ".")
	if _, fixed := at(p.Fixed, sibling); fixed {
		return
	}
	if row, has := rows[sibling]; has {
		l.spoken = row
	}
	l.words, l.caption = a.Enum, len(p.Paths)
	p.Paths = append(p.Paths, sibling)
}

// at looks a dotted path up in a document.
func at(doc map[string]any, path string) (any, bool) {
	name, rest, more := strings.Cut(path, ".")
	v, ok := doc[name]
	if !more || !ok {
		return v, ok
	}
	inner, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	return at(inner, rest)
}

// Tell gives the leaves of an event to a taker. scratch is memory for the caller to keep between calls.
func (p *Plan) Tell(e *Event, to Taker, scratch []byte) []byte {
	var used, there rowSet
	var values [maxRows]string
	for i := range p.leaves {
		l := &p.leaves[i]
		r := &e.Mapping.Rows[l.row]
		if !e.tell(i, l, r, to, &values[i]) {
			continue
		}
		there.add(l.row)
		if r.From != "" && !r.Copied {
			used.add(l.row)
		}
	}
	for i := range p.leaves {
		if l := &p.leaves[i]; l.words != nil && there.has(l.row) && (l.spoken < 0 || !there.has(l.spoken)) {
			if words := l.words[values[i]]; words != "" {
				to.Text(l.caption, words)
			}
		}
	}
	if p.resources >= 0 {
		if list := e.resources(); len(list) > 0 {
			to.Any(p.resources, list)
			for i := range e.Mapping.Rows {
				if f := e.Mapping.Rows[i].Field; f == ResourceUID || f == ResourceType || f == ResourceOwnerAccount {
					used.add(i)
				}
			}
		}
	}
	scratch, ok := appendRest(scratch[:0], e.Doc, p.told, &used)
	if ok {
		to.JSON(p.unmapped, scratch)
	}
	return scratch
}

// tell gives one leaf, where there is one; value is what its caption goes by.
func (e *Event) tell(which int, l *leaf, r *Row, to Taker, value *string) bool {
	switch l.kind {
	case "document":
		v := e.at(e.Doc, r.path)
		if v == nil || v.Type() == fastjson.TypeNull {
			return false
		}
		to.Document(which, v)
		return true
	case "", "number", "flag":
	default:
		x, ok := e.plain(r)
		if ok {
			to.Any(which, x)
		}
		return ok
	}
	s := e.valueOf(r)
	if s == "" {
		return false
	}
	switch l.kind {
	case "number":
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return false
		}
		if l.words != nil {
			*value = strconv.FormatInt(n, 10)
		}
		to.Number(which, n)
	case "flag":
		b, ok := BoolOf(Value{Str: s})
		if !ok {
			return false
		}
		*value = strconv.FormatBool(b)
		to.Flag(which, b)
	default:
		s = valid(s)
		*value = s
		to.Text(which, s)
	}
	return true
}

// TreeOf is a JSON value as Document holds it.
func TreeOf(v *fastjson.Value) any { return tree(v) }
