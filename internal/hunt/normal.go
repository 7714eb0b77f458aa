package hunt

import (
	"math/bits"
	"slices"
	"time"
)

// What counts as usual. Ours, chosen so that a working week of history is enough to speak and one odd day is not a habit;
// docs/hunt.md tells it.
const (
	leastDays   = 5  // of the baseline on which the entity did anything; with fewer nothing is called new
	leastEvents = 30 // of the baseline
	usualDays   = 3  // on so many days of the baseline a value is usual
)

// Standing says how a value of now stands to the baseline.
type Standing string

// The standings.
const (
	Usual   Standing = "usual"   // on at least usualDays days of the baseline
	Rare    Standing = "rare"    // in the baseline, on fewer days
	New     Standing = "new"     // in the window, and never in a baseline that is large enough
	Unknown Standing = "unknown" // in the window, and the baseline is too small to say
	Past    Standing = "past"    // in the baseline only
)

// Habit is one value of one feature: an hour of the week, a network, a Region …
type Habit struct {
	Key      string    `json:"key"`
	Name     string    `json:"name,omitempty"`
	Now      int64     `json:"now"`    // events in the window
	Before   int64     `json:"before"` // events in the baseline
	Days     int       `json:"days"`   // of the baseline on which it was seen
	Denied   int64     `json:"denied"` // of Now
	First    time.Time `json:"first_seen"`
	Last     time.Time `json:"last_seen"`
	Standing Standing  `json:"standing"`
	mask     uint64    // the days of the baseline, a bit each
}

// Support is how much baseline there is.
type Support struct {
	Events int64 `json:"events"`
	Days   int   `json:"days"`
	Enough bool  `json:"enough"` // to call something new
}

func supportOf(events int64, mask uint64) Support {
	s := Support{Events: events, Days: bits.OnesCount64(mask)}
	s.Enough = s.Days >= leastDays && s.Events >= leastEvents
	return s
}

// stand judges habits against a baseline. near gives the days on which what is next to a value was seen, which counts as its own:
// the hours before and after an hour.
func stand(list []Habit, s Support, near func(h *Habit) uint64) {
	for i := range list {
		h := &list[i]
		mask := h.mask
		if near != nil {
			mask |= near(h)
		}
		h.Days = bits.OnesCount64(mask)
		switch {
		case h.Now == 0:
			h.Standing = Past
		case h.Days >= usualDays:
			h.Standing = Usual
		case h.Days > 0:
			h.Standing = Rare
		case s.Enough:
			h.Standing = New
		default:
			h.Standing = Unknown
		}
	}
}

// regroup sums habits under other names: addresses under their networks. A habit with the name "" is left out.
func regroup(list []Habit, under func(key string) (key2, name string)) []Habit {
	at := map[string]int{}
	out := []Habit{}
	for _, h := range list {
		key, name := under(h.Key)
		if key == "" {
			continue
		}
		i, known := at[key]
		if !known {
			at[key] = len(out)
			h.Key, h.Name = key, name
			out = append(out, h)
			continue
		}
		sum := &out[i]
		sum.Now, sum.Before, sum.Denied, sum.mask = sum.Now+h.Now, sum.Before+h.Before, sum.Denied+h.Denied, sum.mask|h.mask
		if h.First.Before(sum.First) {
			sum.First = h.First
		}
		if h.Last.After(sum.Last) {
			sum.Last = h.Last
		}
	}
	slices.SortStableFunc(out, func(a, b Habit) int { return int(b.Now - a.Now) })
	return out
}
