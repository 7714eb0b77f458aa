package api

import (
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tocsin-security/tocsin/internal/access"
)

// The bounds of a request. A client that is slower than these is cut off; what it had delivered by then was not acknowledged.
const (
	headerTime = 10 * time.Second // until the headers are there
	readTime   = 5 * time.Minute  // until all of the request is there
	writeTime  = 15 * time.Minute // until all of the answer is gone, from when the headers were there
	idleTime   = 2 * time.Minute  // between two requests of a connection
	maxHeader  = 64 << 10         // bytes
)

// HTTP is the server of the Handler, with bounds on what a client may make it wait for.
func (s *Server) HTTP() *http.Server {
	return &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
}

// Handler routes requests.
func (s *Server) Handler() http.Handler {
	s.Pushing.orDefault()
	s.pushes = make(chan struct{}, s.Pushing.AtOnce)
	s.turns = newTurns(&s.Asking)
	s.trials = make(chan struct{}, 1)
	mux := http.NewServeMux()
	config := huma.DefaultConfig("Tocsin", s.Version)
	config.DocsPath = "" // the console shows it
	config.CreateHooks = nil
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}, "session": {Type: "apiKey", In: "cookie", Name: sessionCookie}}
	config.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	api := humago.New(mux, config)
	api.UseMiddleware(s.signedIn(api))
	s.findings(api)
	s.doors(api)
	s.coverage(api)
	s.replays(api)
	s.search(api)
	s.entities(api)
	s.hunts(api)
	s.tunings(api)
	s.intelligence(api)
	s.sessions(api)
	s.people(api)
	s.triage(api)
	s.casework(api)
	s.audits(api)
	s.live(api)
	s.evidence(api)
	orNull(api, "Manifest", "lake")
	orNull(api, "Event", "proof")
	s.rules(api)
	s.ruleBench(api)
	s.settings(api)
	s.plain(api, mux)
	pages := ours()
	return guarded(s.Secure, http.NewCrossOriginProtection(), s.once(mux, changes(api), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { routed(mux, pages, w, r) })))
}

// schemaName names a type in the document. What comes of a hunt says so: its words (a link, a search that found) are others' as well.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if path.Base(t.PkgPath()) == "hunt" {
		return "Hunt" + name
	}
	return name
}

// orNull describes that a property of a schema can be null, which the framework cannot say of an object.
func orNull(api huma.API, schema, property string) {
	if of := api.OpenAPI().Components.Schemas.Map()[schema]; of != nil && of.Properties[property] != nil {
		of.Properties[property] = &huma.Schema{AnyOf: []*huma.Schema{of.Properties[property], {Type: "null"}}}
	}
}

// refusal keeps what the mux says of a request that it has no route for.
type refusal struct {
	http.ResponseWriter
	status int
}

func (r *refusal) WriteHeader(status int) { r.status = status }

func (r *refusal) Write(b []byte) (int, error) { return len(b), nil }

// routed serves what there is a route for, then the console, and says in our own words where there is neither.
func routed(mux *http.ServeMux, pages *console, w http.ResponseWriter, r *http.Request) {
	h, pattern := mux.Handler(r)
	if pattern != "" {
		mux.ServeHTTP(w, r)
		return
	}
	if pages.serve(w, r) {
		return
	}
	no := &refusal{ResponseWriter: w, status: http.StatusNotFound}
	h.ServeHTTP(no, r)
	detail := "there is nothing here; /openapi.json lists what there is"
	if no.status == http.StatusMethodNotAllowed {
		detail = "this can be asked with " + w.Header().Get("Allow")
	}
	problem(w, no.status, detail)
}

// plain routes what is served without the framework, and describes it with the rest.
func (s *Server) plain(api huma.API, mux *http.ServeMux) {
	for _, r := range []struct {
		op     huma.Operation
		answer string // of the answer
		handle http.HandlerFunc
	}{
		{s.ingestOperation(), "application/json", s.ingest},
		{assistantOperation(), "application/json", s.assistants(api, mux)},
		{op(access.Open, "GET", "/healthz", "Whether the process is alive"), "application/json", func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, map[string]string{"status": "alive"})
		}},
		{op(access.Open, "GET", "/readyz", "Whether everything works"), "application/json", s.ready},
		{metricsOperation(), "text/plain", s.metrics},
	} {
		o := r.op
		if o.RequestBody == nil {
			o.Security = []map[string][]string{} // for an operator's tools, which bring no token
		}
		if o.Responses == nil {
			o.Responses = map[string]*huma.Response{}
		}
		o.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{r.answer: {}}}
		api.OpenAPI().AddOperation(&o)
		mux.HandleFunc(o.Method+" "+o.Path, r.handle)
	}
}

// guarded adds to each answer what keeps a browser from making more of it than it is, and refuses what another site makes a browser ask.
func guarded(secure bool, crossing *http.CrossOriginProtection, next http.Handler) http.Handler {
	crossing.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusForbidden, "a page of another site asked for this")
	}))
	inner := crossing.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		inner.ServeHTTP(w, r)
	})
}

// ready asks whether everything works. Why not is for the log: anyone may ask here.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if err := s.Ready(); err != nil {
		answer(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "why": "a part of Tocsin does not work at the moment; its log says which"})
		return
	}
	answer(w, http.StatusOK, map[string]string{"status": "ready"})
}
