package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"sort"
	"strings"

	"github.com/tocsin-security/tocsin/content"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/report"
)

// listed is a rule or correlation as `rules list` shows it.
type listed struct {
	finding.Rule
	File string   `json:"file"`
	Data []string `json:"data"`
	Kind string   `json:"kind"` // rule or correlation
}

func listing(r *detect.Rules) []listed {
	var out []listed
	for _, rule := range r.All {
		out = append(out, listed{rule.Finding, rule.File, rule.Attributes.Data, "rule"})
	}
	for _, c := range r.Correlations {
		out = append(out, listed{c.Finding, c.File, c.Attributes.Data, "correlation"})
	}
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].Level != out[j].Level {
			return out[i].Level > out[j].Level
		}
		return out[i].Title < out[j].Title
	})
	return out
}

// ListRules prints the rules of a folder, or the embedded ones.
func ListRules(folder string, asJSON bool, io Streams) error {
	rules, err := LoadRules(folder)
	if err != nil {
		return err
	}
	list := listing(rules)
	if asJSON {
		enc := json.NewEncoder(io.Out)
		for _, l := range list {
			if err := enc.Encode(l); err != nil {
				return err
			}
		}
		return nil
	}
	for _, l := range list {
		var ids []string
		for _, a := range l.Attacks {
			if a.Technique != "" {
				ids = append(ids, a.Technique)
			}
		}
		fmt.Fprintf(io.Out, "%-13s %-8s %-22s %s\n", l.Level, l.Tier, strings.Join(ids, " "), report.Clean(l.Title))
	}
	fmt.Fprintf(io.Err, "%d rules\n", len(list))
	return nil
}

// CheckRules prints every fault of the rules with its place.
func CheckRules(folder string, io Streams) error {
	tree, root, err := RuleTree(folder)
	if err != nil {
		return err
	}
	rules, faults, err := detect.Load(tree, root)
	if err != nil {
		return err
	}
	faults = append(faults, detect.Lint(rules, tree, renamed())...)
	for _, f := range faults {
		fmt.Fprintln(io.Out, f.Caret())
	}
	fmt.Fprintf(io.Err, "%d rules and %d correlations checked, %d faults\n", len(rules.All), len(rules.Correlations), len(faults))
	if len(faults) > 0 {
		return Outcome(ExitUsage)
	}
	return nil
}

func renamed() map[string]string {
	out := map[string]string{}
	for _, line := range strings.Split(content.Renamed, "\n") {
		if old, now, ok := strings.Cut(line, "\t"); ok {
			out[old] = now
		}
	}
	return out
}

// TestRules runs the tests beside the rules; only those of files whose path contains only.
func TestRules(folder, only string, io Streams) error {
	tree, root, err := RuleTree(folder)
	if err != nil {
		return err
	}
	places, err := openPlaces()
	if err != nil {
		return err
	}
	ran, failed := 0, 0
	err = fs.WalkDir(tree, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".test.yml") || !strings.Contains(name, only) {
			return err
		}
		n, faults := RunRuleTests(tree, name, places)
		ran += n
		failed += len(faults)
		for _, f := range faults {
			fmt.Fprintf(io.Out, "%s: %s\n", name, f)
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(io.Err, "%d tests of rules, %d failed\n", ran, failed)
	switch {
	case ran == 0:
		return UsageError{Err: fmt.Errorf("no tests in %s", folder), Hint: "tests lie beside a rule as <name>.test.yml"}
	case failed > 0:
		return Outcome(ExitUsage)
	}
	return nil
}

// RunRuleTests runs one test file against the rule beside it and returns a sentence per failure.
func RunRuleTests(tree fs.FS, name string, places enrich.Locator) (ran int, faults []string) {
	rules, mistakes, err := detect.Load(tree, strings.TrimSuffix(name, ".test.yml")+".yml")
	if err != nil || len(mistakes) > 0 {
		return 1, []string{fmt.Sprintf("its rule does not load: %v %v", err, mistakes)}
	}
	raw, err := fs.ReadFile(tree, name)
	if err != nil {
		return 1, []string{err.Error()}
	}
	tests, err := detect.ReadTests(raw)
	if err != nil {
		return 1, []string{err.Error()}
	}
	for i := range tests {
		t := &tests[i]
		got, err := t.Run(rules, shapeOf(rules), places)
		switch {
		case err != nil:
			faults = append(faults, fmt.Sprintf("%s: %v", t.Name, err))
		case t.Fires != (len(got) > 0):
			faults = append(faults, fmt.Sprintf("%s: fires is %t, want %t %s", t.Name, len(got) > 0, t.Fires, strings.Join(got, "; ")))
		default:
			for _, s := range got {
				if strings.Contains(s, "(not recorded)") && !strings.Contains(t.Name, "not recorded") {
					faults = append(faults, fmt.Sprintf("%s: the sentence has a hole: %s", t.Name, s))
				}
			}
		}
	}
	return len(tests), faults
}

// shapeOf is the format that a file of rules is about.
func shapeOf(rules *detect.Rules) ocsf.Shape {
	for _, f := range format.All() {
		for _, r := range rules.All {
			if r.LogSource.Product == f.Product && r.LogSource.Service == f.Service && f.Shape().Mapping.Stored == nil {
				return f.Shape()
			}
		}
	}
	return cloudtrail.Shape()
}

// ExplainRule prints a rule's plan and, for events, which parts of it held.
func ExplainRule(ctx context.Context, what, events string, io Streams) error {
	folder := ""
	if _, err := os.Stat(what); err == nil {
		folder = what
	}
	rules, err := LoadRules(folder)
	if err != nil {
		return err
	}
	single, correlated := rules.Find(what)
	if folder != "" {
		for i := range rules.All {
			single = append(single, i)
		}
	}
	if len(single)+len(correlated) == 0 {
		return UsageError{Err: fmt.Errorf("no rule has the id, title or file %q", what), Hint: "'tocsin rules list' shows them"}
	}
	for _, i := range correlated {
		fmt.Fprintln(io.Out, report.CleanLines(rules.CorrelationPlan(i)))
		single = append(single, rules.Bases(i)...)
	}
	for _, i := range single {
		if len(correlated) == 0 {
			fmt.Fprintln(io.Out, report.CleanLines(rules.Plan(i)))
		}
	}
	if events == "" {
		return nil
	}
	return explainEvents(ctx, rules, single, events, io)
}

func explainEvents(ctx context.Context, rules *detect.Rules, which []int, path string, io Streams) error {
	inv, err := collect.List(ctx, []string{path}, io.In, collect.Limits{})
	if err != nil {
		return UsageError{Err: err, Hint: "give a file or folder of logs"}
	}
	defer inv.Close() //nolint:errcheck // temporary files
	places, err := openPlaces()
	if err != nil {
		return err
	}
	shown := 0
	return pipeline.Each(ctx, inv, places, func(e *ocsf.Event, f *enrich.Facts) error {
		for _, i := range which {
			holds, text := rules.Explain(i, e, f)
			if holds || shown < 20 {
				shown++
				fmt.Fprintf(io.Out, "event %s %s %s\n%s\n", report.Clean(e.ID), e.Time().Format("2006-01-02T15:04:05Z"), report.Clean(e.Str(ocsf.APIOperation)), report.CleanLines(text))
			}
		}
		return nil
	})
}

// Version prints the version and what is built in.
func Version(version string, io Streams) error {
	places, err := openPlaces()
	if err != nil {
		return err
	}
	rules, err := LoadRules("")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.Out, "tocsin %s\nrules: %d single, %d correlations\nOCSF %s\nplaces of addresses: %s\n", version, len(rules.All), len(rules.Correlations), ocsf.SchemaVersion, places.Status())
	return err
}

// ProposeEnvironment drafts an environment.yaml from logs.
func ProposeEnvironment(ctx context.Context, paths []string, io Streams) error {
	o := ScanOptions{Paths: paths, propose: true}
	p, err := o.prepare()
	if err != nil {
		return err
	}
	r, err := runScan(ctx, &o, p, io)
	if err != nil {
		return err
	}
	if r.Received.Mapped == 0 {
		return UsageError{Err: fmt.Errorf("no record could be read, so there is nothing to draft from"), Hint: "'tocsin scan' says why"}
	}
	_, err = io.Out.Write(r.Proposal.Render(r.Survey))
	return err
}
