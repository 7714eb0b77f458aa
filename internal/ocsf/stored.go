package ocsf

import (
	"fmt"
	"sort"
	"strings"

	"github.com/valyala/fastjson"
)

// Stored says how documents that are OCSF already answer to the names of the vendor whose records they were.
type Stored struct {
	// Vendor reports whether the event was one of the vendor's records. Where it was not, names mean the document's own.
	Vendor func(e *Event) bool
	// Record is the path at which a document may keep the record itself, as text or object; Proof are the members by
	// which it is known. A record that is there answers for all names.
	Record string
	Proof  []string
	// Alias maps vendor paths to OCSF paths, of which the first that holds anything answers. A path below a vendor path
	// is looked for inside it, also where the document keeps that object as text.
	Alias map[string][]string
	// Rest is the member that keeps, under the vendor's names, what has no place in OCSF.
	Rest string

	record  Path
	aliases aliasNode
}

type aliasNode struct {
	to   []Path
	next map[string]*aliasNode
}

// vendorView is what Stored found out about one event.
type vendorView struct {
	looked  bool
	foreign bool            // no record of the vendor's
	record  *fastjson.Value // the record itself, or nil
}

func (s *Stored) compile() {
	s.record = ParsePath(s.Record)
	for from, targets := range s.Alias {
		n := &s.aliases
		for _, name := range ParsePath(from) {
			if n.next == nil {
				n.next = map[string]*aliasNode{}
			}
			if n.next[name] == nil {
				n.next[name] = &aliasNode{}
			}
			n = n.next[name]
		}
		for _, to := range targets {
			n.to = append(n.to, ParsePath(to))
		}
	}
}

// look finds out once per event whose record it was and whether the record is still there.
func (s *Stored) look(e *Event) *vendorView {
	v := &e.vendor
	if v.looked {
		return v
	}
	v.looked = true
	v.foreign = !s.Vendor(e)
	if v.foreign {
		return v
	}
	record := e.memory.document(e.at(e.Doc, s.record))
	for _, name := range s.Proof {
		if record == nil || record.Get(name) == nil {
			return v
		}
	}
	v.record = record
	return v
}

func (s *Stored) read(e *Event, p Path, dst []Value) []Value {
	view := s.look(e)
	if view.foreign {
		return e.collect(e.Doc, p, dst)
	}
	n := len(dst)
	if view.record != nil {
		dst = e.collect(view.record, p, dst)
	} else if dst = s.byAlias(e, p, dst); len(dst) == n {
		dst = e.collect(e.Doc.Get(s.Rest), p, dst)
	}
	if len(dst) == n { // an OCSF path
		dst = e.collect(e.Doc, p, dst)
	}
	return dst
}

// byAlias tries the aliases of all beginnings of p, the longest first.
func (s *Stored) byAlias(e *Event, p Path, dst []Value) []Value {
	var found [8]*aliasNode // an alias is never longer
	node, depth := &s.aliases, 0
	for depth < min(len(p), len(found)) && node.next[p[depth]] != nil {
		node = node.next[p[depth]]
		found[depth] = node
		depth++
	}
	n := len(dst)
	for ; depth > 0; depth-- {
		for _, to := range found[depth-1].to {
			if dst = e.inside(to, p[depth:], dst); len(dst) > n {
				return dst
			}
		}
	}
	return dst
}

// inside reads rest in what the document holds at a path: an object, an array of them, or text that holds an object.
func (e *Event) inside(to, rest Path, dst []Value) []Value {
	held := e.at(e.Doc, to)
	if held == nil {
		if len(rest) == 0 {
			return e.collect(e.Doc, to, dst)
		}
		return dst
	}
	if len(rest) > 0 && held.Type() == fastjson.TypeString {
		held = e.memory.document(held)
	}
	return e.collect(held, rest, dst)
}

func (s *Stored) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Vendor names\n\nEvents that were a vendor's records also answer to the vendor's names: from the record itself where `%s` holds it, else by this table, else from `%s`.\n\n", s.Record, s.Rest)
	b.WriteString("| vendor name | OCSF, the first that is there |\n|---|---|\n")
	names := make([]string, 0, len(s.Alias))
	for from := range s.Alias {
		names = append(names, from)
	}
	sort.Strings(names)
	for _, from := range names {
		fmt.Fprintf(b, "| `%s` | `%s` |\n", from, strings.Join(s.Alias[from], "`, `"))
	}
}
