package sigma

import (
	"encoding/binary"
	"errors"
	"slices"
	"sort"
	"strings"
)

// Forget drops the hits of before a time, in epoch milliseconds, and returns how many they were.
func (c *Correlator) Forget(before int64) int {
	dropped := 0
	for key, g := range c.groups {
		all := g.all(nil)
		hits := slices.DeleteFunc(all, func(h hit) bool { return h.time < before })
		switch n := len(all) - len(hits); {
		case len(hits) == 0:
			delete(c.groups, key)
			dropped += n
		case n > 0:
			*g = group{names: g.names, hits: slices.Clip(hits), changed: true}
			dropped += n
		}
	}
	c.held -= dropped
	if dropped > 0 {
		c.compact()
	}
	return dropped
}

// compact forgets the values that no hit has.
func (c *Correlator) compact() {
	old := c.values
	c.values, c.index = []string{""}, map[string]uint32{"": 0}
	for _, g := range c.groups {
		hits := g.all(nil)
		for i := range hits {
			hits[i].value = c.intern(old[hits[i].value])
		}
		*g = group{names: g.names, hits: hits, changed: true}
	}
}

// Held is how many hits are remembered.
func (c *Correlator) Held() int { return c.held }

// Keys calls each with the identity of every event that is remembered; one may come several times.
func (c *Correlator) Keys(each func(key [16]byte)) {
	for _, g := range c.groups {
		for _, h := range g.all(nil) {
			each(h.key)
		}
	}
}

// AppendBinary appends all that the Correlator remembers.
func (c *Correlator) AppendBinary(b []byte) ([]byte, error) {
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	b = binary.AppendVarint(b, int64(c.overflow))
	b = binary.AppendUvarint(b, uint64(len(c.values)))
	for _, v := range c.values {
		text(v)
	}
	keys := make([]string, 0, len(c.groups))
	for key := range c.groups {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	b = binary.AppendUvarint(b, uint64(len(keys)))
	for _, key := range keys {
		g := c.groups[key]
		b = binary.AppendUvarint(b, uint64(len(g.names)))
		for _, name := range g.names {
			text(name)
		}
		hits := g.all(nil)
		b = binary.AppendUvarint(b, uint64(len(hits)))
		for _, h := range hits {
			b = binary.AppendVarint(b, h.time)
			b = append(b, h.key[:]...)
			b = binary.AppendUvarint(b, uint64(h.value))
			b = binary.AppendVarint(b, int64(h.source))
			b = binary.AppendVarint(b, int64(h.rule))
		}
	}
	return b, nil
}

var errState = errors.New("sigma: what a correlator remembered cannot be read")

// UnmarshalBinary takes in what AppendBinary wrote, in the place of all that is remembered. The rule must be the same.
func (c *Correlator) UnmarshalBinary(b []byte) error {
	r := stateReader{b: b}
	*c = Correlator{rule: c.rule, groups: map[string]*group{}, values: []string{}, index: map[string]uint32{}}
	c.overflow = int(r.varint())
	for range r.length() {
		c.index[r.peek()] = uint32(len(c.values)) //nolint:gosec // at most MaxHits
		c.values = append(c.values, r.text())
	}
	for range r.length() {
		g := &group{changed: true}
		for range r.length() {
			g.names = append(g.names, r.text())
		}
		for range r.length() {
			h := hit{time: r.varint()}
			r.fill(h.key[:])
			h.value, h.source, h.rule = uint32(r.uvarint()), int32(r.varint()), int32(r.varint()) //nolint:gosec // as they were written
			if int(h.value) >= len(c.values) || h.rule < 0 || int(h.rule) >= len(c.rule.Rules) {
				return errState
			}
			g.hits = append(g.hits, h)
			c.held++
		}
		key := strings.Join(g.names, "\x00") + "\x00"
		if len(g.names) == 0 {
			key = ""
		}
		c.groups[key] = g
	}
	if r.bad || len(r.b) > 0 || len(c.values) == 0 {
		return errState
	}
	return nil
}

// stateReader reads what AppendBinary wrote.
type stateReader struct {
	b   []byte
	bad bool
}

func (r *stateReader) fail() { r.b, r.bad = nil, true }

func (r *stateReader) varint() int64 {
	n, width := binary.Varint(r.b)
	if width <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[width:]
	return n
}

func (r *stateReader) uvarint() uint64 {
	n, width := binary.Uvarint(r.b)
	if width <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[width:]
	return n
}

// length reads how many there are of what follows; each takes at least a byte.
func (r *stateReader) length() int {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n) //nolint:gosec // not above len
}

func (r *stateReader) text() string {
	n := r.length()
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

// peek is text without going on.
func (r *stateReader) peek() string {
	at := *r
	return at.text()
}

func (r *stateReader) fill(to []byte) {
	if len(r.b) < len(to) {
		r.fail()
		return
	}
	r.b = r.b[copy(to, r.b):]
}
