package pipeline

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/lake"
)

// known are the events that the lake holds or will, by day. A day that is asked for is read from the lake once, and may be forgotten
// when the lake holds all of it. It is exact for every day of which it knows all, and while more come than are held at once, for the
// most recent maxIDs events: of what is older it says so in forgotten.
type known struct {
	mu         sync.Mutex
	lake       *lake.Lake
	days       map[int32]*knownDay
	generation int // of what is gathered for the next commit
	asked      int
	damaged    func(error) // told of files that cannot be read: what is in them is not known
	held       int         // ids in all days
	most       int         // how many are held at once
	Held       atomic.Int64
	Forgotten  atomic.Int64 // ids that were let go of a day that is in use
}

// knownDay holds a day's ids in sets, the oldest first, so that the oldest can be let go.
type knownDay struct {
	sets    []map[detect.EventID]struct{}
	changed []int // by set: generation of the last event that was new
	asked   int   // when the day was last asked for, by count
}

const (
	// maxDays is how many days are known at once without need.
	maxDays = 40
	// maxIDs is how many ids are known at once: about 300 MB, or at 5,000 events a second the last half an hour, in which a source
	// that repeats itself does so.
	maxIDs = 8_000_000
	// setIDs is how many ids one set holds.
	setIDs = 1_000_000
)

func newKnown(l *lake.Lake) *known {
	return &known{lake: l, days: map[int32]*knownDay{}, generation: 1, most: maxIDs}
}

// add reports whether an event is new, and knows it from then on.
func (k *known) add(ctx context.Context, at time.Time, id detect.EventID) (bool, error) {
	start := at.UTC().Truncate(24 * time.Hour)
	day := int32(start.Unix() / 86400) //nolint:gosec // formats refuse times outside 2006–2100
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.days[day]
	if d == nil {
		d = &knownDay{}
		err := k.lake.Identities(ctx, start, start.Add(24*time.Hour), func(account, uid string) { k.put(d, detect.IDOf(account, uid), 0) })
		if damage := new(lake.DamagedError); err != nil && !errors.As(err, &damage) {
			k.drop(d)
			return false, err
		}
		if err != nil && k.damaged != nil {
			k.damaged(err)
		}
		k.days[day] = d
	}
	k.asked++
	d.asked = k.asked
	for i := len(d.sets) - 1; i >= 0; i-- { // what is repeated is most often young
		if _, is := d.sets[i][id]; is {
			return false, nil
		}
	}
	k.put(d, id, k.generation)
	return true, nil
}

// put keeps an id of a day.
func (k *known) put(d *knownDay, id detect.EventID, generation int) {
	last := len(d.sets) - 1
	if last < 0 || len(d.sets[last]) >= setIDs {
		d.sets, d.changed = append(d.sets, map[detect.EventID]struct{}{}), append(d.changed, 0)
		last++
	}
	before := len(d.sets[last])
	d.sets[last][id] = struct{}{}
	d.changed[last] = max(d.changed[last], generation)
	k.held += len(d.sets[last]) - before
}

func (k *known) drop(d *knownDay) {
	for _, s := range d.sets {
		k.held -= len(s)
	}
}

// cut says that what was new so far goes into one commit, whose number it returns.
func (k *known) cut() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.generation++
	return k.generation - 1
}

// stored says that a commit is in the lake: days that wait for no other may be forgotten, those first that nobody asked for. Where
// one day alone is more than may be held, its oldest sets go.
func (k *known) stored(generation int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer func() { k.Held.Store(int64(k.held)) }()
	for len(k.days) > maxDays || len(k.days) > 1 && k.held > k.most {
		day, found := k.unasked(generation)
		if !found {
			break
		}
		k.drop(k.days[day])
		delete(k.days, day)
	}
	for _, d := range k.days {
		for k.held > k.most && len(d.sets) > 1 && d.changed[0] <= generation {
			k.held -= len(d.sets[0])
			k.Forgotten.Add(int64(len(d.sets[0])))
			d.sets, d.changed = d.sets[1:], d.changed[1:]
		}
	}
}

// unasked finds the day that was asked for longest ago, but for the one that was asked for last, and that the lake holds all of.
func (k *known) unasked(generation int) (day int32, found bool) {
	for at, d := range k.days {
		waits := len(d.changed) > 0 && d.changed[len(d.changed)-1] > generation
		if !waits && d.asked < k.asked && (!found || d.asked < k.days[day].asked) {
			day, found = at, true
		}
	}
	return day, found
}
