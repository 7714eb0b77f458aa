package ocsf

import (
	"fmt"
	"sort"
	"strings"
)

// FieldID is a compiled OCSF path: an index into Fields.
type FieldID uint16

// Convert turns a vendor value into the OCSF value. It must not keep v or e.
type Convert func(v Value, e *Event) Value

// Row is one line of a format's table.
type Row struct {
	Field   FieldID
	From    string  // vendor path; "" with Const
	Const   string  // the value of every event, where From is ""
	Convert Convert // nil: as it is
	Note    string  // for the docs: what Convert does
	path    Path
}

// Mapping reads the records of one format. Fields that no row fills are missing.
type Mapping struct {
	Name    string
	Title   string
	Rows    []Row
	Class   func(e *Event) (classUID, activityID int)
	Alias   map[string]string // vendor path prefix → path in this format's own documents, where records are stored in another form
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
	return m
}

// vendor reads a vendor path: as it is in the vendor's own records, by way of Alias where they are stored otherwise.
func (m *Mapping) vendor(e *Event, p Path, dst []Value) []Value {
	if m.Alias == nil {
		return collect(e.Doc, p, dst)
	}
	for n := len(p); n > 0; n-- {
		to, ok := m.Alias[p[:n].String()]
		if !ok {
			continue
		}
		found := collect(e.Doc, ParsePath(to), dst)
		if n == len(p) {
			return found
		}
		return inside(e.Doc, ParsePath(to), p[n:], dst)
	}
	return collect(e.Doc, p, dst)
}

// VendorNames is the Sigma field map: vendor path to OCSF path.
func (m *Mapping) VendorNames() map[string]string {
	out := make(map[string]string, len(m.Rows))
	for _, r := range m.Rows {
		if r.From != "" {
			if _, taken := out[r.From]; !taken {
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
	b.WriteString("| OCSF | from | |\n|---|---|---|\n")
	rows := append([]Row(nil), m.Rows...)
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].Field.String() < rows[j].Field.String() })
	for _, r := range rows {
		from := "`" + r.From + "`"
		if r.From == "" {
			from = "always `" + r.Const + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Field, from, r.Note)
	}
	return b.String()
}
