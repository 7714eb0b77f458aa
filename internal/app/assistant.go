package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/tocsin-security/tocsin/internal/assistant"
)

// assistantTime is the most that a tool waits for its answer.
const assistantTime = 2 * time.Minute

// ServeAssistant speaks the Model Context Protocol on standard input and output, and asks the running tocsin serve with a token: that of the
// file token, or the owner's.
func ServeAssistant(ctx context.Context, c *Config, token, version string, streams Streams) error {
	if token == "" {
		token = c.tokenFile()
	}
	secret, err := os.ReadFile(token) //nolint:gosec // the user names it
	if err != nil {
		return UsageError{Err: err, Hint: "make a token with: tocsin token add --role viewer, put it into a file, and name that with --token"}
	}
	client := &http.Client{Timeout: assistantTime, Transport: &http.Transport{TLSClientConfig: c.TLS.own()}}
	ask := func(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
		req, err := http.NewRequestWithContext(ctx, method, c.scheme()+c.Listen+path, bytes.NewReader(body))
		if err != nil {
			return 0, nil, err
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(secret)))
		if body != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := client.Do(req) //nolint:gosec // the address is the configuration's, and on this machine
		if err != nil {
			return 0, nil, fmt.Errorf("%w at %s: start it", errNotRunning, c.Listen)
		}
		defer resp.Body.Close() //nolint:errcheck // only read
		raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
		return resp.StatusCode, raw, err
	}
	_, raw, err := ask(ctx, http.MethodGet, "/openapi.json", nil)
	if err != nil {
		return UsageError{Err: err, Hint: "assistants read from the running tocsin serve"}
	}
	var known struct{ Paths map[string]json.RawMessage }
	if err := json.Unmarshal(raw, &known); err != nil {
		return fmt.Errorf("read what tocsin serve can do: %w", err)
	}
	server := assistant.Server(version, func(path string) bool { return known.Paths[path] != nil }, ask)
	return server.Run(ctx, &mcp.IOTransport{Reader: io.NopCloser(streams.In), Writer: kept{streams.Out}})
}

// kept is standard output, which stays open.
type kept struct{ io.Writer }

func (kept) Close() error { return nil }
