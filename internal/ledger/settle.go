package ledger

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// settleTime is how long the leaf of a file may come after the file, while somebody writes; mostLooks how often is looked again.
var settleTime = 5 * time.Second

const mostLooks = 10

// unsettled says that something is wrong which a writer beside may have made look so: between the reading of the log and the listing of the
// files, one can come whose leaf follows, and one can be replaced.
func (r *Report) unsettled() bool {
	for _, p := range r.Problems {
		if p.Kind == Added || p.Kind == Removed || p.Kind == Unproven {
			return true
		}
	}
	return false
}

// grows waits for the log in a folder to have more than size leaves. It does not where nobody writes, and gives up after a while.
func grows(ctx context.Context, dir string, size uint64) bool {
	more := func() bool {
		raw, err := os.ReadFile(filepath.Join(dir, "checkpoint")) //nolint:gosec // the folder that is verified
		if err != nil {
			return false
		}
		cp, err := parseCheckpoint(raw)
		return err == nil && cp.Size > size
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(settleTime); ; {
		if more() {
			return true
		}
		if !inUse(dir) || time.Now().After(end) {
			return more() // the last that a writer wrote before it went
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// inUse says that somebody has the ledger open to write.
func inUse(dir string) bool {
	f, err := os.Open(filepath.Join(dir, lockFile)) //nolint:gosec // the folder that is verified
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil //nolint:gosec // a descriptor
}
