package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/report"
)

// keeper opens the feeds of a configuration for one command.
func keeper(ctx context.Context, c *Config, streams Streams, do func(k *feedKeeper, env *enrich.Environment) error) error {
	var env *enrich.Environment
	if c.Environment != "" {
		var err error
		if env, err = enrich.ReadEnvironment(c.Environment); err != nil {
			return UsageError{Err: err, Hint: "tocsin environment propose drafts one"}
		}
	}
	return withDesk(ctx, c, func(d *desk.Desk) error {
		log := slog.New(slog.NewTextHandler(streams.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))
		return do(&feedKeeper{desk: d, folder: intel.Folder(c.intelDir()), own: env.Prefixes(), now: time.Now, log: log}, env)
	})
}

// AddFeed adds a feed and fetches it for the first time. A running tocsin serve takes it in within a few seconds.
func AddFeed(ctx context.Context, c *Config, in FeedConfig, streams Streams) error {
	if in.File != "" {
		abs, err := filepath.Abs(in.File)
		if err != nil {
			return err
		}
		in.File = abs
	}
	f, err := in.feed()
	if err != nil {
		return UsageError{Err: err, Hint: "for example: tocsin intel add c2 --url https://example.org/c2.txt --confidence 90 --expires 30d"}
	}
	return keeper(ctx, c, streams, func(k *feedKeeper, _ *enrich.Environment) error {
		if err := k.desk.AddFeed(ctx, f, k.now()); err != nil {
			return err
		}
		return k.refreshAndTell(ctx, f.Name, streams)
	})
}

// RefreshFeeds fetches one feed, or all ("").
func RefreshFeeds(ctx context.Context, c *Config, name string, streams Streams) error {
	return keeper(ctx, c, streams, func(k *feedKeeper, _ *enrich.Environment) error { return k.refreshAndTell(ctx, name, streams) })
}

func (k *feedKeeper) refreshAndTell(ctx context.Context, name string, streams Streams) error {
	feeds, err := k.desk.Feeds(ctx)
	if err != nil {
		return err
	}
	if name != "" && !slices.ContainsFunc(feeds, func(f desk.Feed) bool { return f.Name == name }) {
		return noFeed(name)
	}
	failed := false
	for i := range feeds {
		if f := &feeds[i]; name == "" || f.Name == name {
			if err := k.refresh(ctx, f); err != nil {
				failed = true
				fmt.Fprintf(streams.Err, "feed %s: %s\n", f.Name, report.Clean(err.Error()))
			}
		}
	}
	if _, err := k.load(ctx, feeds); err != nil {
		return err
	}
	for i := range feeds {
		if f := &feeds[i]; (name == "" || f.Name == name) && f.State.Error == "" {
			fmt.Fprintln(streams.Out, f.Name+": "+sumOf(f))
		}
	}
	if failed {
		return Outcome(ExitPartly)
	}
	return nil
}

func noFeed(name string) error {
	return UsageError{Err: fmt.Errorf("there is no feed %q", name), Hint: "tocsin intel list shows those that there are"}
}

// sumOf is the double entry of a feed in one line.
func sumOf(f *desk.Feed) string {
	r, t := &f.State.Reading, &f.State.Tally
	if f.Allow {
		return fmt.Sprintf("allow-list of %d entries (%d refused), version %s", r.Entries, r.Refused, f.State.Version)
	}
	allowed := 0
	for _, n := range t.Allowed {
		allowed += n
	}
	text := fmt.Sprintf("%d entries = %d indicators + %d twice + %d refused + %d not understood + %d revoked", r.Entries, r.Entries-r.Twice-r.Refused-r.NotUnderstood-r.Revoked, r.Twice, r.Refused, r.NotUnderstood, r.Revoked)
	text += fmt.Sprintf("; with %d from before: %d loaded (%d of them expired), %d allowed; version %s", f.State.Gone, t.Loaded, t.Expired, allowed, f.State.Version)
	for _, bound := range []string{r.Bound, t.Bound} {
		if bound != "" {
			text += "; " + bound
		}
	}
	return text
}

// ListFeeds shows the feeds.
func ListFeeds(ctx context.Context, c *Config, asJSON bool, streams Streams) error {
	return withDesk(ctx, c, func(d *desk.Desk) error {
		feeds, err := d.Feeds(ctx)
		if err != nil {
			return err
		}
		if asJSON {
			return json.NewEncoder(streams.Out).Encode(feeds)
		}
		if len(feeds) == 0 {
			fmt.Fprintln(streams.Out, "no feed yet; docs/intelligence.md names a few. For example: tocsin intel add c2 --file ./c2.txt --confidence 90 --expires 30d")
		}
		sums, err := d.HitsByFeed(ctx)
		if err != nil {
			return err
		}
		for i := range feeds {
			f := &feeds[i]
			hits := int64(0)
			for _, s := range sums {
				if s.Feed == f.Name {
					hits = s.Count
				}
			}
			state := sumOf(f)
			if f.State.Error != "" {
				state = "FAILS: " + f.State.Error
			}
			fmt.Fprintf(streams.Out, "%-20s %8d hits  %s\n", f.Name, hits, report.Clean(state))
		}
		return nil
	})
}

// ShowFeed shows one feed with what it refused and what it met.
func ShowFeed(ctx context.Context, c *Config, name string, streams Streams) error {
	return withDesk(ctx, c, func(d *desk.Desk) error {
		feeds, err := d.Feeds(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(feeds, func(f desk.Feed) bool { return f.Name == name })
		if i < 0 {
			return noFeed(name)
		}
		hits, err := d.HitsOf(ctx, name, 20)
		if err != nil {
			return err
		}
		showFeed(streams.Out, &feeds[i], hits)
		return nil
	})
}

func showFeed(w io.Writer, f *desk.Feed, hits []desk.FeedHits) {
	address, _, _ := strings.Cut(f.URL, "?")
	fmt.Fprintf(w, "%s  %s%s\n%s\n", f.Name, report.Clean(address), report.Clean(f.File), sumOf(f))
	fmt.Fprintf(w, "looked at %s, last new %s\n", orNever(f.State.Checked), orNever(f.State.Fetched))
	if f.State.Error != "" {
		fmt.Fprintf(w, "fails: %s\n", report.Clean(f.State.Error))
	}
	for _, part := range []struct {
		title string
		by    map[string]int
	}{{"not loaded", f.State.Reading.Reasons}, {"allowed by", f.State.Tally.Allowed}} {
		reasons := make([]string, 0, len(part.by))
		for r := range part.by {
			reasons = append(reasons, r)
		}
		sort.Strings(reasons)
		for _, r := range reasons {
			fmt.Fprintf(w, "%s: %6d  %s\n", part.title, part.by[r], report.Clean(r))
		}
	}
	for _, p := range f.State.Reading.Problems[:min(10, len(f.State.Reading.Problems))] {
		where := ""
		if p.Line > 0 {
			where = fmt.Sprintf("line %d: ", p.Line)
		}
		fmt.Fprintf(w, "  %s%s: %s\n", where, report.Clean(p.Text), report.Clean(p.Reason))
	}
	for _, h := range hits {
		fmt.Fprintf(w, "hit: %8d  %-13s %s %s, last %s\n", h.Count, h.Highest, h.Kind, report.Clean(h.Value), h.Last.Format(time.RFC3339))
	}
}

func orNever(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

// RemoveFeed forgets a feed and what it said. Its hits stay.
func RemoveFeed(ctx context.Context, c *Config, name string, streams Streams) error {
	return keeper(ctx, c, streams, func(k *feedKeeper, _ *enrich.Environment) error {
		err := k.desk.RemoveFeed(ctx, name)
		if errors.Is(err, desk.ErrNotFound) {
			return noFeed(name)
		}
		if err = errors.Join(err, k.folder.Forget(name)); err != nil {
			return err
		}
		fmt.Fprintf(streams.Out, "feed %s is removed; alerts that rest on it are withdrawn where nobody took them up\n", name)
		return nil
	})
}

// CheckValue says what the feeds say of a value. The outcome is ExitFindings where one names it.
func CheckValue(ctx context.Context, c *Config, value string, streams Streams) error {
	return keeper(ctx, c, streams, func(k *feedKeeper, _ *enrich.Environment) error {
		feeds, err := k.desk.Feeds(ctx)
		if err != nil {
			return err
		}
		set, err := k.load(ctx, feeds)
		if err != nil {
			return err
		}
		found, allowed, err := set.Check(value)
		if err != nil {
			return UsageError{Err: fmt.Errorf("%q: %w", value, err), Hint: "give an address, a name, a URL or the hash of a file"}
		}
		for _, a := range allowed {
			fmt.Fprintf(streams.Out, "allowed by %s: it matches nothing\n", report.Clean(a))
		}
		listed := false
		for _, f := range found {
			x := f.Indicator
			expiry := "does not expire"
			if !x.Expires.IsZero() {
				expiry = "until " + orNever(x.Expires)
			}
			expired := !x.Expires.IsZero() && x.Expires.Before(k.now())
			if listed = listed || !expired; expired {
				expiry = "EXPIRED " + orNever(x.Expires)
			}
			fmt.Fprintf(streams.Out, "%s@%s lists %s %s, confidence %d, first %s, last %s, %s %s\n", f.Source.Name, f.Source.Version, x.Kind, report.Clean(x.Value), x.Confidence, orNever(x.First), orNever(x.Last), expiry, report.Clean(strings.Join(x.Tags, " ")))
			hits, err := k.desk.HitsOn(ctx, x.Value)
			if err != nil {
				return err
			}
			for _, h := range hits {
				if h.Feed == f.Source.Name {
					fmt.Fprintf(streams.Out, "  met %d times, from %s to %s, at most %s\n", h.Count, orNever(h.First), orNever(h.Last), h.Highest)
				}
			}
		}
		if len(found) == 0 {
			fmt.Fprintf(streams.Out, "no feed of %d names it\n", len(set.Sources))
		}
		if listed {
			return Outcome(ExitFindings)
		}
		return nil
	})
}

// SweepOptions are what `tocsin intel sweep` is asked for.
type SweepOptions struct {
	ScanOptions
	Lake string // "" for the one in the data folder
}

// Sweep looks for what the feeds say in all of the lake, and writes what a scan would by the feeds alone.
func Sweep(ctx context.Context, c *Config, o SweepOptions, streams Streams) error {
	p, err := o.prepare()
	if err != nil {
		return err
	}
	if o.Lake == "" {
		o.Lake = c.lakeDir()
	}
	l, err := lake.OpenExisting(ctx, o.Lake)
	if errors.Is(err, lake.ErrNoLake) {
		return UsageError{Err: err, Hint: "fill one with: tocsin ingest ./AWSLogs --lake " + o.Lake}
	}
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // only read
	places, err := openPlaces()
	if err != nil {
		return err
	}
	return keeper(ctx, c, streams, func(k *feedKeeper, env *enrich.Environment) error {
		set := p.intel
		if set == nil {
			feeds, err := k.desk.Feeds(ctx)
			if err != nil {
				return err
			}
			if set, err = k.load(ctx, feeds); err != nil {
				return err
			}
		}
		if set.Size() == 0 {
			return UsageError{Err: errors.New("there is nothing to look for"), Hint: "add a feed with: tocsin intel add, or name one with --intel FILE"}
		}
		files, err := l.Plan(ctx, p.from, p.to)
		if err != nil {
			return err
		}
		for _, f := range files {
			p.bytes += f.Bytes
		}
		p.files = len(files)
		tellIntel(set, streams.Err)
		s, err := pipeline.Sweep(ctx, pipeline.SweepOptions{Files: files, Set: set, Environment: env, Places: places, From: p.from, To: p.to})
		if err != nil {
			return err
		}
		fmt.Fprintf(streams.Err, "%d events of %d files name an indicator\n", s.Events, len(files))
		o.Paths = []string{o.Lake}
		scan := o.report(p, s.Result)
		scan.Next, scan.Blind = nil, nil
		if err := o.write(scan, streams); err != nil {
			return err
		}
		return o.outcome(p, s.Result, scan)
	})
}
