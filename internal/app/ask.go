package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/report"
)

// errNotRunning says that no tocsin serve answers.
var errNotRunning = errors.New("no tocsin serve answers")

// askServer asks the running tocsin serve with the owner's token and reads its answer into out. kind is the media type of body.
func askServer(ctx context.Context, c *Config, method, path, kind string, body []byte, out any) error {
	resp, err := askedServer(ctx, c, method, path, kind, body, time.Minute)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("read the answer of tocsin serve: %w", err)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

// saveAnswer asks with a body of JSON and writes the answer's bytes.
func saveAnswer(ctx context.Context, c *Config, method, path string, body []byte, to io.Writer) error {
	resp, err := askedServer(ctx, c, method, path, "application/json", body, time.Hour)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	if _, err := io.Copy(to, resp.Body); err != nil {
		return fmt.Errorf("read the answer of tocsin serve: %w", err)
	}
	return nil
}

// askedServer gives the answer where it is a good one. The caller closes its body.
func askedServer(ctx context.Context, c *Config, method, path, kind string, body []byte, within time.Duration) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.scheme()+c.Listen+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if token, err := os.ReadFile(c.tokenFile()); err == nil {
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	client := &http.Client{Timeout: within, Transport: &http.Transport{TLSClientConfig: c.TLS.own()}}
	resp, err := client.Do(req) //nolint:gosec // the address is the configuration's, and on this machine
	if err != nil {
		return nil, fmt.Errorf("%w at %s", errNotRunning, c.Listen)
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusNoContent {
		return resp, nil
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 500))
	return nil, errors.Join(fmt.Errorf("tocsin serve at %s says %s: %s", c.Listen, resp.Status, report.Clean(string(raw))), err, resp.Body.Close())
}
