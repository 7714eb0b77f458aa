package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

// DefaultLake is where the lake is, seen from where the program was started.
const DefaultLake = "tocsin-data/lake"

// IngestOptions are what `tocsin ingest` is asked for.
type IngestOptions struct {
	Paths   []string
	Lake    string
	Source  string
	Workers int
	Quiet   bool
}

// Ingest reads logs into the lake and says what it gained.
func Ingest(ctx context.Context, o IngestOptions, io Streams) error {
	inv, err := collect.List(ctx, o.Paths, io.In, collect.Limits{})
	if err != nil {
		if strings.HasSuffix(err.Error(), collect.ReasonMissing) {
			return UsageError{Err: err, Hint: "give files, folders or archives of logs, or - for standard input"}
		}
		return err
	}
	defer inv.Close() //nolint:errcheck // temporary files
	places, err := openPlaces()
	if err != nil {
		return err
	}
	l, err := lake.Open(ctx, o.Lake)
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // every commit is durable
	progress := &pipeline.Progress{}
	stop := showProgress(progress, inv, io.Err, o.Quiet)
	start := time.Now()
	s, err := pipeline.Store(ctx, pipeline.Files{Inventory: inv}, pipeline.StoreOptions{Lake: l, Source: o.Source, Places: places, Workers: o.Workers, Progress: progress, Now: start.UTC()})
	stop()
	if err != nil {
		return err
	}
	fmt.Fprintf(io.Out, "received %d = stored %d + duplicate %d + unreadable %d\n", s.Total, s.Mapped, s.Duplicate, s.Unreadable)
	fmt.Fprintf(io.Out, "wrote %d files of %s in %d commits to %s\n", s.Files, binaryBytes(s.Bytes), s.Commits, o.Lake)
	if err := tidy(ctx, l, start, io); err != nil {
		return err
	}
	for _, u := range unread(&pipeline.Result{Received: s.Received, Problems: s.Problems, Unread: s.Unread}) {
		fmt.Fprintf(io.Err, "not read: %s (%d records, %d files)\n", u.Reason, u.Count, u.Files)
		for _, where := range u.Where {
			fmt.Fprintf(io.Err, "  %s\n", where)
		}
	}
	if s.Mapped > 0 {
		fmt.Fprintf(io.Err, "next: tocsin search --lake %s --filter \"operation = 'ConsoleLogin'\"\n", o.Lake)
	}
	if s.Partial != "" {
		fmt.Fprintln(io.Err, s.Partial)
	}
	if s.Partial != "" || s.Unreadable > 0 || len(s.Problems) > 0 {
		return Outcome(ExitPartly)
	}
	return nil
}

// sweepAge is how old a file is before it can be an orphan: no write takes as long.
const sweepAge = time.Hour

// tidy makes few files of many for the days that are over, and removes what no snapshot names.
func tidy(ctx context.Context, l *lake.Lake, now time.Time, io Streams) error {
	c, err := l.Compact(ctx, now.UTC().Truncate(24*time.Hour))
	if errors.Is(err, context.Canceled) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	if c.Before > 0 {
		fmt.Fprintf(io.Out, "compacted %d files into %d: %s to %s\n", c.Before, c.After, binaryBytes(c.BytesBefore), binaryBytes(c.BytesAfter))
	}
	if err := l.Expire(ctx, now.Add(-sweepAge)); err != nil {
		return err
	}
	_, err = l.Sweep(ctx, now.Add(-sweepAge))
	return err
}

func binaryBytes(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
}
