package intel

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/gaissmai/bart"
)

// AllowList is one list of what no feed may accuse: a MISP warning list. https://github.com/MISP/misp-warninglists
type AllowList struct {
	Name  string
	kinds map[Kind]bool // of indicators that it speaks of; empty: all

	networks *bart.Lite
	exact    map[string]bool
	names    map[string]bool // and all below
	parts    []string
	patterns []*regexp.Regexp
}

// Networks makes an allow-list of networks.
func Networks(name string, list []netip.Prefix) AllowList {
	a := AllowList{Name: name, networks: &bart.Lite{}}
	for _, p := range list {
		a.networks.Insert(p.Masked())
	}
	return a
}

// allowOf makes an allow-list of what was read as a list of indicators.
func allowOf(name string, list []Indicator) AllowList {
	a := AllowList{Name: name, networks: &bart.Lite{}, exact: map[string]bool{}, names: map[string]bool{}}
	for i := range list {
		switch x := &list[i]; x.Kind {
		case IP:
			_ = a.add("cidr", x.Value) // it was read as a network before
		case Domain:
			a.names[x.Value] = true
		default:
			a.exact[x.Value] = true
		}
	}
	return a
}

// attributeKinds are MISP's types of attribute by what they are here.
var attributeKinds = map[string]Kind{
	"ip-src": IP, "ip-dst": IP, "ip-src|port": IP, "ip-dst|port": IP, "domain": Domain, "hostname": Domain, "hostname|port": Domain, "domain|ip": Domain,
	"url": URL, "uri": URL, "link": URL, "md5": Hash, "sha1": Hash, "sha256": Hash, "sha512": Hash, "filename|md5": Hash, "filename|sha1": Hash, "filename|sha256": Hash,
}

// warningList reads one MISP warning list.
func (r *Reading) warningList(raw []byte) error {
	var w struct {
		Name       string   `json:"name"`
		Type       string   `json:"type"`
		List       []string `json:"list"`
		Attributes []string `json:"matching_attributes"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return fmt.Errorf("no JSON of a warning list: %w", err)
	}
	a := AllowList{Name: w.Name, networks: &bart.Lite{}, exact: map[string]bool{}, names: map[string]bool{}, kinds: map[Kind]bool{}}
	if a.Name == "" {
		a.Name = r.feed.Name
	}
	for _, t := range w.Attributes {
		if k := attributeKinds[t]; k != 0 {
			a.kinds[k] = true
		}
	}
	if len(w.Attributes) > 0 && len(a.kinds) == 0 {
		return errors.New("it speaks of nothing that can be matched here")
	}
	for _, entry := range w.List {
		r.Entries++
		if err := a.add(w.Type, strings.TrimSpace(entry)); err != nil {
			r.refuse(0, entry, err.Error())
		}
	}
	r.Lists = append(r.Lists, a)
	return nil
}

func (a *AllowList) add(kind, entry string) error {
	lower := strings.ToLower(entry)
	switch {
	case entry == "":
		return errors.New("empty")
	case kind == "cidr":
		p, err := netip.ParsePrefix(entry)
		if err != nil {
			one, err := netip.ParseAddr(entry)
			if err != nil {
				return errors.New("no network")
			}
			p = netip.PrefixFrom(one, one.BitLen())
		}
		a.networks.Insert(p.Masked())
	case kind == "hostname":
		a.names[strings.Trim(lower, ".")] = true
	case kind == "substring":
		a.parts = append(a.parts, lower)
	case kind == "regex":
		text := strings.TrimPrefix(entry, "/")
		insensitive := ""
		if text != entry { // /…/i
			if i := strings.LastIndexByte(text, '/'); i >= 0 {
				if strings.Contains(text[i:], "i") {
					insensitive = "(?i)"
				}
				text = text[:i]
			}
		}
		re, err := regexp.Compile(insensitive + text)
		if err != nil {
			return errors.New("a regular expression beyond RE2")
		}
		a.patterns = append(a.patterns, re)
	case kind == "string":
		a.exact[lower] = true
	default:
		return fmt.Errorf("the type %s", shorten(kind))
	}
	return nil
}

// covers reports whether the list says that an indicator accuses nobody. A wider network than one of the list is not covered.
func (a *AllowList) covers(i *Indicator) bool {
	byHost := i.Kind == URL && a.kinds[Domain] && len(a.names) > 0
	if len(a.kinds) > 0 && !a.kinds[i.Kind] && !byHost {
		return false
	}
	if a.exact[i.Value] {
		return true
	}
	host := i.Value
	switch i.Kind {
	case IP:
		if p, ok := prefixOf(i.Value); ok && a.networks != nil && a.networks.LookupPrefix(p) {
			return true
		}
	case URL:
		host, _, _ = strings.Cut(host, "/")
		host, _, _ = strings.Cut(host, ":")
	}
	for name := host; name != "" && len(a.names) > 0 && i.Kind != Hash; {
		if a.names[name] {
			return true
		}
		_, name, _ = strings.Cut(name, ".")
	}
	for _, part := range a.parts {
		if strings.Contains(i.Value, part) {
			return true
		}
	}
	for _, re := range a.patterns {
		if re.MatchString(i.Value) {
			return true
		}
	}
	return false
}
