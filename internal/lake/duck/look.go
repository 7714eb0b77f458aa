package duck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-security/tocsin/internal/lake"
)

// Look asks for the events that hold a value whole in a column, the newest days first. After each page Ask calls row with nil, and an error of row
// ends it: so whoever asks says when it is enough. An event that holds it in several columns comes once for each.
type Look struct {
	Value   string
	Holders []lake.Holder // where to look, see lake.Holders; in the time range that the question has
	Show    string        // what is wanted of an event; the column that holds the value comes after it
	And     string        // a condition besides; "" for none
	Most    int           // rows of a column that are wanted from a page
}

// SQL is the same question as a person would put it over events, with the value as $1. It names all columns, whichever of them hold it: in which they do
// may be known from accounts that who asked does not see.
func (k *Look) SQL() string {
	text := "SELECT " + k.Show + " FROM events WHERE (" + strings.Join(lake.Filtered(), " = $1 OR ") + " = $1)"
	if k.And != "" {
		text += " AND " + k.And
	}
	return fmt.Sprintf("%s ORDER BY time_dt DESC LIMIT %d", text, k.Most)
}

// looking is a Look on its way to the child.
type looking struct {
	Columns   [][]string // of each file
	Show, And string
	Most      int
}

func (k *Look) plan() ([]lake.File, *looking) {
	as := &looking{Show: k.Show, And: k.And, Most: k.Most}
	files := make([]lake.File, len(k.Holders))
	for i := range k.Holders {
		files[i] = k.Holders[i].File
		as.Columns = append(as.Columns, k.Holders[i].Columns)
	}
	return files, as
}

// all are the columns in which any of the files may hold it.
func (k *looking) all() []string {
	var out []string
	for _, c := range lake.Filtered() {
		if slices.ContainsFunc(k.Columns, func(list []string) bool { return slices.Contains(list, c) }) {
			out = append(out, c)
		}
	}
	return out
}

// sql is a SELECT of its own for each column, so that the engine reads of a file that column first, and the others only where it holds the value.
func (k *looking) sql(from func(column string) string, columns []string) string {
	and := ""
	if k.And != "" {
		and = " AND (" + k.And + ")"
	}
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = fmt.Sprintf("(SELECT %s, '%s' AS place FROM %s WHERE %s = $1%s ORDER BY time_dt DESC LIMIT %d)", k.Show, c, from(c), c, and, k.Most)
	}
	return "SELECT * FROM (" + strings.Join(parts, "\nUNION ALL ") + ")\nORDER BY time_dt DESC"
}
