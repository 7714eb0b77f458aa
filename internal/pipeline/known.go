package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/lake"
)

// known are the events that the lake holds or will, by day. A day that is asked for is read from the lake once, and may be forgotten
// when the lake holds all of it.
type known struct {
	mu         sync.Mutex
	lake       *lake.Lake
	days       map[int32]*knownDay
	generation int // of what is gathered for the next commit
	asked      int
	damaged    func(error) // told of files that cannot be read: what is in them is not known
}

type knownDay struct {
	ids     map[detect.EventID]struct{}
	changed int // generation of the last event that was new
	asked   int // when the day was last asked for, by count
}

// maxDays is how many days are known at once without need.
const maxDays = 40

func newKnown(l *lake.Lake) *known {
	return &known{lake: l, days: map[int32]*knownDay{}, generation: 1}
}

// add reports whether an event is new, and knows it from then on.
func (k *known) add(ctx context.Context, at time.Time, id detect.EventID) (bool, error) {
	start := at.UTC().Truncate(24 * time.Hour)
	day := int32(start.Unix() / 86400) //nolint:gosec // formats refuse times outside 2006–2100
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.days[day]
	if d == nil {
		d = &knownDay{ids: map[detect.EventID]struct{}{}}
		err := k.lake.Identities(ctx, start, start.Add(24*time.Hour), func(account, uid string) { d.ids[detect.IDOf(account, uid)] = struct{}{} })
		if d := new(lake.DamagedError); err != nil && !errors.As(err, &d) {
			return false, err
		}
		if err != nil && k.damaged != nil {
			k.damaged(err)
		}
		k.days[day] = d
	}
	k.asked++
	d.asked = k.asked
	if _, is := d.ids[id]; is {
		return false, nil
	}
	d.ids[id], d.changed = struct{}{}, k.generation
	return true, nil
}

// cut says that what was new so far goes into one commit, whose number it returns.
func (k *known) cut() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.generation++
	return k.generation - 1
}

// stored says that a commit is in the lake: days that wait for no other may be forgotten, those first that nobody asked for.
func (k *known) stored(generation int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.days) > maxDays {
		oldest, found := int32(0), false
		for day, d := range k.days {
			if d.changed <= generation && (!found || d.asked < k.days[oldest].asked) {
				oldest, found = day, true
			}
		}
		if !found {
			return
		}
		delete(k.days, oldest)
	}
}
