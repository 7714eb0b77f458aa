package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func TestConsole(t *testing.T) {
	t.Parallel()
	built := newConsole(fstest.MapFS{
		"index.html":           {Data: []byte(`<meta name="style-nonce" content="{{nonce}}">`)},
		"assets/main-1a.js":    {Data: []byte("plain")},
		"assets/main-1a.js.gz": {Data: []byte("packed")},
	}, true)
	bare := newConsole(fstest.MapFS{}, false)
	for _, c := range []struct {
		name, method, path, accept, encoding string
		on                                   *console
		mine                                 bool
		body, cache                          string
	}{
		{"a page", "GET", "/incidents/x", "text/html", "", built, true, `content="`, ""},
		{"the root", "GET", "/", "text/html,*/*", "", built, true, `content="`, ""},
		{"a program asks", "GET", "/incidents/x", "*/*", "", built, false, "", ""},
		{"an unknown resource", "GET", "/api/v1/nothing", "text/html", "", built, false, "", ""},
		{"a write", "POST", "/incidents/x", "text/html", "", built, false, "", ""},
		{"an asset", "GET", "/assets/main-1a.js", "*/*", "", built, true, "plain", "immutable"},
		{"an asset, packed", "GET", "/assets/main-1a.js", "*/*", "br, gzip", built, true, "packed", "immutable"},
		{"an old asset", "GET", "/assets/main-0.js", "text/html", "", built, false, "", ""},
		{"a path out of the assets", "GET", "/assets/../index.html", "*/*", "", built, false, "", ""},
		{"not built", "GET", "/", "text/html", "", bare, true, "make build", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, r := httptest.NewRecorder(), httptest.NewRequest(c.method, c.path, http.NoBody)
			r.Header.Set("Accept", c.accept)
			r.Header.Set("Accept-Encoding", c.encoding)
			if mine := c.on.serve(w, r); mine != c.mine {
				t.Fatalf("served: %v, want %v", mine, c.mine)
			}
			if !strings.Contains(w.Body.String(), c.body) || !strings.Contains(w.Header().Get("Cache-Control"), c.cache) {
				t.Errorf("%q, cached %q", w.Body, w.Header().Get("Cache-Control"))
			}
		})
	}
}

// TestConsolePolicy asks the whole server for a page twice: each has a nonce of its own, and no inline script may run.
func TestConsolePolicy(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	seen := map[string]bool{}
	for range 2 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/incidents/x?tab=story", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/html")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		policy := res.Header.Get("Content-Security-Policy")
		if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "script-src 'self';") || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("policy %q, cached %q", policy, res.Header.Get("Cache-Control"))
		}
		nonce := regexp.MustCompile(`'nonce-([^']{20,})'`).FindStringSubmatch(policy)
		if nonce == nil || seen[nonce[1]] || strings.Contains(string(text), nonceMark) {
			t.Fatalf("nonce %q, seen %v, in %s", nonce, seen, text)
		}
		seen[nonce[1]] = true
	}
}
