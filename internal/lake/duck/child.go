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
	"math"
	"math/big"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // the engine
)

// Available reports whether this build holds the engine.
const Available = true

// Serve is the child: it reads one request, writes the answer and returns.
func Serve(in io.Reader, out io.Writer) error {
	var r request
	if err := json.NewDecoder(in).Decode(&r); err != nil {
		return fmt.Errorf("read the question: %w", err)
	}
	w := bufio.NewWriterSize(out, 64<<10)
	enc := json.NewEncoder(w)
	err := serve(&r, func(reply reply) error {
		if err := enc.Encode(reply); err != nil {
			return err
		}
		if reply.Columns != nil || w.Buffered() > 32<<10 {
			return w.Flush()
		}
		return nil
	})
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

func serve(r *request, send func(reply) error) error {
	timeout := time.Duration(r.TimeoutSeconds * float64(time.Second))
	if timeout <= 0 {
		timeout = 5 * time.Minute
	}
	ctx, stop := context.WithTimeout(context.Background(), timeout)
	defer stop()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return fmt.Errorf("start DuckDB: %w", err)
	}
	defer db.Close() //nolint:errcheck // the process ends
	db.SetMaxOpenConns(1)
	if err := prepare(ctx, db, r); err != nil {
		return err
	}
	question := strings.TrimRight(strings.TrimSpace(r.SQL), ";")
	if r.Parquet != "" {
		question = "COPY (" + question + "\n) TO " + literal(r.Parquet) + " (FORMAT parquet, COMPRESSION zstd)"
	}
	err = answer(ctx, db, question, send)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return RefusedError{fmt.Sprintf("no answer within %s: narrow the time range (--from, --to) or allow more time (--timeout)", timeout)}
	}
	return explain(err)
}

// prepare sets bounds, checks the question, makes the view and locks the door.
func prepare(ctx context.Context, db *sql.DB, r *request) error {
	memory := r.Memory
	if memory <= 0 {
		memory = 1024
	}
	var parsed string
	if err := db.QueryRowContext(ctx, "SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", r.SQL).Scan(&parsed); err != nil {
		return RefusedError{strings.TrimPrefix(err.Error(), "Parser Error: ")}
	}
	if err := check([]byte(parsed)); err != nil {
		return err
	}
	allowed := "SET allowed_directories=[" + literal(filepath.Join(r.Folder, "data")+"/") + "]"
	if r.Parquet != "" {
		allowed += "; SET allowed_paths=[" + literal(r.Parquet) + "]"
	}
	for _, set := range []string{
		"SET TimeZone='UTC'", fmt.Sprintf("SET memory_limit='%dMiB'", memory), "SET temp_directory=''", "SET autoinstall_known_extensions=false", "SET autoload_known_extensions=false",
		allowed, "SET enable_external_access=false", view(r), "SET lock_configuration=true",
	} {
		if _, err := db.ExecContext(ctx, set); err != nil {
			return fmt.Errorf("prepare the search: %w", err)
		}
	}
	return nil
}

// view makes the table events of the files, by field id, so that a file from before a column has it as null.
func view(r *request) string {
	var b strings.Builder
	b.WriteString("CREATE VIEW events AS SELECT * FROM ")
	if len(r.Files) == 0 {
		b.WriteString("(SELECT ")
		for i, c := range r.Columns {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "NULL::%s AS %q", c.Type, c.Name)
		}
		b.WriteString(") WHERE false")
		return b.String()
	}
	b.WriteString("read_parquet([")
	for i, f := range r.Files {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(literal(f))
	}
	b.WriteString("], hive_partitioning=false, schema=MAP {")
	for i, c := range r.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d: {name: %s, type: %s, default_value: NULL}", c.ID, literal(c.Name), literal(c.Type))
	}
	b.WriteString("}) WHERE true")
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

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func answer(ctx context.Context, db *sql.DB, question string, send func(reply) error) error {
	rows, err := db.QueryContext(ctx, question)
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
	return err
}
