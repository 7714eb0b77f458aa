package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/report"
)

// ScanOptions are what `tocsin scan` is asked for.
type ScanOptions struct {
	Paths       []string
	Rules       string   // folder of rules; "" for the embedded ones
	Format      string   // of report.Formats; "" by the ending of Output, else table
	Output      string   // file; "" for standard output
	Also        []string // further reports, "format=file"
	MinSeverity string
	FailOn      string
	From, To    string   // RFC 3339 or a date
	Environment string   // path of an environment.yaml
	Intel       []string // feeds: files or folders, with settings after commas
	Workers     int
	Width       int // of the terminal; 0 where there is none
	Color       bool
	Quiet       bool
	Version     string
	propose     bool
}

// Scan reads logs and writes what they show.
func Scan(ctx context.Context, o ScanOptions, io Streams) error {
	p, err := o.prepare()
	if err != nil {
		return err
	}
	result, err := runScan(ctx, &o, p, io)
	if err != nil {
		return err
	}
	scan := o.report(p, result)
	if err := o.write(scan, io); err != nil {
		return err
	}
	return o.outcome(p, result, scan)
}

// prepared is what the options mean.
type prepared struct {
	rules    *detect.Rules
	env      *enrich.Environment
	intel    *intel.Set
	from, to time.Time
	least    finding.Level
	failOn   finding.Level
	bytes    int64
	files    int
}

func (o *ScanOptions) prepare() (*prepared, error) {
	p := &prepared{}
	var errs []error
	usage := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	var err error
	p.rules, err = LoadRules(o.Rules)
	usage(err)
	if o.Environment != "" {
		p.env, err = enrich.ReadEnvironment(o.Environment)
		usage(err)
	}
	p.intel, err = readIntel(o.Intel, p.env, time.Now())
	usage(err)
	p.from, err = parseTime("--from", o.From)
	usage(err)
	p.to, err = parseTime("--to", o.To)
	usage(err)
	if o.MinSeverity != "" {
		p.least, err = finding.ParseLevel(o.MinSeverity)
		usage(wrapFlag("--min-severity", err))
	}
	if o.FailOn != "" {
		p.failOn, err = finding.ParseLevel(o.FailOn)
		usage(wrapFlag("--fail-on", err))
	}
	if o.Format == "" {
		o.Format = formatByEnding(o.Output)
	}
	if !report.Known(o.Format) {
		usage(fmt.Errorf("--format %q is not one of %s", o.Format, strings.Join(report.Names(), ", ")))
	}
	for _, also := range o.Also {
		if f, file, ok := strings.Cut(also, "="); !ok || !report.Known(f) || file == "" {
			usage(fmt.Errorf("--also %q is not FORMAT=FILE with a format of %s", also, strings.Join(report.Names(), ", ")))
		}
	}
	if len(errs) > 0 {
		return nil, UsageError{Err: errors.Join(errs...), Hint: "run 'tocsin scan --help' for the flags it takes"}
	}
	return p, nil
}

func wrapFlag(flag string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", flag, err)
}

// formatByEnding takes the format from the name of the output file.
func formatByEnding(file string) string {
	switch filepath.Ext(file) {
	case ".html", ".htm":
		return "html"
	case ".json":
		return "json"
	case ".jsonl", ".ndjson":
		return "jsonl"
	case ".csv":
		return "csv"
	case ".sarif":
		return "sarif"
	case ".md":
		return "markdown"
	}
	return "table"
}

func parseTime(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s %q is neither a date such as 2026-03-10 nor a time such as 2026-03-10T10:00:00Z", flag, s)
}

func runScan(ctx context.Context, o *ScanOptions, p *prepared, io Streams) (*pipeline.Result, error) {
	inv, err := collect.List(ctx, o.Paths, io.In, collect.Limits{})
	if err != nil {
		if strings.HasSuffix(err.Error(), collect.ReasonMissing) {
			return nil, UsageError{Err: err, Hint: "give files, folders or archives of logs, or - for standard input"}
		}
		return nil, err
	}
	defer inv.Close() //nolint:errcheck // temporary files
	p.bytes, p.files = inv.Bytes, len(inv.Files)
	places, err := openPlaces()
	if err != nil {
		return nil, err
	}
	if !o.Quiet {
		tellIntel(p.intel, io.Err)
	}
	progress := &pipeline.Progress{}
	stop := showProgress(progress, inv, io.Err, o.Quiet)
	defer stop()
	return pipeline.Run(ctx, pipeline.Files{Inventory: inv}, pipeline.Options{Rules: p.rules, Environment: p.env, Intel: p.intel, Places: places, From: p.from, To: p.to, Workers: o.Workers, Progress: progress, Propose: o.propose})
}

func (o *ScanOptions) write(s *report.Scan, io Streams) error {
	options := report.Options{Width: o.Width, Color: o.Color && o.Output == ""}
	for _, also := range o.Also {
		format, file, _ := strings.Cut(also, "=")
		if err := writeFile(file, format, s, report.Options{}); err != nil {
			return err
		}
		fmt.Fprintf(io.Err, "wrote %s\n", file)
	}
	if o.Output != "" {
		if err := writeFile(o.Output, o.Format, s, report.Options{Width: 100}); err != nil {
			return err
		}
		fmt.Fprintf(io.Err, "wrote %s\n", o.Output)
		return nil
	}
	return report.Write(io.Out, o.Format, s, options)
}

// writeFile writes beside the name and renames, so that a file is never half a report.
func writeFile(name, format string, s *report.Scan, o report.Options) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".tocsin-*")
	if err != nil {
		return UsageError{Err: fmt.Errorf("write %s: %w", name, err), Hint: "give a file in a folder that exists and can be written"}
	}
	err = errors.Join(report.Write(f, format, s, o), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// outcome is the exit code of a scan that ran.
func (o *ScanOptions) outcome(p *prepared, r *pipeline.Result, s *report.Scan) error {
	if p.failOn > 0 {
		for i := range r.Incidents {
			if r.Incidents[i].Severity >= p.failOn {
				return Outcome(ExitFindings)
			}
		}
		for i := range r.Loose {
			if r.Loose[i].Severity >= p.failOn {
				return Outcome(ExitFindings)
			}
		}
	}
	if len(s.Unread) > 0 || s.Partial != "" {
		return Outcome(ExitPartly)
	}
	return nil
}
