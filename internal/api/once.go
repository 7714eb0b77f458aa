package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
)

// maxOnce bounds the body of a write with an Idempotency-Key, in bytes: ours are decisions, not logs.
const maxOnce = 2 << 20

// maxSaid bounds the answer that is kept, in bytes; of a longer one only is kept that it was given.
const maxSaid = 256 << 10

// asking are routes that need a right to change and only ask, or answer with a file: a key does nothing there.
var asking = []string{
	"POST /api/v1/incidents/{uid}/foresee", "POST /api/v1/hunts/{uid}/run", "POST /api/v1/hunts/{uid}/rule", "POST /api/v1/rules/{uid}/tuning", "POST /api/v1/evidence/{uid}/export", "POST /api/v1/evidence/{uid}/verify",
}

// changes are the routes whose writes can be done once, by method and path, with the right that each needs. Sign-ins and passwords are
// none of them, nor is what who only reads may ask.
func changes(api huma.API) map[string]access.Right {
	out := map[string]access.Right{}
	for path, item := range api.OpenAPI().Paths {
		for method, o := range map[string]*huma.Operation{http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete} {
			route := method + " " + path
			if o == nil || slices.Contains(asking, route) {
				continue
			}
			switch right := rightOf(o); right {
			case access.Triage, access.Respond, access.Tend, access.Govern:
				out[route] = right
			}
		}
	}
	return out
}

// once does a write with an Idempotency-Key once: who repeats it with the same key hears the first answer again, and one that asks for
// something else with that key is refused. A key belongs to its caller with role and accounts: an answer is never heard by who may less, or
// something else, than the one to whom it was given. Pushes of logs have their own way of it.
func (s *Server) once(mux *http.ServeMux, changes map[string]access.Right, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if key == "" {
			next.ServeHTTP(w, r)
			return
		}
		_, route := mux.Handler(r)
		right, is := changes[route]
		if !is {
			next.ServeHTTP(w, r)
			return
		}
		if len(key) > maxKey {
			problem(w, http.StatusBadRequest, "Idempotency-Key: at most 256 bytes")
			return
		}
		c, err := s.identify(r.Context(), r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.RemoteAddr)
		if err != nil || !c.Role.May(right) { // next says so; who is unknown, or may not, fills no table
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOnce))
		if err != nil {
			problem(w, http.StatusRequestEntityTooLarge, "the body of a write with an Idempotency-Key has at most 2 MiB")
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		id := hashOf(append([]string{"key", c.Kind, c.Name, key, string(c.Role)}, slices.Sorted(slices.Values(c.Accounts))...)...)
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
			a = notAgain(request, "this was done, and its secret shown once: revoke it and make another")
		case heard.cut || !plainJSON(a):
			a = notAgain(request, "this was answered with status "+strconv.Itoa(heard.status)+", and its answer not kept: look at what is there")
		}
		if err := s.Desk.Say(context.WithoutCancel(r.Context()), id, a); err != nil {
			s.Log.Error("an answer could not be remembered", "error", err)
		}
	}()
	next.ServeHTTP(heard, r)
	done = true
}

// notAgain is what is kept in the place of an answer that is not to be given again.
func notAgain(request, detail string) desk.Said {
	return desk.Said{Request: request, Status: http.StatusConflict, Kind: "application/problem+json", Body: `{"title":"Conflict","status":409,"detail":"` + detail + `"}`}
}

// plainJSON reports whether an answer is JSON, or empty: the desk keeps texts, and would change others.
func plainJSON(a desk.Said) bool {
	kind, _, _ := strings.Cut(a.Kind, ";")
	return a.Body == "" || kind == "application/json" || kind == "application/problem+json"
}

// hearing keeps what is answered, where it is not too long.
type hearing struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
	cut    bool // it is too long, and nothing of it is kept
}

func (h *hearing) WriteHeader(status int) {
	h.status = status
	h.ResponseWriter.WriteHeader(status)
}

func (h *hearing) Write(b []byte) (int, error) {
	if h.cut = h.cut || h.body.Len()+len(b) > maxSaid; h.cut {
		h.body = bytes.Buffer{}
	} else {
		h.body.Write(b)
	}
	return h.ResponseWriter.Write(b)
}

func hashOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = io.WriteString(h, p+"\x00") // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}
