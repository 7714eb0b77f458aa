package lake

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// cells writes the values of one row one after the other: the column's number and 1, then the value in as many bytes as it needs. A
// column that is not written is null; an object is there when it or anything below it is written. So a row of two
// hundred columns takes as much memory as what it says.
type cells struct {
	layout  *layout
	buf     []byte
	scratch []byte
	to      []target
	uid     string
}

// target is where a leaf of a plan goes.
type target struct {
	col    int // -1: no column
	object int // the object that holds it, -1 at the top
	kind   kind
	skip   bool // the row itself knows better
	isID   bool
}

func (c *cells) begin(col int) { c.buf = binary.AppendUvarint(c.buf, uint64(col)+1) } //nolint:gosec // columns are few

func (c *cells) text(col int, s string) {
	c.begin(col)
	c.buf = append(binary.AppendUvarint(c.buf, uint64(len(s))), s...)
}

func (c *cells) number(col int, n int64) {
	c.begin(col)
	c.buf = binary.AppendVarint(c.buf, n)
}

func (c *cells) flag(col int, b bool) {
	c.begin(col)
	n := byte(0)
	if b {
		n = 1
	}
	c.buf = append(c.buf, n)
}

// value writes any value as its column's type. What does not fit is null here and still stands in raw_data.
func (c *cells) value(col int, v any) {
	if v == nil {
		return
	}
	switch c.layout.columns[col].kind {
	case kindText:
		c.text(col, textOf(v))
	case kindInt:
		if n, ok := intOf(v); ok && n >= math.MinInt32 && n <= math.MaxInt32 {
			c.number(col, n)
		}
	case kindLong:
		if n, ok := intOf(v); ok {
			c.number(col, n)
		}
	case kindFlag:
		if b, ok := v.(bool); ok {
			c.flag(col, b)
		}
	case kindStamp:
		if t, ok := v.(time.Time); ok {
			c.number(col, t.UnixMicro())
		}
	case kindObject:
		if doc, ok := v.(map[string]any); ok {
			c.begin(col)
			c.members(col, doc)
		}
	case kindList:
		c.list(col, v)
	}
}

func (c *cells) members(col int, doc map[string]any) {
	for _, below := range c.layout.columns[col].below {
		c.value(below, doc[c.layout.columns[below].name])
	}
}

// list writes how many items there are, and each as: 0 for null; or 1 and the value, which of an object is its cells and a 0.
func (c *cells) list(col int, v any) {
	var items []any
	switch list := v.(type) {
	case []any:
		items = list
	case []string:
		for _, s := range list {
			items = append(items, s)
		}
	default:
		return
	}
	c.begin(col)
	c.buf = binary.AppendUvarint(c.buf, uint64(len(items)))
	element := c.layout.columns[col].below[0]
	for _, item := range items {
		c.item(element, item)
	}
}

func (c *cells) item(element int, item any) {
	if c.layout.columns[element].kind == kindObject {
		doc, ok := item.(map[string]any)
		if !ok {
			c.buf = append(c.buf, 0)
			return
		}
		c.buf = append(c.buf, 1)
		c.members(element, doc)
		c.buf = append(c.buf, 0)
		return
	}
	if item == nil {
		c.buf = append(c.buf, 0)
		return
	}
	s := textOf(item)
	c.buf = append(binary.AppendUvarint(append(c.buf, 1), uint64(len(s))), s...)
}

// put writes a leaf of a plan.
func (c *cells) put(t *target, v any) {
	before := len(c.buf)
	if t.col >= 0 {
		c.value(t.col, v)
	}
	if len(c.buf) == before && t.object >= 0 {
		c.begin(t.object)
	}
}

// Text takes a text.
func (c *cells) Text(which int, s string) {
	t := &c.to[which]
	switch {
	case t.skip:
	case t.isID:
		c.uid = s
	case t.col >= 0 && t.kind == kindText:
		c.text(t.col, s)
	default:
		c.put(t, s)
	}
}

// Number takes a number.
func (c *cells) Number(which int, n int64) {
	t := &c.to[which]
	switch {
	case t.skip:
	case t.col >= 0 && (t.kind == kindLong || t.kind == kindInt && n >= math.MinInt32 && n <= math.MaxInt32):
		c.number(t.col, n)
	default:
		c.put(t, n)
	}
}

// Flag takes a yes or no.
func (c *cells) Flag(which int, b bool) {
	if t := &c.to[which]; !t.skip {
		c.put(t, b)
	}
}

// Document takes a JSON value.
func (c *cells) Document(which int, v *fastjson.Value) {
	t := &c.to[which]
	if t.skip {
		return
	}
	if t.col >= 0 && t.kind == kindText {
		c.scratch = ocsf.AppendText(c.scratch[:0], v)
		c.begin(t.col)
		c.buf = append(binary.AppendUvarint(c.buf, uint64(len(c.scratch))), c.scratch...)
		return
	}
	c.put(t, ocsf.TreeOf(v))
}

// JSON takes an object that is written already.
func (c *cells) JSON(which int, text []byte) {
	if t := &c.to[which]; t.col >= 0 && t.kind == kindText {
		c.begin(t.col)
		c.buf = append(binary.AppendUvarint(c.buf, uint64(len(text))), text...)
	}
}

// Any takes any value.
func (c *cells) Any(which int, v any) {
	if t := &c.to[which]; !t.skip {
		c.put(t, v)
	}
}
