package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/health"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/source"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// DefaultData is the folder of all that is kept, seen from where the program was started.
const DefaultData = "tocsin-data"

// Config is tocsin.yaml. Every key has a default; an unknown one is an error.
type Config struct {
	Data        string         `yaml:"data"`   // folder of all that is kept; default tocsin-data
	Listen      string         `yaml:"listen"` // default 127.0.0.1:8420
	TLS         TLSConfig      `yaml:"tls"`
	Desk        string         `yaml:"desk"`        // postgres://… ; default a SQLite file in the data folder
	Environment string         `yaml:"environment"` // path of environment.yaml
	Rules       string         `yaml:"rules"`       // folder of rules in place of the embedded ones
	Origin      string         `yaml:"origin"`      // name of the ledger; default tocsin.local/ledger
	Stream      StreamConfig   `yaml:"stream"`
	Lake        LakeConfig     `yaml:"lake"`
	Detect      DetectConfig   `yaml:"detect"`
	Digests     DigestsConfig  `yaml:"digests"`
	Retention   []Retention    `yaml:"retention"`
	Sources     []SourceConfig `yaml:"sources"`
	Intel       []FeedConfig   `yaml:"intel"`

	Organization string       `yaml:"organization"` // file that `aws organizations list-accounts` wrote; says which accounts there are
	Health       HealthConfig `yaml:"health"`
	Prices       PricesConfig `yaml:"prices"`
}

func (c *Config) scheme() string {
	if c.TLS.keys != nil {
		return "https://"
	}
	return "http://"
}

// DigestsConfig is about CloudTrail's digest files.
type DigestsConfig struct {
	Keys string `yaml:"keys"` // file with what `aws cloudtrail list-public-keys` prints for each Region
	keys cloudtrail.PublicKeys
}

// Retention is how long events are kept.
type Retention struct {
	Source string `yaml:"source"` // "" is all that no other line names
	Days   int    `yaml:"days"`   // whole days (UTC) after the day of the event
}

// StreamConfig is about the bus.
type StreamConfig struct {
	Size string `yaml:"size"` // how much may wait, "10GiB"
	size int64
}

// LakeConfig is about the lake.
type LakeConfig struct {
	Commit time.Duration `yaml:"commit"` // the most between two commits; default 60s
	Tidy   time.Duration `yaml:"tidy"`   // between two compactions; default 10m
}

// DetectConfig is about live detection.
type DetectConfig struct {
	Window  time.Duration `yaml:"window"`  // how far back it reaches; default 720h
	Workers int           `yaml:"workers"` // default one per core
}

// SourceConfig is a source that is there from the start.
type SourceConfig struct {
	Name     string            `yaml:"name"`
	Kind     string            `yaml:"kind"`
	Settings map[string]string `yaml:"settings"`
}

// HealthConfig is about the health of sources.
type HealthConfig struct {
	Silence map[string]time.Duration `yaml:"silence"` // by format: how long it may be silent at the least, in place of the built-in span
}

// PricesConfig is what AWS charges, for the estimates of what a source costs.
type PricesConfig struct {
	Storage *float64                `yaml:"storage_usd_per_gb_month"` // default 0.023
	Shrink  *float64                `yaml:"compressed_share"`         // bytes in the bucket for each byte of records; default 0.1
	Formats map[string]FormatPrices `yaml:"formats"`                  // by format, in place of the built-in rate
}

// FormatPrices are the rates of one format.
type FormatPrices struct {
	PerGB      float64 `yaml:"usd_per_gb"`
	PerMillion float64 `yaml:"usd_per_million_records"`
}

// ReadConfig reads tocsin.yaml and says everything that is wrong with it at once. A file that is not there is an error only when it
// was asked for. data and listen, where given, win over the file.
func ReadConfig(path string, asked bool, data, listen string) (*Config, error) {
	c := &Config{}
	override := func() {
		if data != "" {
			c.Data = data
		}
		if listen != "" {
			c.Listen = listen
		}
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the user names it
	if errors.Is(err, fs.ErrNotExist) && !asked {
		override()
		if err := c.complete(); err != nil {
			return nil, UsageError{Err: err, Hint: "docs/configuration.md says what each may be"}
		}
		return c, nil
	}
	if err != nil {
		return nil, UsageError{Err: err, Hint: "name the file with --config, or leave it out to run on defaults"}
	}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	err = d.Decode(c)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) {
		err = errors.New(strings.Join(wrong.Errors, "; "))
	}
	override()
	if err = errors.Join(err, c.complete()); err != nil {
		return nil, UsageError{Err: fmt.Errorf("%s: %w", path, err), Hint: "docs/configuration.md lists the keys that there are"}
	}
	return c, nil
}

var sizes = regexp.MustCompile(`^(\d+)(KiB|MiB|GiB|TiB)$`)

// complete fills defaults in and checks every value.
func (c *Config) complete() error {
	var errs []error
	orDefault := func(s *string, otherwise string) {
		if *s == "" {
			*s = otherwise
		}
	}
	orDefault(&c.Data, DefaultData)
	orDefault(&c.Listen, "127.0.0.1:8420")
	orDefault(&c.Desk, filepath.Join(c.Data, "desk.db"))
	orDefault(&c.Origin, "tocsin.local/ledger")
	orDefault(&c.Stream.Size, "10GiB")
	if m := sizes.FindStringSubmatch(c.Stream.Size); m == nil {
		errs = append(errs, fmt.Errorf("stream.size: %q is no size such as 10GiB", c.Stream.Size))
	} else {
		n, err := strconv.ParseInt(m[1], 10, 32)
		c.Stream.size = n << (10 * (1 + strings.Index("KMGT", m[2][:1])))
		if err != nil || c.Stream.size < stream.MinBytes {
			errs = append(errs, fmt.Errorf("stream.size: %s is not at least %s", c.Stream.Size, binaryBytes(stream.MinBytes)))
		}
	}
	if host, port, err := net.SplitHostPort(c.Listen); err != nil {
		errs = append(errs, fmt.Errorf("listen: %q is no address such as 127.0.0.1:8420", c.Listen))
	} else if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) && c.TLS.Certificate == "" {
		errs = append(errs, fmt.Errorf("listen: %s is open to others, who could read along without TLS: give tls.certificate and tls.key, or listen on 127.0.0.1:%s", c.Listen, port))
	}
	errs = append(errs, c.TLS.read())
	for name, d := range map[string]time.Duration{"lake.commit": c.Lake.Commit, "lake.tidy": c.Lake.Tidy, "detect.window": c.Detect.Window} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("%s: a span of time cannot be negative", name))
		}
	}
	if c.Digests.Keys != "" {
		raw, err := os.ReadFile(c.Digests.Keys)
		if err == nil {
			c.Digests.keys, err = cloudtrail.ParsePublicKeys(raw)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("digests.keys: %w", err))
		}
	}
	kept := map[string]bool{}
	for _, r := range c.Retention {
		if r.Days < 1 || kept[r.Source] {
			errs = append(errs, fmt.Errorf("retention of source %q: give it once, with days of 1 or more", r.Source))
		}
		kept[r.Source] = true
	}
	for format, d := range c.Health.Silence {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("health.silence.%s: %s is no span of time such as 30m", format, d))
		}
	}
	for name, p := range c.Prices.all() {
		if !(p >= 0 && p < 1e9) { // also refuses what is no number
			errs = append(errs, fmt.Errorf("prices.%s: %v is no price", name, p))
		}
	}
	names := map[string]bool{}
	for _, s := range c.Sources {
		if names[s.Name] {
			errs = append(errs, fmt.Errorf("sources: %s is there twice", s.Name))
		}
		names[s.Name] = true
		errs = append(errs, source.Check(desk.Source{Name: s.Name, Kind: s.Kind, Settings: s.Settings}))
	}
	return errors.Join(append(errs, c.checkIntel())...)
}

// all lists every price by its key.
func (p *PricesConfig) all() map[string]float64 {
	out := map[string]float64{}
	if p.Storage != nil {
		out["storage_usd_per_gb_month"] = *p.Storage
	}
	if p.Shrink != nil {
		out["compressed_share"] = *p.Shrink
	}
	for name, f := range p.Formats {
		out["formats."+name+".usd_per_gb"], out["formats."+name+".usd_per_million_records"] = f.PerGB, f.PerMillion
	}
	return out
}

// prices are the built-in ones with those of the configuration in their place.
func (c *Config) prices() health.Prices {
	p := health.DefaultPrices()
	if c.Prices.Storage != nil {
		p.Storage = *c.Prices.Storage
	}
	if c.Prices.Shrink != nil {
		p.Shrink = *c.Prices.Shrink
	}
	for name, f := range c.Prices.Formats {
		p.Rates[name] = health.Rate{PerGB: f.PerGB, PerMillion: f.PerMillion, Note: "tocsin.yaml"}
	}
	return p
}

// timing is what the worker is told.
func (c *Config) timing() pipeline.Timing {
	return pipeline.Timing{Commit: c.Lake.Commit, Tidy: c.Lake.Tidy, Window: c.Detect.Window}
}

// keep says which retention holds for which source.
func (c *Config) keep() lake.Retention {
	r := lake.Retention{Days: map[string]int{}}
	for _, x := range c.Retention {
		if x.Source == "" {
			r.Otherwise = x.Days
		} else {
			r.Days[x.Source] = x.Days
		}
	}
	return r
}

func (c *Config) lakeDir() string     { return filepath.Join(c.Data, "lake") }
func (c *Config) streamDir() string   { return filepath.Join(c.Data, "stream") }
func (c *Config) ledgerDir() string   { return filepath.Join(c.Data, "ledger") }
func (c *Config) evidenceDir() string { return filepath.Join(c.Data, "evidence") }
func (c *Config) intelDir() string    { return filepath.Join(c.Data, "intel") }
func (c *Config) huntsDir() string    { return filepath.Join(c.Data, "hunts") }
func (c *Config) tokenFile() string   { return filepath.Join(c.Data, "token") }
