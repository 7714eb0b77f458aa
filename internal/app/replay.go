package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/report"
)

// ReplayOptions are what `tocsin replay` is asked for.
type ReplayOptions struct {
	ScanOptions
	Lake string
	Diff []string // two folders of rules; "" is the embedded ones
}

// Replay judges the lake's history as a scan judges files.
func Replay(ctx context.Context, o ReplayOptions, streams Streams) error {
	p, err := o.prepare()
	if err != nil {
		return err
	}
	l, err := lake.OpenExisting(ctx, o.Lake)
	if errors.Is(err, lake.ErrNoLake) {
		return UsageError{Err: err, Hint: "fill one with: tocsin ingest ./AWSLogs --lake " + o.Lake}
	}
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // only read
	files, err := l.Plan(ctx, p.from, p.to)
	if err != nil {
		return err
	}
	p.files = len(files)
	for _, f := range files {
		p.bytes += f.Bytes
	}
	in := pipeline.History{Lake: l, Files: files}
	if len(o.Diff) == 2 {
		return o.diff(ctx, p, in, streams)
	}
	result, err := o.judge(ctx, p, in)
	if err != nil {
		return err
	}
	o.Paths = []string{o.Lake}
	scan := o.report(p, result)
	scan.Next = nil
	if err := o.write(scan, streams); err != nil {
		return err
	}
	return o.outcome(p, result, scan)
}

func (o *ReplayOptions) judge(ctx context.Context, p *prepared, in pipeline.History) (*pipeline.Result, error) {
	places, err := openPlaces()
	if err != nil {
		return nil, err
	}
	return pipeline.Run(ctx, in, pipeline.Options{Rules: p.rules, Environment: p.env, Intel: p.intel, Places: places, From: p.from, To: p.to, Workers: o.Workers})
}

// diff says which alerts one set of rules makes and another does not, without leaving any out.
func (o *ReplayOptions) diff(ctx context.Context, p *prepared, in pipeline.History, streams Streams) error {
	var sides [2]map[string]finding.Alert
	for i, rules := range o.Diff {
		loaded, err := LoadRules(rules)
		if err != nil {
			return err
		}
		p.rules = loaded
		r, err := o.judge(ctx, p, in)
		if err != nil {
			return err
		}
		sides[i] = map[string]finding.Alert{}
		for _, a := range alertsOf(r) {
			sides[i][a.UID] = a
		}
	}
	var lines []string
	gained, lost, changed := 0, 0, 0
	for uid, a := range sides[1] {
		was, known := sides[0][uid]
		switch {
		case !known:
			gained++
			lines = append(lines, fmt.Sprintf("%s  gained   %-8s %s: %s", a.First.Format("2006-01-02 15:04"), a.Severity, a.Title, report.Clean(a.Sentence)))
		case was.Severity != a.Severity || was.Count != a.Count || !slices.Equal(was.EventUIDs, a.EventUIDs):
			changed++
			lines = append(lines, fmt.Sprintf("%s  changed  %-8s %s: was %s with %d signals, is %s with %d", a.First.Format("2006-01-02 15:04"), a.Severity, a.Title, was.Severity, was.Count, a.Severity, a.Count))
		}
	}
	for uid, a := range sides[0] {
		if _, still := sides[1][uid]; !still {
			lost++
			lines = append(lines, fmt.Sprintf("%s  lost     %-8s %s: %s", a.First.Format("2006-01-02 15:04"), a.Severity, a.Title, report.Clean(a.Sentence)))
		}
	}
	sort.Strings(lines)
	for _, line := range lines {
		fmt.Fprintln(streams.Out, line)
	}
	fmt.Fprintf(streams.Out, "%d alerts before, %d after: %d gained, %d lost, %d changed\n", len(sides[0]), len(sides[1]), gained, lost, changed)
	if gained+lost+changed > 0 {
		return Outcome(ExitFindings)
	}
	return nil
}

// alertsOf lists all alerts of a result.
func alertsOf(r *pipeline.Result) []finding.Alert {
	out := slices.Clone(r.Loose)
	for i := range r.Incidents {
		out = append(out, r.Incidents[i].Alerts...)
	}
	return out
}
