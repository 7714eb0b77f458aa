//go:build cgo

package duck

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/lake"
)

// asked is a question in each language. from and to bound the time, where the question does.
type asked struct {
	name     string
	sql      string // over the table events
	logsQL   string
	from, to time.Time
}

var (
	week      = time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)
	questions = []asked{
		{name: "count by hour", sql: "SELECT date_trunc('hour', time_dt) AS hour, count(*) AS n FROM events GROUP BY 1 ORDER BY 1", logsQL: "* | stats by (_time:1h) count() n | sort by (_time)"},
		{name: "one address", sql: "SELECT count(*) AS n FROM events WHERE src_ip = 'ADDRESS'", logsQL: `sourceIPAddress:="ADDRESS" | stats count() n`},
		{
			name: "a principal's week", sql: "SELECT operation, count(*) AS n FROM events WHERE principal = 'PRINCIPAL' AND time_dt >= '2026-03-09' AND time_dt < '2026-03-16' GROUP BY 1 ORDER BY 2 DESC, 1",
			logsQL: `_time:[2026-03-09, 2026-03-16) userIdentity.arn:="PRINCIPAL" | stats by (_msg) count() n | sort by (n desc, _msg)`, from: week, to: week.AddDate(0, 0, 7),
		},
		{name: "text in a request parameter", sql: "SELECT count(*) AS n FROM events WHERE api.request.data LIKE '%part-0042%'", logsQL: `requestParameters.key:"part-0042" | stats count() n`},
		{name: "a value that is nowhere", sql: "SELECT count(*) AS n FROM events WHERE src_ip = '203.0.113.254'", logsQL: `sourceIPAddress:="203.0.113.254" | stats count() n`},
	}
)

// BenchmarkQuestions asks a lake of TOCSIN_BENCH_EVENTS events (default 1,000,000), which is kept in TOCSIN_BENCH_LAKE where that is named:
// by a search as the console asks, with a process that waits for it, and as the command line does, which starts one; by DuckDB over the same files, opened anew for each question as a child is; and by VictoriaLogs
// at TOCSIN_BENCH_VICTORIALOGS, which holds the same events or is given them. The least of several runs counts, one after the other.
func BenchmarkQuestions(b *testing.B) {
	events := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("TOCSIN_BENCH_EVENTS")); err == nil && n > 0 {
		events = n
	}
	dir := filepath.Join(b.TempDir(), "lake")
	if d := os.Getenv("TOCSIN_BENCH_LAKE"); d != "" {
		dir = d
	}
	l := manyLake(b, dir, events)
	files, err := l.Plan(b.Context(), time.Time{}, time.Time{})
	if err != nil {
		b.Fatal(err)
	}
	rows, size := int64(0), int64(0)
	for _, f := range files {
		rows, size = rows+f.Rows, size+f.Bytes
	}
	fmt.Fprintf(os.Stderr, "%d events in %d files, %d bytes: %.1f each\n", rows, len(files), size, float64(size)/float64(rows))
	peer := os.Getenv("TOCSIN_BENCH_VICTORIALOGS")
	if peer != "" {
		fill(b, peer, events, rows)
	}
	for _, q := range questions {
		b.Run(strings.ReplaceAll(q.name, " ", "-"), func(b *testing.B) {
			ours, alone, raw, theirs := time.Hour, time.Hour, time.Hour, time.Hour
			spare := Engine{Command: []string{os.Args[0]}, Spare: true}
			defer spare.Close() //nolint:errcheck // it has no error
			for range b.N {
				a, took := q.search(b, l, &Engine{Command: []string{os.Args[0]}})
				alone = min(alone, took)
				spare.prepare()
				time.Sleep(500 * time.Millisecond) // as between the questions of a person
				s, took := q.search(b, l, &spare)
				ours = min(ours, took)
				if a != s {
					b.Fatalf("%q: one process says %s, another %s", q.name, a, s)
				}
				time.Sleep(500 * time.Millisecond)
				r, took := q.raw(b, files)
				raw = min(raw, took)
				if a != r {
					b.Fatalf("%q: a search says %s, DuckDB %s", q.name, a, r)
				}
				if peer != "" {
					v, took := q.victoria(b, peer)
					theirs = min(theirs, took)
					if v != a {
						b.Fatalf("%q: a search says %.300s, VictoriaLogs %.300s", q.name, a, v)
					}
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ours.Seconds()*1000, "search-ms")
			b.ReportMetric(alone.Seconds()*1000, "search-alone-ms")
			b.ReportMetric(raw.Seconds()*1000, "duckdb-ms")
			b.ReportMetric(ours.Seconds()/raw.Seconds(), "search/duckdb")
			if peer != "" {
				b.ReportMetric(theirs.Seconds()*1000, "victorialogs-ms")
			}
		})
	}
}

// Who is asked about: a person of the second department, and one of the addresses.
func (q *asked) fill(text string) string {
	address := newTelling(`"88.12.44.19"`, 0)
	return strings.NewReplacer("ADDRESS", strings.Trim(string(address.tell(nil, 0, 1)), `"`), "PRINCIPAL", "arn:aws:sts::210987650005:assumed-role/AWSReservedSSO_DeveloperAccess_000000000001d005/sofia.rossi.1@example.org").Replace(text)
}

// search asks by the way of `tocsin search`. An answer is its numbers in order.
func (q *asked) search(b *testing.B, l *lake.Lake, e *Engine) (string, time.Duration) {
	b.Helper()
	var out []string
	start := time.Now()
	_, err := e.Ask(b.Context(), access.Everything(), l, Question{SQL: q.fill(q.sql), From: q.from, To: q.to}, func(Answer) {}, func(row []json.RawMessage) error {
		out = append(out, string(row[len(row)-1]))
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return strings.Join(out, " "), time.Since(start)
}

// raw asks DuckDB about all files.
func (q *asked) raw(b *testing.B, files []lake.File) (string, time.Duration) {
	b.Helper()
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = literal(f.Path)
	}
	start := time.Now()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing is kept
	text := strings.Replace(q.fill(q.sql), "FROM events", "FROM read_parquet(["+strings.Join(paths, ",")+"], hive_partitioning=false)", 1)
	rows, err := db.QueryContext(b.Context(), "SELECT CAST(n AS BIGINT) FROM ("+text+")")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // read to the end
	var out []string
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			b.Fatal(err)
		}
		out = append(out, strconv.FormatInt(n, 10))
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return strings.Join(out, " "), time.Since(start)
}

// victoria asks VictoriaLogs over HTTP, as it is asked.
func (q *asked) victoria(b *testing.B, base string) (string, time.Duration) {
	b.Helper()
	start := time.Now()
	var out []string
	for line := range bytes.Lines(posted(b, base+"/select/logsql/query", url.Values{"query": {q.fill(q.logsQL)}})) {
		var row struct{ N string }
		if err := json.Unmarshal(line, &row); err != nil {
			b.Fatalf("%v: %s", err, line)
		}
		out = append(out, row.N)
	}
	return strings.Join(out, " "), time.Since(start)
}

func posted(b *testing.B, to string, form url.Values) []byte {
	b.Helper()
	answer, err := http.PostForm(to, form) //nolint:gosec,noctx // of the benchmark's own
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read to the end
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s %s (%v)", to, answer.Status, text, err)
	}
	return text
}

// fill gives VictoriaLogs the events, unless it holds them.
func fill(b *testing.B, base string, events int, rows int64) {
	b.Helper()
	count := func() string {
		return string(posted(b, base+"/select/logsql/query", url.Values{"query": {"* | stats count() n"}}))
	}
	if strings.Contains(count(), fmt.Sprintf(`"%d"`, rows)) {
		return
	}
	start := time.Now()
	manyEvents(b, events, func(_ int, lines [][]byte) error {
		answer, err := http.Post(base+"/insert/jsonline?_stream_fields=recipientAccountId,awsRegion&_time_field=eventTime&_msg_field=eventName", "application/stream+json", bytes.NewReader(bytes.Join(lines, []byte("\n")))) //nolint:gosec,noctx // likewise
		if err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("VictoriaLogs: %s", answer.Status)
		}
		return answer.Body.Close()
	})
	for deadline := time.Now().Add(time.Minute); !strings.Contains(count(), fmt.Sprintf(`"%d"`, rows)); time.Sleep(time.Second) {
		if time.Now().After(deadline) {
			b.Fatalf("VictoriaLogs holds %s of %d", count(), rows)
		}
	}
	fmt.Fprintf(os.Stderr, "VictoriaLogs took the events in in %s\n", time.Since(start).Round(time.Second))
}
