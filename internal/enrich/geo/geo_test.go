package geo

import (
	"net/netip"
	"os"
	"testing"
)

func TestLocate(t *testing.T) {
	db, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if !db.Ready() {
		if os.Getenv("CI") == "true" {
			t.Fatal("the databases are not packed; 'make geo' packs them")
		}
		t.Skip("the databases are not packed; 'make geo' packs them")
	}
	cases := []struct{ ip, country, cloud string }{
		{"8.8.8.8", "US", ""}, {"2a00:1450:4001::1", "IE", ""}, {"52.95.110.1", "US", "aws"}, {"194.25.0.1", "DE", ""}, {"10.0.0.1", "", ""}, {"::ffff:8.8.8.8", "US", ""},
	}
	for _, c := range cases {
		p := db.Locate(netip.MustParseAddr(c.ip))
		if p.Country != c.country || p.Cloud != c.cloud {
			t.Errorf("%s: %+v, want country %q, cloud %q", c.ip, p, c.country, c.cloud)
		}
	}
	if n := testing.AllocsPerRun(100, func() { db.Locate(netip.MustParseAddr("8.8.8.8")) }); n != 0 {
		t.Errorf("%v allocations for an address that was seen before", n)
	}
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		if _, err := Open(); err != nil {
			b.Fatal(err)
		}
	}
}
