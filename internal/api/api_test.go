package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/lake/duck"
)

// described is what of the OpenAPI document these tests look at.
type described struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID, Summary string
		Security             *[]map[string][]string
		Parameters           []struct{ Name, In string }
		RequestBody          any
		Responses            map[string]struct{ Description string }
		Right                string `json:"x-tocsin-right"`
	}
}

func (s *site) described() (d described, text string) {
	s.t.Helper()
	a := s.ask("GET", "/openapi.json", "", nil)
	if err := json.Unmarshal([]byte(a.body), &d); err != nil || a.status != http.StatusOK {
		s.t.Fatal(a.status, err)
	}
	return d, a.body
}

// wellFormed looks at what every answer must have.
func (s *site) wellFormed(what string, a answered) {
	s.t.Helper()
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"} {
		if got := a.header.Get(name); got != want {
			s.t.Errorf("%s: %s is %q", what, name, got)
		}
	}
	if a.status == http.StatusUnauthorized && a.header.Get("WWW-Authenticate") == "" {
		s.t.Errorf("%s: 401 does not say which kind of token", what)
	}
	if a.status >= 400 && a.status != http.StatusServiceUnavailable || strings.Contains(a.header.Get("Content-Type"), "problem") {
		var p struct {
			Status        int
			Title, Detail string
		}
		if err := json.Unmarshal([]byte(a.body), &p); err != nil || p.Status != a.status || p.Title == "" || p.Detail == "" || a.header.Get("Content-Type") != "application/problem+json" {
			s.t.Errorf("%s: %d is no problem as RFC 9457 says: %s: %s", what, a.status, a.header.Get("Content-Type"), a.body)
		}
	}
}

func TestAScopedTokenSeesItsAccountsOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, list := range []string{"/api/v1/incidents", "/api/v1/alerts", "/api/v1/deadletters"} {
		all, scoped := s.ask("GET", list, s.tokens["owner"], nil), s.ask("GET", list, s.tokens["scoped"], nil)
		if strings.Contains(scoped.body, foreign) || strings.Contains(scoped.body, "dead") || all.body == scoped.body {
			t.Errorf("%s: %s", list, scoped.body)
		}
	}
	for _, path := range []string{"/api/v1/incidents/i" + foreign, "/api/v1/alerts/a" + foreign} {
		hidden, missing := s.ask("GET", path, s.tokens["scoped"], nil), s.ask("GET", path+"x", s.tokens["scoped"], nil)
		if hidden.status != 404 || hidden.body != missing.body {
			t.Errorf("%s tells that it is there: %s, %s", path, hidden.body, missing.body)
		}
	}
}

// TestOpenAPIDescribesEveryOperation checks the document for what OpenAPI 3.1 demands and people need.
func TestOpenAPIDescribesEveryOperation(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	d, text := s.described()
	if !strings.HasPrefix(d.OpenAPI, "3.1.") {
		t.Errorf("it is OpenAPI %q", d.OpenAPI)
	}
	ids := map[string]string{}
	for path, operations := range d.Paths {
		for method, o := range operations {
			where := method + " " + path
			if o.OperationID == "" || o.Summary == "" || len(o.Responses) == 0 || ids[o.OperationID] != "" {
				t.Errorf("%s: id %q (also of %q), summary %q, %d responses", where, o.OperationID, ids[o.OperationID], o.Summary, len(o.Responses))
			}
			ids[o.OperationID] = where
			for status, r := range o.Responses {
				if r.Description == "" {
					t.Errorf("%s: response %s has no description", where, status)
				}
			}
			for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				found := false
				for _, p := range o.Parameters {
					found = found || p.Name == m[1] && p.In == "path"
				}
				if !found {
					t.Errorf("%s: the parameter %s is not described", where, m[1])
				}
			}
		}
	}
	for _, path := range []string{"/api/v1/incidents", "/api/v1/alerts/{uid}", "/api/v1/sources", "/api/v1/search", "/api/v1/ingest/{source}", "/api/v1/deadletters/{uid}/replay", "/healthz", "/readyz", "/metrics"} {
		if d.Paths[path] == nil {
			t.Errorf("%s is not described", path)
		}
	}
	var doc any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`"\$ref":"#/([^"]+)"`).FindAllStringSubmatch(text, -1) {
		at := doc
		for _, part := range strings.Split(m[1], "/") {
			object, _ := at.(map[string]any)
			at = object[part]
		}
		if at == nil {
			t.Errorf("#/%s leads nowhere", m[1])
		}
	}
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for request, want := range map[string]int{
		"GET /nowhere": 404, "GET /": 404, "DELETE /api/v1/incidents": 405, "GET /api/v1/search": 405, "POST /healthz": 405, "GET /api/v1/incidents/none": 404,
		"GET /api/v1/incidents?limit=0": 422, "GET /api/v1/incidents?limit=many": 422, "GET /api/v1/alerts?min_severity=worst": 422, "POST /api/v1/deadletters/dead/replay": 422,
		"POST /api/v1/deadletters/dead2/replay": 422, "POST /api/v1/deadletters/none/replay": 404,
	} {
		method, path, _ := strings.Cut(request, " ")
		got := s.ask(method, path, s.tokens["owner"], nil)
		if got.status != want {
			t.Errorf("%s: %d, not %d: %s", request, got.status, want, got.body)
		}
		s.wellFormed(request, got)
		if want == 405 && got.header.Get("Allow") == "" {
			t.Errorf("%s: it does not say what is allowed", request)
		}
	}
	for body, want := range map[string]int{
		`{}`: 422, `{"sql":"SELECT 1","filter":"true"}`: 422, `{"sql":`: 400, `[]`: 422, `{"sql":"SELECT 1","rows":-1}`: 422, `{"unknown":1}`: 422, `{"sql":5}`: 422, "": 400,
	} {
		got := s.ask("POST", "/api/v1/search", s.tokens["owner"], strings.NewReader(body), "Content-Type", "application/json")
		if got.status != want {
			t.Errorf("search %s: %d, not %d: %s", body, got.status, want, got.body)
		}
		s.wellFormed("search "+body, got)
	}
}

// TestNoInternalErrorIsTold breaks the desk and readiness: the client hears that it is a fault of Tocsin, the log says which.
func TestNoInternalErrorIsTold(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *Server, _ *http.Server) {
		s.Ready = func() error { return errors.New("open /var/lib/secret-place: disk on fire") }
		s.Engine = &duck.Engine{Command: []string{"/nonexistent/engine"}}
	})
	tell := func(a answered, want int) {
		t.Helper()
		if a.status != want {
			t.Errorf("%d, not %d: %s", a.status, want, a.body)
		}
		for _, no := range []string{"sql", "secret-place", "nonexistent", "closed", ".go", "goroutine", "tocsin_"} {
			if strings.Contains(strings.ToLower(a.body), no) && !strings.Contains(a.body, "tocsin_…") {
				t.Errorf("it tells of %q: %s", no, a.body)
			}
		}
	}
	tell(s.ask("GET", "/readyz", "", nil), 503)
	tell(s.ask("POST", "/api/v1/search", s.tokens["owner"], strings.NewReader(`{"filter":"true"}`), "Content-Type", "application/json"), 500)
	if err := s.desk.Close(); err != nil {
		t.Fatal(err)
	}
	tell(s.ask("GET", "/api/v1/incidents", s.tokens["owner"], nil), 500)
	got := s.ask("POST", "/api/v1/ingest/apps", s.tokens["apps"], strings.NewReader(event("x")))
	tell(got, 503)
	if got.header.Get("Retry-After") == "" {
		t.Error("a sender is not told to come again")
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	if !strings.Contains(s.log.b.String(), "closed") {
		t.Errorf("the log does not say which: %s", s.log.b.String())
	}
}

func TestOperatorsPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for who, want := range map[string]string{
		"owner": "# HELP tocsin_test A figure.\n# TYPE tocsin_test gauge\ntocsin_test{source=\"apps\"} 1.5\n", "viewer all": "tocsin_test{source=\"apps\"} 1.5\n", "none": "", "scoped": "", "apps": "problem", "wrong": "problem", "revoked": "problem",
	} {
		a := s.ask("GET", "/metrics", s.tokens[who], nil)
		if want == "problem" && a.status == 401 && strings.Contains(a.header.Get("Content-Type"), want) {
			continue
		}
		if a.status != 200 || !strings.HasSuffix(a.body, want) || want == "" && a.body != "" {
			t.Errorf("metrics as %s: %d %q", who, a.status, a.body)
		}
	}
	if a := s.ask("GET", "/healthz", "", nil); !strings.Contains(a.body, "alive") {
		t.Errorf("healthz: %s", a.body)
	}
	if a := s.ask("GET", "/readyz", "", nil); a.status != 200 {
		t.Errorf("readyz: %d %s", a.status, a.body)
	}
}

func TestADeadLetterIsReplayed(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	a := s.ask("POST", "/api/v1/deadletters/dead1/replay", s.tokens["owner"], nil)
	if a.status != 200 || !strings.Contains(a.body, `"records":1`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if list := s.ask("GET", "/api/v1/deadletters?source=apps", s.tokens["owner"], nil); strings.Count(list.body, "replayed_at") != 1 {
		t.Errorf("%s", list.body)
	}
}

// TestASearchEndsWithItsClient asks an engine that never answers and goes away: the engine's process ends.
func TestASearchEndsWithItsClient(t *testing.T) {
	t.Parallel()
	pidFile := filepath.Join(t.TempDir(), "pid")
	s := newSite(t, func(s *Server, _ *http.Server) {
		s.Engine = &duck.Engine{Command: []string{"/bin/sh", "-c", `echo $$ >"$0.new"; mv "$0.new" "$0"; exec sleep 1000`, pidFile}}
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/api/v1/search", strings.NewReader(`{"filter":"true"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.tokens["owner"])
	req.Header.Set("Content-Type", "application/json")
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	pid := 0
	within(t, "the engine starts", func() bool {
		text, err := os.ReadFile(pidFile)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil && pid > 0
	})
	cancel()
	<-gone
	within(t, "the engine ends", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
}

func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
