package api

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/source"
)

// ingest takes logs that are pushed: JSON, JSON lines or any other known format, plain, gzip or zstd, recognised by content. It answers
// after all of it is durable. A client that repeats a push gives the same Idempotency-Key, and nothing is taken twice.
func (s *Server) ingest(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("source")
	token, err := s.Desk.TokenOf(r.Context(), bearer(r.Header.Get("Authorization")), s.Now())
	switch {
	case errors.Is(err, desk.ErrNotFound):
		w.Header().Set("WWW-Authenticate", "Bearer")
		problem(w, http.StatusUnauthorized, "bring the source's token: Authorization: Bearer tocsin_… (make one with: tocsin token add --source "+name+")")
		return
	case err != nil:
		s.Log.Error("a token could not be looked for", "error", err)
		problem(w, http.StatusInternalServerError, "the desk cannot be asked")
		return
	case token.Source != name:
		problem(w, http.StatusForbidden, "this token may not deliver to source "+name)
		return
	}
	sources, err := s.Desk.Sources(r.Context())
	if err != nil || !slices.ContainsFunc(sources, func(x desk.Source) bool { return x.Name == name && x.Kind == "http" && !x.Paused }) {
		problem(w, http.StatusNotFound, "source "+name+" is not there, not of kind http, or paused")
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		var random [16]byte
		if _, err := rand.Read(random[:]); err != nil {
			problem(w, http.StatusInternalServerError, "no random number")
			return
		}
		key = hex.EncodeToString(random[:])
	} else if len(key) > 256 {
		problem(w, http.StatusBadRequest, "the Idempotency-Key is longer than 256 bytes")
		return
	}
	s.take(w, r, name, key)
}

// maxPush is how much one push may bring, as it comes.
const maxPush = 64 << 20

func (s *Server) take(w http.ResponseWriter, r *http.Request, name, key string) {
	limit := s.MaxPush
	if limit == 0 {
		limit = maxPush
	}
	var receipt pipeline.Receipt
	err := source.Spooled(r.Context(), s.House.Spool, r.Body, limit, func(inv *collect.Inventory) error {
		var err error
		receipt, err = s.House.Receive(r.Context(), pipeline.Delivery{Source: name, Object: "push/" + key, Lane: lake.LaneLive, Received: s.Now().UTC(), Inventory: inv})
		return err
	})
	switch {
	case errors.Is(err, source.ErrTooLong):
		problem(w, http.StatusRequestEntityTooLarge, "a push may bring 64 MiB; send more of them, or compress it")
	case r.Context().Err() != nil:
	case err != nil:
		s.Log.Error("a push was not taken", "source", name, "error", err)
		w.Header().Set("Retry-After", "5")
		problem(w, http.StatusServiceUnavailable, "it could not be made durable; send it again with the same Idempotency-Key")
	default:
		answer(w, http.StatusOK, struct {
			pipeline.Receipt
			Key string `json:"idempotency_key"`
		}{receipt, key})
	}
}

func problem(w http.ResponseWriter, status int, detail string) {
	answer(w, status, map[string]any{"status": status, "title": http.StatusText(status), "detail": detail})
}
