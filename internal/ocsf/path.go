package ocsf

import (
	"strings"

	"github.com/valyala/fastjson"
)

// Path is a compiled member path. Arrays on the way are walked through.
type Path []string

// ParsePath compiles a dotted path.
func ParsePath(dotted string) Path { return strings.Split(dotted, ".") }

// String joins the path with dots.
func (p Path) String() string { return strings.Join(p, ".") }

// collect appends the leaves at path below v, all items of arrays on the way. Where there is no member of a name, one
// whose own name holds the dots of the path is taken ("aws:ResourceTag/a.b").
func (e *Event) collect(v *fastjson.Value, path Path, dst []Value) []Value {
	switch {
	case v == nil:
		return dst
	case v.Type() == fastjson.TypeArray:
		for _, item := range v.GetArray() {
			dst = e.collect(item, path, dst)
		}
		return dst
	case len(path) == 0:
		return append(dst, e.leaf(v))
	case v.Type() != fastjson.TypeObject:
		return dst
	}
	next, rest := e.member(v, path)
	return e.collect(next, rest, dst)
}

// first is collect for callers that want one value. ok tells a value from none.
func (e *Event) first(v *fastjson.Value, path Path) (found Value, ok bool) {
	switch {
	case v == nil:
		return Value{}, false
	case v.Type() == fastjson.TypeArray:
		for _, item := range v.GetArray() {
			if found, ok = e.first(item, path); ok {
				return found, true
			}
		}
		return Value{}, false
	case len(path) == 0:
		return e.leaf(v), true
	case v.Type() != fastjson.TypeObject:
		return Value{}, false
	}
	next, rest := e.member(v, path)
	return e.first(next, rest)
}

// at returns the value at a path, arrays not walked through, or nil.
func (e *Event) at(v *fastjson.Value, path Path) *fastjson.Value {
	for len(path) > 0 && v != nil {
		if v.Type() != fastjson.TypeObject {
			return nil
		}
		v, path = e.member(v, path)
	}
	return v
}

// member takes one step along path: the first member of the object v of that name, and what is left of the path.
func (e *Event) member(v *fastjson.Value, path Path) (next *fastjson.Value, rest Path) {
	if next = v.Get(path[0]); next != nil || len(path) == 1 || !e.memory.dotted(e.Doc) {
		return next, path[1:]
	}
	v.GetObject().Visit(func(key []byte, item *fastjson.Value) {
		if next != nil {
			return
		}
		if n := spans(key, path); n > 0 {
			next, rest = item, path[n:]
		}
	})
	return next, rest
}

// spans returns how many names of path, joined with dots, make key, or 0.
func spans(key []byte, path Path) int {
	for i, name := range path {
		if len(key) < len(name) || string(key[:len(name)]) != name {
			return 0
		}
		key = key[len(name):]
		if len(key) == 0 {
			return i + 1
		}
		if key[0] != '.' {
			return 0
		}
		key = key[1:]
	}
	return 0
}
