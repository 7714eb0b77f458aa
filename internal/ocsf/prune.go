package ocsf

import (
	"slices"
	"strings"
)

// object is one that schema.prune may leave out of the events of a plan.
type object struct {
	which  int // index in Paths
	parent int // -1 at the top
	path   string
	needs  []need
	fixed  bool // there in every event
}

// need is a list of members of which one must be there.
type need struct {
	always  bool
	leaves  []int
	objects []int
}

// state is how an object fares in one event.
type state struct {
	there, complete, stays bool
}

// objectsOf lists the objects that lie around the leaves of a plan, each after those within it, and tells the leaves of theirs.
func objectsOf(p *Plan, class schemaEntity) []object {
	entities := map[string]schemaEntity{}
	for _, path := range p.Paths {
		known := class
		for end := 0; ; {
			dot := strings.IndexByte(path[end:], '.')
			if dot < 0 {
				p.Whole = p.Whole || isObject(known.Attributes[path[end:]])
				break
			}
			a := known.Attributes[path[end:end+dot]]
			if !isObject(a) {
				break
			}
			known = loadSchema().Objects[a.Type]
			entities[path[:end+dot]] = known
			end += dot + 1
		}
	}
	paths := make([]string, 0, len(entities))
	for path := range entities {
		paths = append(paths, path)
	}
	slices.SortFunc(paths, func(a, b string) int {
		return strings.Count(b, ".")*1000 - strings.Count(a, ".")*1000 + strings.Compare(a, b)
	})
	out := make([]object, len(paths))
	leaves := len(p.leaves)
	for i, path := range paths {
		out[i] = object{which: len(p.Paths), path: path, parent: -1}
		_, out[i].fixed = at(p.Fixed, path)
		p.Paths = append(p.Paths, path)
		if cut := strings.LastIndexByte(path, '.'); cut > 0 {
			out[i].parent = slices.Index(paths, path[:cut])
		}
	}
	for i, path := range p.Paths[:leaves] {
		for cut := strings.LastIndexByte(path, '.'); cut > 0 && p.leaves[i].object < 0; cut = strings.LastIndexByte(path[:cut], '.') {
			p.leaves[i].object = slices.Index(paths, path[:cut])
		}
	}
	for i, path := range paths {
		for name, a := range entities[path].Attributes {
			if a.Required && a.Profile == "" {
				out[i].needs = append(out[i].needs, p.needOf(paths, path, []string{name}))
			}
		}
		if some := entities[path].AtLeastOne; len(some) > 0 {
			out[i].needs = append(out[i].needs, p.needOf(paths, path, some))
		}
	}
	return out
}

func isObject(a schemaAttribute) bool {
	_, known := loadSchema().Objects[a.Type]
	return known && a.Type != "object"
}

func (p *Plan) needOf(objects []string, path string, names []string) (n need) {
	for _, name := range names {
		member := path + "." + name
		if _, fixed := at(p.Fixed, member); fixed {
			n.always = true
		}
		if i := slices.Index(objects, member); i >= 0 {
			n.objects = append(n.objects, i)
			continue
		}
		for i, leaf := range p.Paths[:len(p.leaves)] {
			if leaf == member || strings.HasPrefix(leaf, member+".") {
				n.leaves = append(n.leaves, i)
			}
		}
	}
	return n
}

// prune finds which objects stay, as schema.prune does.
func (p *Plan) prune(t *telling) []state {
	s := slices.Grow(t.objects[:0], len(p.objects))[:len(p.objects)]
	clear(s)
	for i := range p.leaves {
		if t.leaves[i].there {
			for o := p.leaves[i].object; o >= 0 && !s[o].there; o = p.objects[o].parent {
				s[o].there = true
			}
		}
	}
	for i := range p.objects { // those within first
		s[i].there = s[i].there || p.objects[i].fixed
		s[i].complete = s[i].there
		for k := range p.objects[i].needs {
			s[i].complete = s[i].complete && p.objects[i].needs[k].met(t, s)
		}
	}
	for i := len(p.objects) - 1; i >= 0; i-- { // those around first
		up := p.objects[i].parent
		s[i].stays = s[i].complete && (up < 0 || s[up].stays)
	}
	return s
}

func (n *need) met(t *telling, s []state) bool {
	if n.always {
		return true
	}
	for _, i := range n.leaves {
		if t.leaves[i].there {
			return true
		}
	}
	for _, i := range n.objects {
		if s[i].complete {
			return true
		}
	}
	return false
}

// lacksFixed reports whether something that is there in every event could be left out of one: then the plan cannot tell it beforehand.
func (p *Plan) lacksFixed(rows []Row) bool {
	t := &telling{}
	for i := range p.leaves {
		t.leaves[i].there = rows[p.leaves[i].row].From == ""
	}
	for i, s := range p.prune(t) {
		if p.objects[i].fixed && !s.stays {
			return true
		}
	}
	return false
}
