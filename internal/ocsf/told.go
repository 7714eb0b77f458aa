package ocsf

import (
	"github.com/valyala/fastjson"
)

// told says which vendor paths of a table fill fields, as a tree by member: what an event leaves untold goes to unmapped.
type told struct {
	ends  rowSet // rows whose path ends here
	rows  rowSet // rows whose path ends here or below
	below map[string]*told
}

// rowSet is a set of rows of a table.
type rowSet [4]uint64

// maxRows is how many rows a table may have.
const maxRows = 256

func (s *rowSet) add(row int)      { s[row>>6] |= 1 << (row & 63) }
func (s *rowSet) has(row int) bool { return s[row>>6]&(1<<(row&63)) != 0 }

func (s *rowSet) meets(other *rowSet) bool {
	return s[0]&other[0]|s[1]&other[1]|s[2]&other[2]|s[3]&other[3] != 0
}

// toldOf makes the tree of a table.
func toldOf(rows []Row) *told {
	root := &told{}
	for i := range rows {
		n := root
		n.rows.add(i)
		for _, name := range rows[i].path {
			if n.below == nil {
				n.below = map[string]*told{}
			}
			if n.below[name] == nil {
				n.below[name] = &told{}
			}
			n = n.below[name]
			n.rows.add(i)
		}
		n.ends.add(i)
	}
	return root
}

// appendRest writes a value leaving out what the used rows tell, as without does; ok is false where nothing is left, and then
// nothing is written. n is nil where no row reads.
func appendRest(dst []byte, v *fastjson.Value, n *told, used *rowSet) (_ []byte, ok bool) {
	switch {
	case v.Type() == fastjson.TypeNull || n != nil && n.ends.meets(used):
		return dst, false
	case n == nil || !n.rows.meets(used):
		return appendSorted(dst, v), true
	case v.Type() == fastjson.TypeArray:
		if !leaves(v, n, used) {
			return dst, false
		}
		return appendSorted(dst, v), true
	case v.Type() != fastjson.TypeObject:
		return appendSorted(dst, v), true
	}
	var few [32]member
	start := len(dst)
	dst = append(dst, '{')
	for _, m := range membersOf(v.GetObject(), few[:0]) {
		from := len(dst)
		if from > start+1 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, m.name), ':')
		if dst, ok = appendRest(dst, m.value, n.below[m.name], used); !ok {
			dst = dst[:from]
		}
	}
	if len(dst) == start+1 {
		return dst[:start], false
	}
	return append(dst, '}'), true
}

// leaves reports whether appendRest writes anything.
func leaves(v *fastjson.Value, n *told, used *rowSet) bool {
	if v.Type() == fastjson.TypeNull || n != nil && n.ends.meets(used) {
		return false
	}
	if n == nil || !n.rows.meets(used) {
		return true
	}
	any := false
	switch v.Type() {
	case fastjson.TypeArray:
		for _, item := range v.GetArray() {
			any = any || leaves(item, n, used)
		}
	case fastjson.TypeObject:
		eachMember(v.GetObject(), func(key []byte, item *fastjson.Value) { any = any || leaves(item, n.below[view(key)], used) })
	default:
		return true
	}
	return any
}
