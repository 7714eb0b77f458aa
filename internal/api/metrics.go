package api

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Metric is one number, in the manner of Prometheus.
type Metric struct {
	Name   string
	Help   string
	Type   string   // counter or gauge
	Labels []string // name, value, name, value …
	Value  float64
}

// metrics writes the text format of Prometheus, version 0.0.4. Metrics of one name must stand together.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	var b strings.Builder
	last := ""
	for _, m := range s.Metrics() {
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

// labelValue escapes what the text format asks for, and nothing else: a log can bring any name.
var labelValue = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
