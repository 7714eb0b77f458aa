package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/hunt"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
)

// documented are the rights of docs/access.md: by method and path, and whether all accounts must be seen.
func documented(t *testing.T) map[string][2]string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][2]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+ [^`]+)` \\| (\\w+) \\| ?(all)? ?\\|$").FindAllStringSubmatch(string(raw), -1) {
		out[m[1]] = [2]string{m[2], m[3]}
	}
	return out
}

// What an allowed request is answered with, where that is not 200 or 204: it went past who may, and past its body.
var otherwise = map[string]map[bool]int{ // by route, and whether a person asks
	"DELETE /api/v1/session":                 {false: 422},            // a token has no session
	"PUT /api/v1/session/password":           {false: 422},            // and no password
	"POST /api/v1/rules/{uid}/tuning":        {false: 422, true: 422}, // no verdicts to propose of
	"POST /api/v1/rules/{uid}/tuning/accept": {false: 422, true: 422},
	"POST /api/v1/hunts/{uid}/rule/accept":   {false: 422, true: 422}, // the least body is no rule
	"GET /api/v1/rules/{uid}/file":           {false: 404, true: 404}, // files of rules are the house's (app TestTheRuleBench)
	"POST /api/v1/rules/{uid}/explain":       {false: 404, true: 404},
	"POST /api/v1/rules/{uid}/try":           {false: 404, true: 404},
	"POST /api/v1/hunts/{uid}/rule":          {false: 422, true: 422}, // a lake without events proves none
}

// Routes about things that have an account, with what is answered about another's: 404, as if it were not there, or 403, where names are
// nobody's secret. 200 is an answer that names what is missing.
var foreignly = map[string]int{
	"GET /api/v1/alerts/{uid}": 404, "GET /api/v1/alerts/{uid}/decision": 404, "PATCH /api/v1/alerts/{uid}/decision": 404, "POST /api/v1/alerts/decisions": 200, "POST /api/v1/decisions/{uid}/undo": 200,
	"GET /api/v1/incidents/{uid}": 404, "GET /api/v1/incidents/{uid}/decision": 404, "PATCH /api/v1/incidents/{uid}/decision": 404, "POST /api/v1/incidents/decisions": 200,
	"POST /api/v1/incidents/{uid}/links": 404, "DELETE /api/v1/incidents/{uid}/links/{id}": 404, "POST /api/v1/incidents/{uid}/merge": 404, "POST /api/v1/incidents/{uid}/split": 404,
	"POST /api/v1/incidents/{uid}/tasks": 404, "PATCH /api/v1/incidents/{uid}/tasks/{id}": 404,
	"GET /api/v1/hunts/{uid}": 404, "PUT /api/v1/hunts/{uid}": 404, "POST /api/v1/hunts/{uid}/run": 404, "POST /api/v1/hunts/{uid}/rule": 404,
	"POST /api/v1/evidence": 404, "GET /api/v1/evidence/{uid}": 404, "GET /api/v1/evidence/{uid}/items/{sha256}": 404, "POST /api/v1/evidence/{uid}/files": 404, "POST /api/v1/evidence/{uid}/export": 404,
	"POST /api/v1/evidence/{uid}/hold": 404, "POST /api/v1/evidence/{uid}/release": 404, "POST /api/v1/evidence/{uid}/delete": 404, "POST /api/v1/evidence/{uid}/verify": 404,
	"POST /api/v1/deadletters/{uid}/replay": 404, "POST /api/v1/invitations": 403, "PUT /api/v1/people/{uid}": 403, "DELETE /api/v1/people/{uid}": 403, "POST /api/v1/tokens": 403, "DELETE /api/v1/tokens/{uid}": 404,
	"DELETE /api/v1/sessions/{uid}": 404, "POST /api/v1/incidents/{uid}/foresee": 404,
	"GET /api/v1/people/{uid}": 404, "DELETE /api/v1/people/{uid}/sessions": 403, "POST /api/v1/people/{uid}/enable": 403, "POST /api/v1/people/{uid}/link": 403,
}

// TestTheAccessMatrix walks the OpenAPI document: every route, as a token and as a person of each role, for all accounts and for one, and as
// who is nobody (any more), with the least request that the document takes. What each may do stands in docs/access.md; a route that is not
// there fails, and so does a line without a route. What is denied changes nothing and is in the audit log; what is allowed succeeds.
func TestTheAccessMatrix(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	table, d := documented(t), m.document()
	for path, operations := range d.Paths {
		for method, o := range operations {
			route := strings.ToUpper(method) + " " + path
			want, is := table[route]
			delete(table, route)
			switch {
			case !is:
				t.Errorf("%s (%s) is not in docs/access.md", route, o.Right)
				continue
			case want[0] != o.Right:
				t.Errorf("%s needs the right to %q, and docs/access.md says %q", route, o.Right, want[0])
			case strings.Contains(path, "{uid}") && want[1] == "" && foreignly[route] == 0 && !strings.Contains(path, "/rules/"):
				t.Errorf("%s is about something: say in foreignly what is answered about another account's", route)
			}
			m.denied(route, d, &o, want[1] == "all")
			m.allowed(route, d, &o, want[1] == "all")
		}
	}
	for route := range table {
		t.Errorf("docs/access.md has %s, which is no route", route)
	}
	if m.asked < 1500 {
		t.Errorf("only %d requests: are there operations that are not described?", m.asked)
	}
	t.Logf("%d requests", m.asked)
}

// matrix is a site with one caller for each row of the matrix.
type matrix struct {
	maker
	callers, nobodies []who
	asked             int
}

func newMatrix(t *testing.T) *matrix {
	s := withEvidence(t)
	s.server.Hunts = hunt.Folder{Dir: filepath.Join(s.dir, "hunts")}
	s.server.RulesDir = filepath.Join(s.dir, "rules")
	s.server.Asking.AtOnce, s.server.Asking.Patience = 1, time.Millisecond
	s.server.turns = newTurns(&s.server.Asking)
	s.server.trials = make(chan struct{}, 1)
	s.server.Settings = func() Settings { return Settings{} }
	m := &matrix{maker: maker{site: s, sets: map[string]string{}}}
	s.person(access.Person{Name: "bob", Role: access.Viewer, Accounts: []string{foreign}})
	for _, role := range access.Roles() {
		for _, of := range []string{"all", "own"} {
			w := who{name: "evidence " + string(role) + " " + of, what: "token " + string(role) + " " + of, role: role, all: of == "all", token: s.tokens[string(role)+" "+of]}
			p := who{name: string(role) + "-" + of, what: "person " + string(role) + " " + of, role: role, all: of == "all", person: true}
			s.person(access.Person{Name: p.name, Role: role, Accounts: []string{map[string]string{"all": "*", "own": own}[of]}})
			m.callers = append(m.callers, w, p)
		}
	}
	for _, what := range []string{"none", "wrong", "expired", "revoked", "expired apps", "revoked apps", "apps"} {
		m.nobodies = append(m.nobodies, who{what: what, name: what, token: s.tokens[what]})
	}
	m.nobodies = append(m.nobodies, who{what: "wrong cookie", token: sessionCookie + "=0000", person: true})
	return m
}

// ask asks what a thing is about, as somebody; a live stream is left at once.
func (m *matrix) ask(route string, d *document, o *operation, by who, x thing) (status int, text string) {
	m.t.Helper()
	m.asked++
	method, path, _ := strings.Cut(route, " ")
	body, kind := x.raw, "application/octet-stream"
	if body == "" {
		body, kind = d.body(o, x.body), jsonBody
	}
	if strings.HasSuffix(path, "/mcp") {
		kind = jsonBody
	}
	ctx, cancel := context.WithCancel(m.t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, m.URL+d.path(path, o, x.path), strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	switch {
	case by.person && by.token == "":
		req.Header.Set("Cookie", m.session(by.name)) // a new one: some routes end it
	case by.person:
		req.Header.Set("Cookie", by.token)
	case by.token != "":
		req.Header.Set("Authorization", "Bearer "+by.token)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", "application/json, text/event-stream")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	if path != "/api/v1/live" {
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			m.t.Fatal(err)
		}
		text = string(raw)
	}
	return resp.StatusCode, text
}

// cell is one caller about a thing, and how the caller is to be refused.
type cell struct {
	by     who
	x      thing
	want   int
	others bool // the thing is another account's
}

// refusals are the cells of a route that are denied.
func (m *matrix) refusals(route string, right access.Right, all bool) (out []cell) {
	_, path, _ := strings.Cut(route, " ")
	pushes := strings.HasPrefix(path, "/api/v1/ingest/")
	mine := m.freshly(route, who{name: "bob", person: true}, own)
	for _, by := range m.nobodies {
		switch {
		case right == access.Open && !pushes:
		case by.what == "apps" && !pushes:
			out = append(out, cell{by, mine, 403, false})
		case by.what != "apps":
			out = append(out, cell{by, mine, 401, false})
		}
	}
	for _, by := range m.callers {
		switch {
		case pushes && by.person:
			out = append(out, cell{by, mine, 401, false})
		case pushes || !by.role.May(right) || all && !by.all:
			out = append(out, cell{by, mine, 403, false})
		case !by.all && foreignly[route] != 0:
			out = append(out, cell{by, m.freshly(route, by, foreign), foreignly[route], true})
		}
	}
	return out
}

// denied asks all that is denied, and compares what is kept before and after.
func (m *matrix) denied(route string, d *document, o *operation, all bool) {
	m.t.Helper()
	list := m.refusals(route, access.Right(o.Right), all)
	before, noted, want := m.state(), m.deniedEntries(), 0
	for _, c := range list {
		got, text := m.ask(route, d, o, c.by, c.x)
		if got != c.want {
			m.t.Errorf("%s as %s (another's: %v): %d, not %d: %s", route, c.by.what, c.others, got, c.want, text)
		}
		if got == 403 || got == 404 && !strings.HasPrefix(route, "GET ") {
			want++
		}
	}
	after := m.state()
	for name := range after {
		if after[name] != before[name] {
			m.t.Errorf("%s: what is denied changes what is kept: %s", route, name)
		}
	}
	if n := m.deniedEntries() - noted; n != want {
		m.t.Errorf("%s: %d refusals are in the audit log, not %d", route, n, want)
	}
}

// deniedEntries counts the refusals in the audit log.
func (m *matrix) deniedEntries() (n int) {
	m.t.Helper()
	if err := m.desk.Store().QueryRowContext(m.t.Context(), `SELECT count(*) FROM audit WHERE outcome = '`+audit.Denied+`'`).Scan(&n); err != nil {
		m.t.Fatal(err)
	}
	return n
}

// allowed asks all that is allowed: it succeeds. Of those who ask the lake, the role that may least does; to the others it is busy, which
// comes after who may.
func (m *matrix) allowed(route string, d *document, o *operation, all bool) {
	m.t.Helper()
	right := access.Right(o.Right)
	busy := slices.Contains(m.asking(), route)
	least := access.Roles()[slices.IndexFunc(access.Roles(), func(r access.Role) bool { return r.May(right) })]
	for _, by := range m.callers {
		if right == access.Open && by.what != "token admin all" || strings.Contains(route, "/ingest/") || !by.role.May(right) || all && !by.all {
			continue
		}
		want, done := []int{200, 204}, func() {}
		if status := otherwise[route][by.person]; status != 0 {
			want = []int{status}
		}
		switch {
		case busy && (by.role != least || by.person):
			var err error
			if done, err = m.server.turn(m.t.Context()); err != nil {
				m.t.Fatal(err)
			}
			want = []int{429}
		case busy && !duck.Available:
			continue
		case strings.Contains(route, "/deadletters/") && !by.all, route == "DELETE /api/v1/sessions/{uid}" && !by.person && (!by.all || by.role != access.Admin):
			continue // of no account, and no person's: in foreignly
		}
		got, text := m.ask(route, d, o, by, m.freshly(route, by, own))
		done()
		if !slices.Contains(want, got) {
			m.t.Errorf("%s as %s: %d, not %v: %s", route, by.what, got, want, text)
		}
	}
	if strings.Contains(route, "/ingest/") {
		if got, text := m.ask(route, d, o, m.nobodies[len(m.nobodies)-2], m.freshly(route, who{}, own)); got != 200 {
			m.t.Errorf("%s with its token: %d %s", route, got, text)
		}
	}
}

// asking are the routes that wait for a turn.
func (m *matrix) asking() (out []string) {
	d, _ := m.described()
	for path, operations := range d.Paths {
		for method, o := range operations {
			if _, busy := o.Responses["429"]; busy && path != "/api/v1/evidence" && path != "/api/v1/live" {
				out = append(out, strings.ToUpper(method)+" "+path)
			}
		}
	}
	return out
}

// state is a digest of all that is kept, by where it is: every table but the audit log, the use of sessions and who looks (a live stream that ended is noted a moment later), the files, and the stream's last position.
func (m *matrix) state() map[string]string {
	m.t.Helper()
	out := map[string]string{}
	rows, err := m.desk.Store().QueryContext(m.t.Context(), `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('audit', 'sessions', 'presence') ORDER BY name`)
	if err != nil {
		m.t.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			m.t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(tables) < 10 {
		m.t.Fatal(tables, err)
	}
	for _, name := range append(tables, "(SELECT id, ended_at FROM sessions WHERE ended_at IS NOT NULL)") {
		h := sha256.New()
		m.table(h, name)
		out[name] = hex.EncodeToString(h.Sum(nil))
	}
	last, err := m.stream.Last(m.t.Context(), 0)
	if err != nil {
		m.t.Fatal(err)
	}
	out["the stream"] = strconv.FormatUint(last, 10)
	err = filepath.WalkDir(m.dir, func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(m.dir, path)
		if e != nil && e.IsDir() && rel == "stream" {
			return fs.SkipDir
		}
		if err != nil || e.IsDir() || strings.HasPrefix(rel, "desk.db") {
			return err
		}
		info, err := e.Info()
		if err == nil {
			out["file "+rel] = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

func (m *matrix) table(h io.Writer, name string) {
	m.t.Helper()
	rows, err := m.desk.Store().QueryContext(m.t.Context(), `SELECT * FROM `+name+` ORDER BY 1, 2`) //nolint:gosec // a name of our own schema
	if err != nil {
		m.t.Fatal(name, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		m.t.Fatal(err)
	}
	cells := make([]any, len(columns))
	for i := range cells {
		cells[i] = new(any)
	}
	for rows.Next() {
		if err := rows.Scan(cells...); err != nil {
			m.t.Fatal(err)
		}
		for _, c := range cells {
			fmt.Fprintf(h, "%v\x00", *c.(*any))
		}
	}
	if err := rows.Err(); err != nil {
		m.t.Fatal(err)
	}
}

// TestAuditOfWhatIsDenied asks for what a role may not: the log has it, with who and what.
func TestAuditOfWhatIsDenied(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.ask("POST", "/api/v1/invitations", s.tokens["viewer all"], strings.NewReader(`{"role":"admin","accounts":["*"]}`), "Content-Type", "application/json")
	s.ask("POST", "/api/v1/invitations", s.tokens["admin own"], strings.NewReader(`{"role":"admin","accounts":["*"]}`), "Content-Type", "application/json")
	s.ask("PATCH", "/api/v1/alerts/a"+foreign+"/decision", s.tokens["analyst own"], strings.NewReader(`{"comment":"x"}`), "Content-Type", "application/json")
	got := s.ask("GET", "/api/v1/audit", s.tokens["owner"], nil)
	for _, want := range []string{`"actor":"viewer all"`, `"actor":"admin own"`, `"actor":"analyst own"`} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the audit log lacks %s: %s", want, got.body)
		}
	}
	if n := strings.Count(got.body, `"outcome":"denied"`); n != 3 {
		t.Errorf("%d are denied: %s", n, got.body)
	}
	if got := s.ask("GET", "/api/v1/audit", s.tokens["admin own"], nil); strings.Contains(got.body, "viewer all") {
		t.Errorf("who sees one account reads what others did: %s", got.body)
	}
}
