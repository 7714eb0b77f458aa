package api

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
)

// TestEveryKindOfAnswerIsGuarded looks at the head of each kind of answer: JSON, problems, a live stream, text, the OpenAPI document,
// assistants, downloads, pages and files of the console. A browser makes no more of it than it is, and keeps nothing but files of the console.
func TestEveryKindOfAnswerIsGuarded(t *testing.T) {
	t.Parallel()
	s := withEvidence(t)
	s.server.Secure = true
	pages := newConsole(fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}, "assets/a-1.js": {Data: []byte("1")}, "assets/odd.exe": {Data: []byte("1")}}, true)
	inner := s.Config.Handler
	handler := guarded(true, http.NewCrossOriginProtection(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !pages.serve(w, r) {
			inner.ServeHTTP(w, r)
		}
	}))
	m := &maker{site: s, sets: map[string]string{}}
	set := m.freshly("GET /api/v1/evidence/{uid}/items/{sha256}", who{}, own)
	item := "/api/v1/evidence/" + set.path["uid"] + "/items/" + set.path["sha256"]
	const json, problem = "application/json", "application/problem+json"
	for _, c := range []struct {
		method, path, body, token, kind string
		attached                        bool
	}{
		{"GET", "/api/v1/alerts", "", "owner", json, false},
		{"GET", "/api/v1/alerts", "", "none", problem, false},
		{"GET", "/api/v1/audit", "", "viewer all", problem, false},
		{"GET", "/api/v1/alerts/none", "", "owner", problem, false},
		{"GET", "/nowhere", "", "none", problem, false},
		{"GET", "/metrics", "", "none", "text/plain", false},
		{"GET", "/healthz", "", "none", json, false},
		{"GET", "/openapi.json", "", "none", "application/openapi+json", false},
		{"GET", "/api/v1/live", "", "owner", "text/event-stream", false},
		{"POST", "/api/v1/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "owner", json, false},
		{"POST", "/api/v1/mcp", "", "none", problem, false},
		{"POST", "/api/v1/ingest/apps", event("x"), "apps", json, false},
		{"POST", "/api/v1/ingest/apps", event("x"), "none", problem, false},
		{"GET", item, "", "owner", "application/octet-stream", true},
		{"POST", "/api/v1/evidence/" + set.path["uid"] + "/export", `{"format":"zip","why":"w"}`, "owner", "application/zip", true},
		{"POST", "/api/v1/evidence/" + set.path["uid"] + "/export", `{"format":"html","why":"w"}`, "owner", "text/html", true},
		{"GET", "/incidents", "", "page", "text/html", false},
		{"GET", "/assets/a-1.js", "", "none", "text/javascript", false},
		{"GET", "/assets/odd.exe", "", "none", "application/", false},
		{"GET", "/assets/none.js", "", "none", problem, false},
	} {
		what := c.method + " " + c.path + " as " + c.token
		a := s.peek(handler, c.method, c.path, c.body, s.tokens[c.token], c.token == "page")
		if kind := a.header.Get("Content-Type"); !strings.HasPrefix(kind, c.kind) {
			t.Errorf("%s: it is %q, not %s (%d)", what, kind, c.kind, a.status)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q", what, name, got)
			}
		}
		policy := a.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: the policy is %q", what, policy)
		}
		if kept := a.header.Get("Cache-Control"); (kept != "no-store") != (strings.HasPrefix(c.path, "/assets/") && a.status == 200) {
			t.Errorf("%s: Cache-Control is %q", what, kept)
		}
		if got := a.header.Get("Content-Disposition"); strings.HasPrefix(got, "attachment; filename=") != c.attached {
			t.Errorf("%s: Content-Disposition is %q", what, got)
		}
		if a.header.Get("Access-Control-Allow-Origin") != "" || a.header.Get("Server") != "" {
			t.Errorf("%s: %v", what, a.header)
		}
	}
}

// peek asks the handler itself, and goes away once the head is there.
func (s *site) peek(of http.Handler, method, path, body, token string, page bool) answered {
	s.t.Helper()
	ctx, gone := context.WithCancel(s.t.Context())
	defer gone()
	r, err := http.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.RemoteAddr, r.Host = "127.0.0.1:1", "127.0.0.1"
	r.Header.Set("Content-Type", jsonBody)
	r.Header.Set("Accept", map[bool]string{true: "text/html", false: "application/json, text/event-stream"}[page])
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := &glance{head: http.Header{}, seen: gone, live: strings.HasSuffix(path, "/live")}
	of.ServeHTTP(w, r)
	return answered{w.status, w.head, ""}
}

// glance looks at the head of an answer, and leaves a live stream.
type glance struct {
	head   http.Header
	status int
	seen   func()
	live   bool
}

func (g *glance) Header() http.Header { return g.head }

func (g *glance) WriteHeader(status int) {
	if g.status == 0 {
		g.status = status
	}
}

func (g *glance) Write(b []byte) (int, error) {
	g.WriteHeader(http.StatusOK)
	if g.live {
		g.seen()
	}
	return len(b), nil
}

func (g *glance) Flush() {
	if g.live {
		g.seen()
	}
}
