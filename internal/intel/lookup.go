package intel

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Hit is one value of an event that is an indicator. It holds the strongest of the feeds that name it.
type Hit struct {
	Field     *Field
	Value     string // as the event has it; valid as long as the event
	Indicator *Indicator
	Source    Source
	Others    []string // further feeds that name it
}

// Scratch is one goroutine's memory for lookups.
type Scratch struct {
	values []ocsf.Value
	text   []byte
	hits   []Hit
	found  []int32
}

// Match looks an event's fields up. The hits are valid until the next call with the same Scratch; the same indicator comes once, by the
// first field of the table that names it.
func (s *Set) Match(e *ocsf.Event, m *Scratch) []Hit {
	m.hits = m.hits[:0]
	if s == nil || len(s.entries) == 0 {
		return nil
	}
	for i := range known {
		f := &known[i]
		m.values = e.Values(f.id, m.values[:0])
		for _, v := range m.values {
			if v.Str != "" {
				s.value(f, v.Str, e.Millis, m)
			}
		}
	}
	return m.hits
}

// Has reports whether a text of a field, as the lake keeps it, could be a hit of some time.
func (s *Set) Has(f *Field, text string, m *Scratch) bool {
	m.hits = m.hits[:0]
	if s != nil && text != "" {
		s.value(f, text, always, m)
	}
	return len(m.hits) > 0
}

// always is a time at which no indicator is expired.
const always = -1 << 62

func (s *Set) value(f *Field, text string, millis int64, m *Scratch) {
	m.found = m.found[:0]
	shown := text
	switch f.look {
	case asAddress:
		s.address(text, m)
	case asName:
		s.name(text, m)
	case asURL:
		s.url(text, m)
	case asHash:
		m.text = lower(m.text[:0], text)
		s.text(Hash, m.text, m)
	case asAnswers:
		shown = s.answers(text, m)
	}
	if len(m.found) > 0 {
		s.hit(f, shown, millis, m)
	}
}

// hit makes one Hit of what was found, or none where all of it was expired.
func (s *Set) hit(f *Field, text string, millis int64, m *Scratch) {
	best := int32(-1)
	var feeds []string
	for _, first := range m.found {
		for at := first; at >= 0; at = s.entries[at].next {
			e := &s.entries[at]
			if !e.Expires.IsZero() && e.Expires.UnixMilli() < millis {
				continue
			}
			feeds = append(feeds, s.Sources[e.source].Name)
			if best < 0 || s.stronger(e, &s.entries[best]) {
				best = at
			}
		}
	}
	if best < 0 {
		return
	}
	e := &s.entries[best]
	own := s.Sources[e.source]
	slices.Sort(feeds)
	feeds = slices.DeleteFunc(slices.Compact(feeds), func(name string) bool { return name == own.Name })
	for i := range m.hits {
		if m.hits[i].Indicator == &e.Indicator {
			return
		}
	}
	m.hits = append(m.hits, Hit{f, text, &e.Indicator, own, feeds})
}

// stronger orders what several feeds say of one thing, the same in every run.
func (s *Set) stronger(a, b *entry) bool {
	return cmp.Or(cmp.Compare(a.Confidence, b.Confidence), cmp.Compare(len(a.Value), len(b.Value)), cmp.Compare(s.Sources[b.source].Name, s.Sources[a.source].Name)) > 0
}

func (s *Set) address(text string, m *Scratch) {
	if !looksLikeAddress(text) {
		return
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return
	}
	a = a.Unmap()
	if a.Zone() != "" || !s.networks.Contains(a) || s.IsOwn(a) {
		return
	}
	for _, at := range s.networks.Supernets(netip.PrefixFrom(a, a.BitLen())) {
		m.found = append(m.found, at)
	}
}

// looksLikeAddress spares names the error that netip makes for them.
func looksLikeAddress(s string) bool {
	colons, dots := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == ':':
			colons++
		case c == '.':
			dots++
		case !isHex(c):
			return false
		case c > '9' && colons == 0 && i > 4:
			return false
		}
	}
	return colons >= 2 || dots == 3 && colons == 0
}

// name looks a name and all that it is below up.
func (s *Set) name(text string, m *Scratch) {
	m.text = lower(m.text[:0], strings.TrimSuffix(text, "."))
	s.below(m.text, m)
}

func (s *Set) below(name []byte, m *Scratch) {
	if len(s.byText[Domain]) == 0 {
		return
	}
	for {
		s.text(Domain, name, m)
		dot := slices.Index(name, '.')
		if dot < 0 {
			return
		}
		name = name[dot+1:]
	}
}

func (s *Set) text(k Kind, key []byte, m *Scratch) {
	if at, ok := s.byText[k][string(key)]; ok {
		m.found = append(m.found, at)
	}
}

// url looks a URL and its host up.
func (s *Set) url(text string, m *Scratch) {
	key, host, ok := urlKey(m.text[:0], text)
	m.text = key
	if !ok {
		return
	}
	s.text(URL, key, m)
	name := key[:len(host)]
	if i := strings.IndexByte(host, ':'); i >= 0 && host[0] != '[' {
		name, host = name[:i], host[:i]
	}
	s.below(name, m)
	s.address(host, m)
}

// answers looks all texts in a JSON value up and returns the first that is found.
func (s *Set) answers(text string, m *Scratch) (shown string) {
	for rest := text; ; {
		_, after, ok := strings.Cut(rest, `"`)
		if !ok {
			return shown
		}
		word, next, ok := strings.Cut(after, `"`)
		if !ok {
			return shown
		}
		before := len(m.found)
		if looksLikeAddress(word) {
			s.address(word, m)
		} else if strings.IndexByte(word, '.') > 0 {
			s.name(word, m)
		}
		if before == 0 && len(m.found) > 0 {
			shown = word
		}
		rest = next
	}
}

func lower(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// urlKey appends a URL's normal form to dst: host in small letters without the scheme's own port, path and query as they are, no scheme,
// no user, no fragment. host is the part of s that names the host, with its port.
func urlKey(dst []byte, s string) (key []byte, host string, ok bool) {
	own := ":80"
	if i := strings.Index(s, "://"); i >= 0 {
		switch scheme := s[:i]; {
		case strings.EqualFold(scheme, "http"):
		case strings.EqualFold(scheme, "https"):
			own = ":443"
		case strings.EqualFold(scheme, "ftp"):
			own = ":21"
		default:
			return dst, "", false
		}
		s = s[i+3:]
	}
	if i := strings.IndexByte(s, '#'); i >= 0 {
		s = s[:i]
	}
	name, rest := s, ""
	if i := strings.IndexAny(s, "/?"); i >= 0 {
		name, rest = s[:i], s[i:]
	}
	if i := strings.LastIndexByte(name, '@'); i >= 0 {
		name = name[i+1:]
	}
	name = strings.TrimSuffix(name, own)
	dst = lower(dst, name)
	if rest == "" || rest[0] == '?' {
		dst = append(dst, '/')
	}
	return append(dst, rest...), name, name != ""
}
