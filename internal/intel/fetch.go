package intel

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// Seen is what the last fetch left, so that the next need not bring the same again.
type Seen struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
	Version      string `json:"version,omitempty"`
}

// Fetched is what a fetch brought.
type Fetched struct {
	Seen
	Raw       []byte // unpacked; nil where nothing changed
	Unchanged bool
}

// fetchTime is how long one fetch may take.
const fetchTime = 2 * time.Minute

// maxRedirects is how often a feed may send on.
const maxRedirects = 5

// Fetch reads a feed's bytes from its file or URL, at most MaxBytes. What did not change since last is not read again where its server
// says so. gzip is unpacked.
func (f *Feed) Fetch(ctx context.Context, last Seen) (Fetched, error) {
	out, err := f.fetch(ctx, last)
	if err != nil || out.Unchanged {
		return out, err
	}
	if out.Raw, err = unpack(out.Raw); err != nil {
		return Fetched{}, err
	}
	sum := sha256.Sum256(out.Raw)
	out.Version = hex.EncodeToString(sum[:6])
	if out.Version == last.Version {
		out.Raw, out.Unchanged = nil, true
	}
	return out, nil
}

func (f *Feed) fetch(ctx context.Context, last Seen) (Fetched, error) {
	if f.File != "" {
		file, err := os.Open(filepath.Clean(f.File))
		if err != nil {
			return Fetched{}, fmt.Errorf("read feed: %w", err)
		}
		defer file.Close() //nolint:errcheck // only read
		raw, err := bounded(file)
		return Fetched{Raw: raw}, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return Fetched{}, fmt.Errorf("fetch feed: %w", err)
	}
	req.Header.Set("User-Agent", "tocsin")
	if last.ETag != "" {
		req.Header.Set("If-None-Match", last.ETag)
	}
	if last.LastModified != "" {
		req.Header.Set("If-Modified-Since", last.LastModified)
	}
	resp, err := client.Do(req)
	if err != nil {
		return Fetched{}, fmt.Errorf("fetch feed: %w", withoutQuery(err))
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end or given up
	switch {
	case resp.StatusCode == http.StatusNotModified:
		return Fetched{Seen: last, Unchanged: true}, nil
	case resp.StatusCode != http.StatusOK:
		return Fetched{}, fmt.Errorf("fetch feed: the server answers %s", resp.Status)
	}
	raw, err := bounded(resp.Body)
	return Fetched{Seen: Seen{ETag: resp.Header.Get("ETag"), LastModified: resp.Header.Get("Last-Modified")}, Raw: raw}, err
}

var client = &http.Client{CheckRedirect: func(to *http.Request, via []*http.Request) error {
	switch {
	case len(via) >= maxRedirects:
		return errors.New("the feed sends on too often")
	case via[0].URL.Scheme == "https" && to.URL.Scheme != "https":
		return errors.New("the feed sends from https to a connection that anyone can change")
	}
	return nil
}}

// withoutQuery keeps keys that stand in a feed's address out of messages.
func withoutQuery(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func bounded(in io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(in, MaxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read feed: %w", err)
	case len(raw) > MaxBytes:
		return nil, fmt.Errorf("the feed has more than %d MiB: it is left as it was", MaxBytes>>20)
	}
	return raw, nil
}

func unpack(raw []byte) ([]byte, error) {
	if !bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		return raw, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("unpack feed: %w", err)
	}
	return bounded(z)
}
