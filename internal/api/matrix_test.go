package api

import (
	"context"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
)

// example fills the parameters of a path.
func example(path, account string) string {
	uid := "i" + account
	switch {
	case strings.Contains(path, "alerts"):
		uid = "a" + account
	case strings.Contains(path, "deadletters"):
		uid = "dead1"
	case strings.Contains(path, "rules"):
		uid = "none"
	}
	if strings.HasSuffix(path, "/intel/check") {
		path += "?value=198.51.100.7"
	}
	return strings.NewReplacer("{uid}", uid, "{id}", "none", "{source}", "apps").Replace(path)
}

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

// status asks and gives the status alone; a live stream is left at once.
func (s *site) status(method, path, token, body string) int {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// TestTheAccessMatrix walks the OpenAPI document: every route, with no token, with tokens that are none any more, with one that delivers
// to a source, and with one of each role for all accounts and for one. What each may do stands in docs/access.md; a route that is not
// there fails, and so does a line without a route.
func TestTheAccessMatrix(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	table, d := documented(t), s.rightsDescribed()
	n := 0
	for route, right := range d {
		want, is := table[route]
		if !is {
			t.Errorf("%s (%s) is not in docs/access.md", route, right)
			continue
		}
		if want[0] != right {
			t.Errorf("%s needs the right to %q, and docs/access.md says %q", route, right, want[0])
		}
		n += s.everyone(route, access.Right(right), want[1] == "all")
	}
	for route := range table {
		if _, is := d[route]; !is {
			t.Errorf("docs/access.md has %s, which is no route", route)
		}
	}
	if n < 500 {
		t.Errorf("only %d requests: are there operations that are not described?", n)
	}
}

// rightsDescribed are the rights that the document gives, by method and path.
func (s *site) rightsDescribed() map[string]string {
	s.t.Helper()
	d, _ := s.described()
	out := map[string]string{}
	for path, operations := range d.Paths {
		for method, o := range operations {
			if o.Right == "" {
				s.t.Errorf("%s %s has no x-tocsin-right", method, path)
			}
			out[strings.ToUpper(method)+" "+path] = o.Right
		}
	}
	return out
}

// everyone asks a route with every token, and counts.
func (s *site) everyone(route string, right access.Right, all bool) (n int) {
	s.t.Helper()
	method, path, _ := strings.Cut(route, " ")
	if path == "/api/v1/search" && !duck.Available {
		return 0
	}
	for what, token := range s.tokens {
		role, accounts, _ := strings.Cut(what, " ")
		var refused int
		switch {
		case right == access.Open && !strings.HasPrefix(path, "/api/v1/ingest/"):
		case what == "none" || what == "wrong" || strings.HasPrefix(what, "expired") || strings.HasPrefix(what, "revoked"):
			refused = 401
		case strings.HasPrefix(path, "/api/v1/ingest/") && what != "apps", what == "apps" && !strings.HasPrefix(path, "/api/v1/ingest/"):
			refused = 403
		case strings.HasPrefix(path, "/api/v1/ingest/"):
		case what == "owner":
		case what == "scoped":
			role, accounts = "admin", "own"
			fallthrough
		default:
			if !access.Role(role).May(right) || all && accounts == "own" {
				refused = 403
			}
		}
		got := s.status(method, example(path, own), token, "{}")
		n++
		switch {
		case refused == 403 && all && got == 422: // what is asked is checked before whose data it is
		case refused != 0 && got != refused:
			s.t.Errorf("%s with token %q: %d, not %d", route, what, got, refused)
		case refused == 0 && (got == 401 || got == 403 || got >= 500):
			s.t.Errorf("%s with token %q: %d, though it may", route, what, got)
		}
		if foreignPath := example(path, foreign); refused == 0 && accounts == "own" && foreignPath != path && strings.Contains(foreignPath, foreign) {
			if got := s.status(method, foreignPath, token, "{}"); got != 404 && got != 422 && got != 400 {
				s.t.Errorf("%s with token %q about another account: %d", route, what, got)
			}
		}
	}
	return n
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
