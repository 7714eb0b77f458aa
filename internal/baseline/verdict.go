package baseline

import (
	"fmt"
	"time"
)

// Minimum support for a first use to mean something. An origin with less history is silent. Ours: a working week
// and enough events that a daily habit would have shown.
const (
	MinDays   = 5
	MinEvents = 100
)

// Window is a span of time that is held out of an origin's support because it is itself under suspicion.
type Window struct{ From, To time.Time }

// Verdict says what the history knows of one use.
type Verdict struct {
	New    bool // first use by this origin, with enough support
	Days   int  // days with events of the origin before, held-out days not counted
	Events int  // events of the origin on those days
	Users  int  // origins that use the value in the whole history, this one included
}

// String gives the figures as a person reads them.
func (v Verdict) String() string {
	return fmt.Sprintf("first use after %d days and %d events of this origin; used by %d origins in all", v.Days, v.Events, v.Users)
}

// IsFirst reports whether the event is the first use of the value by the origin; it needs no support and is cheap.
func (h *History) IsFirst(origin string, f Feature, value string, by EventID) bool {
	o, ok := h.names[origin]
	if !ok {
		return false
	}
	v, ok := h.names[value]
	if !ok {
		return false
	}
	u, ok := h.uses[useKey{o, v, f}]
	return ok && u.by == by
}

// Judge gives the verdict on a first use at a time, with the origin's suspicious windows held out.
func (h *History) Judge(origin string, f Feature, value string, atMillis int64, heldOut []Window) Verdict {
	v := Verdict{Users: h.Users(f, value)}
	o, ok := h.names[origin]
	if !ok {
		return v
	}
	today := dayOf(atMillis)
	for d, n := range h.origins[o] {
		if d < today && !held(d, heldOut) {
			v.Days++
			v.Events += int(n)
		}
	}
	v.New = v.Days >= MinDays && v.Events >= MinEvents
	return v
}

func held(day int32, windows []Window) bool {
	from := int64(day) * millisPerDay
	to := from + millisPerDay
	for _, w := range windows {
		if w.From.UnixMilli() < to && w.To.UnixMilli() >= from {
			return true
		}
	}
	return false
}
