package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/intel"
)

// FeedConfig is a feed of intelligence that is there from the start.
type FeedConfig struct {
	Name       string   `yaml:"name"`
	URL        string   `yaml:"url"`
	File       string   `yaml:"file"`
	Format     string   `yaml:"format"`
	Kind       string   `yaml:"kind"`
	Column     string   `yaml:"column"`
	Confidence int      `yaml:"confidence"`
	Expires    string   `yaml:"expires"` // 30d, 12h
	Every      string   `yaml:"every"`
	Tags       []string `yaml:"tags"`
	Allow      bool     `yaml:"allow"`
}

// feed is what a FeedConfig means.
func (c *FeedConfig) feed() (intel.Feed, error) {
	expires, err1 := parseSpan("expires", c.Expires)
	every, err2 := parseSpan("every", c.Every)
	f := intel.Feed{Name: c.Name, URL: c.URL, File: c.File, Format: c.Format, Kind: c.Kind, Column: c.Column, Confidence: c.Confidence, Expires: expires, Every: every, Tags: c.Tags, Allow: c.Allow}
	return f, errors.Join(f.Check(), err1, err2)
}

func (c *Config) checkIntel() error {
	var errs []error
	names := map[string]bool{}
	for i := range c.Intel {
		f, err := c.Intel[i].feed()
		if err != nil {
			errs = append(errs, fmt.Errorf("intel: %w", err))
		}
		if names[f.Name] {
			errs = append(errs, fmt.Errorf("intel: %s is there twice", f.Name))
		}
		names[f.Name] = true
	}
	return errors.Join(errs...)
}

var spans = regexp.MustCompile(`^(\d{1,5})d$`)

// parseSpan reads a span of time: days as 30d, else as Go writes it.
func parseSpan(what, s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	if m := spans.FindStringSubmatch(s); m != nil {
		n, err := strconv.Atoi(m[1])
		return time.Duration(n) * 24 * time.Hour, err
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%s %q is no span of time such as 30d or 12h", what, s)
	}
	return d, nil
}

// readIntel reads feeds for one run: files, or folders of them, each with settings after commas ("c2.txt,confidence=90,tag=c2").
func readIntel(specs []string, env *enrich.Environment, now time.Time) (*intel.Set, error) {
	var feeds []intel.Loaded
	var errs []error
	for _, spec := range specs {
		base, files, err := feedsOf(spec)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, file := range files {
			f := base
			f.File, f.Name = file, feedNameOf(file)
			l, err := readFeed(&f, now)
			if err != nil {
				errs = append(errs, fmt.Errorf("--intel %s: %w", file, err))
				continue
			}
			feeds = append(feeds, l)
		}
	}
	if len(errs) > 0 || len(feeds) == 0 {
		return nil, errors.Join(errs...)
	}
	return intel.Compile(feeds, env.Prefixes(), now), nil
}

// feedsOf reads one --intel.
func feedsOf(spec string) (f intel.Feed, files []string, err error) {
	parts := strings.Split(spec, ",")
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "confidence":
			f.Confidence, err = strconv.Atoi(value)
		case "expires":
			f.Expires, err = parseSpan("expires", value)
		case "kind":
			f.Kind = value
		case "format":
			f.Format = value
		case "column":
			f.Column = value
		case "tag":
			f.Tags = append(f.Tags, value)
		case "allow":
			f.Allow = true
		default:
			err = fmt.Errorf("%q is none of confidence=, expires=, kind=, format=, column=, tag=, allow", part)
		}
		if err != nil {
			return f, nil, fmt.Errorf("--intel %s: %w", spec, err)
		}
	}
	f.Name, f.File = "x", parts[0]
	if err := f.Check(); err != nil {
		return f, nil, fmt.Errorf("--intel %s: %w", spec, err)
	}
	info, err := os.Stat(parts[0])
	if err != nil {
		return f, nil, fmt.Errorf("--intel %s: no such file or folder", parts[0])
	}
	if !info.IsDir() {
		return f, []string{parts[0]}, nil
	}
	entries, err := os.ReadDir(parts[0])
	if err != nil {
		return f, nil, fmt.Errorf("--intel %s: %w", spec, err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, filepath.Join(parts[0], e.Name()))
		}
	}
	if len(files) == 0 {
		err = fmt.Errorf("--intel %s: the folder holds no file", parts[0])
	}
	return f, files, err
}

var notInNames = regexp.MustCompile(`[^a-z0-9._-]+`)

// feedNameOf calls a feed as its file.
func feedNameOf(file string) string {
	name := strings.ToLower(filepath.Base(file))
	for _, ending := range []string{".gz", ".txt", ".csv", ".json", ".lst", ".list", ".ioc"} {
		name = strings.TrimSuffix(name, ending)
	}
	name = strings.TrimLeft(notInNames.ReplaceAllString(name, "-"), "._-")
	if name == "" {
		name = "feed"
	}
	return name[:min(len(name), 63)]
}

// readFeed reads a feed without keeping anything.
func readFeed(f *intel.Feed, now time.Time) (intel.Loaded, error) {
	got, err := f.Fetch(context.Background(), intel.Seen{})
	if err != nil {
		return intel.Loaded{}, err
	}
	r, err := f.Parse(got.Raw)
	if err != nil {
		return intel.Loaded{}, err
	}
	named := intel.Merge(f, nil, r.Indicators, now)
	for i := range named {
		named[i].Known = time.Time{} // of a single run there is no before
	}
	return intel.Loaded{Feed: *f, Version: got.Version, Indicators: named, Lists: r.Lists}, nil
}

// tellIntel says in a line what a set holds.
func tellIntel(set *intel.Set, w io.Writer) {
	if set == nil {
		return
	}
	expired, allowed := 0, 0
	for _, t := range set.Tallies {
		expired += t.Expired
		for _, n := range t.Allowed {
			allowed += n
		}
		if t.Bound != "" {
			fmt.Fprintln(w, "intelligence: "+t.Bound)
		}
	}
	fmt.Fprintf(w, "intelligence: %d indicators of %d feeds, %d of them expired by now; %d more are allowed\n", set.Size(), len(set.Sources), expired, allowed)
}

// feedKeeper keeps the feeds of a desk current.
type feedKeeper struct {
	desk   *desk.Desk
	folder intel.Folder
	own    []netip.Prefix
	now    func() time.Time
	log    *slog.Logger
}

// errEmpty protects what is known from a feed that is broken at its source.
var errEmpty = errors.New("it names nothing that can be matched, and did before: it is left as it was")

// refresh fetches one feed and keeps what is new. The error is also in the feed's state.
func (k *feedKeeper) refresh(ctx context.Context, f *desk.Feed) error {
	settings, err := json.Marshal(f.Feed)
	if err != nil {
		return err
	}
	s := f.State
	if s.As != string(settings) {
		s.Seen = intel.Seen{}
	}
	s.Checked, s.Error = k.now(), ""
	err = k.take(ctx, f, &s)
	if err != nil {
		s.Error = err.Error()
	} else {
		s.As = string(settings)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e := k.desk.SetFeedState(ctx, f.Name, &s); e != nil {
		return e
	}
	f.State = s
	return err
}

func (k *feedKeeper) take(ctx context.Context, f *desk.Feed, s *desk.FeedState) error {
	got, err := f.Fetch(ctx, s.Seen)
	if err != nil {
		return err
	}
	if got.Unchanged {
		s.ETag, s.LastModified = got.ETag, got.LastModified
		return nil
	}
	r, err := f.Parse(got.Raw)
	if err != nil {
		return err
	}
	l := intel.Loaded{Feed: f.Feed, Version: got.Version}
	if l.Feed.Allow = f.Allow || len(r.Lists) > 0; l.Feed.Allow != f.Allow { // a warning list shows what it is
		f.Allow = true
		if err := k.desk.AddFeed(ctx, f.Feed, s.Checked); err != nil {
			return err
		}
	}
	before, err := k.folder.Load(f.Feed, s.Version)
	if err != nil {
		k.log.Warn("what was kept of a feed cannot be read; it begins anew", "feed", f.Name, "error", err)
		before = intel.Loaded{}
	}
	if len(before.Indicators) > 0 && len(r.Indicators) == 0 && !l.Feed.Allow {
		return errEmpty
	}
	l.Indicators = intel.Merge(&f.Feed, before.Indicators, r.Indicators, s.Checked)
	if err := k.folder.Keep(&l, got.Raw); err != nil {
		return err
	}
	s.Seen, s.Fetched, s.Reading, s.Gone = got.Seen, s.Checked, *r, len(l.Indicators)-len(r.Indicators)
	return nil
}

// load compiles what is kept of all feeds and notes what became of it.
func (k *feedKeeper) load(ctx context.Context, feeds []desk.Feed) (*intel.Set, error) {
	var all []intel.Loaded
	var errs []error
	for i := range feeds {
		l, err := k.folder.Load(feeds[i].Feed, feeds[i].State.Version)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, l)
	}
	set := intel.Compile(all, k.own, k.now())
	for i := range feeds {
		f := &feeds[i]
		if t := set.Tallies[f.Name]; t != nil {
			f.State.Tally = *t
			if err := k.desk.SetFeedState(ctx, f.Name, &f.State); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return set, errors.Join(errs...)
}

// signature says of what a set is made, to see that it is to be made anew.
func signature(feeds []desk.Feed) string {
	var parts []string
	for _, f := range feeds {
		parts = append(parts, f.Name+" "+f.State.Version+" "+f.State.As)
	}
	return strings.Join(parts, "\n")
}

// due lists the feeds that are to be looked at now: those whose time has come, and those whose settings changed.
func (k *feedKeeper) due(feeds []desk.Feed) []int {
	var out []int
	for i := range feeds {
		settings, _ := json.Marshal(feeds[i].Feed) // a struct of plain values
		changed := feeds[i].State.As != string(settings) && (feeds[i].State.Error == "" || k.now().Sub(feeds[i].State.Checked) > time.Minute)
		if changed || feeds[i].Due(feeds[i].State.Checked, k.now()) {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out
}
