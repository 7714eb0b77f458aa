package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/assistant"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/desk"
)

// assistantPath is where assistants are served by the Model Context Protocol (streamable HTTP, without sessions).
const assistantPath = "/api/v1/mcp"

func assistantOperation() huma.Operation {
	o := op(access.Read, "POST", assistantPath, "Tools for assistants that only read, by the Model Context Protocol")
	o.RequestBody = &huma.RequestBody{Required: true, Description: "a message of JSON-RPC 2.0", Content: map[string]*huma.MediaType{"application/json": {}}}
	o.Responses = map[string]*huma.Response{}
	for status, why := range map[string]string{"400": "the message is wrong", "401": "no valid token", "403": "a token of something else", "404": "no such method or session", "405": "another method", "413": "too many bytes", "415": "no JSON", "500": "a fault of Tocsin"} {
		o.Responses[status] = &huma.Response{Description: why, Content: map[string]*huma.MediaType{"application/problem+json": {}}}
	}
	return o
}

// assistants serves the tools. Each tool asks the API itself, with what the request brought to say who asks: there is no second place
// that decides who sees what.
func (s *Server) assistants(api huma.API, mux *http.ServeMux) http.HandlerFunc {
	paths := func(path string) bool { return api.OpenAPI().Paths[path] != nil }
	tools := mcp.NewStreamableHTTPHandler(func(r *http.Request) *mcp.Server {
		return assistant.Server(s.Version, paths, insideOf(mux, r))
	}, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true, Logger: s.Log, DisableLocalhostProtection: true}) // a request without a token gets no further than below
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := s.identify(r.Context(), r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.RemoteAddr)
		var only deliversOnly
		switch {
		case errors.Is(err, desk.ErrNotFound):
			w.Header().Set("WWW-Authenticate", "Bearer")
			problem(w, http.StatusUnauthorized, "bring a token: Authorization: Bearer tocsin_… (make one with: tocsin token add)")
		case errors.As(err, &only):
			_ = s.note(r.Context(), audit.Entry{Actor: c.Name, Kind: c.Kind, Address: c.Address, Action: "assistant", Outcome: audit.Denied, Detail: only.Error()})
			problem(w, http.StatusForbidden, only.Error())
		case err != nil && r.Context().Err() != nil:
			return // whoever asked has gone
		case err != nil:
			s.Log.Error("a caller could not be looked for", "error", err)
			problem(w, http.StatusInternalServerError, "the desk cannot be asked")
		case !c.Role.May(access.Read):
			_ = s.note(r.Context(), audit.Entry{Actor: c.Name, Kind: c.Kind, Address: c.Address, Action: "assistant", Outcome: audit.Denied})
			problem(w, http.StatusForbidden, "this needs the right to read")
		default:
			tools.ServeHTTP(&plainly{ResponseWriter: w}, r)
		}
	}
}

// plainly turns an error in plain words, as the protocol's library writes it, into a problem as all other routes answer.
type plainly struct {
	http.ResponseWriter
	failed int // the status of an error in plain words, whose words come next
}

func (p *plainly) WriteHeader(status int) {
	p.Header().Set("Cache-Control", "no-store") // the library says that it may be kept
	if status >= 400 && strings.HasPrefix(p.Header().Get("Content-Type"), "text/plain") {
		p.failed = status
		return
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *plainly) Write(b []byte) (int, error) {
	if p.failed == 0 {
		p.Header().Set("Cache-Control", "no-store")
		return p.ResponseWriter.Write(b)
	}
	problem(p.ResponseWriter, p.failed, strings.TrimSpace(string(b)))
	return len(b), nil
}

// Unwrap lets what streams find what flushes.
func (p *plainly) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// insideOf asks the routes of this server, with the credentials of a request.
func insideOf(mux *http.ServeMux, from *http.Request) assistant.Ask {
	return func(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
		r, err := http.NewRequestWithContext(ctx, method, path, bytes.NewReader(body))
		if err != nil {
			return 0, nil, err
		}
		for _, name := range []string{"Authorization", "Cookie"} {
			if v := from.Header.Get(name); v != "" {
				r.Header.Set(name, v)
			}
		}
		if body != nil {
			r.Header.Set("Content-Type", "application/json")
		}
		r.RemoteAddr, r.Host = from.RemoteAddr, from.Host
		w := &kept{header: http.Header{}, status: http.StatusOK}
		mux.ServeHTTP(w, r)
		return w.status, w.body.Bytes(), nil
	}
}

// kept is an answer that goes to nobody but us.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header         { return k.header }
func (k *kept) WriteHeader(status int)      { k.status = status }
func (k *kept) Write(b []byte) (int, error) { return k.body.Write(b) }
