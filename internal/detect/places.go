package detect

import (
	"net/netip"

	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/enrich/geo"
)

// fixedPlaces are the places of a rule's test.
type fixedPlaces map[netip.Addr]geo.Place

// Locate returns the place that the test gives an address.
func (p fixedPlaces) Locate(a netip.Addr) geo.Place { return p[a] }

func (t *RuleTest) locator() enrich.Locator {
	out := fixedPlaces{}
	for ip, p := range t.Places {
		if a, err := netip.ParseAddr(ip); err == nil {
			out[a] = geo.Place{Country: p.Country, ASN: p.ASN, Org: p.Org}
		}
	}
	return out
}
