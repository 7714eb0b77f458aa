package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/source"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// Pushing bounds what is pushed. The zero value takes the defaults.
type Pushing struct {
	Bytes    int64         // of one push, as it comes; default 64 MiB
	AtOnce   int           // pushes that are being taken; default 32
	Patience time.Duration // how long a push waits for room in a full stream; default 10 s
}

func (p *Pushing) orDefault() {
	if p.Bytes <= 0 {
		p.Bytes = 64 << 20
	}
	if p.AtOnce <= 0 {
		p.AtOnce = 32
	}
	if p.Patience <= 0 {
		p.Patience = 10 * time.Second
	}
}

// maxKey is how long an Idempotency-Key may be, in bytes.
const maxKey = 256

// ingest takes logs that are pushed: JSON, JSON lines or any other known format, plain, gzip or zstd, recognised by content. It answers
// after all of it is durable. A client that repeats a push gives the same Idempotency-Key, and nothing is taken twice.
func (s *Server) ingest(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("source")
	secret := bearer(r.Header.Get("Authorization"))
	token, err := s.Desk.TokenOf(r.Context(), secret, s.Now())
	switch {
	case errors.Is(err, desk.ErrNotFound):
		if secret != "" {
			s.stranger(r.Context(), secret, addressOf(r.RemoteAddr))
		}
		w.Header().Set("WWW-Authenticate", "Bearer")
		problem(w, http.StatusUnauthorized, "bring the source's token: Authorization: Bearer tocsin_… (make one with: tocsin token add --source NAME)")
		return
	case err != nil:
		s.deskFault(w, err)
		return
	case token.Source != name:
		_ = s.note(r.Context(), audit.Entry{Actor: token.Name, Kind: "token", Address: addressOf(r.RemoteAddr), Action: "ingest", Object: name, Outcome: audit.Denied})
		problem(w, http.StatusForbidden, "this token may not deliver to this source")
		return
	}
	if !s.opens(w, r, name) {
		return
	}
	key, ok := keyOf(w, r)
	if !ok {
		return
	}
	select {
	case s.pushes <- struct{}{}:
		defer func() { <-s.pushes }()
	default:
		later(w, 2, fmt.Sprintf("%d pushes are being taken already", s.Pushing.AtOnce))
		return
	}
	s.take(w, r, name, key)
}

func (s *Server) deskFault(w http.ResponseWriter, err error) {
	s.Log.Error("the desk could not be asked", "error", err)
	later(w, 5, "the desk cannot be asked")
}

// opens reports whether there is a source to push to, and says why not.
func (s *Server) opens(w http.ResponseWriter, r *http.Request, name string) bool {
	sources, err := s.Desk.Sources(r.Context())
	if err != nil {
		s.deskFault(w, err)
		return false
	}
	i := slices.IndexFunc(sources, func(x desk.Source) bool { return x.Name == name })
	switch {
	case i < 0 || sources[i].Kind != "http":
		problem(w, http.StatusNotFound, "source "+name+" is not there, or not of kind http")
		return false
	case sources[i].Paused:
		later(w, 60, "source "+name+" is paused: keep what you have and send it later")
		return false
	}
	return true
}

// keyOf is by what a repeated push is known, and refuses what cannot be taken as it comes.
func keyOf(w http.ResponseWriter, r *http.Request) (key string, ok bool) {
	switch encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))); encoding {
	case "", "identity", "gzip", "x-gzip", "zstd": // which of them it is, the content says
	default:
		w.Header().Set("Accept-Encoding", "gzip, zstd")
		problem(w, http.StatusUnsupportedMediaType, "send it plain, gzip or zstd")
		return "", false
	}
	key = r.Header.Get("Idempotency-Key")
	switch {
	case len(key) > maxKey:
		problem(w, http.StatusBadRequest, fmt.Sprintf("the Idempotency-Key is longer than %d bytes", maxKey))
		return "", false
	case key != "":
		return strings.ToValidUTF8(key, "?"), true
	}
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		problem(w, http.StatusInternalServerError, "no random number")
		return "", false
	}
	return hex.EncodeToString(random[:]), true
}

func (s *Server) take(w http.ResponseWriter, r *http.Request, name, key string) {
	var receipt pipeline.Receipt
	err := source.Spooled(r.Context(), s.House.Spool, r.Body, s.Pushing.Bytes, func(inv *collect.Inventory) error {
		var err error
		receipt, err = s.House.Receive(r.Context(), pipeline.Delivery{
			Source: name, Object: "push/" + key, Lane: lake.LaneLive, Received: s.Now().UTC(), Inventory: inv, Patience: s.Pushing.Patience,
		})
		return err
	})
	w.Header().Set("Idempotency-Key", key)
	var cut *http.MaxBytesError
	switch {
	case errors.Is(err, source.ErrTooLong) || errors.As(err, &cut):
		w.Header().Set("Connection", "close")
		problem(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("a push may bring %d bytes; send more of them, or compress it", s.Pushing.Bytes))
	case errors.Is(err, context.Canceled) || r.Context().Err() != nil:
	case errors.Is(err, source.ErrBroken):
		problem(w, http.StatusBadRequest, "the body broke off; nothing of it is taken: send it again with the Idempotency-Key of this answer")
	case errors.Is(err, stream.ErrFull):
		later(w, 10, "the stream is full, and the lake is behind: send it again with the Idempotency-Key of this answer")
	case err != nil:
		s.Log.Error("a push was not taken", "source", name, "error", err)
		later(w, 5, "it could not be made durable: send it again with the Idempotency-Key of this answer")
	default:
		answer(w, http.StatusOK, struct {
			pipeline.Receipt
			Key string `json:"idempotency_key"`
		}{receipt, key})
	}
}

func later(w http.ResponseWriter, seconds int, detail string) {
	w.Header().Set("Retry-After", fmt.Sprint(seconds))
	problem(w, http.StatusServiceUnavailable, detail)
}

// ingestOperation describes ingest.
func (s *Server) ingestOperation() huma.Operation {
	o := op(access.Open, "POST", "/api/v1/ingest/{source}", "Deliver logs to a source, with a token of that source")
	text := &huma.Schema{Type: "string"}
	o.Parameters = []*huma.Param{
		{Name: "source", In: "path", Required: true, Schema: text},
		{Name: "Idempotency-Key", In: "header", Description: "the same for a push that is repeated: nothing is taken twice", Schema: text},
		{Name: "Content-Encoding", In: "header", Schema: &huma.Schema{Type: "string", Enum: []any{"identity", "gzip", "zstd"}}},
	}
	o.RequestBody = &huma.RequestBody{Required: true, Description: "records of any known format, recognised by content", Content: map[string]*huma.MediaType{
		"application/json": {}, "application/x-ndjson": {}, "application/octet-stream": {},
	}}
	o.Responses = map[string]*huma.Response{}
	for status, why := range map[string]string{
		"400": "the request is wrong", "401": "no valid token", "403": "a token of something else", "404": "no such source", "413": "too many bytes", "415": "an encoding that is not known", "503": "not now: see Retry-After",
	} {
		o.Responses[status] = &huma.Response{Description: why, Content: map[string]*huma.MediaType{"application/problem+json": {}}}
	}
	return o
}

// problem answers as RFC 9457 says.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	send(w, status, map[string]any{"status": status, "title": http.StatusText(status), "detail": detail})
}
