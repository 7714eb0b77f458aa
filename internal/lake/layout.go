package lake

import (
	"strings"
	"sync"
)

// kind is what a column holds.
type kind uint8

const (
	kindText kind = iota // JSON of objects and arrays included
	kindInt
	kindLong
	kindFlag
	kindStamp
	kindObject
	kindList
)

var kinds = map[string]kind{"string": kindText, "json": kindText, "int": kindInt, "long": kindLong, "boolean": kindFlag, "timestamp": kindStamp, "struct": kindObject}

// column is one line of schema.tsv.
type column struct {
	path, name string
	kind       kind
	parent     int   // -1 at the top
	below      []int // members of an object; the element of a list
}

// layout numbers all columns, each before what lies below it.
type layout struct {
	columns []column
	top     []int
	byPath  map[string]int
}

// ours is the layout of schema.tsv.
var ours = sync.OnceValue(func() *layout {
	nodes, err := parseColumns(schemaText)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	l := &layout{byPath: map[string]int{}}
	for _, n := range nodes {
		l.top = append(l.top, l.add(n, -1))
	}
	return l
})

func (l *layout) add(n *node, parent int) int {
	i := len(l.columns)
	k := kinds[n.kind]
	if strings.HasPrefix(n.kind, "list<") {
		k = kindList
	}
	l.columns = append(l.columns, column{path: n.path, name: n.name(), kind: k, parent: parent})
	l.byPath[n.path] = i
	for _, b := range n.below {
		at := l.add(b, i)
		l.columns[i].below = append(l.columns[i].below, at)
	}
	return i
}

// nearest finds the column of a path, or else the object that would hold it. Neither is there where a column that holds text or a
// list lies on the way: ok is false, and only the whole document tells its value.
func (l *layout) nearest(path string) (col, object int, ok bool) {
	object = -1
	for at := 0; ; {
		dot := strings.IndexByte(path[at:], '.')
		if dot < 0 {
			break
		}
		i, known := l.byPath[path[:at+dot]]
		if !known {
			return -1, object, true
		}
		if l.columns[i].kind != kindObject {
			return -1, -1, false
		}
		object = i
		at += dot + 1
	}
	if i, known := l.byPath[path]; known {
		return i, object, true
	}
	return -1, object, true
}
