package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/tocsin-security/tocsin/internal/baseline"
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
	matches = len(d.novel)
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

// DecodeDetector reads what Encode wrote. The rules must be the same.
func DecodeDetector(r *Rules, history *baseline.History, from *snapshot.Decoder) (*Detector, error) {
	d := NewDetector(r, history)
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
	for _, c := range d.correlators {
		if err := c.UnmarshalBinary(from.Bytes()); err != nil {
			return nil, err
		}
	}
	return d, from.Err()
}
