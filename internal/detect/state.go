package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/tocsin-security/tocsin/internal/baseline"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/snapshot"
)

// Hash names a set of rules: the same rules in the same order have the same.
func (r *Rules) Hash() string {
	h := sha256.New()
	for _, x := range r.All {
		h.Write([]byte(x.Finding.ID + " " + x.Finding.Hash + "\n"))
	}
	for _, x := range r.Correlations {
		h.Write([]byte(x.Finding.ID + " " + x.Finding.Hash + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Held is how much a Detector remembers: matches that are named, and hits of correlations.
func (d *Detector) Held() (matches, hits int) {
	matches = len(d.novel) + len(d.intel.matches) + len(d.intel.counts)
	for _, r := range d.reports {
		matches += len(r.updates)
	}
	for _, f := range d.folds {
		matches += len(f.named)
	}
	for _, c := range d.correlators {
		hits += c.Held()
	}
	return matches, hits
}

// Overflow is how many hits were not remembered because their correlation met its bound.
func (d *Detector) Overflow() int64 {
	n := 0
	for _, c := range d.correlators {
		n += c.Overflow()
	}
	return int64(n)
}

// Forget drops what was found in events of before a time, in epoch milliseconds; of alerts only those of whole days.
func (d *Detector) Forget(before int64) {
	day := int32(before / millisPerDay) //nolint:gosec // formats refuse times outside 2006–2100
	for key := range d.folds {
		if key.day < day {
			delete(d.folds, key)
		}
	}
	d.novel = slices.DeleteFunc(d.novel, func(n novelty) bool { return n.time < before })
	for _, c := range d.correlators {
		c.Forget(before)
	}
	for key, r := range d.reports {
		if r.newest.time < before {
			delete(d.reports, key)
		}
	}
	d.intel.matches = slices.DeleteFunc(d.intel.matches, func(m intelMatch) bool { return m.time < before })
	for key := range d.intel.counts {
		if key.day < before/millisPerDay {
			delete(d.intel.counts, key)
		}
	}
	names := map[EventID]string{}
	d.eachID(func(id EventID) {
		if uid, ok := d.names[id]; ok {
			names[id] = uid
		}
	})
	d.names = names
}

func (d *Detector) eachID(do func(EventID)) {
	for _, f := range d.folds {
		for i := range f.named {
			do(f.named[i].id)
		}
	}
	for i := range d.novel {
		do(d.novel[i].id)
	}
	for _, r := range d.reports {
		for _, id := range r.updates {
			do(id)
		}
	}
	for i := range d.intel.matches {
		do(d.intel.matches[i].id)
	}
	for _, c := range d.correlators {
		c.Keys(func(key [16]byte) { do(key) })
	}
}

// Encode writes all that was found.
func (d *Detector) Encode(e *snapshot.Encoder) error {
	e.Len(len(d.groups))
	for _, g := range d.groups {
		e.Text(g.origin)
		e.Text(g.account)
	}
	e.Len(len(d.folds))
	for key, f := range d.folds {
		e.Int(int64(key.day))
		e.Int(f.counted)
		e.Int(f.last)
		e.Int(int64(key.rule))
		e.Int(int64(key.group))
		e.Len(len(f.named))
		for i := range f.named {
			f.named[i].encode(e)
		}
	}
	e.Len(len(d.novel))
	for i := range d.novel {
		d.novel[i].encode(e)
		e.Len(len(d.novel[i].values))
		for _, v := range d.novel[i].values {
			e.Text(v)
		}
	}
	e.Len(len(d.names))
	for id, uid := range d.names {
		e.Bytes(id[:])
		e.Text(uid)
	}
	d.encodeOthers(e)
	for _, c := range d.correlators {
		b, err := c.AppendBinary(nil)
		if err != nil {
			return err
		}
		e.Bytes(b)
	}
	return nil
}

func (m *match) encode(e *snapshot.Encoder) {
	e.Int(m.time)
	e.Bytes(m.id[:])
	e.Int(int64(m.group))
	e.Int(int64(m.rule))
	e.Int(int64(m.source))
}

func decodeMatch(d *snapshot.Decoder) (m match) {
	m.time = d.Int()
	d.Fill(m.id[:])
	m.group, m.rule, m.source = uint32(d.Int()), int32(d.Int()), int32(d.Int()) //nolint:gosec // as they were written
	return m
}

// DecodeDetector reads what Encode wrote. The rules and the feeds must be the same.
func DecodeDetector(r *Rules, history *baseline.History, set *intel.Set, from *snapshot.Decoder) (*Detector, error) {
	d := NewDetector(r, history)
	d.SetIntel(set)
	for range from.Len() {
		d.group(from.Text(), from.Text())
	}
	for range from.Len() {
		key, f := foldKey{day: int32(from.Int())}, &fold{counted: from.Int(), last: from.Int()} //nolint:gosec // as they were written
		key.rule, key.group = int32(from.Int()), uint32(from.Int())                             //nolint:gosec // likewise
		for range from.Len() {
			f.named = append(f.named, decodeMatch(from))
		}
		d.folds[key] = f
	}
	for range from.Len() {
		n := novelty{match: decodeMatch(from)}
		for range from.Len() {
			n.values = append(n.values, from.Text())
		}
		d.novel = append(d.novel, n)
	}
	for range from.Len() {
		var id EventID
		from.Fill(id[:])
		d.names[id] = from.Text()
	}
	d.decodeOthers(from)
	for _, c := range d.correlators {
		if err := c.UnmarshalBinary(from.Bytes()); err != nil {
			return nil, err
		}
	}
	return d, from.Err()
}

// encodeOthers writes what other products and feeds said.
func (d *Detector) encodeOthers(e *snapshot.Encoder) {
	e.Len(len(d.reports))
	for key, r := range d.reports {
		e.Text(key)
		r.newest.encode(e)
		e.Int(int64(r.level))
		e.Bool(r.closed)
		e.Bool(r.direct)
		e.Int(int64(r.count))
		e.Len(len(r.updates))
		for _, id := range r.updates {
			e.Bytes(id[:])
		}
	}
	e.Int(d.intel.beyond)
	e.Len(len(d.intel.matches))
	for i := range d.intel.matches {
		m := &d.intel.matches[i]
		m.encode(e)
		e.Int(int64(m.level))
		m.about.encode(e)
	}
	e.Len(len(d.intel.counts))
	for key, c := range d.intel.counts {
		key.encode(e)
		for _, n := range [...]int64{key.day, c.Count, c.First, c.Last, int64(c.Highest)} {
			e.Int(n)
		}
		for _, n := range c.Levels {
			e.Int(n)
		}
	}
}

func (n *indicatorName) encode(e *snapshot.Encoder) {
	e.Text(n.feed)
	e.Text(n.value)
	e.Int(int64(n.kind))
}

func decodeName(d *snapshot.Decoder) indicatorName {
	return indicatorName{d.Text(), d.Text(), intel.Kind(d.Int())} //nolint:gosec // as it was written
}

func (d *Detector) decodeOthers(from *snapshot.Decoder) {
	for range from.Len() {
		key := from.Text()
		r := &report{newest: decodeMatch(from), level: readLevel(from), closed: from.Bool(), direct: from.Bool(), count: int(from.Int())}
		for range from.Len() {
			var id EventID
			from.Fill(id[:])
			r.updates = append(r.updates, id)
		}
		d.reports[key] = r
	}
	d.intel.beyond = from.Int()
	for range from.Len() {
		d.intel.matches = append(d.intel.matches, intelMatch{decodeMatch(from), readLevel(from), decodeName(from)})
	}
	for range from.Len() {
		name := decodeName(from)
		c := &IntelHits{Feed: name.feed, Value: name.value, Kind: name.kind, changed: true}
		c.Day, c.Count, c.First, c.Last, c.Highest = from.Int(), from.Int(), from.Int(), from.Int(), readLevel(from)
		for i := range c.Levels {
			c.Levels[i] = from.Int()
		}
		d.intel.counts[indicatorDay{name, c.Day}] = c
	}
}

// readLevel reads a level as it was written.
func readLevel(from *snapshot.Decoder) finding.Level {
	return finding.Level(max(0, min(from.Int(), int64(finding.Critical)))) //nolint:gosec // within the levels
}
