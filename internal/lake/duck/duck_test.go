//go:build cgo

package duck

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// TestMain is also the child that answers.
func TestMain(m *testing.M) {
	if os.Getenv("TOCSIN_QUERY_CHILD") != "" {
		if err := Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// filled is a lake of three accounts over two days, in files of two commits.
func filled(t *testing.T) *lake.Lake {
	t.Helper()
	return filledAt(t, filepath.Join(t.TempDir(), "it's a lake, 100% #1?"))
}

func filledAt(t testing.TB, dir string) *lake.Lake {
	t.Helper()
	l, err := lake.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for day := range 2 {
		w, err := l.NewWriter()
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for n := range 9 {
			fmt.Fprintf(&text, `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","userName":"u\u202e<b>","accountId":"%[1]d"},"eventTime":%[2]q,"eventSource":"iam.amazonaws.com","eventName":"ListUsers","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","requestParameters":{"deep":{"n":%[3]d}},"eventID":"00000000-0000-4000-8000-%012[3]d","recipientAccountId":"%[1]d","readOnly":true}`+"\n",
				111111111111*(n%3+1), noon.Add(time.Duration(day)*24*time.Hour).Format(time.RFC3339), day*9+n)
		}
		err = ocsf.NewDecoder(cloudtrail.Shape(), records.Limits{}).Decode(t.Context(), strings.NewReader(text.String()), "test", ocsf.Sink{
			Event: func(e *ocsf.Event) error {
				w.Append(lake.Prepare(&lake.Row{Event: e, SrcIP: e.Str(ocsf.SrcIP), Operation: e.Str(ocsf.APIOperation), Lane: lake.LaneLive, Received: noon}, noon))
				return nil
			},
			Unreadable: func(u ocsf.Unreadable) error { return errors.New(u.Reason) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Commit(t.Context(), lake.Marks{}); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func ask(ctx context.Context, scope access.Scope, l *lake.Lake, q Question) ([]string, Answer, error) {
	var rows []string
	a, err := engine().Ask(ctx, scope, l, q, func(Answer) {}, func(cells []json.RawMessage) error {
		text := make([]string, len(cells))
		for i, c := range cells {
			text[i] = string(c)
		}
		rows = append(rows, strings.Join(text, " "))
		return nil
	})
	return rows, a, err
}

func TestAnswers(t *testing.T) {
	l := filled(t)
	cases := []struct {
		name  string
		scope access.Scope
		q     Question
		want  string
	}{
		{"count", access.Everything(), Question{SQL: "SELECT count(*) FROM events"}, "18"},
		{"a semicolon and a comment", access.Everything(), Question{SQL: "SELECT count(*) FROM events; -- all"}, "18"},
		{"scope", access.Accounts("111111111111"), Question{SQL: "SELECT count(*), min(account), max(account) FROM events"}, `6 "111111111111" "111111111111"`},
		{"a value beside the SQL", access.Everything(), Question{SQL: "SELECT count(*), $2 FROM events WHERE account = $1", Args: []string{"111111111111", "' OR \x00 $1"}}, `6 "' OR \u0000 $1"`},
		{"a value is no SQL", access.Everything(), Question{SQL: "SELECT count(*) FROM events WHERE account = $1", Args: []string{"' OR true OR '"}}, "0"},
		{"a value within the scope", access.Accounts("222222222222"), Question{SQL: "SELECT count(*) FROM events WHERE account = $1", Args: []string{"111111111111"}}, "0"},
		{"no scope", access.Scope{}, Question{SQL: "SELECT count(*) FROM events"}, "0"},
		{"scope with a quote", access.Accounts("' OR true OR '"), Question{SQL: "SELECT count(*) FROM events"}, "0"},
		{"time", access.Everything(), Question{SQL: "SELECT count(*) FROM events", From: noon.Add(time.Hour)}, "9"},
		{"until", access.Everything(), Question{SQL: "SELECT count(*) FROM events", To: noon.Add(time.Hour)}, "9"},
		{"a nested field, inside JSON", access.Everything(), Question{SQL: "SELECT max((api.request.data->>'deep')) FROM events WHERE api.service.name='iam.amazonaws.com'"}, `"{\"n\":9}"`},
		{"with and window", access.Everything(), Question{SQL: "WITH a AS (SELECT account, count(*) n FROM events GROUP BY 1) SELECT sum(n) OVER () FROM a LIMIT 1"}, "18"},
		{"as Security Lake has it", access.Everything(), Question{SQL: "SELECT count(*) FROM events WHERE time_dt < CURRENT_TIMESTAMP AND cloud.region='eu-west-1' AND metadata.product.vendor_name='AWS' AND activity_name IS NOT NULL"}, "18"},
		{"records come back as they were", access.Everything(), Question{SQL: "SELECT count(*) FROM events WHERE raw_data LIKE '%u\\u202e<b>%'"}, "18"},
		{"columns", access.Everything(), Question{SQL: "SELECT count(*) > 60 FROM (DESCRIBE SELECT * FROM events)"}, "true"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rows, _, err := ask(t.Context(), c.scope, l, c.q)
			if err != nil || len(rows) != 1 || rows[0] != c.want {
				t.Errorf("got %q, %v; want %s", rows, err, c.want)
			}
		})
	}
}

// TestAnAnswerIsBoundInBytes asks for many rows, for one that is too much alone, and for more small values than are held.
func TestAnAnswerIsBoundInBytes(t *testing.T) {
	l := filled(t)
	const most = 1 << 20
	for name, sql := range map[string]string{
		"wide rows": "SELECT repeat('x', 100000) FROM range(1000)", "one row": "SELECT repeat('x', 10000000)", "small rows": "SELECT 1 FROM range(1000000)", "a list": "SELECT range(200000)",
	} {
		rows, a, err := ask(t.Context(), access.Everything(), l, Question{SQL: sql, Bytes: most})
		held := 0
		for _, r := range rows {
			held += len(r)
		}
		if err != nil || !a.Cut || !a.More || held > most || int64(len(rows)) != a.Rows {
			t.Errorf("%s: %d rows of %d bytes, %+v, %v", name, len(rows), held, a, err)
		}
	}
	if rows, a, err := ask(t.Context(), access.Everything(), l, Question{SQL: "SELECT repeat('x', 1000) FROM range(900)", Bytes: most}); err != nil || a.Cut || a.More || len(rows) != 900 {
		t.Errorf("what is within the bound is cut: %d rows, %+v, %v", len(rows), a, err)
	}
}

func TestRefusals(t *testing.T) {
	l := filled(t)
	secret := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(secret, []byte("a\nsecret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{ // more are in hostile_test.go
		"nonsense", "SELECT nothing FROM events", "SELECT 1 FROM events WHERE account = $1", "SELECT 1 FROM events WHERE account = ?", "DROP VIEW events", "COPY (SELECT 1) TO '/tmp/tocsin-escape'", "SELECT * FROM '" + secret + "'", "SELECT (SELECT max(content) FROM read_text('" + secret + "'))",
	} {
		t.Run(q, func(t *testing.T) {
			rows, _, err := ask(t.Context(), access.Accounts("111111111111"), l, Question{SQL: q})
			var refused RefusedError
			if !errors.As(err, &refused) || len(rows) > 0 {
				t.Errorf("got %q, %v; want a refusal", rows, err)
			}
		})
	}
}

func TestAQuestionWithoutEndEnds(t *testing.T) {
	l := filled(t)
	forever := "SELECT count(*) FROM range(100000000000) a, range(1000) b"
	if _, _, err := ask(t.Context(), access.Everything(), l, Question{SQL: forever, Timeout: 300 * time.Millisecond}); err == nil || !strings.Contains(err.Error(), "--timeout") {
		t.Errorf("after the timeout: %v", err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	if _, _, err := ask(ctx, access.Everything(), l, Question{SQL: forever}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after the context ended: %v", err)
	}
}

func TestAQuestionBeyondItsMemoryIsRefused(t *testing.T) {
	_, _, err := ask(t.Context(), access.Everything(), filled(t), Question{SQL: "SELECT list(r.range::VARCHAR || repeat('x', 1000)) FROM range(1000000) r", Memory: 64})
	var refused RefusedError
	if !errors.As(err, &refused) {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestRowsAreCutWithAWord(t *testing.T) {
	rows, a, err := ask(t.Context(), access.Everything(), filled(t), Question{SQL: "SELECT metadata.uid FROM events", Rows: 5})
	if err != nil || len(rows) != 5 || !a.More {
		t.Errorf("%d rows, more %v, %v", len(rows), a.More, err)
	}
	rows, a, err = ask(t.Context(), access.Everything(), filled(t), Question{SQL: "SELECT metadata.uid FROM events", Rows: 18})
	if err != nil || len(rows) != 18 || a.More {
		t.Errorf("%d rows, more %v, %v", len(rows), a.More, err)
	}
}

func TestAnEmptyLakeHasColumns(t *testing.T) {
	l, err := lake.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a test
	rows, a, err := ask(t.Context(), access.Everything(), l, Question{SQL: "SELECT time_dt, api.operation, resources FROM events"})
	if err != nil || len(rows) != 0 || len(a.Columns) != 3 {
		t.Errorf("%v, columns %v, %v", rows, a.Columns, err)
	}
}

func TestParquetAnswer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "answer.parquet")
	if _, _, err := ask(t.Context(), access.Everything(), filled(t), Question{SQL: "SELECT * FROM events -- all", Parquet: file}); err != nil {
		t.Fatal(err)
	}
	a, err := engine().Ask(t.Context(), access.Everything(), filled(t), Question{Filter: "true", Parquet: file + "2", Rows: 7}, func(Answer) {}, func([]json.RawMessage) error { return nil })
	if err != nil || a.Rows != 7 || !a.More {
		t.Errorf("%d rows, more %v, %v", a.Rows, a.More, err)
	}
	if b, err := os.ReadFile(file); err != nil || len(b) < 4 || string(b[:4]) != "PAR1" {
		t.Errorf("no Parquet in %s: %v", file, err)
	}
}

func TestFiltersComeNewestFirstInPages(t *testing.T) {
	l := filled(t)
	for _, c := range []struct {
		name  string
		q     Question
		rows  int
		first string
		pages int
		more  bool
	}{
		{"all", Question{Filter: "true"}, 18, "2026-03-11", 2, false},
		{"cut within the newest day", Question{Filter: "true", Rows: 5}, 5, "2026-03-11", 0, true},
		{"cut within the older day", Question{Filter: "true", Rows: 12}, 12, "2026-03-11", 1, true},
		{"exactly as many as there are", Question{Filter: "true", Rows: 18}, 18, "2026-03-11", 2, false},
		{"a question over all days within a page", Question{Filter: "account = (SELECT min(events.account) FROM events) AND events.time_dt > '2026-03-01' -- so"}, 6, "2026-03-11", 2, false},
		{"none", Question{Filter: "account = 'x'"}, 0, "", 2, false},
		{"no file", Question{Filter: "true", From: noon.AddDate(1, 0, 0)}, 0, "", 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var times []string
			pages, heads := 0, 0
			a, err := engine().Ask(t.Context(), access.Everything(), l, c.q, func(Answer) { heads++ }, func(cells []json.RawMessage) error {
				if cells == nil {
					pages++
					return nil
				}
				times = append(times, string(cells[0]))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(times) != c.rows || a.Rows != int64(c.rows) || a.More != c.more || pages != c.pages || heads != 1 {
				t.Errorf("%d rows, more %v, %d pages, %d heads", len(times), a.More, pages, heads)
			}
			if !slices.IsSortedFunc(times, func(a, b string) int { return strings.Compare(b, a) }) || c.rows > 0 && !strings.Contains(times[0], c.first) {
				t.Errorf("the order is %s", times)
			}
		})
	}
}

func TestPagesAreWholeDaysOfGrowingSize(t *testing.T) {
	var files []lake.File
	for day := range 20 {
		for range 1 + day%3 {
			files = append(files, lake.File{Day: noon.AddDate(0, 0, -day), Bytes: 50 << 20})
		}
	}
	pages := pagesOf(files)
	at := 0
	var days []int
	for _, n := range pages {
		seen := map[time.Time]bool{}
		for _, f := range files[at : at+n] {
			seen[f.Day] = true
		}
		if at > 0 && files[at-1].Day.Equal(files[at].Day) {
			t.Errorf("the day %s is in two pages", files[at].Day)
		}
		days, at = append(days, len(seen)), at+n
	}
	if fmt.Sprint(days) != "[1 3 5 11]" || at != len(files) {
		t.Errorf("days in pages %v, %d of %d files", days, at, len(files))
	}
}

func engine() *Engine { return &Engine{Command: []string{os.Args[0]}} }

// TestASpareAnswers asks an engine that keeps a process ready: each question has a process of its own, one that was killed while it waited is not
// asked, and none is left behind.
func TestASpareAnswers(t *testing.T) {
	t.Parallel()
	l, e := filled(t), engine()
	e.Spare = true
	ask := func() string {
		t.Helper()
		var out string
		_, err := e.Ask(t.Context(), access.Everything(), l, Question{SQL: "SELECT count(*) FROM events"}, func(Answer) {}, func(cells []json.RawMessage) error {
			out = string(cells[0])
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	want := ask()
	first := e.ready
	if first == nil || want == "0" {
		t.Fatalf("no process waits for the next question; %s events", want)
	}
	if got := ask(); got != want {
		t.Errorf("the process that waited says %s, not %s", got, want)
	}
	select {
	case <-first.done:
	default:
		t.Error("a process that has answered is still there")
	}
	killed := e.ready
	killed.kill()
	<-killed.done
	if got := ask(); got != want {
		t.Errorf("after one was killed: %s, not %s", got, want)
	}
	last := e.ready
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	<-last.done
	if ask(); e.ready != nil {
		t.Error("a closed engine keeps a process")
	}
}

// served opens an engine for one request.
func served(ctx context.Context, r *request, send func(reply) error) error {
	db, err := opened(ctx)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing is kept
	return serve(ctx, db, r, send)
}
