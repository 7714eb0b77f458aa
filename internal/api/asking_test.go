package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/lake/duck"
)

// TestQuestionsWaitForTheirTurn takes the only turn, and asks every operation that asks the lake: each is told to come again. When the
// turn is given back, who waits is answered.
func TestQuestionsWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *Server, _ *http.Server) { s.Asking = Asking{AtOnce: 1, Waiting: 1, Patience: time.Millisecond} })
	d, _ := s.described()
	done, err := s.server.turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for where, given := range map[string]string{
		"POST /api/v1/search": `{"sql":"SELECT 1"}`, "POST /api/v1/hunt": `{"sql":"SELECT 1"}`, "GET /api/v1/entity?kind=ip&value=x": "", "GET /api/v1/graph?kind=ip&value=x": "",
		"POST /api/v1/pivot": `{"value":"x"}`, "POST /api/v1/hunts/{uid}/run": "", "POST /api/v1/hunts/{uid}/rule": "", "POST /api/v1/rules/{uid}/tuning": "",
		"POST /api/v1/rules/{uid}/tuning/accept": `{"id":"x","owner":"x","expires":"2030-01-01T00:00:00Z"}`,
	} {
		method, path, _ := strings.Cut(where, " ")
		got := s.ask(method, strings.ReplaceAll(path, "{uid}", "x"), s.tokens["owner"], strings.NewReader(given), "Content-Type", jsonBody)
		if got.status != 429 || got.header.Get("Retry-After") != "1" {
			t.Errorf("%s: %d %s, Retry-After %q", where, got.status, got.body, got.header.Get("Retry-After"))
		}
		path, _, _ = strings.Cut(path, "?")
		if o := d.Paths[path][strings.ToLower(method)]; o.Responses["429"].Description == "" || o.Responses["default"].Description == "" {
			t.Errorf("%s: the document describes %v", where, o.Responses)
		}
	}
	done()
	if done, err = s.server.turn(t.Context()); err != nil {
		t.Fatal("the turn that was given back is not there:", err)
	}
	s.server.Asking.Patience = time.Minute
	answered := make(chan error)
	go func() {
		next, err := s.server.turn(t.Context())
		if err == nil {
			next()
		}
		answered <- err
	}()
	within(t, "one waits", func() bool { return len(s.server.turns.waiting) == 1 })
	if _, err := s.server.turn(t.Context()); err == nil {
		t.Error("more wait than may")
	}
	done()
	if err := <-answered; err != nil {
		t.Error("who waits is not answered:", err)
	}
}

// TestAnswersAreBoundInBytes asks for more than is held, in each way that gives rows.
func TestAnswersAreBoundInBytes(t *testing.T) {
	t.Parallel()
	if !duck.Available {
		t.Skip("this build has no search engine: build it with a C compiler")
	}
	s := newSite(t, func(s *Server, _ *http.Server) { s.Asking.Bytes = 1 << 20 })
	for path, says := range map[string]string{"/api/v1/search": `"cut":true`, "/api/v1/hunt": "takes more than 1.0 MiB"} {
		got := s.ask("POST", path, s.tokens["owner"], strings.NewReader(`{"sql":"SELECT repeat('x', 100000) FROM range(1000)"}`), "Content-Type", jsonBody)
		if got.status != 200 || len(got.body) > 1<<20 || !strings.Contains(got.body, `"more":true`) || !strings.Contains(got.body, says) {
			t.Errorf("%s: %d, %d bytes, %s", path, got.status, len(got.body), got.body[max(0, len(got.body)-400):])
		}
	}
}
