package detect

import (
	"bytes"
	"cmp"
	"slices"
)

// maxNamed bounds the matches of one fold whose events are named: a storm of one rule by one origin on one day. All are counted.
const maxNamed = 10_000

// foldKey is what matches are kept by: they become one alert.
type foldKey struct {
	rule  int32
	group uint32
	day   int32
}

// fold is the matches of one key. Which are named does not depend on the order in which they came: the earliest are.
type fold struct {
	named   []match
	counted int64 // beyond the named
	last    int64 // the latest of those
	sorted  bool
}

const millisPerDay = 24 * 60 * 60 * 1000

// fold keeps a match.
func (d *Detector) fold(m match) {
	key := foldKey{m.rule, m.group, int32(m.time / millisPerDay)} //nolint:gosec // formats refuse times outside 2006–2100
	f := d.folds[key]
	if f == nil {
		f = &fold{}
		d.folds[key] = f
	}
	f.add(m)
}

func (f *fold) add(m match) {
	f.named, f.sorted = append(f.named, m), false
	if len(f.named) >= 2*maxNamed {
		f.settle()
	}
}

// settle sorts the matches and lets go of those beyond the bound.
func (f *fold) settle() {
	if f.sorted {
		return
	}
	f.sorted = true
	slices.SortFunc(f.named, func(a, b match) int { return cmp.Or(cmp.Compare(a.time, b.time), bytes.Compare(a.id[:], b.id[:])) })
	if more := len(f.named) - maxNamed; more > 0 {
		f.counted += int64(more)
		f.last = max(f.last, f.named[len(f.named)-1].time)
		f.named = f.named[:maxNamed]
	}
}

func (d *Detector) mergeFold(key foldKey, theirs *fold) {
	mine := d.folds[key]
	if mine == nil {
		d.folds[key] = theirs
		return
	}
	mine.counted += theirs.counted
	mine.last = max(mine.last, theirs.last)
	for _, m := range theirs.named {
		mine.add(m)
	}
}

// sortedFolds settles all folds and lists them by rule, origin, account and day.
func (d *Detector) sortedFolds() []foldKey {
	out := make([]foldKey, 0, len(d.folds))
	for key, f := range d.folds {
		f.settle()
		out = append(out, key)
	}
	slices.SortFunc(out, func(a, b foldKey) int {
		x, y := &d.groups[a.group], &d.groups[b.group]
		return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(x.origin, y.origin), cmp.Compare(x.account, y.account), cmp.Compare(a.day, b.day))
	})
	return out
}
