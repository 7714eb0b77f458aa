package lake

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
)

//go:embed schema.tsv
var schemaText string

// firstText lists the columns of the first lakes with their ids. Iceberg numbers a new table's columns in their order, so a new lake is
// made of these, in this order, and grows the others as an older lake does: wherever a line is put into schema.tsv, no id moves.
//
//go:embed first.tsv
var firstText string

// node is one line of schema.tsv with what lies below it.
type node struct {
	path, kind, note string
	below            []*node
}

// parseColumns reads schema.tsv. A mistake in it is a bug of this program.
func parseColumns(text string) ([]*node, error) {
	var top []*node
	all := map[string]*node{}
	for i, line := range strings.Split(strings.TrimSpace(text), "\n")[1:] {
		cells := append(strings.Split(line, "\t"), "")
		if len(cells) < 3 || cells[0] == "" || all[cells[0]] != nil {
			return nil, fmt.Errorf("schema.tsv:%d: want a new path and a type, got %q", i+2, line)
		}
		n := &node{path: cells[0], kind: cells[1], note: cells[2]}
		all[n.path] = n
		cut := strings.LastIndexByte(n.path, '.')
		if cut < 0 {
			top = append(top, n)
			continue
		}
		parent := all[n.path[:cut]]
		if parent == nil {
			return nil, fmt.Errorf("schema.tsv:%d: %s has no line above it", i+2, n.path[:cut])
		}
		parent.below = append(parent.below, n)
	}
	return top, nil
}

func (n *node) name() string { return n.path[strings.LastIndexByte(n.path, '.')+1:] }

var primitives = map[string]iceberg.Type{
	"string": iceberg.PrimitiveTypes.String, "json": iceberg.PrimitiveTypes.String, "int": iceberg.PrimitiveTypes.Int32, "long": iceberg.PrimitiveTypes.Int64,
	"boolean": iceberg.PrimitiveTypes.Bool, "timestamp": iceberg.PrimitiveTypes.Timestamp,
}

// typeOf makes the Iceberg type; ids are counted up from *next.
func (n *node) typeOf(next *int) (iceberg.Type, error) {
	switch {
	case n.kind == "struct":
		fields, err := fieldsOf(n.below, next)
		return &iceberg.StructType{FieldList: fields}, err
	case strings.HasPrefix(n.kind, "list<") && len(n.below) == 1:
		*next++
		id := *next
		element, err := n.below[0].typeOf(next)
		return &iceberg.ListType{ElementID: id, Element: element}, err
	}
	if t := primitives[n.kind]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("schema.tsv: %s has the type %q, which is none", n.path, n.kind)
}

func fieldsOf(nodes []*node, next *int) ([]iceberg.NestedField, error) {
	var out []iceberg.NestedField
	for _, n := range nodes {
		*next++
		id := *next
		t, err := n.typeOf(next)
		if err != nil {
			return nil, err
		}
		out = append(out, iceberg.NestedField{ID: id, Name: n.name(), Type: t, Doc: n.note})
	}
	return out, nil
}

// schemaOf is the Iceberg schema of a schema.tsv.
func schemaOf(text string) (*iceberg.Schema, error) {
	nodes, err := parseColumns(text)
	if err != nil {
		return nil, err
	}
	next := 0
	fields, err := fieldsOf(nodes, &next)
	if err != nil {
		return nil, err
	}
	return iceberg.NewSchema(0, fields...), nil
}

// firstOf is what of a schema a new table is made of.
func firstOf(want *iceberg.Schema) *iceberg.Schema {
	known := map[string]bool{}
	var order []string // of the top level
	for _, line := range strings.Split(strings.TrimSpace(firstText), "\n")[1:] {
		path, _, _ := strings.Cut(line, "\t")
		known[path] = true
		if !strings.Contains(path, ".") {
			order = append(order, path)
		}
	}
	var keep func(prefix string, fields []iceberg.NestedField) []iceberg.NestedField
	keep = func(prefix string, fields []iceberg.NestedField) []iceberg.NestedField {
		var out []iceberg.NestedField
		for _, f := range fields {
			path := prefix + f.Name
			if !known[path] {
				continue
			}
			switch t := f.Type.(type) {
			case *iceberg.StructType:
				f.Type = &iceberg.StructType{FieldList: keep(path+".", t.FieldList)}
			case *iceberg.ListType:
				if s, ok := t.Element.(*iceberg.StructType); ok {
					f.Type = &iceberg.ListType{ElementID: t.ElementID, Element: &iceberg.StructType{FieldList: keep(path+".element.", s.FieldList)}}
				}
			}
			out = append(out, f)
		}
		return out
	}
	fields := keep("", want.Fields())
	slices.SortStableFunc(fields, func(a, b iceberg.NestedField) int {
		return cmp.Compare(slices.Index(order, a.Name), slices.Index(order, b.Name))
	})
	return iceberg.NewSchema(0, fields...)
}

// evolve stages the columns that the table lacks. Nothing is ever dropped, renamed or narrowed.
func evolve(tx *table.Transaction, have, want *iceberg.Schema) (added int, err error) {
	update := tx.UpdateSchema(true, false)
	var walk func(path []string, fields []iceberg.NestedField)
	walk = func(path []string, fields []iceberg.NestedField) {
		for _, f := range fields {
			at := append(append([]string(nil), path...), f.Name)
			if _, known := have.FindFieldByName(strings.Join(at, ".")); !known {
				update.AddColumn(at, f.Type, f.Doc, false, nil)
				added++
				continue
			}
			switch t := f.Type.(type) {
			case *iceberg.StructType:
				walk(at, t.FieldList)
			case *iceberg.ListType:
				if s, ok := t.Element.(*iceberg.StructType); ok {
					walk(append(at, "element"), s.FieldList)
				}
			}
		}
	}
	walk(nil, want.Fields())
	if added == 0 {
		return 0, nil
	}
	return added, update.Commit()
}
