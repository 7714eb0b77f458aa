package pipeline

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/lake"
)

// known are the events that the lake holds or will, by the hour in which they happened. An hour that is asked for is read from the lake, with
// its day, and is forgotten again when the lake holds all of it and nobody asks any more: what is held does not grow with the day. It is
// exact for every hour of which it knows all, and while more come than are held at once, for the most recent maxIDs events: of what is older
// it says so in forgotten.
type known struct {
	mu         sync.Mutex
	lake       *lake.Lake
	now        func() time.Time
	hours      map[int32]*knownHour // by hours since 1970
	generation int                  // of what is gathered for the next commit
	asked      int
	damaged    func(error) // told of files that cannot be read: what is in them is not known
	held       int         // ids in all hours
	most       int         // how many are held at once
	Held       atomic.Int64
	Forgotten  atomic.Int64 // ids that were let go of an hour that is in use
}

// knownHour holds an hour's ids in sets, the oldest first, so that the oldest can be let go.
type knownHour struct {
	sets    []map[detect.EventID]struct{}
	changed []int     // by set: generation of the last event that was new
	asked   int       // when the hour was last asked for, by count; 0 where it was only read beside another
	last    time.Time // and by the clock
}

const (
	// maxHours is how many hours are known at once without need: those of forty days that are filled in.
	maxHours = 40 * 24
	// maxIDs is how many ids are known at once: about 300 MB, or at 5,000 events a second the last half an hour, in which a source
	// that repeats itself does so.
	maxIDs = 8_000_000
	// setIDs is how many ids one set holds.
	setIDs = 1_000_000
	// knownIdle is how long an hour is known that nobody asks for: a source that delivers within that is never read for. besideIdle is the
	// same of an hour that was only read because another of its day was.
	knownIdle  = 2 * time.Hour
	besideIdle = 10 * time.Minute
)

func newKnown(l *lake.Lake) *known {
	return &known{lake: l, now: time.Now, hours: map[int32]*knownHour{}, generation: 1, most: maxIDs}
}

// add reports whether an event is new, and knows it from then on.
func (k *known) add(ctx context.Context, at time.Time, id detect.EventID) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.hours[hourOf(at)]
	if d == nil {
		if err := k.read(ctx, at.UTC().Truncate(24*time.Hour)); err != nil {
			return false, err
		}
		d = k.hours[hourOf(at)]
	}
	k.asked++
	d.asked, d.last = k.asked, k.now()
	for i := len(d.sets) - 1; i >= 0; i-- { // what is repeated is most often young
		if _, is := d.sets[i][id]; is {
			return false, nil
		}
	}
	k.put(d, id, k.generation)
	return true, nil
}

func hourOf(at time.Time) int32 {
	return int32(at.Unix() / 3600) //nolint:gosec // formats refuse times outside 2006–2100
}

// read takes in those hours of a day that are not known: the lake is laid out by days.
func (k *known) read(ctx context.Context, day time.Time) error {
	fresh := map[int32]*knownHour{}
	first := hourOf(day)
	for h := first; h < first+24; h++ {
		if k.hours[h] == nil {
			fresh[h] = &knownHour{last: k.now()}
		}
	}
	err := k.lake.Identities(ctx, day, day.Add(24*time.Hour), func(at time.Time, account, uid string) {
		if d := fresh[hourOf(at)]; d != nil {
			k.put(d, detect.IDOf(account, uid), 0)
		}
	})
	if damage := new(lake.DamagedError); err != nil && !errors.As(err, &damage) {
		for _, d := range fresh {
			k.drop(d)
		}
		return err
	}
	if err != nil && k.damaged != nil {
		k.damaged(err)
	}
	maps.Copy(k.hours, fresh)
	return nil
}

// put keeps an id of an hour.
func (k *known) put(d *knownHour, id detect.EventID, generation int) {
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

func (k *known) drop(d *knownHour) {
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

// stored says that a commit is in the lake: hours that wait for no other may be forgotten, those that nobody asks for, and first those that
// nobody asked for longest. Where one hour alone is more than may be held, its oldest sets go.
func (k *known) stored(generation int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer func() { k.Held.Store(int64(k.held)) }()
	now := k.now()
	for hour, d := range k.hours {
		idle := knownIdle
		if d.asked == 0 {
			idle = besideIdle
		}
		if !d.waits(generation) && now.Sub(d.last) > idle {
			k.forget(hour)
		}
	}
	for len(k.hours) > maxHours || len(k.hours) > 1 && k.held > k.most {
		hour, found := k.unasked(generation)
		if !found {
			break
		}
		k.forget(hour)
	}
	for _, d := range k.hours {
		for k.held > k.most && len(d.sets) > 1 && d.changed[0] <= generation {
			k.held -= len(d.sets[0])
			k.Forgotten.Add(int64(len(d.sets[0])))
			d.sets, d.changed = d.sets[1:], d.changed[1:]
		}
	}
}

// waits says that an hour has an event that no commit up to a generation holds.
func (d *knownHour) waits(generation int) bool {
	return len(d.changed) > 0 && d.changed[len(d.changed)-1] > generation
}

func (k *known) forget(hour int32) {
	k.drop(k.hours[hour])
	delete(k.hours, hour)
}

// unasked finds the hour that was asked for longest ago, but for the one that was asked for last, and that the lake holds all of.
func (k *known) unasked(generation int) (hour int32, found bool) {
	for at, d := range k.hours {
		if !d.waits(generation) && d.asked < k.asked && (!found || d.asked < k.hours[hour].asked) {
			hour, found = at, true
		}
	}
	return hour, found
}
