package api

import (
	"crypto/rand"
	"encoding/base64"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/tocsin-security/tocsin/web"
)

// nonceMark is where web/index.html wants the nonce of an answer.
const nonceMark = "{{nonce}}"

// pagePolicy is what a page may do: run and fetch what this server serves, and nothing else. Styles that the pages make while they run
// carry the nonce; the attribute style= is refused (CSP 3, section 6.1). Images may be data, for the icon.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" + nonceMark + "'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// notBuilt is shown where the binary was built without the console.
const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tocsin</title>
<h1>This binary has no console</h1>
<p>It was built without npm. The API works: see <a href="/openapi.json">/openapi.json</a>.</p>
<p>For the console install Node.js 20 or newer with npm, run <code>make build</code> in Tocsin's folder, and start the new binary.</p></html>
`

// console serves the pages that a browser runs.
type console struct {
	files fs.FS
	index string // "" where none was built
}

func newConsole(files fs.FS, built bool) *console {
	c := &console{files: files}
	if text, err := fs.ReadFile(files, "index.html"); built && err == nil {
		c.index = string(text)
	}
	return c
}

// ours is the console that this binary carries.
func ours() *console { return newConsole(web.FS()) }

// serve answers where there is a file, or where a browser asks for a page: which page that is, the console decides by the address.
// It reports false for what is not its matter.
func (c *console) serve(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || strings.HasPrefix(r.URL.Path, "/api/") {
		return false
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if strings.HasPrefix(name, "assets/") {
		return c.asset(w, r, name)
	}
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return false
	}
	c.page(w)
	return true
}

// asset serves a file whose name holds the hash of what is in it, so that a browser need never ask again.
func (c *console) asset(w http.ResponseWriter, r *http.Request, name string) bool {
	content, err := fs.ReadFile(c.files, name)
	if err != nil {
		return false
	}
	h := w.Header()
	if packed, err := fs.ReadFile(c.files, name+".gz"); err == nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			content = packed
		}
	}
	kind := mime.TypeByExtension(path.Ext(name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(content) //nolint:gosec // a file of the build, none of a person; an error is a client that went away
	return true
}

func (c *console) page(w http.ResponseWriter) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	nonce := base64.RawStdEncoding.EncodeToString(random[:])
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", strings.ReplaceAll(pagePolicy, nonceMark, nonce))
	text := c.index
	if text == "" {
		text = notBuilt
	}
	_, _ = w.Write([]byte(strings.ReplaceAll(text, nonceMark, nonce))) // a client that went away
}
