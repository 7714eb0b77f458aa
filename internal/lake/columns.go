package lake

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// columns makes Arrow columns of rows of cells. A column is only touched where a row has something for it.
type columns struct {
	layout   *layout
	builders []array.Builder // by column; nil for objects and for what lies in a list, or where the table lacks the column
	there    [][]byte        // by column: which rows have the object, a bit each; nil for others
	rows     int
}

// newColumns prepares for so many rows of a table's schema.
func newColumns(l *layout, schema *arrow.Schema, rows int) *columns {
	c := &columns{layout: l, builders: make([]array.Builder, len(l.columns)), there: make([][]byte, len(l.columns)), rows: rows}
	var walk func(fields []arrow.Field, of []int)
	walk = func(fields []arrow.Field, of []int) {
		for _, f := range fields {
			for _, i := range of {
				if l.columns[i].name != f.Name {
					continue
				}
				if t, ok := f.Type.(*arrow.StructType); ok {
					c.there[i] = make([]byte, bitutil.BytesForBits(int64(rows)))
					walk(t.Fields(), l.columns[i].below)
				} else {
					c.builders[i] = array.NewBuilder(memory.DefaultAllocator, f.Type)
				}
			}
		}
	}
	walk(schema.Fields(), l.top)
	return c
}

func (c *columns) release() {
	for _, b := range c.builders {
		if b != nil {
			b.Release()
		}
	}
}

// add takes the cells of row i; rows come in order.
func (c *columns) add(i int, buf []byte) {
	for len(buf) > 0 {
		n, width := binary.Uvarint(buf)
		col := int(n) - 1 //nolint:gosec // written by cells
		buf = buf[width:]
		for up := col; up >= 0; up = c.layout.columns[up].parent {
			if c.there[up] != nil {
				bitutil.SetBit(c.there[up], i)
			}
		}
		b := c.builders[col]
		if b != nil {
			fill(b, i)
		}
		buf = appendCell(c.layout, b, col, buf)
	}
}

// distinctOf counts the distinct values of each column that has a bloom filter.
func distinctOf(rows []Prepared) map[string]int64 {
	l := ours()
	seen := make([]map[string]struct{}, len(l.columns))
	for _, name := range filtered {
		seen[l.byPath[name]] = map[string]struct{}{}
	}
	for i := range rows {
		for buf := rows[i].cellBytes(); len(buf) > 0; {
			n, width := binary.Uvarint(buf)
			col := int(n) - 1 //nolint:gosec // written by cells
			buf = buf[width:]
			if s := seen[col]; s != nil {
				n, width := binary.Uvarint(buf)
				text := buf[width : width+int(n)] //nolint:gosec // likewise
				if _, known := s[string(text)]; !known {
					s[string(text)] = struct{}{}
				}
			}
			buf = appendCell(l, nil, col, buf)
		}
	}
	out := map[string]int64{}
	for _, name := range filtered {
		out[name] = int64(len(seen[l.byPath[name]]))
	}
	return out
}

// fill makes null of the rows before row i that had nothing.
func fill(b array.Builder, i int) {
	if n := i - b.Len(); n > 0 {
		b.AppendNulls(n)
	}
}

// appendCell reads a value and appends it, unless b is nil.
func appendCell(l *layout, b array.Builder, col int, buf []byte) []byte {
	switch l.columns[col].kind {
	case kindText:
		n, width := binary.Uvarint(buf)
		s := buf[width : width+int(n)] //nolint:gosec // written by cells
		if b, ok := b.(*array.StringBuilder); ok {
			b.BinaryBuilder.Append(s)
		}
		return buf[width+len(s):]
	case kindInt, kindLong, kindStamp:
		n, width := binary.Varint(buf)
		switch b := b.(type) {
		case *array.Int32Builder:
			b.Append(int32(n)) //nolint:gosec // was checked when it was written
		case *array.Int64Builder:
			b.Append(n)
		case *array.TimestampBuilder:
			b.Append(arrow.Timestamp(n))
		}
		return buf[width:]
	case kindFlag:
		if b, ok := b.(*array.BooleanBuilder); ok {
			b.Append(buf[0] == 1)
		}
		return buf[1:]
	case kindList:
		return appendItems(l, b, col, buf)
	}
	return buf
}

func appendItems(l *layout, b array.Builder, col int, buf []byte) []byte {
	n, width := binary.Uvarint(buf)
	buf = buf[width:]
	element := l.columns[col].below[0]
	var values array.Builder
	if list, ok := b.(*array.ListBuilder); ok {
		list.Append(true)
		values = list.ValueBuilder()
	}
	for range n {
		isThere := buf[0] == 1
		buf = buf[1:]
		switch {
		case !isThere:
			if values != nil {
				values.AppendNull()
			}
		case l.columns[element].kind == kindObject:
			object, _ := values.(*array.StructBuilder)
			if object != nil {
				object.Append(true)
			}
			buf = appendObject(l, object, element, buf)
			buf = buf[1:]
		default:
			buf = appendCell(l, values, element, buf)
		}
	}
	return buf
}

// appendObject reads the cells of an object in a list, up to the 0 after them, and appends them as the next values of its members.
func appendObject(l *layout, b *array.StructBuilder, object int, buf []byte) []byte {
	for buf[0] != 0 {
		n, width := binary.Uvarint(buf)
		col := int(n) - 1 //nolint:gosec // written by cells
		buf = buf[width:]
		m := memberBuilder(l, b, object, col)
		if inner, ok := m.(*array.StructBuilder); ok {
			inner.Append(true)
		}
		buf = appendCell(l, m, col, buf)
	}
	if b != nil {
		level(b)
	}
	return buf
}

// memberBuilder finds the builder of a column below an object of a list.
func memberBuilder(l *layout, b *array.StructBuilder, object, col int) array.Builder {
	if b == nil {
		return nil
	}
	parent := b
	if up := l.columns[col].parent; up != object {
		inner, ok := memberBuilder(l, b, object, up).(*array.StructBuilder)
		if !ok {
			return nil
		}
		parent = inner
	}
	t, ok := parent.Type().(*arrow.StructType)
	if !ok {
		return nil
	}
	if i, known := t.FieldIdx(l.columns[col].name); known {
		return parent.FieldBuilder(i)
	}
	return nil
}

// level gives every member of an object that had no value a null.
func level(b *array.StructBuilder) {
	for i := range b.NumField() {
		f := b.FieldBuilder(i)
		fill(f, b.Len())
		if inner, ok := f.(*array.StructBuilder); ok {
			level(inner)
		}
	}
}

// record makes a record of the rows that were added.
func (c *columns) record(schema *arrow.Schema) (arrow.RecordBatch, error) {
	out := make([]arrow.Array, schema.NumFields())
	for i, f := range schema.Fields() {
		a, err := c.array(f, c.layout.top)
		if err != nil {
			return nil, err
		}
		defer a.Release()
		out[i] = a
	}
	return array.NewRecordBatch(schema, out, int64(c.rows)), nil
}

// array makes the column of one field, which is one of some columns, or of none that this program knows.
func (c *columns) array(f arrow.Field, of []int) (arrow.Array, error) {
	for _, i := range of {
		if c.layout.columns[i].name != f.Name {
			continue
		}
		if t, ok := f.Type.(*arrow.StructType); ok && c.there[i] != nil {
			return c.object(t, i)
		}
		if b := c.builders[i]; b != nil {
			fill(b, c.rows)
			return b.NewArray(), nil
		}
	}
	return array.MakeArrayOfNull(memory.DefaultAllocator, f.Type, c.rows), nil
}

func (c *columns) object(t *arrow.StructType, i int) (arrow.Array, error) {
	members := make([]arrow.ArrayData, t.NumFields())
	for k, f := range t.Fields() {
		a, err := c.array(f, c.layout.columns[i].below)
		if err != nil {
			return nil, err
		}
		defer a.Release()
		if a.Len() != c.rows {
			return nil, fmt.Errorf("column %s of %s has %d rows of %d", f.Name, c.layout.columns[i].path, a.Len(), c.rows)
		}
		members[k] = a.Data()
	}
	there := memory.NewBufferBytes(c.there[i])
	data := array.NewData(t, c.rows, []*memory.Buffer{there}, members, c.rows-bitutil.CountSetBits(c.there[i], 0, c.rows), 0)
	defer data.Release()
	return array.NewStructData(data), nil
}
