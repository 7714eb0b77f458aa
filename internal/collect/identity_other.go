//go:build !unix

package collect

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

const nonblock = 0

// identity tells files apart by their real path, where the system gives no numbers for them.
type identity struct{ path string }

func identify(path string, _ fs.FileInfo) (identity, bool) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return identity{}, false
	}
	real, err = filepath.Abs(real)
	return identity{real}, err == nil
}

func openPair(string) (*os.File, error) { return nil, errors.ErrUnsupported }
