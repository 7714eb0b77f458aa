package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/api"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/report"
)

// greet says where everything is.
func (h *house) greet(ctx context.Context) {
	c := h.o.Config
	fmt.Fprintf(h.io.Err, "tocsin %s serves http://%s, and keeps everything in %s\n", h.o.Version, h.listener.Addr(), c.Data)
	sources, err := h.desk.Sources(ctx)
	if err != nil {
		return
	}
	for _, s := range sources {
		where := s.Settings["path"] + s.Settings["bucket"] + s.Settings["queue"]
		fmt.Fprintf(h.io.Err, "  source %s (%s) %s\n", s.Name, s.Kind, report.Clean(where))
	}
	if len(sources) == 0 {
		fmt.Fprintf(h.io.Err, "  no source yet: tocsin source add logs --kind folder --set path=/var/log/aws\n")
	}
	fmt.Fprintf(h.io.Err, "  ask it: curl -H \"Authorization: Bearer $(cat %s)\" %s/api/v1/incidents\n", c.tokenFile(), h.url())
}

// tell writes incidents to standard output as they appear and as they grow worse, a line each.
func (h *house) tell(ctx context.Context) error {
	told := map[string]string{}
	first := true
	for {
		rows, err := h.desk.Incidents(ctx, access.Everything(), desk.Query{Limit: 1000})
		if err != nil && ctx.Err() == nil {
			h.log.Error("incidents cannot be listed", "error", err)
		}
		for _, r := range rows.Items {
			line := fmt.Sprintf("%-8s %4.0f  %s", strings.ToUpper(r.Severity.String()), r.Score, report.Clean(r.Headline))
			if told[r.UID] == line {
				continue
			}
			verb := "incident"
			if _, known := told[r.UID]; known {
				verb = "grows   "
			} else if first {
				verb = "standing"
			}
			told[r.UID] = line
			fmt.Fprintf(h.io.Out, "%s  %s  %s\n", time.Now().UTC().Format(time.TimeOnly), verb, line)
		}
		first = false
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// metrics are the figures of all parts.
func (h *house) metrics() []api.Metric {
	s := &h.worker.Status
	counter := func(name, help string, v int64) api.Metric {
		return api.Metric{Name: name, Help: help, Type: "counter", Value: float64(v)}
	}
	gauge := func(name, help string, v float64) api.Metric {
		return api.Metric{Name: name, Help: help, Type: "gauge", Value: v}
	}
	out := []api.Metric{
		counter("tocsin_records_received_total", "Records that the worker took from the stream.", s.Received.Load()),
		counter("tocsin_records_stored_total", "Records that became events.", s.Stored.Load()),
		counter("tocsin_records_duplicate_total", "Records of events that were known.", s.Duplicate.Load()),
		counter("tocsin_records_dead_total", "Records that could not be read.", s.Dead.Load()),
		counter("tocsin_records_failed_total", "Records on which Tocsin itself failed.", s.Failed.Load()),
		counter("tocsin_lake_commits_total", "Snapshots that were committed.", s.Commits.Load()),
		counter("tocsin_lake_files_total", "Data files that were written.", s.Files.Load()),
		counter("tocsin_lake_bytes_total", "Bytes of data files.", s.Bytes.Load()),
		gauge("tocsin_lake_commit_seconds", "How long the last commit took.", time.Duration(s.CommitNanos.Load()).Seconds()),
		gauge("tocsin_conclude_seconds", "How long the last conclusion took.", time.Duration(s.ConcludeNanos.Load()).Seconds()),
		counter("tocsin_detection_rebuilds_total", "How often history was judged again.", s.Rebuilds.Load()),
		counter("tocsin_detection_remembered_total", "How often a start took up what detection remembered.", s.Remembered.Load()),
		gauge("tocsin_detection_since_seconds", "What detection reaches back to, in seconds since 1970.", float64(s.Since.Load())/1000),
		counter("tocsin_detection_shortened_days_total", "Days that detection forgot before their time because it remembered as much as it may.", s.Shortened.Load()),
		gauge("tocsin_detection_not_learned", "Habits, sessions and hits that came beyond a hard bound and are not in detection.", float64(s.NotLearned.Load())),
		gauge("tocsin_known_ids", "Events that are known, to tell a duplicate.", float64(s.Known.Load())),
		counter("tocsin_known_ids_forgotten_total", "Events of which a duplicate would not be told any more.", s.Unknown.Load()),
		counter("tocsin_stream_lost_total", "Batches that the disk of the stream lost; each is a dead letter.", s.Lost.Load()),
		counter("tocsin_lake_damaged_total", "Readings of data files that failed; tocsin ledger verify names the files.", s.Damaged.Load()),
		gauge("tocsin_ledger_unproven", "1 while the ledger waits before a compaction that cannot be proven; the alert on the desk says why.", float64(s.Unproven.Load())),
		gauge("tocsin_incidents", "Incidents that are concluded now.", float64(s.Incidents.Load())),
		gauge("tocsin_stream_position", "Last position of the stream that was taken in.", float64(s.Position.Load())),
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if usage, err := h.stream.Usage(ctx); err == nil {
		for _, u := range usage {
			out = append(out, gauge("tocsin_stream_bytes", "What waits in the stream.", float64(u.Bytes)), gauge("tocsin_stream_limit_bytes", "What may wait in the stream.", float64(u.MaxBytes)),
				gauge("tocsin_stream_behind", "Batches that wait for the worker.", float64(u.Last-min(u.Last, s.Position.Load()))))
		}
	}
	out = append(append(out, h.sourceMetrics()...), h.watermarkMetrics(ctx)...)
	return append(append(out, h.intelMetrics(ctx)...), healthMetrics(h.watch.Report())...)
}

// watermarkMetrics say how far, by the time of events, each source and lane has delivered: the account and Region that is the furthest behind, and the one
// that is ahead.
func (h *house) watermarkMetrics(ctx context.Context) []api.Metric {
	marks, err := h.desk.Watermarks(ctx, "")
	if err != nil {
		return nil
	}
	type lane struct{ source, lane, which string }
	bounds := map[lane]time.Time{}
	for _, m := range marks {
		least, most := lane{m.Source, m.Lane, "least"}, lane{m.Source, m.Lane, "most"}
		if at, is := bounds[least]; !is || m.At.Before(at) {
			bounds[least] = m.At
		}
		if m.At.After(bounds[most]) {
			bounds[most] = m.At
		}
	}
	order := slices.SortedFunc(maps.Keys(bounds), func(a, b lane) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.lane, b.lane), cmp.Compare(a.which, b.which))
	})
	out := make([]api.Metric, 0, len(order))
	for _, k := range order {
		out = append(out, api.Metric{
			Name: "tocsin_watermark_seconds", Help: "Up to which time of events a source delivered, seconds since 1970: of its accounts and Regions the least and the most.", Type: "gauge",
			Labels: []string{"source", k.source, "lane", k.lane, "of", k.which}, Value: float64(bounds[k].Unix()),
		})
	}
	return out
}

// intelMetrics are those of the feeds.
func (h *house) intelMetrics(ctx context.Context) []api.Metric {
	feeds, err := h.desk.Feeds(ctx)
	if err != nil {
		return nil
	}
	hits, err := h.desk.HitsByFeed(ctx)
	if err != nil {
		return nil
	}
	var out []api.Metric
	each := func(name, help string, value func(f *desk.Feed) float64) {
		for i := range feeds {
			out = append(out, api.Metric{Name: name, Help: help, Type: "gauge", Labels: []string{"feed", feeds[i].Name}, Value: value(&feeds[i])})
		}
	}
	each("tocsin_intel_indicators", "Indicators of a feed that are looked for.", func(f *desk.Feed) float64 { return float64(f.State.Tally.Loaded) })
	each("tocsin_intel_failing", "1 where the last look at a feed failed.", func(f *desk.Feed) float64 {
		if f.State.Error != "" {
			return 1
		}
		return 0
	})
	each("tocsin_intel_fetched_seconds", "When a feed last brought something new, seconds since 1970.", func(f *desk.Feed) float64 { return float64(max(f.State.Fetched.Unix(), 0)) })
	for _, s := range hits {
		out = append(out, api.Metric{Name: "tocsin_intel_hits_total", Help: "Events that named an indicator of a feed.", Type: "gauge", Labels: []string{"feed", s.Feed}, Value: float64(s.Count)})
	}
	return out
}

func (h *house) sourceMetrics() []api.Metric {
	states := h.sources.States()
	names := make([]string, 0, len(states))
	for name := range states {
		names = append(names, name)
	}
	sort.Strings(names)
	var out []api.Metric
	for _, name := range names {
		paused := 0.0
		if d := states[name].Doing; d == "paused" || d == "failing" {
			paused = 1
		}
		out = append(out, api.Metric{Name: "tocsin_source_stopped", Help: "1 where a source is paused or fails.", Type: "gauge", Labels: []string{"source", name}, Value: paused})
	}
	for _, name := range names {
		out = append(out, api.Metric{Name: "tocsin_source_objects_total", Help: "Objects that a source delivered.", Type: "counter", Labels: []string{"source", name}, Value: float64(states[name].Objects)})
	}
	totals := h.lake.Marks().Totals
	keys := make([]string, 0, len(totals))
	for key := range totals {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		name, what, _ := strings.Cut(key, "/")
		out = append(out, api.Metric{Name: "tocsin_source_records_total", Help: "Double entry of a source since ever: received = stored + duplicate + dead + dropped.", Type: "counter", Labels: []string{"source", name, "what", what}, Value: float64(totals[key])})
	}
	return out
}
