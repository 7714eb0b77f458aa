package baseline

import (
	"github.com/tocsin-security/tocsin/internal/snapshot"
)

// MaxUses bounds what a History remembers: about 150 bytes each. What comes beyond it is not learned, and Overflow counts it.
const MaxUses = 4_000_000

// Uses is how many habits are remembered: an origin, a feature and a value each.
func (h *History) Uses() int { return len(h.uses) }

// Overflow is how many uses were not learned because there were MaxUses.
func (h *History) Overflow() int64 { return h.overflow }

// Forget drops what was last seen before a day, and counts of days before it. A habit that goes on keeps the time of its first use.
func (h *History) Forget(beforeMillis int64) {
	before := dayOf(beforeMillis)
	for key, u := range h.uses {
		if u.last < before {
			delete(h.uses, key)
		}
	}
	for id, days := range h.origins {
		for d := range days {
			if d < before {
				delete(days, d)
			}
		}
		if len(days) == 0 {
			delete(h.origins, id)
		}
	}
	overflow := h.overflow
	*h = *h.Renamed(func(origin string) string { return origin }) // without the texts that nothing refers to
	h.overflow = overflow
}

// Encode writes all that is remembered.
func (h *History) Encode(e *snapshot.Encoder) {
	e.Int(h.overflow)
	e.Len(len(h.list))
	for _, s := range h.list {
		e.Text(s)
	}
	e.Len(len(h.origins))
	for id, days := range h.origins {
		e.Int(int64(id))
		e.Len(len(days))
		for d, n := range days {
			e.Int(int64(d))
			e.Int(int64(n))
		}
	}
	e.Len(len(h.uses))
	for k, u := range h.uses {
		e.Int(int64(k.origin))
		e.Int(int64(k.value))
		e.Int(int64(k.feature))
		e.Int(u.first)
		e.Bytes(u.by[:])
		e.Int(int64(u.count))
		e.Int(int64(u.last))
	}
}

// DecodeHistory reads what Encode wrote.
func DecodeHistory(d *snapshot.Decoder) (*History, error) {
	h := &History{}
	overflow := d.Int()
	for i := range d.Len() {
		if s := d.Text(); i > 0 {
			h.intern(s)
		} else {
			h.intern("")
		}
	}
	for range d.Len() {
		id := uint32(d.Int()) //nolint:gosec // as it was written
		of := make(days, 4)
		for range d.Len() {
			day := int32(d.Int())     //nolint:gosec // likewise
			of[day] = uint32(d.Int()) //nolint:gosec // likewise
		}
		if h.origins != nil {
			h.origins[id] = of
		}
	}
	for range d.Len() {
		key := useKey{origin: uint32(d.Int()), value: uint32(d.Int()), feature: Feature(d.Int())} //nolint:gosec // likewise
		var u use
		u.first = d.Int()
		d.Fill(u.by[:])
		u.count, u.last = uint32(d.Int()), int32(d.Int()) //nolint:gosec // likewise
		if int(key.origin) < len(h.list) && int(key.value) < len(h.list) {
			h.add(key, u)
		}
	}
	h.overflow = overflow
	return h, d.Err()
}
