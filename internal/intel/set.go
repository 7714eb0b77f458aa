package intel

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/gaissmai/bart"
)

// Loaded is a feed with what it says.
type Loaded struct {
	Feed       Feed
	Version    string // of its content: the beginning of its SHA-256
	Indicators []Indicator
	Lists      []AllowList
}

// Source is a feed as a finding names it.
type Source struct {
	Name    string
	Version string
}

// Tally is what became of a feed's indicators in a Set.
type Tally struct {
	Loaded  int            `json:"loaded"`
	Expired int            `json:"expired"` // by now; they match events of before only
	Allowed map[string]int `json:"allowed,omitempty"`
	Bound   string         `json:"bound,omitempty"`
}

// Set is all feeds, compiled. It is read-only: many goroutines may share it. The nil Set holds nothing.
type Set struct {
	Sources []Source
	Tallies map[string]*Tally // by feed

	entries  []entry
	networks *bart.Table[int32] // → entries
	byText   [kinds]map[string]int32
	own      *bart.Lite
	allow    []AllowList
}

const kinds = int(Hash) + 1

// entry is one feed's indicator; next leads to that of another feed about the same thing, -1 ends.
type entry struct {
	Indicator
	source int32
	next   int32
}

// Compile makes a Set of feeds. own are networks of ours; they and what allow-lists cover are left out. now says which are expired.
func Compile(feeds []Loaded, own []netip.Prefix, now time.Time) *Set {
	s := &Set{Tallies: map[string]*Tally{}, networks: &bart.Table[int32]{}, own: &bart.Lite{}}
	for k := range s.byText {
		s.byText[k] = map[string]int32{}
	}
	for _, p := range own {
		s.own.Insert(p.Masked())
	}
	allow := []AllowList{Networks("own networks (environment.yaml)", own)}
	for _, f := range feeds {
		allow = append(allow, f.Lists...)
	}
	s.allow = allow
	for _, f := range feeds {
		t := &Tally{Allowed: map[string]int{}}
		s.Tallies[f.Feed.Name] = t
		if f.Feed.Allow {
			continue
		}
		source := int32(len(s.Sources)) //nolint:gosec // feeds are few
		s.Sources = append(s.Sources, Source{f.Feed.Name, f.Version})
		for i := range f.Indicators {
			if len(s.entries) >= MaxAll {
				t.Bound = fmt.Sprintf("all feeds together have more than %d indicators: %d of this one are left out", MaxAll, len(f.Indicators)-i)
				break
			}
			s.take(&f.Indicators[i], source, allow, t, now)
		}
	}
	return s
}

func (s *Set) take(i *Indicator, source int32, allow []AllowList, t *Tally, now time.Time) {
	for k := range allow {
		if allow[k].covers(i) {
			t.Allowed[allow[k].Name]++
			return
		}
	}
	at, e := int32(len(s.entries)), entry{*i, source, -1} //nolint:gosec // at most MaxAll
	if i.Kind == IP {
		p, ok := prefixOf(i.Value)
		if !ok {
			return
		}
		if first, known := s.networks.Get(p); known {
			e.next = first
		}
		s.networks.Insert(p, at)
	} else {
		if first, known := s.byText[i.Kind][i.Value]; known {
			e.next = first
		}
		s.byText[i.Kind][i.Value] = at
	}
	s.entries = append(s.entries, e)
	t.Loaded++
	if !i.Expires.IsZero() && i.Expires.Before(now) {
		t.Expired++
	}
}

// Size counts the indicators.
func (s *Set) Size() int {
	if s == nil {
		return 0
	}
	return len(s.entries)
}

// IsOwn reports whether an address is of a network of ours, or private.
func (s *Set) IsOwn(a netip.Addr) bool {
	a = a.Unmap()
	return !global(a) || s != nil && s.own.Contains(a)
}

// Newer returns the part of the Set that was not known at a time, to look for it in history.
func (s *Set) Newer(than time.Time) *Set {
	if s == nil {
		return nil
	}
	feeds := make([]Loaded, len(s.Sources))
	for i, src := range s.Sources {
		feeds[i] = Loaded{Feed: Feed{Name: src.Name}, Version: src.Version}
	}
	for i := range s.entries {
		if e := &s.entries[i]; e.Known.After(than) {
			feeds[e.source].Indicators = append(feeds[e.source].Indicators, e.Indicator)
		}
	}
	out := Compile(feeds, nil, than)
	out.own = s.own
	return out
}

// prefixOf reads an address or a network in normal form.
func prefixOf(value string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(value); err == nil {
		return p, true
	}
	a, err := netip.ParseAddr(value)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

// Found is what one feed says of a value.
type Found struct {
	Source    Source
	Indicator Indicator
}

// Check says what all feeds say of a value, expired or not, and which allow-lists cover it. An error says that the value is no indicator.
func (s *Set) Check(value string) (found []Found, allowed []string, err error) {
	list, err := Read(value, 0)
	if err != nil || s == nil {
		return nil, nil, err
	}
	var m Scratch
	for i := range list {
		x := &list[i]
		for k := range s.allow {
			if s.allow[k].covers(x) {
				allowed = append(allowed, s.allow[k].Name)
			}
		}
		switch x.Kind {
		case IP:
			if p, ok := prefixOf(x.Value); ok {
				for _, at := range s.networks.Supernets(p) {
					m.found = append(m.found, at)
				}
			}
		case Domain:
			s.below([]byte(x.Value), &m)
		case URL:
			s.url(x.Value, &m)
		default:
			s.text(x.Kind, []byte(x.Value), &m)
		}
	}
	for _, first := range m.found {
		for at := first; at >= 0; at = s.entries[at].next {
			found = append(found, Found{s.Sources[s.entries[at].source], s.entries[at].Indicator})
		}
	}
	return found, allowed, nil
}
