//go:build unix

package collect

import (
	"io/fs"
	"os"
	"syscall"
)

// nonblock keeps open(2) from waiting.
const nonblock = syscall.O_NONBLOCK

// identity tells files apart, whatever they are called.
type identity struct{ device, inode uint64 }

// identify returns the identity of what info describes, and whether the file system gave one.
func identify(_ string, info fs.FileInfo) (identity, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Ino == 0 {
		return identity{}, false
	}
	return identity{uint64(st.Dev), st.Ino}, true //nolint:gosec,unconvert // signed on some systems
}

// openPair opens a FIFO for both directions, which never waits: whoever waits for a writer is released.
func openPair(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0) //nolint:gosec // reading the paths that the user names is the purpose
}
