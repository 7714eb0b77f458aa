// Package geo says in which country an address is registered and which network announces it.
//
// In: an address. Out: a Place, from databases that the build packs into the binary (NOTICE.md names them). A binary
// that was built without them knows no place; Status says which it is. A registered country is no proof of where a
// person sits, and a network is whose cable it is, not whose machine.
package geo

import (
	"bytes"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/oschwald/maxminddb-golang/v2"
)

//go:embed data
var packed embed.FS

// Place is what is known of an address. The zero value is unknown.
type Place struct {
	Country string // ISO 3166-1 alpha-2
	ASN     uint32
	Org     string // name of the network
	Hosting bool   // the network rents out machines or sells VPN
	Cloud   string // aws where the network is Amazon's
}

// DB holds the databases in memory. It is read-only; Locate may be called from many goroutines.
type DB struct {
	country *maxminddb.Reader
	v4, v6  []span
	orgs    []string
	mu      sync.RWMutex
	known   map[netip.Addr]Place
}

type span struct {
	from, to netip.Addr
	asn      uint32
	org      uint32
}

// Open unpacks the embedded databases.
func Open() (*DB, error) {
	db := &DB{known: map[netip.Addr]Place{}}
	raw, err := unpack("country.mmdb.zst")
	if errors.Is(err, fs.ErrNotExist) {
		return db, nil
	}
	if err != nil {
		return nil, err
	}
	if db.country, err = maxminddb.OpenBytes(raw); err != nil {
		return nil, fmt.Errorf("open country database: %w", err)
	}
	index := map[string]uint32{}
	for name, into := range map[string]*[]span{"asn4.csv.zst": &db.v4, "asn6.csv.zst": &db.v6} {
		if raw, err = unpack(name); err != nil {
			return nil, err
		}
		if *into, err = db.networks(raw, index); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return db, nil
}

func unpack(name string) ([]byte, error) {
	raw, err := packed.ReadFile("data/" + name)
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	out, err := z.DecodeAll(raw, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	return out, nil
}

func (db *DB) networks(raw []byte, index map[string]uint32) ([]span, error) {
	out := make([]span, 0, bytes.Count(raw, []byte("\n")))
	r := csv.NewReader(bytes.NewReader(raw))
	r.ReuseRecord = true
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		from, errFrom := netip.ParseAddr(row[0])
		to, errTo := netip.ParseAddr(row[1])
		asn, errNum := strconv.ParseUint(row[2], 10, 32)
		if err := errors.Join(errFrom, errTo, errNum); err != nil {
			return nil, err
		}
		org, seen := index[row[3]]
		if !seen {
			org = uint32(len(db.orgs)) //nolint:gosec // names are fewer than 2^32
			own := strings.Clone(row[3])
			index[own] = org
			db.orgs = append(db.orgs, own)
		}
		out = append(out, span{from, to, uint32(asn), org})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].from.Less(out[j].from) })
	return out, nil
}

// Status says whether places are known, for `tocsin version`.
func (db *DB) Status() string {
	if db.country == nil {
		return "not in this binary (build with 'make build' while the package registry can be reached)"
	}
	return fmt.Sprintf("countries of %s, %d networks", strconv.FormatUint(uint64(db.country.Metadata.BuildEpoch), 10), len(db.v4)+len(db.v6))
}

// Ready reports whether the databases are in the binary.
func (db *DB) Ready() bool { return db != nil && db.country != nil }

// maxKnown bounds the cache of places.
const maxKnown = 1 << 16

// Locate returns what is known of an address.
func (db *DB) Locate(a netip.Addr) Place {
	if !db.Ready() {
		return Place{}
	}
	a = a.Unmap()
	db.mu.RLock()
	p, ok := db.known[a]
	db.mu.RUnlock()
	if ok {
		return p
	}
	p = db.look(a)
	db.mu.Lock()
	if len(db.known) >= maxKnown {
		clear(db.known)
	}
	db.known[a] = p
	db.mu.Unlock()
	return p
}

func (db *DB) look(a netip.Addr) Place {
	var p Place
	var record struct {
		Code string `maxminddb:"country_code"`
	}
	if err := db.country.Lookup(a).Decode(&record); err == nil {
		p.Country = record.Code
	}
	list := db.v6
	if a.Is4() {
		list = db.v4
	}
	i := sort.Search(len(list), func(i int) bool { return a.Less(list[i].from) }) - 1
	if i >= 0 && !list[i].to.Less(a) {
		p.ASN, p.Org = list[i].asn, db.orgs[list[i].org]
	}
	p.Cloud, p.Hosting = cloudOf(p.Org), isHosting(p.Org)
	return p
}

func cloudOf(org string) string {
	if strings.Contains(strings.ToLower(org), "amazon") {
		return "aws"
	}
	return ""
}

// hosting are words in the names of networks that rent out machines or sell VPN: where intruders work from and
// employees seldom do.
var hosting = []string{
	"hosting", "digitalocean", "hetzner", "ovh", "linode", "akamai connected cloud", "vultr", "choopa", "constant company", "contabo", "leaseweb", "m247",
	"datacamp", "colocrossing", "hostinger", "scaleway", "online s.a.s", "alibaba", "tencent", "google cloud", "microsoft-azure", "oracle-bmc", "nordvpn", "mullvad", "proton",
	"private internet access", "datacenter", "data center", "dedicated", "vps", "server", "tor exit", "quadranet", "psychz", "ionos", "upcloud", "frantech", "buyvm", "worldstream",
}

func isHosting(org string) bool {
	org = strings.ToLower(org)
	for _, h := range hosting {
		if strings.Contains(org, h) {
			return true
		}
	}
	return false
}
