package health

import (
	"cmp"
	"slices"
	"time"
)

// Kept is how long hours are kept: two weeks, so that a day of the week can be held against itself, and the day at hand.
const Kept = 15 * 24 * time.Hour

// MaxStreams bounds the streams of one source that are counted apart. What comes above it counts for the whole source only.
const MaxStreams = 1000

// Book holds the hours of all keys. It has one owner.
type Book struct {
	keys map[Key]*pages
	full map[string]bool // sources with more than MaxStreams
	held map[string]int
}

// pages are the hours of one key, the oldest first.
type pages struct{ hours []Hour }

// NewBook returns an empty Book.
func NewBook() *Book {
	return &Book{keys: map[Key]*pages{}, full: map[string]bool{}, held: map[string]int{}}
}

// Put sets an hour, in place of what was there for it. Those of keys that are not judged are left out.
func (b *Book) Put(h Hour) {
	if h.IsAside() {
		return
	}
	p := b.keys[h.Key]
	if p == nil {
		if h.Key != h.Whole() {
			if b.held[h.Source] >= MaxStreams {
				b.full[h.Source] = true
				return
			}
			b.held[h.Source]++
		}
		p = &pages{}
		b.keys[h.Key] = p
	}
	h.Key = Key{} // the pages have it
	i, found := slices.BinarySearchFunc(p.hours, h.Start, func(x Hour, t time.Time) int { return x.Start.Compare(t) })
	if found {
		p.hours[i] = h
	} else {
		p.hours = slices.Insert(p.hours, i, h)
	}
}

// Forget drops hours that are older than Kept, and the lags of those that no report speaks of any more.
func (b *Book) Forget(now time.Time) {
	old := HourOf(now.Add(-25 * time.Hour))
	for k, p := range b.keys {
		for i := len(p.hours) - 1; i >= 0 && (!p.hours[i].Start.Before(old) || p.hours[i].Lags != nil); i-- {
			if p.hours[i].Start.Before(old) {
				p.hours[i].Lags = nil
			}
		}
		i, _ := slices.BinarySearchFunc(p.hours, HourOf(now.Add(-Kept)), func(x Hour, t time.Time) int { return x.Start.Compare(t) })
		if p.hours = slices.Delete(p.hours, 0, i); len(p.hours) == 0 {
			delete(b.keys, k)
			if k != k.Whole() {
				b.held[k.Source]--
			}
		}
	}
}

// Streams lists the keys of a source below the whole, in order.
func (b *Book) Streams(source string) []Key {
	var out []Key
	for k := range b.keys {
		if k.Source == source && k != k.Whole() {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, compareKeys)
	return out
}

// Crowded reports whether a source has more streams than are counted apart.
func (b *Book) Crowded(source string) bool { return b.full[source] }

func (b *Book) hours(k Key) []Hour {
	if p := b.keys[k]; p != nil {
		return p.hours
	}
	return nil
}

// at returns the hour of a key that begins at a time.
func at(hours []Hour, start time.Time) (Hour, bool) {
	i, found := slices.BinarySearchFunc(hours, start, func(x Hour, t time.Time) int { return x.Start.Compare(t) })
	if !found {
		return Hour{}, false
	}
	return hours[i], true
}

// between returns the hours that begin in [from, to].
func between(hours []Hour, from, to time.Time) []Hour {
	i, _ := slices.BinarySearchFunc(hours, from, func(x Hour, t time.Time) int { return x.Start.Compare(t) })
	j := i
	for j < len(hours) && !hours[j].Start.After(to) {
		j++
	}
	return hours[i:j]
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Format, b.Format))
}
