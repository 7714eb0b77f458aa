package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/health"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/report"
)

// listedSource is a source as `tocsin source list` gives it.
type listedSource struct {
	desk.Source
	Health *health.Of `json:"health"`
}

// ListSources shows the sources and their health, as the running tocsin serve judges it; where none runs, what the desk knows.
func ListSources(ctx context.Context, c *Config, format string, streams Streams) error {
	if format != "table" && format != "json" {
		return UsageError{Err: fmt.Errorf("--format %q is not one of table, json", format), Hint: "tocsin source list --format json"}
	}
	var list []listedSource
	if err := askServer(ctx, c, "GET", "/api/v1/sources", "", nil, &list); err != nil {
		if !errors.Is(err, errNotRunning) {
			fmt.Fprintln(streams.Err, report.Clean(err.Error()))
		}
		r, err := judgeAtRest(ctx, c, streams)
		if err != nil {
			return err
		}
		list = r.sources
	}
	if format == "json" {
		return json.NewEncoder(streams.Out).Encode(list)
	}
	if len(list) == 0 {
		fmt.Fprintln(streams.Out, "no source yet; for example: tocsin source add logs --kind folder --set path=/var/log/aws")
		return nil
	}
	table := [][]string{{"SOURCE", "KIND", "STATE", "SEEN", "LAG50/95", "PER DAY", "BYTES", "VOLUME", "READ", "USD/MON"}}
	for i := range list {
		table = append(table, sourceRow(&list[i], time.Now()))
	}
	writeTable(streams.Out, table)
	return nil
}

func sourceRow(s *listedSource, now time.Time) []string {
	row := []string{report.Clean(report.Fit(s.Name, 14)), s.Kind, "-", "-", "-", "-", "-", "-", "-", "-"}
	h := s.Health
	if h == nil {
		return row
	}
	row[2] = string(h.State)
	if !h.LastSeen.IsZero() {
		row[3] = shortSpan(now.Sub(h.LastSeen).Seconds()) + " ago"
	}
	if h.LagP50Seconds != nil && h.LagP95Seconds != nil {
		row[4] = shortSpan(*h.LagP50Seconds) + "/" + shortSpan(*h.LagP95Seconds)
	}
	row[5], row[6] = count(h.PerDay.Records), count(h.PerDay.Bytes)+"B"
	row[7] = string(h.Volume.State)
	if h.Volume.State != health.VolumeLearning {
		row[7] = fmt.Sprintf("%+.0f %%", min(9999, 100*(h.Volume.Ratio-1)))
	}
	if h.ParseRate != nil {
		row[8] = strconv.FormatFloat(100**h.ParseRate, 'f', 1, 64) + " %"
	}
	if !h.Balanced {
		row[8] = "UNEVEN"
	}
	if row[9] = fmt.Sprintf("~%.2f", h.Price.Deliver+h.Price.Store); row[9] == "~0.00" {
		row[9] = "<0.01"
	}
	return row
}

// count writes a number with its thousands, thousands of thousands and so on.
func count(n float64) string {
	for _, unit := range []string{"", " k", " M", " G"} {
		if n < 10000 {
			return strconv.FormatFloat(n, 'f', 0, 64) + unit
		}
		n /= 1000
	}
	return strconv.FormatFloat(n, 'f', 0, 64) + " T"
}

// shortSpan writes seconds in one unit.
func shortSpan(s float64) string {
	switch {
	case s < 60:
		return fmt.Sprintf("%.0fs", s)
	case s < 3600:
		return fmt.Sprintf("%.0fm", s/60)
	case s < 48*3600:
		return fmt.Sprintf("%.0fh", s/3600)
	}
	return fmt.Sprintf("%.0fd", s/86400)
}

// writeTable aligns columns.
func writeTable(out io.Writer, table [][]string) {
	widths := make([]int, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range table {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
}

// atRest is what the folders tell of the sources while nothing runs.
type atRest struct {
	sources  []listedSource
	coverage health.Coverage
}

func judgeAtRest(ctx context.Context, c *Config, streams Streams) (*atRest, error) {
	out := &atRest{}
	err := withDesk(ctx, c, func(d *desk.Desk) error {
		l, err := lake.OpenExisting(ctx, c.lakeDir())
		switch {
		case errors.Is(err, lake.ErrNoLake):
			l = nil
		case err != nil:
			return err
		default:
			defer l.Close() //nolint:errcheck // only read
		}
		var env *enrich.Environment
		if c.Environment != "" {
			if env, err = enrich.ReadEnvironment(c.Environment); err != nil {
				return UsageError{Err: err, Hint: "tocsin environment propose drafts one"}
			}
		}
		w, err := newWatch(c, env, d, l, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		list, err := d.Sources(ctx)
		if err != nil {
			return err
		}
		r, err := w.atRest(ctx, list)
		if err != nil {
			return err
		}
		for i, s := range list {
			out.sources = append(out.sources, listedSource{s, &r.Sources[i]})
		}
		out.coverage = health.Cover(r, w.expected)
		return nil
	})
	if err == nil {
		fmt.Fprintln(streams.Err, "tocsin serve does not run here: nothing comes in, and silence is not judged")
	}
	return out, err
}

// atRest judges what is kept, without a running server; the lake may be nil.
func (w *watch) atRest(ctx context.Context, list []desk.Source) (health.Report, error) {
	now := w.now()
	totals := map[string]uint64{}
	if w.lake != nil {
		totals = w.lake.Marks().Totals
		if err := w.measure(ctx, now); err != nil {
			return health.Report{}, err
		}
	}
	if err := w.fill(ctx, now); err != nil {
		return health.Report{}, err
	}
	q := health.Question{Book: w.book, LakeBytes: w.bytes, Prices: w.prices, Silences: w.silences, Now: now}
	for _, s := range list {
		q.Sources = append(q.Sources, health.Source{Name: s.Name, Paused: s.Paused, Ends: s.Settings["to"] != "", Totals: totalsOf(totals, s.Name)})
	}
	return health.Judge(q), nil
}

// ShowCoverage shows which accounts and Regions are seen.
func ShowCoverage(ctx context.Context, c *Config, format string, streams Streams) error {
	if format != "table" && format != "json" {
		return UsageError{Err: fmt.Errorf("--format %q is not one of table, json", format), Hint: "tocsin source coverage --format json"}
	}
	var cover health.Coverage
	if err := askServer(ctx, c, "GET", "/api/v1/coverage", "", nil, &cover); err != nil {
		if !errors.Is(err, errNotRunning) {
			fmt.Fprintln(streams.Err, report.Clean(err.Error()))
		}
		r, err := judgeAtRest(ctx, c, streams)
		if err != nil {
			return err
		}
		cover = r.coverage
	}
	if format == "json" {
		return json.NewEncoder(streams.Out).Encode(cover)
	}
	if len(cover.Cells) > 0 {
		table := [][]string{{"ACCOUNT", "NAME", "REGION", "SOURCE", "STATE", "EXPECTED", "LAST SEEN"}}
		for _, x := range cover.Cells {
			last := "-"
			if !x.LastSeen.IsZero() {
				last = health.Span(time.Since(x.LastSeen)) + " ago"
			}
			table = append(table, []string{report.Clean(x.Account), report.Clean(report.Fit(x.Name, 20)), report.Clean(orWord(x.Region, "any")), report.Clean(report.Fit(orWord(x.Source, "-"), 20)), string(x.State), x.Expected, last})
		}
		writeTable(streams.Out, table)
	}
	fmt.Fprintln(streams.Out, cover.Sentence)
	return nil
}
