package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"

	"github.com/tocsin-security/tocsin/internal/desk"
)

// maxOnce bounds the body of a write with an Idempotency-Key, in bytes: ours are decisions, not logs.
const maxOnce = 2 << 20

// once does a write with an Idempotency-Key once: who repeats it with the same key hears the first answer again, and one that asks for
// something else with that key is refused. Pushes of logs have their own way of it.
func (s *Server) once(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if key == "" || r.Method == http.MethodGet || r.Method == http.MethodHead || !strings.HasPrefix(r.URL.Path, "/api/v1/") || strings.HasPrefix(r.URL.Path, "/api/v1/ingest/") {
			next.ServeHTTP(w, r)
			return
		}
		if len(key) > maxKey {
			problem(w, http.StatusBadRequest, "Idempotency-Key: at most 256 bytes")
			return
		}
		c, err := s.identify(r.Context(), r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.RemoteAddr)
		if err != nil { // next says so; who is unknown fills no table
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOnce))
		if err != nil {
			problem(w, http.StatusRequestEntityTooLarge, "the body of a write with an Idempotency-Key has at most 2 MiB")
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		id := hashOf("key", c.Kind, c.Name, key)
		request := hashOf(r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("If-Match"), string(body))
		before, err := s.Desk.Once(r.Context(), id, request, s.Now())
		switch {
		case err != nil:
			s.Log.Error("a key could not be looked for", "error", err)
			problem(w, http.StatusInternalServerError, "a fault of Tocsin; its log says more")
		case before == nil:
			s.first(w, r, next, id, request)
		case before.Request != request:
			problem(w, http.StatusUnprocessableEntity, "this Idempotency-Key was used for another request: take a new one")
		case before.Status == 0:
			problem(w, http.StatusConflict, "a request with this Idempotency-Key is being done, or was when Tocsin ended: look at what is there before you repeat it with a new key")
		default:
			said(w, before)
		}
	})
}

func said(w http.ResponseWriter, a *desk.Said) {
	if a.Kind != "" {
		w.Header().Set("Content-Type", a.Kind)
	}
	if a.ETag != "" {
		w.Header().Set("ETag", a.ETag)
	}
	w.Header().Set("Idempotent-Replayed", "true")
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body) // a client that went away
}

// first does a request and remembers its answer. A fault of ours is not remembered, and no secret is.
func (s *Server) first(w http.ResponseWriter, r *http.Request, next http.Handler, id, request string) {
	heard := &hearing{ResponseWriter: w, status: http.StatusOK}
	done := false
	defer func() {
		a := desk.Said{Request: request, Status: heard.status, Kind: w.Header().Get("Content-Type"), ETag: w.Header().Get("ETag"), Body: heard.body.String()}
		switch {
		case !done || heard.status >= http.StatusInternalServerError:
			a.Status = 0
		case heard.status < 300 && (strings.HasSuffix(r.URL.Path, "/tokens") || strings.HasSuffix(r.URL.Path, "/invitations")):
			a = desk.Said{Request: request, Status: http.StatusConflict, Kind: "application/problem+json", Body: `{"title":"Conflict","status":409,"detail":"this was done, and its secret shown once: revoke it and make another"}`}
		}
		if err := s.Desk.Say(context.WithoutCancel(r.Context()), id, a); err != nil {
			s.Log.Error("an answer could not be remembered", "error", err)
		}
	}()
	next.ServeHTTP(heard, r)
	done = true
}

// hearing keeps what is answered.
type hearing struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (h *hearing) WriteHeader(status int) {
	h.status = status
	h.ResponseWriter.WriteHeader(status)
}

func (h *hearing) Write(b []byte) (int, error) {
	h.body.Write(b)
	return h.ResponseWriter.Write(b)
}

func hashOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = io.WriteString(h, p+"\x00") // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}
