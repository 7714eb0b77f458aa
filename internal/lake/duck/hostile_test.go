//go:build cgo

package duck

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// hostile are questions that try to get out of the scope, at a file, at a setting or at another statement. FILE is a data file of the
// lake and SECRET a file beside it.
var hostile = []string{
	// To the engine a name that it does not know can be a file: a WITH must not make such a name known where it is not made yet.
	`WITH "FILE" AS (SELECT * FROM "FILE") SELECT * FROM "FILE"`,
	`WITH a AS (SELECT * FROM "FILE"), "FILE" AS (SELECT 1) SELECT * FROM a`,
	`WITH RECURSIVE "FILE" AS (SELECT account FROM "FILE") SELECT * FROM "FILE"`,
	`WITH RECURSIVE "FILE" AS (SELECT account FROM "FILE" UNION ALL SELECT account FROM "FILE" WHERE false) SELECT * FROM "FILE"`,
	`SELECT * FROM (WITH "SECRET" AS (SELECT * FROM "SECRET") SELECT * FROM "SECRET")`,
	`SELECT (WITH "FILE" AS MATERIALIZED (SELECT account FROM "FILE") SELECT max(account) FROM "FILE")`,
	`WITH sqlite_master AS (SELECT * FROM sqlite_master) SELECT * FROM sqlite_master`,
	`WITH duckdb_views AS (SELECT 1) SELECT * FROM duckdb_views`,
	`WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a`,
	`WITH a AS (SELECT 1 UNION ALL SELECT * FROM a) SELECT * FROM a`,
	`SELECT * FROM "FILE"`, `SELECT * FROM 'FILE'`, `FROM 'SECRET'`, `SELECT * FROM events, 'SECRET'`, `SELECT * FROM events JOIN "FILE" USING (account)`,
	`SELECT * FROM events WHERE account IN (FROM 'FILE' SELECT account)`, `SELECT * FROM read_parquet('FILE')`, `SELECT * FROM parquet_scan('FILE')`,
	`SELECT * FROM parquet_metadata('FILE')`, `SELECT * FROM read_text('SECRET')`, `SELECT * FROM read_blob('SECRET')`, `SELECT * FROM sniff_csv('SECRET')`, `SELECT * FROM glob('/*')`,
	`SELECT * FROM query('SELECT * FROM events')`, `SELECT * FROM query_table('FILE')`, `SELECT * FROM json_execute_serialized_sql('{}')`, `SELECT json_serialize_plan('SELECT * FROM "FILE"')`,
	`SELECT * FROM duckdb_views()`, `SELECT * FROM duckdb_settings()`, `SELECT * FROM duckdb_secrets()`, `SELECT * FROM pragma_storage_info('events')`, `SELECT * FROM sqlite_master`, `SELECT * FROM pg_catalog.pg_views`,
	`SELECT * FROM information_schema.tables`, `SELECT * FROM main.events`, `SELECT * FROM memory.main.events`, `SELECT * FROM page_of_events`, `SELECT * FROM system.main.duckdb_views`,
	`SELECT getenv('HOME')`, `SELECT "getenv"('HOME')`, `SELECT system.main.getenv('HOME')`, `SELECT 'HOME'.getenv()`, `SELECT list_transform(['HOME'], lambda x: getenv(x))`, `SELECT current_setting('memory_limit')`,
	`SELECT stats(account) FROM events`, `SELECT pg_get_viewdef(1)`, `SELECT write_log('x')`, `SELECT max(getenv('HOME')) OVER () FROM events`, `SELECT * FROM events ORDER BY getenv('HOME')`, `SELECT 1 LIMIT (SELECT length(getenv('HOME')))`,
	`DESCRIBE "FILE"`, `SUMMARIZE events`, `SELECT * FROM (SUMMARIZE events)`, `SELECT * FROM (DESCRIBE "FILE")`, `SELECT * FROM (SHOW TABLES)`, `SHOW TABLES`, `EXPLAIN SELECT 1`, `EXPLAIN ANALYZE SELECT * FROM events`,
	`COPY (SELECT 1) TO 'SECRET'`, `COPY events TO 'SECRET'`, `EXPORT DATABASE 'SECRET'`, `ATTACH 'SECRET'`, `INSTALL httpfs`, `LOAD httpfs`, `SET memory_limit='1TB'`, `RESET ALL`, `PRAGMA database_list`, `CALL pragma_version()`,
	`CREATE MACRO f() AS 1`, `CREATE TABLE t AS SELECT 1`, `CREATE OR REPLACE VIEW events AS SELECT 1`, `DROP VIEW events`, `BEGIN`, `PREPARE p AS SELECT 1`, `EXECUTE p`, `USE memory`, `CHECKPOINT`, `VACUUM`,
	`SELECT 1; SELECT 2`, `SELECT 1; DROP VIEW events`, "SELECT 1 --\n; SELECT 2", ``, ` `, `;`, "\x00", `SELECT`, strings.Repeat("(", 5000),
	`PIVOT "FILE" ON account USING count(*)`, `SELECT * FROM (PIVOT "FILE" ON account USING count(*))`, `UNPIVOT "FILE" ON account`, `TABLE "FILE"`, `SELECT * FROM events SEMI JOIN "FILE" USING (account)`,
	`SELECT * FROM amazon_security_lake_glue_db_us_east_1.amazon_security_lake_table_us_east_1_vpc_flow_1_0`, `SELECT * FROM x.amazon_security_lake_table_us_east_1_vpc_flow_2_0`, `SELECT * FROM amazon_security_lake_glue_db_us_east_1.events`,
	`SELECT * FROM "amazon_security_lake_table_us_east_1_vpc_flow_2_0.parquet"`, `SELECT * FROM amazon_security_lake_table_us_east_1_nothing_2_0`, `SELECT * FROM memory.amazon_security_lake_glue_db_us_east_1.amazon_security_lake_table_us_east_1_waf_2_0`,
}

// prying are questions that are answered, with what the scope shows and no more.
var prying = []string{
	`SELECT * FROM events`, `SELECT * FROM events UNION ALL SELECT * FROM events`, `SELECT count(*), min(account), max(account) FROM events`, `SELECT DISTINCT account FROM events WHERE true OR account IS NOT NULL`,
	`WITH events AS (SELECT * FROM events) SELECT account FROM events`, `WITH RECURSIVE r AS (SELECT account FROM events UNION SELECT account FROM r) SELECT * FROM r`, `SELECT e.raw_data FROM events e FULL JOIN events f ON false`,
	`SELECT * FROM events WHERE CASE WHEN account <> '111111111111' THEN error('seen ' || account) ELSE true END`, `SELECT 1 FROM events WHERE (account || 'x')::INT = 1`, `SELECT 1 / (account::BIGINT - 222222222222) FROM events`,
	`SELECT * FROM "amazon_security_lake_glue_db_us_east_1"."amazon_security_lake_table_us_east_1_cloud_trail_mgmt_2_0"`, `SELECT accountid FROM awsdatacatalog.amazon_security_lake_glue_db_eu_west_1.amazon_security_lake_table_eu_west_1_cloud_trail_mgmt_2_0`,
	`PIVOT events ON account USING count(*)`, `SELECT * FROM (DESCRIBE SELECT * FROM events)`, `SELECT COLUMNS('acc.*') FROM events`, `FROM events SELECT max(account)`, `SELECT (SELECT string_agg(raw_data) FROM events)`,
	`SELECT ` + strings.Repeat("(", 2000) + "1" + strings.Repeat(")", 2000),
}

func TestHostileQuestionsAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, q := range hostile {
		said, err := w.ask(t.Context(), &request{SQL: w.fill(q)})
		if err == nil {
			t.Errorf("%.200s\nwas answered: %.300s", q, said)
		}
		w.judge(t, q, said, err)
	}
	for _, q := range []string{"true) UNION ALL SELECT 1 --", "true), (false", "true) FROM events WHERE (true", "1) LIMIT (1", "true) ORDER BY (1", "x) AS y, (1", "/* ", "'", "", "getenv('HOME') = ''", `account IN (SELECT account FROM "FILE")`, "true; SELECT 1", "true) WHERE (true"} {
		said, err := w.ask(t.Context(), &request{SQL: "", Filter: w.fill(q)})
		if err == nil {
			t.Errorf("filter %s\nwas answered: %.300s", q, said)
		}
		w.judge(t, q, said, err)
	}
}

func TestPryingQuestionsSeeTheirScope(t *testing.T) {
	w := newWorld(t)
	for _, q := range prying {
		said, err := w.ask(t.Context(), &request{SQL: q})
		var refused RefusedError
		if errors.As(err, &refused) && strings.Contains(refused.Text, "not allowed") {
			t.Errorf("%s\nwas refused: %v", q, err)
		}
		w.judge(t, q, said, err)
	}
}

// world is a lake of three accounts, asked with the scope of one, beside a file with a secret.
type world struct {
	request      request
	file, secret string
}

func newWorld(t testing.TB) *world {
	l := filledAt(t, t.TempDir())
	var a Answer
	text, err := plan(t.Context(), access.Accounts("111111111111"), l, &Question{SQL: "x", Timeout: 2 * time.Second, Memory: 256}, &a)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{secret: filepath.Join(t.TempDir(), "secret.csv")}
	if err := json.Unmarshal(text, &w.request); err != nil {
		t.Fatal(err)
	}
	w.file = w.request.Files[0]
	if err := os.WriteFile(w.secret, []byte("a\n"+marker+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// marker is what no answer may hold.
const marker = "the-secret-of-the-file"

func (w *world) fill(q string) string {
	return strings.NewReplacer("FILE", w.file, "SECRET", w.secret).Replace(q)
}

// ask runs a question as the child does and returns all that it says.
func (w *world) ask(ctx context.Context, q *request) (string, error) {
	r := w.request
	r.SQL, r.Filter = q.SQL, q.Filter
	if r.Filter == "" && q.SQL == "" {
		r.SQL = " "
	}
	var said bytes.Buffer
	err := served(ctx, &r, func(line reply) error {
		if ctx.Err() != nil || said.Len() > 1<<20 {
			return context.Canceled
		}
		return json.NewEncoder(&said).Encode(line)
	})
	return said.String(), err
}

// judge fails where an answer or an error shows what is out of scope. An account can be known by being asked for.
func (w *world) judge(t testing.TB, q, said string, err error) {
	if err != nil {
		said += err.Error()
	}
	for _, forbidden := range []string{"222222222222", "333333333333", marker} {
		if strings.Contains(said, forbidden) && !strings.Contains(q, forbidden) {
			t.Errorf("%.300s\nshowed %s: %.500s", q, forbidden, said)
		}
	}
	if strings.Contains(said, filepath.Dir(w.secret)) && !strings.Contains(w.fill(q), filepath.Dir(w.secret)) {
		t.Errorf("%.300s\nshowed a path: %.500s", q, said)
	}
}

// TestTheEnginesFunctionsAreKnown fails when another version of DuckDB brings functions that nobody here has looked at.
func TestTheEnginesFunctionsAreKnown(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // a test
	var names string
	if err := db.QueryRow("SELECT string_agg(name, chr(10) ORDER BY name) FROM (SELECT DISTINCT function_name AS name FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate', 'macro'))").Scan(&names); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "functions.txt")
	known, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Fields(string(known))
	for _, name := range strings.Fields(names) {
		if !slices.Contains(list, name) {
			t.Errorf("function %s is new: add it to %s, and to functionsRefused where it tells of more than its arguments", name, file)
		}
	}
}

// FuzzQuestion asks what the fuzzer thinks of, with the scope of one account: nothing may panic, and nothing out of scope may be shown.
func FuzzQuestion(f *testing.F) {
	w := newWorld(f)
	for _, q := range append(append([]string{}, hostile...), prying...) {
		f.Add(q, false)
	}
	for _, q := range []string{"src_ip = '198.51.100.7'", "true) UNION ALL SELECT account FROM events --", "account IN (SELECT account FROM events)"} {
		f.Add(q, true)
	}
	f.Fuzz(func(t *testing.T, q string, filter bool) {
		r := &request{SQL: w.fill(q)}
		if filter {
			r = &request{Filter: w.fill(q)}
		}
		said, err := w.ask(t.Context(), r)
		if forbidden := strings.Contains(q, "2222") || strings.Contains(q, "3333"); !forbidden { // made by the question itself
			w.judge(t, q, said, err)
		}
		if entries, err := os.ReadDir(filepath.Dir(w.secret)); err != nil || len(entries) != 1 {
			t.Errorf("%s\nwrote a file", q)
		}
	})
}
