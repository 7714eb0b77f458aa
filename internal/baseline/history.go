package baseline

import (
	"math"
	"time"
)

// Feature is one thing that an origin has habits in.
type Feature uint8

// The features that are remembered.
const (
	API     Feature = iota // service and operation, "iam.amazonaws.com:CreateUser"
	Region                 // "eu-west-1"
	Country                // "DE"
	Network                // autonomous system number
	Tool                   // tool family that the user agent claims
	Address                // source address; kept for sharing counts, not for novelty
	features
)

// FeatureNames are the names that rules use, by Feature.
var FeatureNames = [features]string{"api", "region", "country", "network", "tool", "address"}

// FeatureByName finds a feature by the name that rules use.
func FeatureByName(name string) (Feature, bool) {
	for i, n := range FeatureNames {
		if n == name {
			return Feature(i), true //nolint:gosec // below features
		}
	}
	return 0, false
}

// EventID names one event in the history: a hash of its identity.
type EventID [16]byte

// use is what is kept of one (origin, feature, value).
type use struct {
	first int64 // epoch milliseconds of the earliest event
	by    EventID
	count uint32
	last  int32 // day of the latest event
}

type useKey struct {
	origin  uint32
	value   uint32
	feature Feature
}

// days counts an origin's events by UTC day number.
type days map[int32]uint32

// History is what is remembered. The zero value is ready; it has one owner at a time.
type History struct {
	names   map[string]uint32
	uses    map[useKey]use
	origins map[uint32]days
	users   map[useKey]uint32 // origins per (value, feature); origin is 0
	list    []string

	overflow int64 // uses that were not learned, see MaxUses
}

const millisPerDay = int64(24 * time.Hour / time.Millisecond)

func (h *History) intern(s string) uint32 {
	if id, ok := h.names[s]; ok {
		return id
	}
	if h.names == nil {
		h.names = map[string]uint32{}
		h.uses = map[useKey]use{}
		h.origins = map[uint32]days{}
		h.users = map[useKey]uint32{}
		h.list = append(h.list, "")
	}
	id := uint32(len(h.list)) //nolint:gosec // strings in memory are fewer than 2^32
	own := string([]byte(s))
	h.names[own] = id
	h.list = append(h.list, own)
	return id
}

// Origin is a handle to one origin of a History, to save a look-up per feature.
type Origin struct {
	id   uint32
	days days
}

// Origin returns the handle of the named origin, which it starts to remember.
func (h *History) Origin(name string) Origin {
	id := h.intern(name)
	d := h.origins[id]
	if d == nil {
		d = days{}
		h.origins[id] = d
	}
	return Origin{id, d}
}

// Event counts one event of the origin.
func (h *History) Event(o Origin, atMillis int64) { o.days[dayOf(atMillis)]++ }

// Use counts one use of a value by the origin. Ties in time go to the smaller event id, so that order is moot.
func (h *History) Use(o Origin, f Feature, value string, atMillis int64, by EventID) {
	if value == "" {
		return
	}
	key := useKey{o.id, h.intern(value), f}
	u, known := h.uses[key]
	if !known {
		if len(h.uses) >= MaxUses {
			h.overflow++
			return
		}
		h.users[useKey{value: key.value, feature: f}]++
	}
	if !known || earlier(atMillis, by, u) {
		u.first, u.by = atMillis, by
	}
	u.count++
	u.last = max(u.last, dayOf(atMillis))
	h.uses[key] = u
}

func earlier(atMillis int64, by EventID, than use) bool {
	if atMillis != than.first {
		return atMillis < than.first
	}
	return string(by[:]) < string(than.by[:])
}

func dayOf(atMillis int64) int32 {
	d := atMillis / millisPerDay
	if atMillis%millisPerDay < 0 {
		d--
	}
	return int32(d) //nolint:gosec // formats refuse times outside 2006–2100
}

// Merge adds other's memory to h. other must not be used afterwards.
func (h *History) Merge(other *History) {
	if len(other.list) == 0 {
		return
	}
	h.intern("")
	to := make([]uint32, len(other.list))
	for i, s := range other.list {
		if i > 0 {
			to[i] = h.intern(s)
		}
	}
	for id, theirs := range other.origins {
		mine := h.origins[to[id]]
		if mine == nil {
			mine = days{}
			h.origins[to[id]] = mine
		}
		for d, n := range theirs {
			mine[d] += n
		}
	}
	for k, theirs := range other.uses {
		h.add(useKey{to[k.origin], to[k.value], k.feature}, theirs)
	}
}

// Renamed returns the history with every origin under the name that rename gives it; origins of one new name are added up.
// A survey counts under session keys, since who stands behind a session is known only when all is read.
func (h *History) Renamed(rename func(origin string) string) *History {
	out := &History{}
	out.intern("")
	to := make(map[uint32]uint32, len(h.origins))
	for id, theirs := range h.origins {
		o := out.Origin(rename(h.list[id]))
		to[id] = o.id
		for d, n := range theirs {
			o.days[d] += n
		}
	}
	for k, u := range h.uses {
		out.add(useKey{to[k.origin], out.intern(h.list[k.value]), k.feature}, u)
	}
	return out
}

func (h *History) add(key useKey, theirs use) {
	mine, known := h.uses[key]
	if !known {
		h.users[useKey{value: key.value, feature: key.feature}]++
	}
	if !known || earlier(theirs.first, theirs.by, mine) {
		mine.first, mine.by = theirs.first, theirs.by
	}
	mine.count += theirs.count
	mine.last = max(mine.last, theirs.last)
	h.uses[key] = mine
}

// Users returns how many origins use the value.
func (h *History) Users(f Feature, value string) int {
	id, ok := h.names[value]
	if !ok {
		return 0
	}
	return int(h.users[useKey{value: id, feature: f}])
}

// Last says of each origin, by the name that it is counted under, on which day it was last seen: that day's end, in epoch milliseconds.
func (h *History) Last() map[string]int64 {
	out := make(map[string]int64, len(h.origins))
	for id, days := range h.origins {
		last := int32(math.MinInt32)
		for d := range days {
			last = max(last, d)
		}
		out[h.list[id]] = (int64(last) + 1) * millisPerDay
	}
	return out
}

// Origins returns how many origins the history knows.
func (h *History) Origins() int { return len(h.origins) }
