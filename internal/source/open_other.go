//go:build !unix

package source

import (
	"io/fs"
	"os"
)

// openQuietly opens a file for reading.
func openQuietly(path string) (*os.File, error) { return os.Open(path) }

// identityOf is empty: there is no name of a file beside its path.
func identityOf(fs.FileInfo) string { return "" }
