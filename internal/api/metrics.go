package api

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
)

// Metric is one number, in the manner of Prometheus.
type Metric struct {
	Name   string
	Help   string
	Type   string   // counter or gauge
	Labels []string // name, value, name, value …
	Value  float64
}

// metricsOperation describes metrics.
func metricsOperation() huma.Operation {
	o := op(access.Open, "GET", "/metrics", "Figures, in the text format of Prometheus; those of a source or an account for a token that sees all accounts")
	o.Responses = map[string]*huma.Response{"401": {Description: "a token that is none", Content: map[string]*huma.MediaType{"application/problem+json": {}}}}
	return o
}

// metrics writes the text format of Prometheus, version 0.0.4. Metrics of one name must stand together. Who brings no token hears how Tocsin
// does; which sources and accounts there are, and how much they bring, only who sees all accounts.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	c, err := s.identify(r.Context(), r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.RemoteAddr)
	if err != nil && bearer(r.Header.Get("Authorization")) != "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
		problem(w, http.StatusUnauthorized, "this token opens nothing here; without one, the figures that name no source and no account are shown")
		return
	}
	whole := err == nil && c.Role.May(access.Read) && access.ScopeOf(c.Accounts).All()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	var b strings.Builder
	last := ""
	for _, m := range s.Metrics() {
		if !whole && m.names() {
			continue
		}
		if m.Name != last {
			fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", m.Name, m.Help, m.Name, m.Type)
			last = m.Name
		}
		b.WriteString(m.Name)
		for i := 0; i+1 < len(m.Labels); i += 2 {
			b.WriteString([]string{"{", ","}[min(i, 1)] + m.Labels[i] + `="` + labelValue.Replace(strings.ToValidUTF8(m.Labels[i+1], "\uFFFD")) + `"`)
		}
		if len(m.Labels) > 1 {
			b.WriteByte('}')
		}
		b.WriteString(" " + strconv.FormatFloat(m.Value, 'g', -1, 64) + "\n")
	}
	_, _ = w.Write([]byte(b.String())) // a client that went away
}

// names reports whether a figure is that of a source or an account.
func (m *Metric) names() bool {
	for i := 0; i < len(m.Labels); i += 2 {
		if l := m.Labels[i]; l == "source" || l == "account" || l == "feed" {
			return true
		}
	}
	return false
}

// labelValue escapes what the text format asks for, and nothing else: a log can bring any name.
var labelValue = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
