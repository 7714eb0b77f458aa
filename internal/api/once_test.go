package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
)

// TestARequestMayTakeItsTime answers after more than five seconds, where something before the route has read the body: nothing ends it
// but who asked.
func TestARequestMayTakeItsTime(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	huma.Register(humago.New(mux, huma.DefaultConfig("x", "1")), op(access.Triage, "POST", "/api/v1/slow", "A change that takes its time"), func(ctx context.Context, in *body[map[string]string]) (*body[map[string]string], error) {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(5500 * time.Millisecond):
			return in, nil
		}
	})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(read))
		mux.ServeHTTP(w, r)
	}))
	defer front.Close()
	resp, err := http.Post(front.URL+"/api/v1/slow", jsonBody, strings.NewReader(`{"a":"b"}`)) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%d %s %v", resp.StatusCode, text, err)
	}
}

// TestWhatOnlyAsksIsNotKept brings a key to routes that ask, or sign in: nothing of their answers is on the desk.
func TestWhatOnlyAsksIsNotKept(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	cookie := s.settle()
	for i, c := range [][3]string{
		{"POST", "/api/v1/pivot", `{"value":"alice"}`},
		{"POST", "/api/v1/hunt", `{"filter":"x"}`},
		{"POST", "/api/v1/search", `{"sql":"SELECT 1"}`},
		{"POST", "/api/v1/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`},
		{"POST", "/api/v1/hunts/none/run", `{}`},
		{"POST", "/api/v1/evidence/none/export", `{}`},
		{"POST", "/api/v1/rules/none/tuning", ``},
		{"PUT", "/api/v1/session/password", `{"old":"` + sentence + `","new":"another long enough sentence"}`},
	} {
		headers := []string{"Idempotency-Key", "ask"}
		token := s.tokens["owner"]
		if strings.Contains(c[1], "session") {
			headers, token = append(headers, "Cookie", cookie), ""
		}
		for range 2 {
			if a := s.tell(c[0], c[1], token, c[2], headers...); a.header.Get("Idempotent-Replayed") != "" || a.status == 409 {
				t.Errorf("%d %s: %v", i, c[1], a)
			}
		}
	}
	var n int
	if err := s.desk.Store().QueryRowContext(t.Context(), `SELECT count(*) FROM answers`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d answers are kept (%v)", n, err)
	}
}

// TestAnAnswerIsNotHeardByOneWhoMayLess narrows a person between a write and its repeat.
func TestAnAnswerIsNotHeardByOneWhoMayLess(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.settle()
	add := func(role access.Role, accounts ...string) desk.Token {
		return desk.Token{Role: string(role), Accounts: accounts}
	}
	s.token("bob", add(access.Analyst, "*"))
	set := func(role access.Role, accounts string) {
		t.Helper()
		if _, err := s.desk.Store().ExecContext(t.Context(), `UPDATE tokens SET role = $1, accounts = $2 WHERE name = 'bob'`, string(role), accounts); err != nil {
			t.Fatal(err)
		}
	}
	path, key := "/api/v1/alerts/a"+foreign+"/decision", []string{"Idempotency-Key", "k"}
	ask := func() answered { return s.tell("PATCH", path, s.tokens["bob"], `{"comment":"once"}`, key...) }
	if a := ask(); a.status != 200 {
		t.Fatal(a)
	}
	set(access.Analyst, `["`+own+`"]`)
	if a := ask(); a.status != 404 || strings.Contains(a.body, "once") {
		t.Errorf("with other accounts: %v", a)
	}
	set(access.Viewer, `["*"]`)
	if a := ask(); a.status != 403 || strings.Contains(a.body, "once") {
		t.Errorf("with another role: %v", a)
	}
	set(access.Analyst, `["*"]`)
	if a := ask(); a.status != 200 || a.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("as it was: %v", a)
	}
}

// TestWhatIsLongIsNotKept answers with more than is kept, and with what is no JSON: a repeat says so, and does nothing.
func TestWhatIsLongIsNotKept(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for name, c := range map[string]struct{ kind, body string }{"long": {"application/json", strings.Repeat("x", maxSaid+1)}, "a file": {"application/zip", "PK\x00\xff"}} {
		done := 0
		mux := http.NewServeMux()
		mux.HandleFunc("POST /x", func(w http.ResponseWriter, _ *http.Request) {
			done++
			w.Header().Set("Content-Type", c.kind)
			for half := range strings.SplitSeq(c.body, "\x00") {
				_, _ = w.Write([]byte(half))
			}
		})
		h := s.server.once(mux, map[string]access.Right{"POST /x": access.Triage}, mux)
		ask := func() *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/x", nil)
			r.Header.Set("Authorization", "Bearer "+s.tokens["owner"])
			r.Header.Set("Idempotency-Key", name)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w
		}
		if w := ask(); w.Code != 200 || w.Body.Len() < len(c.body)-1 {
			t.Errorf("%s: %d, %d bytes", name, w.Code, w.Body.Len())
		}
		if w := ask(); w.Code != 409 || done != 1 || !strings.Contains(w.Body.String(), "not kept") {
			t.Errorf("%s again: %d %s, done %d times", name, w.Code, w.Body, done)
		}
	}
}
