package ocsf

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"
)

// FieldID is a compiled OCSF path: an index into Fields.
type FieldID uint16

// Convert turns a vendor value into the OCSF value; a v of kind Missing asks for a fallback. It must not keep v or e.
type Convert func(v Value, e *Event) Value

// Row is one line of a format's table.
type Row struct {
	Field   FieldID
	From    string  // vendor path; "" with Const
	Const   string  // the value of every event, where From is ""
	Convert Convert // nil: as it is
	Classes []int   // class_uid of the events that the row is for; none: all
	Copied  bool    // the vendor's member says more than the field, so the whole object also keeps it in unmapped
	Note    string  // for the docs: what Convert does
	// Build makes the objects of a field that is an array of them, such as answers, from the value at From.
	Build func(v *fastjson.Value) []any
	path    Path
}

// Mapping reads the records of one format. Fields that no row fills are missing.
type Mapping struct {
	Name    string
	Title   string
	Rows    []Row
	Class   func(e *Event) (classUID, activityID int) // must ask for no field whose row has Classes
	Stored  *Stored                                   // nil: the records are the vendor's own
	// Profiles are the OCSF profiles whose attributes the rows fill, beside cloud.
	Profiles []string
	byField []*Row
}

// Compile prepares the table. It panics on two rows for one field: a table is code.
func (m *Mapping) Compile() *Mapping {
	m.byField = make([]*Row, len(fieldPaths))
	for i := range m.Rows {
		r := &m.Rows[i]
		if m.byField[r.Field] != nil {
			panic(fmt.Sprintf("BUG: mapping %s has two rows for %s", m.Name, fieldPaths[r.Field]))
		}
		if r.From != "" {
			r.path = ParsePath(r.From)
		}
		m.byField[r.Field] = r
	}
	if m.Stored != nil {
		m.Stored.compile()
	}
	return m
}

// read reads a vendor path: as it is in the vendor's own records, by way of Stored where they are kept otherwise.
func (m *Mapping) read(e *Event, p Path, dst []Value) []Value {
	if m.Stored == nil {
		return e.collect(e.Doc, p, dst)
	}
	return m.Stored.read(e, p, dst)
}

// VendorNames is the Sigma field map: vendor path to OCSF path. A vendor path that fills several fields has the one that
// holds it as it is.
func (m *Mapping) VendorNames() map[string]string {
	out := make(map[string]string, len(m.Rows))
	for _, converted := range []bool{false, true} {
		for _, r := range m.Rows {
			if _, taken := out[r.From]; r.From != "" && !taken && (r.Convert != nil) == converted {
				out[r.From] = r.Field.String()
			}
		}
	}
	return out
}

// Markdown writes the table for docs/formats.
func (m *Mapping) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\nThe mapping of the format `%s` to OCSF %s, as the code has it. Made by `go test ./internal/format -update`.\n\n", m.Title, m.Name, SchemaVersion)
	b.WriteString("| OCSF | from | class | |\n|---|---|---|---|\n")
	rows := append([]Row(nil), m.Rows...)
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].Field.String() < rows[j].Field.String() })
	for _, r := range rows {
		from := "`" + r.From + "`"
		if r.From == "" {
			from = "always `" + r.Const + "`"
		}
		classes := make([]string, len(r.Classes))
		for i, c := range r.Classes {
			classes[i] = strconv.Itoa(c)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Field, from, strings.Join(classes, ", "), r.Note)
	}
	if m.Stored != nil {
		m.Stored.markdown(&b)
	}
	return b.String()
}
