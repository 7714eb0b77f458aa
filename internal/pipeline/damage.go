package pipeline

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tocsin-security/tocsin/internal/lake"
)

// damage remembers data files that could not be read. The zero value is ready for use.
type damage struct {
	mu    sync.Mutex
	files map[string]time.Time // path → when it was found
}

// add takes in every DamagedError that an error holds.
func (d *damage) add(err error, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files == nil {
		d.files = map[string]time.Time{}
	}
	for _, e := range damagedIn(err) {
		if _, known := d.files[e.Path]; !known {
			d.files[e.Path] = now
		}
	}
}

// damagedIn lists the DamagedErrors in a tree of errors.
func damagedIn(err error) []*lake.DamagedError {
	if many, is := err.(interface{ Unwrap() []error }); is { //nolint:errorlint // the tree is walked here
		var out []*lake.DamagedError
		for _, e := range many.Unwrap() {
			out = append(out, damagedIn(e)...)
		}
		return out
	}
	if d, is := err.(*lake.DamagedError); is { //nolint:errorlint // likewise
		return []*lake.DamagedError{d}
	}
	if inner := errors.Unwrap(err); inner != nil {
		return damagedIn(inner)
	}
	return nil
}

// Damage lists the files of the lake that were found damaged and still are, and since when. A file that was put back, or that the lake does not name any
// more, is forgotten.
func (w *Worker) Damage(ctx context.Context, named []lake.File) (paths []string, since time.Time) {
	w.damage.mu.Lock()
	files := maps.Clone(w.damage.files)
	w.damage.mu.Unlock()
	for path, at := range files {
		isNamed := slices.ContainsFunc(named, func(f lake.File) bool { return f.Path == path })
		if !isNamed || lake.Records(ctx, path, func(lake.Kept) error { return nil }) == nil {
			w.damage.mu.Lock()
			delete(w.damage.files, path)
			w.damage.mu.Unlock()
			continue
		}
		if paths = append(paths, path); since.IsZero() || at.Before(since) {
			since = at
		}
	}
	slices.Sort(paths)
	return paths, since
}
