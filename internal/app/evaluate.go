package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/evaluate"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/report"
)

// EvaluateOptions are what detection is judged on.
type EvaluateOptions struct {
	Attacks, Benign string   // simulated trees with labels.json
	Alone           []string // simulated trees with one attack each: where it ranks
	Rules           string
	ForeignAttacks  string
	ForeignBenign   string
	Baseline        string
	JSON            string
}

// Figures are what an evaluation found; a baseline is a file of them.
type Figures struct {
	Attacks     []evaluate.Score `json:"attacks"`
	Benign      evaluate.Noise   `json:"benign"`
	Foreign     []ForeignScore   `json:"foreign,omitempty"`
	ForeignDone int              `json:"foreign_detected"`
	Records     int              `json:"foreign_benign_records"`
	Noisy       map[string]int   `json:"foreign_benign_alerts"` // records with an alert, by the highest level
}

// ForeignScore is one foreign file.
type ForeignScore struct {
	File   string        `json:"file"`
	Level  finding.Level `json:"level"`
	Titles []string      `json:"titles"`
}

// Evaluate judges and prints the tables.
func Evaluate(ctx context.Context, o EvaluateOptions, io Streams) error {
	var f Figures
	labels, err := evaluate.ReadLabels(filepath.Join(o.Attacks, "labels.json"))
	if err != nil {
		return err
	}
	fmt.Fprintln(io.Err, "scanning the month with attacks")
	scan, err := o.scan(ctx, filepath.Join(o.Attacks, "logs"), filepath.Join(o.Attacks, "environment.yaml"))
	if err != nil {
		return err
	}
	f.Attacks, _ = evaluate.Judge(scan, labels)
	if err := o.alone(ctx, &f); err != nil {
		return err
	}
	fmt.Fprintln(io.Err, "scanning the month without")
	if scan, err = o.scan(ctx, filepath.Join(o.Benign, "logs"), filepath.Join(o.Benign, "environment.yaml")); err != nil {
		return err
	}
	_, f.Benign = evaluate.Judge(scan, &evaluate.Labels{Accounts: labels.Accounts, Days: labels.Days})
	if err := o.foreign(ctx, &f); err != nil {
		return err
	}
	f.print(io.Out)
	if o.JSON != "" {
		raw, err := json.MarshalIndent(f, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.JSON, append(raw, '\n'), 0o600); err != nil {
			return UsageError{Err: err, Hint: "give a file in a folder that exists"}
		}
	}
	return o.compare(&f, io)
}

// alone takes each attack's rank from the tree in which it is the only one: what a team with one intruder would see.
func (o EvaluateOptions) alone(ctx context.Context, f *Figures) error {
	for _, dir := range o.Alone {
		labels, err := evaluate.ReadLabels(filepath.Join(dir, "labels.json"))
		if err != nil {
			return err
		}
		scan, err := o.scan(ctx, filepath.Join(dir, "logs"), filepath.Join(dir, "environment.yaml"))
		if err != nil {
			return err
		}
		scores, _ := evaluate.Judge(scan, labels)
		for _, s := range scores {
			for i := range f.Attacks {
				if f.Attacks[i].Attack == s.Attack {
					f.Attacks[i].Rank = s.Rank
				}
			}
		}
	}
	return nil
}

func (o EvaluateOptions) scan(ctx context.Context, path, env string) (*report.Scan, error) {
	so := ScanOptions{Paths: []string{path}, Rules: o.Rules, Environment: env, Quiet: true}
	p, err := so.prepare()
	if err != nil {
		return nil, err
	}
	r, err := runScan(ctx, &so, p, Streams{Err: io.Discard})
	if err != nil {
		return nil, err
	}
	return so.report(p, r), nil
}

// foreign scans files that nobody here wrote: attacks file by file, ordinary records one by one.
func (o EvaluateOptions) foreign(ctx context.Context, f *Figures) error {
	if o.ForeignAttacks != "" {
		files, err := filepath.Glob(filepath.Join(o.ForeignAttacks, "*"))
		if err != nil {
			return err
		}
		for _, file := range files {
			scan, err := o.scan(ctx, file, "")
			if err != nil {
				return err
			}
			s := foreignScore(filepath.Base(file), scan)
			if s.Level >= finding.Medium {
				f.ForeignDone++
			}
			f.Foreign = append(f.Foreign, s)
		}
	}
	if o.ForeignBenign == "" {
		return nil
	}
	return o.foreignBenign(ctx, f)
}

func (o EvaluateOptions) foreignBenign(ctx context.Context, f *Figures) error {
	f.Noisy = map[string]int{}
	inv, err := collect.List(ctx, []string{o.ForeignBenign}, nil, collect.Limits{})
	if err != nil {
		return err
	}
	defer inv.Close() //nolint:errcheck // temporary files
	dir, err := os.MkdirTemp("", "tocsin-records-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var raws [][]byte
	err = pipeline.EachRecord(ctx, inv, func(e *ocsf.Event) { raws = append(raws, bytes.Clone(e.Raw)) })
	if err != nil {
		return err
	}
	for i, raw := range raws {
		f.Records++
		path := filepath.Join(dir, fmt.Sprintf("%d.json", i))
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			return err
		}
		scan, err := o.scan(ctx, path, "")
		if err != nil {
			return err
		}
		if s := foreignScore("", scan); s.Level > 0 {
			f.Noisy[s.Level.String()]++
		}
	}
	return nil
}

func foreignScore(name string, scan *report.Scan) ForeignScore {
	s := ForeignScore{File: name}
	seen := map[string]bool{}
	take := func(a *finding.Alert) {
		s.Level = max(s.Level, a.Severity)
		if !seen[a.Title] {
			seen[a.Title] = true
			s.Titles = append(s.Titles, a.Title)
		}
	}
	for i := range scan.Incidents {
		for k := range scan.Incidents[i].Alerts {
			take(&scan.Incidents[i].Alerts[k])
		}
	}
	for i := range scan.Alerts {
		take(&scan.Alerts[i])
	}
	return s
}

func (f *Figures) print(w io.Writer) {
	fmt.Fprintln(w, "Simulated attacks (ours)")
	fmt.Fprintf(w, "  %-22s %-9s %9s %5s %10s %7s %7s %7s\n", "attack", "level", "after", "rank", "incidents", "inside", "pure", "told")
	for _, s := range f.Attacks {
		level := s.Detected.String()
		if s.Detected == 0 {
			level = "MISSED"
		}
		fmt.Fprintf(w, "  %-22s %-9s %9s %5d %10d %6.0f%% %6.0f%% %6.0f%%\n", s.Attack, level, s.TimeTo, s.Rank, s.Incidents, 100*s.Inside, 100*s.Purity, 100*s.StepsTold)
	}
	fmt.Fprintf(w, "\nBenign month (ours): %d incidents; above medium per account and day: %.4f\n", f.Benign.Incidents, f.Benign.AboveMedium)
	for _, level := range []string{"critical", "high", "medium"} {
		fmt.Fprintf(w, "  %-9s %4d alerts, %.4f per account and day\n", level, f.Benign.ByLevel[level], f.Benign.PerAccountDay[level])
	}
	titles := make([]string, 0, len(f.Benign.Titles))
	for t := range f.Benign.Titles {
		titles = append(titles, t)
	}
	sort.Strings(titles)
	for _, t := range titles {
		fmt.Fprintf(w, "    %3d %s\n", f.Benign.Titles[t], t)
	}
	if len(f.Foreign) > 0 {
		fmt.Fprintf(w, "\nForeign attacks: %d of %d files with an alert at medium or above\n", f.ForeignDone, len(f.Foreign))
		for _, s := range f.Foreign {
			level := s.Level.String()
			if s.Level == 0 {
				level = "MISSED"
			}
			fmt.Fprintf(w, "  %-9s %-62s %s\n", level, report.Clean(s.File), report.Clean(strings.Join(s.Titles, "; ")))
		}
	}
	if f.Noisy != nil {
		fmt.Fprintf(w, "\nForeign ordinary records: %d, of which with an alert: %d critical, %d high, %d medium\n", f.Records, f.Noisy["critical"], f.Noisy["high"], f.Noisy["medium"])
	}
}

// compare ends with an outcome where a figure fell below the baseline.
func (o EvaluateOptions) compare(f *Figures, io Streams) error {
	if o.Baseline == "" {
		return nil
	}
	raw, err := os.ReadFile(o.Baseline)
	if err != nil {
		return UsageError{Err: err, Hint: "--json writes such a file"}
	}
	var base Figures
	if err := json.Unmarshal(raw, &base); err != nil {
		return UsageError{Err: fmt.Errorf("%s: %w", o.Baseline, err), Hint: "--json writes such a file"}
	}
	if falls := Falls(&base, f); len(falls) > 0 {
		for _, l := range falls {
			fmt.Fprintln(io.Err, "fell below the baseline:", l)
		}
		return Outcome(ExitFindings)
	}
	return nil
}

// Falls lists in sentences where now is worse than base.
func Falls(base, now *Figures) []string {
	var out []string
	was := map[string]evaluate.Score{}
	for _, s := range base.Attacks {
		was[s.Attack] = s
	}
	for _, s := range now.Attacks {
		b, known := was[s.Attack]
		switch {
		case !known:
		case s.Detected < b.Detected:
			out = append(out, fmt.Sprintf("%s is detected at %s, was %s", s.Attack, s.Detected, b.Detected))
		case b.Rank > 0 && b.Rank <= 3 && (s.Rank > 3 || s.Rank == 0):
			out = append(out, fmt.Sprintf("%s ranks %d, was %d", s.Attack, s.Rank, b.Rank))
		case s.Inside < b.Inside-0.05 || s.Purity < b.Purity-0.05:
			out = append(out, fmt.Sprintf("%s: %.0f%% inside and %.0f%% pure, was %.0f%% and %.0f%%", s.Attack, 100*s.Inside, 100*s.Purity, 100*b.Inside, 100*b.Purity))
		}
	}
	if now.Benign.AboveMedium > base.Benign.AboveMedium+0.005 {
		out = append(out, fmt.Sprintf("alerts above medium on benign days: %.4f per account and day, was %.4f", now.Benign.AboveMedium, base.Benign.AboveMedium))
	}
	if len(now.Foreign) > 0 && len(base.Foreign) > 0 && now.ForeignDone < base.ForeignDone {
		out = append(out, fmt.Sprintf("foreign attacks detected: %d, was %d", now.ForeignDone, base.ForeignDone))
	}
	return out
}
