package app

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
)

// SearchOptions are what `tocsin search` is asked for.
type SearchOptions struct {
	SQL      string
	Filter   string // a condition, in place of SQL
	Lake     string
	Format   string // table, json, jsonl, csv or parquet
	Output   string // file, for parquet
	From, To string
	Accounts []string
	Rows     int
	Memory   int
	Timeout  time.Duration
	Width    int
	Child    []string // the command that answers; nil: this binary
}

// Search asks the lake and writes the answer.
func Search(ctx context.Context, o SearchOptions, streams Streams) error {
	q, err := o.question()
	if err != nil {
		return err
	}
	l, err := lake.OpenExisting(ctx, o.Lake)
	if errors.Is(err, lake.ErrNoLake) {
		return UsageError{Err: err, Hint: "fill one with: tocsin ingest ./AWSLogs --lake " + o.Lake}
	}
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // only read
	if o.Child == nil {
		exe, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find the program itself: %w", err)
		}
		o.Child = []string{exe, "query-child"}
	}
	scope := access.Everything()
	if len(o.Accounts) > 0 {
		scope = access.Accounts(o.Accounts...)
	}
	out := bufio.NewWriter(streams.Out)
	w := newRows(o.Format, out, o.Width)
	a, err := duck.Ask(ctx, scope, l, o.Child, q, w.head, w.row)
	err = errors.Join(err, w.end(), out.Flush())
	var refused duck.RefusedError
	if errors.As(err, &refused) {
		return UsageError{Err: refused, Hint: "the columns are listed by: tocsin search 'DESCRIBE' --lake " + o.Lake}
	}
	if err != nil {
		return err
	}
	more := ""
	if a.More {
		more = " (more; raise --rows)"
	}
	fmt.Fprintf(streams.Err, "%d rows%s from %d files of %s in %s\n", a.Rows, more, a.Files, binaryBytes(a.Bytes), a.Took.Round(time.Millisecond))
	return nil
}

func (o *SearchOptions) question() (duck.Question, error) {
	q := duck.Question{SQL: o.SQL, Rows: o.Rows, Memory: o.Memory, Timeout: o.Timeout}
	var errs []error
	var err error
	if q.From, err = parseTime("--from", o.From); err != nil {
		errs = append(errs, err)
	}
	if q.To, err = parseTime("--to", o.To); err != nil {
		errs = append(errs, err)
	}
	switch {
	case o.SQL != "" && o.Filter != "":
		errs = append(errs, errors.New("give a SELECT or --filter, not both"))
	case o.SQL == "" && o.Filter == "":
		errs = append(errs, errors.New("nothing is asked"))
	case strings.EqualFold(strings.TrimSpace(o.SQL), "describe"):
		q.SQL = "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM events)"
	case o.Filter != "":
		q.SQL = duck.FilterSQL(o.Filter)
	}
	switch o.Format {
	case "table", "json", "jsonl", "csv":
	case "parquet":
		if o.Output == "" {
			errs = append(errs, errors.New("--format parquet needs a file: -o answer.parquet"))
		}
		q.Rows = 0
		if q.Parquet, err = filepath.Abs(o.Output); err != nil {
			errs = append(errs, err)
		}
	default:
		errs = append(errs, fmt.Errorf("--format %q is not one of table, json, jsonl, csv, parquet", o.Format))
	}
	if len(errs) > 0 {
		return q, UsageError{Err: errors.Join(errs...), Hint: `for example: tocsin search --filter "src_ip = '203.0.113.9'", or tocsin search 'SELECT operation, count(*) FROM events GROUP BY 1'`}
	}
	return q, nil
}

// rows writes an answer in one format.
type rows struct {
	format  string
	out     *bufio.Writer
	csv     *csv.Writer
	columns []string
	width   int
	kept    [][]string // of a table, whose widths are known at its end
	n       int
}

func newRows(format string, out *bufio.Writer, width int) *rows {
	return &rows{format: format, out: out, csv: csv.NewWriter(out), width: width}
}

func (r *rows) head(a duck.Answer) {
	r.columns = a.Columns
	if r.format == "csv" {
		_ = r.csv.Write(a.Columns) // its error comes again with Flush
	}
}

func (r *rows) row(cells []json.RawMessage) error {
	r.n++
	switch r.format {
	case "json", "jsonl":
		open, between := "", ""
		if r.format == "json" {
			if open = ",\n"; r.n == 1 {
				open = "[\n"
			}
		}
		r.out.WriteString(open + "{") //nolint:errcheck,gosec // its error comes again with Flush
		for i, c := range cells {
			name, err := json.Marshal(r.columns[i])
			if err != nil {
				return err
			}
			r.out.WriteString(between) //nolint:errcheck,gosec // likewise
			r.out.Write(name)          //nolint:errcheck,gosec // likewise
			r.out.WriteByte(':')       //nolint:errcheck,gosec // likewise
			_, err = r.out.Write(c)
			if err != nil {
				return err
			}
			between = ","
		}
		r.out.WriteByte('}') //nolint:errcheck,gosec // likewise
		if r.format == "jsonl" {
			return r.out.WriteByte('\n')
		}
	case "csv":
		return r.csv.Write(texts(cells, true))
	case "table":
		r.kept = append(r.kept, texts(cells, false))
	}
	return nil
}

func (r *rows) end() error {
	switch r.format {
	case "json":
		if r.n == 0 {
			r.out.WriteString("[") //nolint:errcheck,gosec // its error comes again with Flush
		}
		_, err := r.out.WriteString("\n]\n")
		return err
	case "csv":
		r.csv.Flush()
		return r.csv.Error()
	case "table":
		return r.table()
	}
	return nil
}

// maxCell bounds a table's cell; the other formats give values whole.
const maxCell = 60

func (r *rows) table() error {
	widths := make([]int, len(r.columns))
	for _, line := range append([][]string{r.columns}, r.kept...) {
		for i, cell := range line {
			widths[i] = min(max(widths[i], utf8.RuneCountInString(cell)), maxCell)
		}
	}
	for _, line := range append([][]string{r.columns}, r.kept...) {
		var b strings.Builder
		for i, cell := range line {
			cell = cut(cell, maxCell)
			b.WriteString(cell)
			if i < len(line)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
			}
		}
		text := strings.TrimRight(b.String(), " ")
		if r.width > 0 {
			text = cut(text, r.width)
		}
		if _, err := io.WriteString(r.out, text+"\n"); err != nil {
			return err
		}
	}
	return nil
}

func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// texts makes cells plain: nothing that a terminal obeys, and nothing that a spreadsheet computes.
func texts(cells []json.RawMessage, spreadsheet bool) []string {
	out := make([]string, len(cells))
	for i, c := range cells {
		var s string
		if json.Unmarshal(c, &s) != nil {
			if s = string(c); s == "null" {
				s = ""
			}
		} else if spreadsheet && s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
			s = "'" + s
		}
		out[i] = strings.Map(func(r rune) rune {
			if r == '\n' || r == '\t' || !unicode.IsPrint(r) {
				return '\uFFFD'
			}
			return r
		}, s)
	}
	return out
}
