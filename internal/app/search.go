package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
)

// SearchOptions are what `tocsin search` is asked for.
type SearchOptions struct {
	SQL      string
	Filter   string // a condition, in place of SQL
	Lake     string
	Format   string // table, json, jsonl, csv or parquet; "" by the ending of Output, else table
	Output   string // file; "" for standard output
	From, To string
	Accounts []string
	Limit    int // rows at most; 0: all; less: 1000 to standard output, and all to a file
	Memory   int
	Timeout  time.Duration
	Width    int
	Child    []string // the command that answers; nil: this binary
}

// shownRows is the limit of an answer that is shown, where none is given.
const shownRows = 1000

// engineOf answers questions by a command; nil: this binary.
func engineOf(command []string) (*duck.Engine, error) {
	if command == nil {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find the program itself: %w", err)
		}
		command = []string{exe, "query-child"}
	}
	return &duck.Engine{Command: command}, nil
}

// Search asks the lake and writes the answer while it comes.
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
	engine, err := engineOf(o.Child)
	if err != nil {
		return err
	}
	out, err := o.target(streams.Out)
	if err != nil {
		return err
	}
	if o.Format == "parquet" {
		q.Parquet = out.file
	}
	scope := access.Everything()
	if len(o.Accounts) > 0 {
		scope = access.Accounts(o.Accounts...)
	}
	w := newRows(o.Format, out, o.Width)
	a, err := engine.Ask(ctx, scope, l, q, w.head, w.row)
	interrupted := err != nil && ctx.Err() != nil
	keep := err == nil || interrupted && q.Parquet == "" && w.columns != nil
	if ended := w.end(); ended != nil && !interrupted {
		err = errors.Join(err, ended)
	}
	if closed := out.close(keep && (err == nil || interrupted)); closed != nil {
		err = errors.Join(err, closed)
	}
	switch refused := (duck.RefusedError{}); {
	case interrupted:
		o.tellInterrupted(a, keep, streams.Err)
		return Outcome(ExitPartly)
	case errors.As(err, &refused):
		return UsageError{Err: refused, Hint: "the columns are listed by: tocsin search DESCRIBE --lake " + o.Lake}
	case err != nil:
		return err
	}
	o.tellAnswer(a, q, streams.Err)
	return nil
}

func (o *SearchOptions) tellAnswer(a duck.Answer, q duck.Question, talk io.Writer) {
	more := ""
	switch {
	case a.More && o.Format == "parquet":
		more = fmt.Sprintf(" (the limit; there can be more: raise --limit %d, or 0 for all)", q.Rows)
	case a.More:
		more = fmt.Sprintf(" (there are more: raise --limit %d, or 0 for all)", q.Rows)
	}
	if o.Output != "" {
		fmt.Fprintf(talk, "wrote %s\n", o.Output)
	}
	fmt.Fprintf(talk, "%d rows%s from %d files of %s in %s\n", a.Rows, more, a.Files, binaryBytes(a.Bytes), a.Took.Round(time.Millisecond))
}

func (o *SearchOptions) tellInterrupted(a duck.Answer, kept bool, talk io.Writer) {
	switch {
	case !kept:
		fmt.Fprintf(talk, "interrupted after %s: nothing was written\n", a.Took.Round(time.Millisecond))
	case o.Output != "":
		fmt.Fprintf(talk, "interrupted after %s: the %d rows so far are in %s, which is not the whole answer\n", a.Took.Round(time.Millisecond), a.Rows, o.Output)
	default:
		fmt.Fprintf(talk, "interrupted after %s: these %d rows are not the whole answer\n", a.Took.Round(time.Millisecond), a.Rows)
	}
}

func (o *SearchOptions) question() (duck.Question, error) {
	q := duck.Question{SQL: o.SQL, Filter: o.Filter, Rows: o.Limit, Memory: o.Memory, Timeout: o.Timeout}
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
	case strings.TrimSpace(o.SQL) == "" && strings.TrimSpace(o.Filter) == "":
		errs = append(errs, errors.New("nothing is asked"))
	case strings.EqualFold(strings.TrimSpace(o.SQL), "describe"):
		q.SQL = "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM events)"
	}
	if o.Format == "" {
		o.Format = "table"
		if known := strings.TrimPrefix(filepath.Ext(o.Output), "."); known == "json" || known == "jsonl" || known == "csv" || known == "parquet" {
			o.Format = known
		}
	}
	switch o.Format {
	case "table", "json", "jsonl", "csv":
	case "parquet":
		if o.Output == "" {
			errs = append(errs, errors.New("--format parquet needs a file: -o answer.parquet"))
		}
	default:
		errs = append(errs, fmt.Errorf("--format %q is not one of table, json, jsonl, csv, parquet", o.Format))
	}
	if q.Rows < 0 {
		if q.Rows = shownRows; o.Output != "" {
			q.Rows = 0
		}
	}
	if len(errs) > 0 {
		return q, UsageError{Err: errors.Join(errs...), Hint: `for example: tocsin search --filter "src_ip = '203.0.113.9'", or tocsin search 'SELECT operation, count(*) FROM events GROUP BY 1'`}
	}
	return q, nil
}

// target is where an answer goes: standard output, or a file that has its name only once it is complete.
type target struct {
	*bufio.Writer
	file, name string // of a file: what is written, and what it becomes
	f          *os.File
}

func (o *SearchOptions) target(stdout io.Writer) (*target, error) {
	if o.Output == "" {
		return &target{Writer: bufio.NewWriter(stdout)}, nil
	}
	name, err := filepath.Abs(o.Output)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".tocsin-*")
	if err != nil {
		return nil, UsageError{Err: fmt.Errorf("write %s: %w", o.Output, err), Hint: "give a file in a folder that exists and can be written"}
	}
	t := &target{Writer: bufio.NewWriter(f), file: f.Name(), name: name, f: f}
	if o.Format != "parquet" {
		return t, nil
	}
	// The engine makes this one itself, and only where there is none.
	return t, errors.Join(f.Close(), os.Remove(f.Name()))
}

// close ends the answer and, of a file, gives it its name or removes it.
func (t *target) close(keep bool) error {
	if t.name == "" {
		return t.Flush()
	}
	err := t.Flush()
	if t.f != nil {
		if closed := t.f.Close(); closed != nil && !errors.Is(closed, os.ErrClosed) {
			err = errors.Join(err, closed)
		}
	}
	if err == nil && keep {
		if err = os.Chmod(t.file, 0o644); err == nil { //nolint:gosec // as any report
			err = os.Rename(t.file, t.name)
		}
	}
	if err != nil || !keep {
		if removed := os.Remove(t.file); removed != nil && !errors.Is(removed, os.ErrNotExist) {
			err = errors.Join(err, removed)
		}
	}
	return err
}
