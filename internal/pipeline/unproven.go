package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// UnprovenError says that the ledger cannot prove what a snapshot of the lake did: the files can be read, but do not hold what they should.
type UnprovenError struct {
	Snapshot int64
	Err      error
}

// Error says which compaction it is, and why it cannot be proven.
func (e *UnprovenError) Error() string { return fmt.Sprintf("snapshot %d: %v", e.Snapshot, e.Err) }

// Unwrap gives the cause.
func (e *UnprovenError) Unwrap() error { return e.Err }

// proveAgain is how long a worker waits before it tries again to prove what could not be proven.
const proveAgain = 10 * time.Minute

// unproven remembers that the ledger waits, and why. The zero value is ready for use.
type unproven struct {
	mu           sync.Mutex
	why          error
	since, tried time.Time
}

// toLedger takes the ledger to the lake's last snapshot, and reports whether it is there. Where a snapshot cannot be proven the ledger waits before it, with a
// reason that people see, and is tried again now and then. Events are judged and kept meanwhile; snapshots and files stay for as long, so nothing is
// lost that the proof needs.
func (w *Worker) toLedger(ctx context.Context) (there bool, err error) {
	if w.Follow == nil {
		return true, nil
	}
	u := &w.unproven
	u.mu.Lock()
	waits := u.why != nil && since(w.Now(), u.tried) < proveAgain
	u.mu.Unlock()
	if waits {
		return false, nil
	}
	err = w.Follow(ctx)
	u.mu.Lock()
	defer u.mu.Unlock()
	if e := new(UnprovenError); errors.As(err, &e) {
		if u.why == nil {
			u.since = w.Now()
		}
		u.why, u.tried = e, w.Now()
		w.Status.Unproven.Store(1)
		w.Log.Error("the ledger waits: what the lake did cannot be proven; events are judged and kept, and files and snapshots stay until it can", "error", err, "again_in", proveAgain)
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ledger: %w", err)
	}
	if u.why != nil {
		w.Log.Info("the ledger goes on", "waited", since(w.Now(), u.since))
	}
	u.why = nil
	w.Status.Unproven.Store(0)
	return true, nil
}

// Unproven says why the ledger waits and since when; "" where it does not.
func (w *Worker) Unproven() (why string, since time.Time) {
	w.unproven.mu.Lock()
	defer w.unproven.mu.Unlock()
	if w.unproven.why == nil {
		return "", time.Time{}
	}
	return w.unproven.why.Error(), w.unproven.since
}
