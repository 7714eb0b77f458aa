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
	objects   []object // each after those within it
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
	object  int // the innermost object that it stands in and that may be left out; -1 for none
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
	identify(p.Fixed, m, key.class, key.activity)
	loadSchema().caption(known, p.Fixed)
	p.told = toldOf(m.Rows)
	rows := map[string]int{}
	for i := range m.Rows {
		r := &m.Rows[i]
		if !r.fits(known, key.class, m.profiles()) {
			continue
		}
		path := r.Field.String()
		rows[path] = i
		_, fixed := at(p.Fixed, path)
		kind := fieldType[r.Field]
		p.Whole = p.Whole || fixed || kind == "made" || kind == "built"
		p.Paths = append(p.Paths, path)
		p.leaves = append(p.leaves, leaf{row: i, kind: kind, caption: -1, spoken: -1, object: -1})
	}
	p.objects = objectsOf(p, known)
	p.Whole = p.Whole || p.lacksFixed(m.Rows)
	for i := range p.leaves {
		p.describe(&p.leaves[i], known, p.Paths[i], rows)
	}
	if known.Attributes["resources"].Array && m.byField[ResourceUID] != nil && m.byField[Resources] == nil {
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

// spoken is one leaf of an event.
type spoken struct {
	there bool
	text  string
	n     int64
	flag  bool
	doc   *fastjson.Value
	any   any
}

// telling is what a Tell works with, used again.
type telling struct {
	leaves  [maxRows]spoken
	objects []state
	rest    []byte
}

var tellings = sync.Pool{New: func() any { return &telling{} }}

// Tell gives the leaves of an event to a taker.
func (p *Plan) Tell(e *Event, to Taker) {
	t := tellings.Get().(*telling)
	defer tellings.Put(t)
	var used, there rowSet
	for i := range p.leaves {
		r := &e.Mapping.Rows[p.leaves[i].row]
		t.leaves[i] = e.speak(&p.leaves[i], r)
		if t.leaves[i].there && r.From != "" && !r.Copied {
			used.add(p.leaves[i].row)
		}
	}
	t.objects = p.prune(t)
	for i := range p.leaves {
		l, x := &p.leaves[i], &t.leaves[i]
		x.there = x.there && (l.object < 0 || t.objects[l.object].stays)
		if x.there {
			there.add(l.row)
			l.give(i, x, to)
		}
	}
	for i := range p.leaves {
		if l := &p.leaves[i]; l.words != nil && there.has(l.row) && (l.spoken < 0 || !there.has(l.spoken)) {
			if words := l.words[t.leaves[i].caption(l)]; words != "" {
				to.Text(l.caption, words)
			}
		}
	}
	for i := range p.objects {
		if t.objects[i].stays {
			to.Any(p.objects[i].which, map[string]any(nil)) // also where all within it was left out
		}
	}
	if p.resources >= 0 {
		if list := e.resources(); len(list) > 0 {
			to.Any(p.resources, list)
			for i := range e.Mapping.Rows {
				r := &e.Mapping.Rows[i]
				if f := r.Field; !r.Copied && (f == ResourceUID || f == ResourceType || f == ResourceOwnerAccount) {
					used.add(i)
				}
			}
		}
	}
	ok := false
	if t.rest, ok = appendRest(t.rest[:0], e.Doc, p.told, &used); ok {
		to.JSON(p.unmapped, t.rest)
	}
}

// speak reads one leaf.
func (e *Event) speak(l *leaf, r *Row) (x spoken) {
	switch l.kind {
	case "document":
		x.doc = e.at(e.Doc, r.path)
		x.there = x.doc != nil && x.doc.Type() != fastjson.TypeNull
		return x
	case "", "number", "flag":
	default:
		x.any, x.there = e.plain(r)
		return x
	}
	s := e.valueOf(r)
	if s == "" {
		return x
	}
	switch l.kind {
	case "number":
		n, err := strconv.ParseInt(s, 10, 64)
		x.n, x.there = n, err == nil
	case "flag":
		x.flag, x.there = BoolOf(Value{Str: s})
	default:
		x.text, x.there = valid(s), true
	}
	return x
}

func (l *leaf) give(which int, x *spoken, to Taker) {
	switch l.kind {
	case "document":
		to.Document(which, x.doc)
	case "number":
		to.Number(which, x.n)
	case "flag":
		to.Flag(which, x.flag)
	case "":
		to.Text(which, x.text)
	default:
		to.Any(which, x.any)
	}
}

// caption is what a caption goes by.
func (x *spoken) caption(l *leaf) string {
	switch l.kind {
	case "number":
		return strconv.FormatInt(x.n, 10)
	case "flag":
		return strconv.FormatBool(x.flag)
	}
	return x.text
}

// TreeOf is a JSON value as Document holds it.
func TreeOf(v *fastjson.Value) any { return tree(v) }
