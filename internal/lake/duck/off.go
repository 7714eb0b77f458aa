//go:build !cgo

package duck

import "io"

// Serve answers that there is no engine.
func Serve(io.Reader, io.Writer) error { return ErrNoEngine }
