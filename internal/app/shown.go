package app

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/api"
	"github.com/tocsin-security/tocsin/internal/ledger"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

// proof is what the API shows of the ledger.
func (h *house) proof() *api.Proof {
	c := h.o.Config
	return &api.Proof{Key: h.ledger.PublicKey(), Head: h.ledger.Checkpoint, Verify: func(ctx context.Context, from, to time.Time) (ledger.Report, error) {
		return ledger.Verify(ctx, c.ledgerDir(), h.ledger.PublicKey(), pipeline.DataFiles{Dir: c.lakeDir()}, from, to)
	}}
}

// mostShown bounds how much of environment.yaml a page shows, in bytes.
const mostShown = 256 << 10

// settings are what the API shows of tocsin.yaml. The address of a PostgreSQL may hold a password: only its kind is told.
func (h *house) settings() api.Settings {
	c := h.o.Config
	window := c.Detect.Window
	if window == 0 {
		window = 720 * time.Hour
	}
	out := api.Settings{Listen: c.Listen, TLS: c.TLS.keys != nil, Data: c.Data, Desk: "SQLite", Environment: c.Environment, Rules: c.Rules, Retention: []api.RetentionRow{}, Window: window.String(), Version: h.o.Version}
	if c.Environment != "" {
		raw, err := os.ReadFile(c.Environment)
		out.Organised = strings.ToValidUTF8(string(raw[:min(len(raw), mostShown)]), "\uFFFD")
		if err != nil {
			out.Cannot = err.Error()
		}
	}
	if strings.HasPrefix(c.Desk, "postgres") {
		out.Desk = "PostgreSQL"
	}
	for _, r := range c.Retention {
		out.Retention = append(out.Retention, api.RetentionRow{Source: r.Source, Days: r.Days})
	}
	return out
}
