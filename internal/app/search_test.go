//go:build cgo

package app

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// searched is a lake of two days with ten events each, whose user is as hostile as a user agent can be.
func searched(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var text strings.Builder
	for day := range 2 {
		for n := range 10 {
			line, err := json.Marshal(map[string]any{
				"eventVersion": "1.11", "eventTime": time.Date(2026, 3, 10+day, 12, n, 0, 0, time.UTC).Format(time.RFC3339), "eventSource": "iam.amazonaws.com", "eventName": "ListUsers", "awsRegion": "eu-west-1",
				"sourceIPAddress": "198.51.100.7", "userAgent": hostileValue, "eventID": fmt.Sprintf("00000000-0000-4000-8000-%012d", day*10+n), "recipientAccountId": "111111111111", "readOnly": true,
				"userIdentity": map[string]any{"type": "IAMUser", "userName": "alice", "accountId": "111111111111", "arn": "arn:aws:iam::111111111111:user/alice"},
			})
			if err != nil {
				t.Fatal(err)
			}
			text.Write(append(line, '\n'))
		}
	}
	file := filepath.Join(dir, "log.json")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, "lake")
	if err := Ingest(t.Context(), IngestOptions{Paths: []string{file}, Lake: at, Source: "test", Quiet: true}, Streams{Out: io.Discard, Err: io.Discard}); err != nil {
		t.Fatal(err)
	}
	return at
}

// hostileValue begins as a formula and holds an escape sequence, C1's CSI, a bell, bidi and zero-width characters, a tag and a line end.
const hostileValue = "=HYPERLINK(\"x\")\x1b[31m\u009b2J\a\u202egnp.exe\u200b\u2066\ufeff\U000e0041\r\n+1"

func TestHostileValuesAreHarmlessInEveryFormat(t *testing.T) {
	t.Parallel()
	at := searched(t)
	for _, format := range []string{"table", "json", "jsonl", "csv"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			var out, talk bytes.Buffer
			// Also the name of a column can be made of data.
			q := "SELECT http_request.user_agent AS agent, 1 AS \"=cmd\x1b[2J\u202e\", -1 AS number FROM events LIMIT 2"
			if err := Search(t.Context(), SearchOptions{SQL: q, Lake: at, Format: format, Limit: -1}, Streams{Out: &out, Err: &talk}); err != nil {
				t.Fatal(err)
			}
			for _, bad := range []string{"\x1b", "\u009b", "\a", "\u202e", "\u200b", "\u2066", "\ufeff", "\U000e0041", "\r"} {
				if strings.Contains(out.String(), bad) {
					t.Errorf("%q came through: %q", bad, out.String())
				}
			}
			switch format {
			case "csv":
				lines, err := csv.NewReader(&out).ReadAll()
				if err != nil || len(lines) != 3 || !strings.HasPrefix(lines[1][0], "'=HYPERLINK") || !strings.HasPrefix(lines[0][1], "'=cmd") || lines[1][2] != "-1" {
					t.Errorf("%q, %v", lines, err)
				}
			case "json":
				var got []map[string]any
				if err := json.Unmarshal(out.Bytes(), &got); err != nil || len(got) != 2 || got[0]["agent"] != hostileValue {
					t.Errorf("%q, %v", out.String(), err)
				}
			case "table":
				if n := strings.Count(out.String(), "\n"); n != 3 {
					t.Errorf("%d lines: %q", n, out.String())
				}
			}
			if !strings.Contains(talk.String(), "2 rows from 2 files of ") {
				t.Errorf("it said %q", talk.String())
			}
		})
	}
}

// slowInThePast lets the newest day through at once, and takes minutes for the day before.
const slowInThePast = "time_dt >= TIMESTAMP '2026-03-11' OR levenshtein(repeat(operation, 100000), repeat(account, 100000)) < 5"

// cancelling ends the context with the first bytes.
type cancelling struct {
	bytes.Buffer
	stop context.CancelFunc
}

func (c *cancelling) Write(b []byte) (int, error) {
	c.stop()
	return c.Buffer.Write(b)
}

func TestTheFirstPageComesBeforeTheRestAndAnInterruptKeepsIt(t *testing.T) {
	t.Parallel()
	at := searched(t)
	for _, format := range []string{"table", "json", "jsonl", "csv"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			out, talk := &cancelling{stop: stop}, &bytes.Buffer{}
			err := Search(ctx, SearchOptions{Filter: slowInThePast, Lake: at, Format: format, Limit: -1}, Streams{Out: out, Err: talk})
			if code := Outcome(0); !errors.As(err, &code) || code != ExitPartly {
				t.Fatalf("%v, want exit code %d", err, ExitPartly)
			}
			if !strings.Contains(talk.String(), "these 10 rows are not the whole answer") {
				t.Errorf("it said %q", talk.String())
			}
			var rows int
			switch format {
			case "json":
				var got []map[string]any
				if err := json.Unmarshal(out.Bytes(), &got); err != nil {
					t.Errorf("%v: %s", err, out.String())
				}
				rows = len(got)
			case "csv":
				got, err := csv.NewReader(&out.Buffer).ReadAll()
				if err != nil {
					t.Error(err)
				}
				rows = len(got) - 1
			case "jsonl":
				rows = strings.Count(out.String(), "\n")
			default:
				rows = strings.Count(out.String(), "\n") - 1
			}
			if rows != 10 {
				t.Errorf("%d rows: %s", rows, out.String())
			}
		})
	}
}

func TestAnInterruptedParquetFileIsNotThere(t *testing.T) {
	t.Parallel()
	at := searched(t)
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
	defer stop()
	file := filepath.Join(t.TempDir(), "answer.parquet")
	var talk bytes.Buffer
	err := Search(ctx, SearchOptions{Filter: slowInThePast, Lake: at, Output: file, Limit: -1}, Streams{Out: io.Discard, Err: &talk})
	if code := Outcome(0); !errors.As(err, &code) || code != ExitPartly || !strings.Contains(talk.String(), "nothing was written") {
		t.Errorf("%v, %q", err, talk.String())
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestFilesAreWholeAndHaveNoLimitOfTheirOwn(t *testing.T) {
	t.Parallel()
	at := searched(t)
	dir := t.TempDir()
	for name, want := range map[string]string{"a.csv": "time_dt,account", "a.json": "[\n{\"time_dt\":\"2026-03-11T12:09:00Z\"", "a.jsonl": "{\"time_dt\"", "a.parquet": "PAR1", "a.txt": "time_dt"} {
		file := filepath.Join(dir, name)
		for range 2 { // the second replaces the first
			var out, talk bytes.Buffer
			if err := Search(t.Context(), SearchOptions{Filter: "true", Lake: at, Output: file, Limit: -1}, Streams{Out: &out, Err: &talk}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if !strings.Contains(talk.String(), "wrote "+file) || !strings.Contains(talk.String(), "20 rows from") || out.Len() > 0 {
				t.Errorf("%s: %q, %q", name, talk.String(), out.String())
			}
		}
		if got, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(got), want) {
			t.Errorf("%s: %.40q, %v", name, got, err)
		}
	}
	var talk bytes.Buffer
	if err := Search(t.Context(), SearchOptions{SQL: "SELECT 1 FROM read_csv('x')", Lake: at, Output: filepath.Join(dir, "no.csv"), Limit: -1}, Streams{Out: io.Discard, Err: &talk}); err == nil {
		t.Error("a refused question was answered")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 5 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
