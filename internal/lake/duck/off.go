//go:build !cgo

package duck

import "io"

// Available reports whether this build holds the engine.
const Available = false

// Serve answers that there is no engine.
func Serve(io.Reader, io.Writer) error { return ErrNoEngine }
