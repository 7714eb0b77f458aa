//go:build cgo

package duck

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/big"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // the engine

	"github.com/tocsin-security/tocsin/internal/lake"
)

// Available reports whether this build holds the engine.
const Available = true

// Serve is the child: it opens the engine, reads one request, writes the answer and returns. It gives up when in ends: nobody waits any longer.
func Serve(in io.Reader, out io.Writer) error {
	db, opening := opened(context.Background())
	var r request
	if err := json.NewDecoder(in).Decode(&r); err != nil {
		return fmt.Errorf("read the question: %w", err)
	}
	ctx, gone := context.WithCancel(context.Background())
	defer gone()
	go func() { // it ends with the process
		_, _ = io.Copy(io.Discard, in)
		gone()
	}()
	w := bufio.NewWriterSize(out, 64<<10)
	enc := json.NewEncoder(w)
	rows := 0
	err := opening
	send := func(line reply) error {
		if err := enc.Encode(line); err != nil {
			return err
		}
		if line.Row != nil {
			rows++
		}
		if line.Columns != nil || line.Page || rows == firstPage || w.Buffered() > 32<<10 {
			return w.Flush()
		}
		return nil
	}
	if err == nil {
		err = serve(ctx, db, &r, send)
	}
	var refused RefusedError
	switch {
	case errors.As(err, &refused):
		err = enc.Encode(reply{Refused: refused.Text})
	case err != nil:
		err = enc.Encode(reply{Error: err.Error()})
	default:
		err = enc.Encode(reply{Done: true})
	}
	return errors.Join(err, w.Flush())
}

// firstPage are rows that are sent on before there are enough for a block.
const firstPage = 40

// opened starts DuckDB, which takes about as long as a small answer.
func opened(ctx context.Context) (*sql.DB, error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, fmt.Errorf("start DuckDB: %w", err)
	}
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("start DuckDB: %w", errors.Join(err, db.Close()))
	}
	return db, nil
}

func serve(ctx context.Context, db *sql.DB, r *request, send func(reply) error) error {
	timeout := timeoutOf(time.Duration(r.TimeoutSeconds * float64(time.Second)))
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	if err := prepare(ctx, db, r); err != nil {
		return err
	}
	var err error
	switch {
	case r.Look != nil:
		err = look(ctx, db, r, send)
	case r.Filter != "" && r.Parquet == "":
		err = pages(ctx, db, r, send)
	default:
		err = answer(ctx, db, r.question(), r.Args, send)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return tooLong(timeout)
	}
	return explain(err)
}

// text is what is asked, as one SELECT.
func (r *request) text() string {
	if r.Look != nil {
		return r.Look.sql(func(string) string { return "events" }, r.Look.all())
	}
	if r.Filter != "" {
		return FilterSQL(r.Filter)
	}
	return strings.TrimRight(strings.TrimSpace(r.SQL), ";")
}

// question is what is run, where it is not run in pages.
func (r *request) question() string {
	if r.Parquet == "" {
		return r.text()
	}
	text := r.text() + "\n"
	if r.Rows > 0 {
		text = "SELECT * FROM (" + text + ") LIMIT " + strconv.Itoa(r.Rows)
	}
	return "COPY (" + text + ") TO " + literal(r.Parquet) + " (FORMAT parquet, COMPRESSION zstd)"
}

// prepare sets bounds, checks the question, makes the views and locks the door.
func prepare(ctx context.Context, db *sql.DB, r *request) error {
	memory := r.Memory
	if memory <= 0 {
		memory = 1024
	}
	names, err := judge(ctx, db, r)
	if err != nil {
		return err
	}
	allowed := "SET allowed_directories=[" + literal(filepath.Join(r.Folder, "data")+"/") + "]"
	if r.Parquet != "" {
		allowed += "; SET allowed_paths=[" + literal(r.Parquet) + "]"
	}
	statements := []string{
		"SET TimeZone='UTC'", fmt.Sprintf("SET memory_limit='%dMiB'", memory), "SET temp_directory=''", "SET autoinstall_known_extensions=false", "SET autoload_known_extensions=false",
		view(r, "events", span(0, len(r.Files))),
	}
	statements = append(statements, lakeViews(names)...)
	for _, set := range append(statements, allowed, "SET enable_external_access=false", "SET lock_configuration=true") {
		if _, err := db.ExecContext(ctx, set); err != nil {
			return fmt.Errorf("prepare the search: %w", err)
		}
	}
	return nil
}

// judge parses a question and refuses it, or says which names of Security Lake it uses.
func judge(ctx context.Context, db *sql.DB, r *request) ([]tableName, error) {
	if r.Filter != "" {
		parsed, err := parse(ctx, db, "SELECT ("+r.Filter+"\n)")
		if err == nil {
			err = checkFilter(parsed)
		}
		if err != nil {
			return nil, err
		}
	}
	parsed, err := parse(ctx, db, r.text())
	if err != nil {
		return nil, err
	}
	c, err := check(parsed)
	if err != nil {
		return nil, err
	}
	if len(c.names) == 0 || r.Filter != "" {
		return c.names, nil
	}
	rewritten, ok, err := withoutAnyMatch(parsed)
	if err != nil || !ok {
		return c.names, err
	}
	if err := db.QueryRowContext(ctx, "SELECT json_deserialize_sql(?::JSON)", string(rewritten)).Scan(&r.SQL); err != nil {
		return nil, fmt.Errorf("write any_match in DuckDB's words: %w", err)
	}
	if parsed, err = parse(ctx, db, r.SQL); err != nil {
		return nil, err
	}
	c, err = check(parsed) // what runs is what was checked
	return c.names, err
}

func parse(ctx context.Context, db *sql.DB, text string) ([]byte, error) {
	var parsed string
	if err := db.QueryRowContext(ctx, "SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", text).Scan(&parsed); err != nil {
		return nil, RefusedError{strings.TrimPrefix(err.Error(), "Parser Error: ")}
	}
	return []byte(parsed), nil
}

// pages answers a filter from the newest days to the oldest, some days at a time, so that the newest events are there before the oldest are read.
func pages(ctx context.Context, db *sql.DB, r *request, send func(reply) error) error {
	left, first := r.Rows, true
	at := 0
	for _, n := range append(slices.Clone(r.Pages), 0) {
		if n == 0 && !first {
			break
		}
		if _, err := db.ExecContext(ctx, view(r, "page_of_events", span(at, at+n))); err != nil {
			return fmt.Errorf("prepare the search: %w", err)
		}
		at += n
		text := "SELECT " + shown + " FROM page_of_events AS events WHERE (" + r.Filter + "\n) ORDER BY time_dt DESC"
		if r.Rows > 0 {
			text += " LIMIT " + strconv.Itoa(left)
		}
		err := answer(ctx, db, text, nil, func(line reply) error {
			switch {
			case line.Columns != nil && !first:
				return nil
			case line.Row != nil:
				left--
			}
			first = false
			return send(line)
		})
		if err != nil || r.Rows > 0 && left <= 0 {
			return err
		}
		if err := send(reply{Page: true}); err != nil {
			return err
		}
	}
	return nil
}

// look answers a Look from the newest days to the oldest, and tells after each page that it is complete: whoever asks says when it is enough.
func look(ctx context.Context, db *sql.DB, r *request, send func(reply) error) error {
	at := 0
	for _, n := range r.Pages {
		held := map[string][]int{}
		for i := at; i < at+n; i++ {
			for _, c := range r.Look.Columns[i] {
				held[c] = append(held[c], i)
			}
		}
		columns := slices.Sorted(maps.Keys(held))
		for i, c := range columns {
			if _, err := db.ExecContext(ctx, view(r, pageOf(i), held[c])); err != nil {
				return fmt.Errorf("prepare the search: %w", err)
			}
		}
		text := r.Look.sql(func(column string) string { return pageOf(slices.Index(columns, column)) }, columns)
		err := answer(ctx, db, text, r.Args, func(line reply) error {
			if line.Columns != nil && at > 0 {
				return nil
			}
			return send(line)
		})
		if err != nil {
			return err
		}
		if err := send(reply{Page: true}); err != nil {
			return err
		}
		at += n
	}
	return nil
}

func pageOf(column int) string { return "page_" + strconv.Itoa(column) }

// span are the places in a list from one to before another.
func span(from, to int) []int {
	out := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

// view makes a table of some of the files, by their places in the list; of events within scope and time.
func view(r *request, name string, files []int) string {
	var b strings.Builder
	b.WriteString("CREATE OR REPLACE VIEW " + name + " AS SELECT * FROM " + tableOf(r, files) + " WHERE true")
	if !r.Everything {
		b.WriteString(" AND account IN (NULL")
		for _, a := range r.Accounts {
			b.WriteString(", " + literal(a))
		}
		b.WriteString(")")
	}
	if r.FromMicro != 0 {
		fmt.Fprintf(&b, " AND time_dt >= make_timestamp(%d)", r.FromMicro)
	}
	if r.ToMicro != 0 {
		fmt.Fprintf(&b, " AND time_dt < make_timestamp(%d)", r.ToMicro)
	}
	return b.String()
}

// tableOf reads files by the names of columns, and those that may lack some of today by their ids, so that what they lack is null. By
// id DuckDB reads a whole object for one member of it: twice the time for a question that asks for one.
func tableOf(r *request, files []int) string {
	var today, older []string
	for _, i := range files {
		if r.Older[i] {
			older = append(older, literal(r.Files[i]))
		} else {
			today = append(today, literal(r.Files[i]))
		}
	}
	byName := "read_parquet([" + strings.Join(today, ", ") + "], hive_partitioning=false)"
	byID := "read_parquet([" + strings.Join(older, ", ") + "], hive_partitioning=false, schema=MAP {" + listed(r.Columns, func(c lake.Column) string {
		return fmt.Sprintf("%d: {name: %s, type: %s, default_value: NULL}", c.ID, literal(c.Name), literal(c.Type))
	}) + "})"
	switch {
	case len(today)+len(older) == 0:
		return "(SELECT " + listed(r.Columns, func(c lake.Column) string { return fmt.Sprintf("NULL::%s AS %q", c.Type, c.Name) }) + " WHERE false)"
	case len(older) == 0:
		return byName
	case len(today) == 0:
		return byID
	}
	return "(FROM " + byName + " UNION ALL BY NAME FROM " + byID + ")"
}

func listed(columns []lake.Column, each func(lake.Column) string) string {
	texts := make([]string, len(columns))
	for i, c := range columns {
		texts[i] = each(c)
	}
	return strings.Join(texts, ", ")
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func answer(ctx context.Context, db *sql.DB, question string, args []string, send func(reply) error) error {
	values := make([]any, len(args))
	for i, a := range args {
		values[i] = a
	}
	rows, err := db.QueryContext(ctx, question, values...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // read only
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	head := reply{Columns: []string{}}
	for _, t := range types {
		head.Columns, head.Types = append(head.Columns, t.Name()), append(head.Types, t.DatabaseTypeName())
	}
	if err := send(head); err != nil {
		return err
	}
	cells, into := make([]any, len(types)), make([]any, len(types))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		line := reply{Row: make([]json.RawMessage, len(cells))}
		for i, c := range cells {
			if line.Row[i], err = json.Marshal(plain(c)); err != nil {
				return err
			}
		}
		if err := send(line); err != nil {
			return err
		}
	}
	return rows.Err()
}

// plain makes of a value what JSON can say.
func plain(v any) any {
	switch x := v.(type) {
	case time.Time:
		return x.UTC().Format("2006-01-02T15:04:05.999Z")
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return strconv.FormatFloat(x, 'g', -1, 64)
		}
	case map[string]any:
		for k, item := range x {
			x[k] = plain(item)
		}
	case []any:
		for i, item := range x {
			x[i] = plain(item)
		}
	case *big.Int: // a sum of integers
		return json.Number(x.String())
	case nil, string, bool, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float32, []byte:
	default:
		if s, ok := v.(fmt.Stringer); ok {
			return s.String()
		}
		return fmt.Sprint(v)
	}
	return v
}

// explain turns what DuckDB says of a question into a refusal; anything else stays an error.
func explain(err error) error {
	if err == nil {
		return nil
	}
	for _, kind := range []string{"Binder Error: ", "Catalog Error: ", "Conversion Error: ", "Parser Error: ", "Invalid Input Error: ", "Out of Range Error: ", "Permission Error: ", "Out of Memory Error: "} {
		if text, ok := strings.CutPrefix(err.Error(), kind); ok {
			return RefusedError{text}
		}
	}
	if strings.HasPrefix(err.Error(), "incorrect argument count") { // the driver's own words
		return RefusedError{"the question holds $1, ? or another placeholder that has no value: write the values in their places, in single quotes"}
	}
	return err
}
