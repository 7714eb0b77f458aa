//go:build cgo

package duck

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-security/tocsin/internal/lake"
)

// TestFilesOfAnyAge asks files that have the columns of today, and one that lacks some and has the rest in another order.
func TestFilesOfAnyAge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request
	r.Everything = true
	if len(r.Files) != 2 || r.Older[0] || r.Older[1] {
		t.Fatalf("two files of today are wanted, got %v, older %v", r.Files, r.Older)
	}
	older := filepath.Join(filepath.Dir(r.Files[0]), "older.parquet")
	without(t, r.Files[0], older, r.Columns, "src_ip", "tls")
	both, old := r, r
	both.Files, both.Older = []string{older, r.Files[1]}, []bool{true, false}
	old.Files, old.Older = []string{older}, []bool{true}
	byID := r
	byID.Older = []bool{true, true}
	const sum = "SELECT count(*), count(src_ip), count(DISTINCT metadata.uid), min(api.operation), max(epoch_us(time_dt)) - min(epoch_us(time_dt)) FROM events"
	const day = 24 * 3600 * 1_000_000
	for name, c := range map[string]struct {
		r    request
		want string
	}{
		"all of today": {r, fmt.Sprintf(`[18,18,18,"ListUsers",%d]`, day)},
		"all by id":    {byID, fmt.Sprintf(`[18,18,18,"ListUsers",%d]`, day)},
		"both":         {both, fmt.Sprintf(`[18,9,18,"ListUsers",%d]`, day)},
		"older alone":  {old, `[9,0,9,"ListUsers",0]`},
	} {
		if got := only(t, c.r, sum); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	if a, b := only(t, r, "SELECT md5(string_agg(to_json(e)::VARCHAR, '' ORDER BY time_dt, metadata.uid)) FROM events e"), only(t, byID, "SELECT md5(string_agg(to_json(e)::VARCHAR, '' ORDER BY time_dt, metadata.uid)) FROM events e"); a != b {
		t.Errorf("a whole event is another by name (%s) than by id (%s)", a, b)
	}
}

// without writes a file anew, backwards, without some of its columns.
func without(t *testing.T, from, to string, columns []lake.Column, leftOut ...string) {
	t.Helper()
	var names, ids []string
	for i := len(columns) - 1; i >= 0; i-- {
		if c := columns[i]; !strings.Contains(" "+strings.Join(leftOut, " ")+" ", " "+c.Name+" ") {
			names, ids = append(names, fmt.Sprintf("%q", c.Name)), append(ids, fmt.Sprintf("%q: %d", c.Name, c.ID))
		}
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // a test
	text := "COPY (SELECT " + strings.Join(names, ", ") + " FROM read_parquet(" + literal(from) + ")) TO " + literal(to) + " (FORMAT parquet, FIELD_IDS {" + strings.Join(ids, ", ") + "})"
	if _, err := db.ExecContext(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

// only is the one row of an answer.
func only(t *testing.T, r request, question string) string {
	t.Helper()
	r.SQL = question
	row := ""
	err := served(t.Context(), &r, func(line reply) error {
		if line.Row != nil {
			cells, err := json.Marshal(line.Row)
			row += string(bytes.TrimSpace(cells))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", question, err)
	}
	return row
}
