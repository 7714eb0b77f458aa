// Package web is the console: pages that a browser runs, built by npm into dist and carried by the binary.
//
// In: web/dist as it was when the binary was built. Out: its files, and whether there are any: a binary that was built without npm
// has no console, and everything else. Promises: no file says anything about the data; the pages learn all through the API.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// FS returns the built files, index.html at the top, and whether a console was built.
func FS() (files fs.FS, built bool) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return dist, false
	}
	_, err = fs.Stat(files, "index.html")
	return files, err == nil
}
