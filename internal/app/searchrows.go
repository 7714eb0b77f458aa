package app

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tocsin-security/tocsin/internal/lake/duck"
	"github.com/tocsin-security/tocsin/internal/report"
)

// rows writes an answer in one format, as it comes. What a value holds is never obeyed: not by a terminal, not by a spreadsheet.
type rows struct {
	format  string
	out     *target
	csv     *csv.Writer
	columns []string
	keys    []string // of JSON: the names of the columns, written as JSON
	width   int
	widths  []int      // of a table's columns; nil until the first page is complete
	page    [][]string // the first page of a table
	n       int
}

// firstPage are the rows of a table that its columns are fitted to; they are shown before there are more.
const firstPage = 40

func newRows(format string, out *target, width int) *rows {
	return &rows{format: format, out: out, csv: csv.NewWriter(out), width: width}
}

func (r *rows) head(a duck.Answer) {
	r.columns = a.Columns
	switch r.format {
	case "csv":
		_ = r.csv.Write(each(a.Columns, report.Defuse)) // its error comes again with Flush
	case "json", "jsonl":
		for _, name := range a.Columns {
			key, err := json.Marshal(name)
			if err != nil {
				key = []byte(`""`)
			}
			r.keys = append(r.keys, string(plainJSON(key)))
		}
	}
}

// row writes one; nil says that what follows may take its time, so that all must be shown that there is.
func (r *rows) row(cells []json.RawMessage) error {
	if cells == nil {
		return r.flush()
	}
	r.n++
	switch r.format {
	case "json", "jsonl":
		r.object(cells)
	case "csv":
		if err := r.csv.Write(each(cells, cellOfCSV)); err != nil {
			return err
		}
	case "table":
		line := each(cells, cellOfTable)
		if r.widths != nil {
			r.line(line)
			break
		}
		r.page = append(r.page, line)
	}
	if r.n == firstPage {
		return r.flush()
	}
	return nil
}

// flush shows what there is.
func (r *rows) flush() error {
	switch r.format {
	case "csv":
		r.csv.Flush()
		if err := r.csv.Error(); err != nil {
			return err
		}
	case "table":
		if len(r.page) > 0 {
			r.table()
		}
	}
	return r.out.Flush()
}

// end closes what was begun, so that also a part of an answer is valid.
func (r *rows) end() error {
	switch {
	case r.columns == nil: // it never began
		return nil
	case r.format == "json" && r.n == 0:
		_, _ = r.out.WriteString("[\n]\n") // its error comes again with Flush
	case r.format == "json":
		_, _ = r.out.WriteString("\n]\n") // likewise
	case r.format == "table" && r.widths == nil:
		r.table()
	}
	return r.flush()
}

func (r *rows) object(cells []json.RawMessage) {
	write := func(s string) { _, _ = r.out.WriteString(s) } // its error comes again with Flush
	switch {
	case r.format == "json" && r.n == 1:
		write("[\n")
	case r.format == "json":
		write(",\n")
	}
	between := "{"
	for i, c := range cells {
		write(between + r.keys[i] + ":")
		_, _ = r.out.Write(plainJSON(c)) // likewise
		between = ","
	}
	write("}")
	if r.format == "jsonl" {
		write("\n")
	}
}

// maxCell bounds a table's cell; the other formats give values whole.
const maxCell = 60

// table fits the columns to the first page and writes it.
func (r *rows) table() {
	head := each(r.columns, func(s string) string { return report.Fit(report.Clean(s), maxCell) })
	r.widths = make([]int, len(head))
	for _, line := range append([][]string{head}, r.page...) {
		for i, cell := range line {
			r.widths[i] = max(r.widths[i], report.Width(cell))
		}
	}
	r.line(head)
	for _, line := range r.page {
		r.line(line)
	}
	r.page = nil
}

// line writes cells; one that is wider than those of the first page pushes the others.
func (r *rows) line(cells []string) {
	var b strings.Builder
	for i, cell := range cells {
		b.WriteString(cell)
		if i < len(cells)-1 {
			b.WriteString(strings.Repeat(" ", max(r.widths[i]-report.Width(cell), 0)+2))
		}
	}
	text := strings.TrimRight(b.String(), " ")
	if r.width > 0 {
		text = report.Fit(text, r.width)
	}
	_, _ = r.out.WriteString(text + "\n") // its error comes again with Flush
}

func each[T any](list []T, do func(T) string) []string {
	out := make([]string, len(list))
	for i, item := range list {
		out[i] = do(item)
	}
	return out
}

// words is a value as a person reads it.
func words(cell json.RawMessage) (text string, quoted bool) {
	if json.Unmarshal(cell, &text) == nil {
		return text, len(cell) > 0 && cell[0] == '"'
	}
	return string(cell), false
}

func cellOfTable(cell json.RawMessage) string {
	text, _ := words(cell)
	if len(text) > 8*maxCell { // no more than could be shown
		text = strings.ToValidUTF8(text[:8*maxCell], "")
	}
	return report.Fit(report.Clean(text), maxCell)
}

// cellOfCSV leaves numbers as they are: -1 is no formula.
func cellOfCSV(cell json.RawMessage) string {
	text, quoted := words(cell)
	if quoted {
		return report.Defuse(text)
	}
	return report.Clean(text)
}

// plainJSON writes characters that a terminal obeys, or that hide or turn others around, as escapes: the value is the same.
func plainJSON(b []byte) []byte {
	plain := true
	for _, c := range b {
		plain = plain && c >= 0x20 && c < 0x7f
	}
	if plain {
		return b
	}
	var out strings.Builder
	for _, r := range string(b) {
		switch {
		case r == utf8.RuneError || r == '\n' || unicode.IsPrint(r): // a line end is none of a string's
			out.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return []byte(out.String())
}
