package intel

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Kind is what an indicator names.
type Kind uint8

// The kinds.
const (
	IP     Kind = iota + 1 // an address or a network
	Domain                 // a name and all below it
	URL                    // one URL, whatever its scheme
	Hash                   // of a file: MD5, SHA-1, SHA-256 or SHA-512
)

var kindNames = [...]string{"", "ip", "domain", "url", "hash"}

// String returns the kind's name: ip, domain, url or hash.
func (k Kind) String() string { return kindNames[min(int(k), len(kindNames)-1)] }

// ParseKind reads a kind's name. "" is the zero Kind: any.
func ParseKind(name string) (Kind, error) {
	if i := slices.Index(kindNames[:], name); i >= 0 {
		return Kind(i), nil //nolint:gosec // five
	}
	return 0, fmt.Errorf("%q is no kind of indicator: one of ip, domain, url, hash", name)
}

// Indicator is one thing that a feed accuses.
type Indicator struct {
	Kind       Kind
	Value      string    // in normal form: 203.0.113.0/24, 203.0.113.9, evil.example, evil.example/a?b, hex
	Confidence uint8     // 0–100
	Known      time.Time // when we first read it; zero where that is not kept
	First      time.Time // by the feed's word, else when we first read it
	Last       time.Time
	Expires    time.Time // zero: never. An event that happened later does not match
	Tags       []string
}

// tooWide are the shortest prefixes that still mean somebody: what is wider accuses a part of the internet.
const tooWide4, tooWide6 = 8, 20

// Read gives text as feeds write it its kind and normal form, one indicator or several (a range of addresses). want narrows the kind;
// 0 takes what it looks like. The error says why it is none.
func Read(text string, want Kind) ([]Indicator, error) {
	s := refang(text)
	if s == "" {
		return nil, errors.New("empty")
	}
	var out []Indicator
	for _, try := range []func(string) ([]Indicator, error){readHash, readIP, readURL, readDomain} {
		list, err := try(s)
		if errors.Is(err, errOther) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = list
		break
	}
	if len(out) == 0 {
		return nil, errors.New("neither an address, a name, a URL nor a hash")
	}
	if want != 0 && out[0].Kind != want {
		return nil, fmt.Errorf("this is of the kind %s, the feed is set to %s", out[0].Kind, want)
	}
	return out, nil
}

// errOther says that text is of another kind.
var errOther = errors.New("of another kind")

// defanged are the ways in which people write indicators so that nobody clicks on them.
var defanged = strings.NewReplacer("[.]", ".", "(.)", ".", "{.}", ".", "[dot]", ".", "(dot)", ".", " dot ", ".", "[:]", ":", "[://]", "://", `\.`, ".", "[/]", "/")

func refang(s string) string {
	s = strings.Trim(strings.TrimSpace(s), `"'`)
	s = defanged.Replace(s)
	for _, scheme := range []string{"hxxps", "hXXps", "HXXPS", "hxxp", "hXXp", "HXXP", "fxp"} {
		rest, ok := strings.CutPrefix(s, scheme)
		if ok && strings.HasPrefix(rest, ":") {
			return map[bool]string{true: "https", false: "http"}[strings.HasSuffix(strings.ToLower(scheme), "s")] + rest
		}
	}
	return s
}

func readHash(s string) ([]Indicator, error) {
	if len(s) != 32 && len(s) != 40 && len(s) != 64 && len(s) != 128 {
		return nil, errOther
	}
	for i := range len(s) {
		if !isHex(s[i]) {
			return nil, errOther
		}
	}
	return []Indicator{{Kind: Hash, Value: strings.ToLower(s)}}, nil
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }

// readIP reads an address, a network, a range "a-b" and an address with a port.
func readIP(s string) ([]Indicator, error) {
	if from, to, ok := strings.Cut(s, "-"); ok {
		a, errA := netip.ParseAddr(strings.TrimSpace(from))
		b, errB := netip.ParseAddr(strings.TrimSpace(to))
		if errA != nil || errB != nil {
			return nil, errOther
		}
		return readRange(a, b)
	}
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, errOther
		}
		return network(p)
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		with, err := netip.ParseAddrPort(s)
		if err != nil {
			return nil, errOther
		}
		a = with.Addr()
	}
	return network(netip.PrefixFrom(a.Unmap().WithZone(""), a.Unmap().BitLen()))
}

func network(p netip.Prefix) ([]Indicator, error) {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	p = p.Masked()
	switch least := map[bool]int{true: tooWide4, false: tooWide6}[p.Addr().Is4()]; {
	case p.Bits() < least:
		return nil, fmt.Errorf("a network wider than /%d accuses too many", least)
	case !global(p.Addr()):
		return nil, errors.New("a private or reserved address says nothing to others")
	}
	value := p.String()
	if p.IsSingleIP() {
		value = p.Addr().String()
	}
	return []Indicator{{Kind: IP, Value: value}}, nil
}

// carrier is the space that providers put their customers' customers into (RFC 6598).
var carrier = netip.MustParsePrefix("100.64.0.0/10")

// global reports whether an address means the same to everyone.
func global(a netip.Addr) bool {
	reserved := a.Is4() && (carrier.Contains(a) || a.As4()[0] == 0 || a.As4()[0] >= 240)
	return a.IsGlobalUnicast() && !a.IsPrivate() && !reserved
}

// maxRange is the most networks that one range may fall into.
const maxRange = 64

// readRange splits a range of addresses into networks.
func readRange(from, to netip.Addr) ([]Indicator, error) {
	from, to = from.Unmap(), to.Unmap()
	if from.BitLen() != to.BitLen() || to.Less(from) {
		return nil, fmt.Errorf("the range ends before it begins: %s-%s", from, to)
	}
	var out []Indicator
	for {
		bits := from.BitLen()
		for bits > 0 {
			p := netip.PrefixFrom(from, bits-1)
			if p.Masked().Addr() != from || to.Less(lastOf(p)) {
				break
			}
			bits--
		}
		p := netip.PrefixFrom(from, bits)
		one, err := network(p)
		if err != nil {
			return nil, err
		}
		if out = append(out, one...); len(out) > maxRange {
			return nil, fmt.Errorf("the range falls into more than %d networks", maxRange)
		}
		last := lastOf(p)
		if last == to {
			return out, nil
		}
		from = last.Next()
	}
}

// lastOf is the highest address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// readURL reads a URL with a scheme, or a name followed by a path.
func readURL(s string) ([]Indicator, error) {
	if !strings.Contains(s, "/") {
		return nil, errOther
	}
	key, raw, ok := urlKey(nil, s)
	if !ok {
		return nil, errors.New("a URL whose host cannot be read, or of a scheme other than http, https and ftp")
	}
	host, rest := string(key[:len(raw)]), string(key[len(raw):])
	name, port, _ := strings.Cut(host, ":")
	if strings.HasPrefix(host, "[") || port != "" && !digits(port) {
		name = strings.Trim(host, "[]")
	}
	if _, err := readIP(name); err != nil {
		d, err := readDomain(name)
		if err != nil {
			return nil, fmt.Errorf("a URL whose host is no name: %w", err)
		}
		if port != "" {
			port = ":" + port
		}
		host = d[0].Value + port
	}
	if rest == "/" && !strings.Contains(host, ":") { // the whole host is meant
		return Read(host, 0)
	}
	return []Indicator{{Kind: URL, Value: host + rest}}, nil
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// readDomain reads a name. It must not be a suffix under which anyone registers.
func readDomain(s string) ([]Indicator, error) {
	s = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(s), "*"), "."), ".")
	if strings.Contains(s, "@") {
		return nil, errors.New("an e-mail address: no log that is read names one")
	}
	for i := range len(s) {
		if s[i] >= 0x80 {
			ascii, err := idna.Lookup.ToASCII(s)
			if err != nil {
				return nil, fmt.Errorf("no name: %q", shorten(s))
			}
			s = ascii
			break
		}
	}
	if !isName(s) {
		return nil, errOther
	}
	suffix, icann := publicsuffix.PublicSuffix(s)
	switch {
	case !strings.Contains(s, "."):
		return nil, fmt.Errorf("%q has no dot: a name within one network says nothing to others", shorten(s))
	case icann && suffix == s:
		return nil, fmt.Errorf("%q is a suffix under which anyone registers", s)
	case s == "amazonaws.com" || s == "aws.amazon.com" || s == "aws.internal":
		return nil, fmt.Errorf("%q is AWS itself", s)
	}
	return []Indicator{{Kind: Domain, Value: s}}, nil
}

// isName checks the letters of a host name.
func isName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	label, letter := 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if label == 0 {
				return false
			}
			label = 0
			continue
		case c >= 'a' && c <= 'z' || c == '_':
			letter = true
		case c >= '0' && c <= '9':
		case c == '-':
		default:
			return false
		}
		if label++; label > 63 {
			return false
		}
	}
	return label > 0 && letter
}

// shorten keeps foreign text short and printable.
func shorten(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "…"
	}
	q := strconv.Quote(strings.ToValidUTF8(s, "?"))
	return q[1 : len(q)-1]
}
