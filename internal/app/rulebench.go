package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/api"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/sigma"
)

// ruleBench shows and tries the rules of a house.
type ruleBench struct{ house *house }

var _ api.RuleBench = (*ruleBench)(nil)

// How much of a rule is shown.
const (
	mostTestRecords = 5   // of each test
	mostExplained   = 20  // records
	mostFound       = 100 // alerts of a trial; all are counted
)

// file is where a rule was read from.
func (b *ruleBench) file(id string) (string, error) {
	rules := b.house.rules.Load()
	for _, r := range rules.All {
		if r.Finding.ID == id {
			return r.Head().File, nil
		}
	}
	for _, c := range rules.Correlations {
		if c.Finding.ID == id {
			return c.Head().File, nil
		}
	}
	return "", desk.ErrNotFound
}

func (b *ruleBench) File(_ context.Context, id string) (api.RuleFile, error) {
	name, err := b.file(id)
	if err != nil {
		return api.RuleFile{}, err
	}
	tree, _, err := RuleTree(b.house.o.Config.Rules)
	if err != nil {
		return api.RuleFile{}, err
	}
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return api.RuleFile{}, fmt.Errorf("read the file of a rule: %w", err)
	}
	out := api.RuleFile{File: name, Text: strings.ToValidUTF8(string(text), "\uFFFD"), Tests: []api.RuleTried{}, Plan: b.plan(id)}
	tests, err := b.tests(tree, name)
	if err != nil {
		out.Broken = err.Error()
	} else {
		out.Tests = tests
	}
	return out, nil
}

func (b *ruleBench) plan(id string) string {
	rules := b.house.rules.Load()
	single, correlated := rules.Find(id)
	var text []string
	for _, i := range correlated {
		text = append(text, rules.CorrelationPlan(i))
	}
	for _, i := range single {
		text = append(text, rules.Plan(i))
	}
	return strings.Join(text, "\n")
}

// tests runs the tests beside a file; none where there are none.
func (b *ruleBench) tests(tree fs.FS, name string) ([]api.RuleTried, error) {
	out := []api.RuleTried{}
	raw, err := fs.ReadFile(tree, strings.TrimSuffix(strings.TrimSuffix(name, ".yaml"), ".yml")+".test.yml")
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	rules, mistakes, err := detect.Load(tree, name)
	if err != nil {
		return nil, err
	}
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	tests, err := detect.ReadTests(raw)
	if err != nil {
		return nil, err
	}
	shape := shapeOf(rules)
	for i := range tests {
		out = append(out, tried(&tests[i], rules, shape, b.house.places))
	}
	return out, nil
}

func tried(t *detect.RuleTest, rules *detect.Rules, shape ocsf.Shape, places enrich.Locator) api.RuleTried {
	out := api.RuleTried{Name: t.Name, Fires: t.Fires, Said: []string{}, Records: []json.RawMessage{}}
	said, err := t.Run(rules, shape, places)
	out.Said = append(out.Said, said...)
	switch {
	case err != nil:
		out.Fault = err.Error()
	case t.Fires != (len(said) > 0):
		out.Fault = fmt.Sprintf("it must fire: %t; it fires: %t", t.Fires, len(said) > 0)
	default:
		out.Passed = true
	}
	records, err := t.Records(shape.Mapping.Name)
	if err != nil {
		return out
	}
	for line := range bytes.Lines(records) {
		if out.Events++; out.Events <= mostTestRecords {
			out.Records = append(out.Records, recordAsJSON(bytes.TrimSpace(line)))
		}
	}
	return out
}

// recordAsJSON is a record that is JSON as it is, and a line of text as a JSON text.
func recordAsJSON(line []byte) json.RawMessage {
	if json.Valid(line) {
		return line
	}
	text, err := json.Marshal(strings.ToValidUTF8(string(line), "\uFFFD"))
	if err != nil {
		return json.RawMessage(`""`)
	}
	return text
}

func (b *ruleBench) Explain(ctx context.Context, id string, records []byte) ([]api.RuleExplained, error) {
	if _, err := b.file(id); err != nil {
		return nil, err
	}
	rules := b.house.rules.Load()
	single, correlated := rules.Find(id)
	for _, i := range correlated {
		single = append(single, rules.Bases(i)...)
	}
	inv, err := collect.List(ctx, []string{"-"}, bytes.NewReader(records), collect.Limits{})
	if err != nil {
		return nil, access.MistakeError("the records cannot be read: " + err.Error())
	}
	defer inv.Close() //nolint:errcheck // temporary files
	out := []api.RuleExplained{}
	events := 0
	err = pipeline.Each(ctx, inv, b.house.places, func(e *ocsf.Event, f *enrich.Facts) error {
		if events++; events > mostExplained {
			return nil
		}
		for _, i := range single {
			holds, text := rules.Explain(i, e, f)
			out = append(out, api.RuleExplained{
				Event: e.ID, Time: e.Time().Format(time.RFC3339), Operation: strings.Clone(e.Str(ocsf.APIOperation)), Rule: rules.All[i].Title, Holds: holds, Text: text,
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if events == 0 {
		return nil, access.MistakeError("none of this is a record of a format that is known: paste one as its source delivers it, such as one CloudTrail event in JSON")
	}
	return out, nil
}

func (b *ruleBench) Try(ctx context.Context, id, text string, from, to time.Time) (*api.RuleTrial, error) {
	name, err := b.file(id)
	if err != nil {
		return nil, err
	}
	tree, _, err := RuleTree(b.house.o.Config.Rules)
	if err != nil {
		return nil, err
	}
	stands, mistakes, err := detect.Load(tree, name)
	if err != nil {
		return nil, err
	}
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	c := pipeline.Comparison{Rules: [2]*detect.Rules{stands, stands}}
	if text != "" {
		if c.Rules[1], mistakes = detect.Parse("edited.yml", []byte(text)); len(mistakes) > 0 {
			return nil, access.MistakeError(firstMistakes(mistakes))
		}
		if len(c.Rules[1].All)+len(c.Rules[1].Correlations) == 0 {
			return nil, access.MistakeError("there is no rule in the text")
		}
	}
	judging := &b.house.worker.Judging
	c.Options = pipeline.Options{Environment: judging.Environment, Intel: b.house.intel.Load(), Places: judging.Places, From: from, To: to, Workers: 1}
	files, err := b.house.lake.Plan(ctx, from, to)
	if err != nil {
		return nil, err
	}
	c.History = pipeline.History{Lake: b.house.lake, Files: files}
	results, err := pipeline.Compare(ctx, c)
	if err != nil {
		return nil, err
	}
	d := &Difference{}
	for i, r := range results {
		d.sides[i], d.Notes[i] = allOf(r), r.Notes
		own := idsOf(c.Rules[i])
		maps.DeleteFunc(d.sides[i], func(_ string, a sided) bool { return !own[a.Rule.ID] }) // what feeds and other products find, and risk
	}
	d.compare()
	out := trialOf(d, text != "")
	out.From, out.To, out.Events = from, to, results[0].Received.Mapped
	return out, nil
}

func idsOf(rules *detect.Rules) map[string]bool {
	out := map[string]bool{}
	for _, r := range rules.All {
		out[r.Finding.ID] = true
	}
	for _, c := range rules.Correlations {
		out[c.Finding.ID] = true
	}
	return out
}

// firstMistakes lists the first mistakes of a text, each with its place.
func firstMistakes(mistakes sigma.Errors) string {
	var lines []string
	for _, m := range mistakes[:min(5, len(mistakes))] {
		lines = append(lines, m.Error())
	}
	return strings.Join(lines, "\n")
}

// trialOf counts and shows what a comparison found.
func trialOf(d *Difference, edited bool) *api.RuleTrial {
	t := &api.RuleTrial{Edited: edited, Before: d.Before, After: d.After, Gained: len(d.Gained), Lost: len(d.Lost), Changed: len(d.Other), Days: []api.TrialDay{}, Shown: []api.TrialFound{}, Notes: append([]string{}, d.Notes[0]...)}
	for _, n := range d.Notes[1] {
		if !slices.Contains(t.Notes, n) {
			t.Notes = append(t.Notes, n)
		}
	}
	days := map[string]*api.TrialDay{}
	for side, found := range d.sides {
		for _, a := range found {
			day := a.First.UTC().Format(time.DateOnly)
			if days[day] == nil {
				days[day] = &api.TrialDay{Day: day}
			}
			if side == 0 {
				days[day].Before++
			} else {
				days[day].After++
			}
		}
	}
	for _, day := range days {
		t.Days = append(t.Days, *day)
	}
	slices.SortFunc(t.Days, func(a, b api.TrialDay) int { return strings.Compare(a.Day, b.Day) })
	show := func(how string, a *finding.Alert) {
		t.Shown = append(t.Shown, api.TrialFound{How: how, Severity: a.Severity, Sentence: a.Sentence, Account: a.Account, Origin: a.Origin.Name, First: a.First.UTC(), Signals: a.Count})
	}
	for uid, a := range d.sides[1] {
		was, known := d.sides[0][uid]
		switch {
		case !edited:
			show("found", &a.Alert)
		case !known:
			show("gained", &a.Alert)
		case *was.standing() != *a.standing() || len(apart(was.EventUIDs, a.EventUIDs)) > 0:
			show("changed", &a.Alert)
		}
	}
	for uid, a := range d.sides[0] {
		if _, still := d.sides[1][uid]; !still && edited {
			show("lost", &a.Alert)
		}
	}
	slices.SortFunc(t.Shown, func(a, b api.TrialFound) int {
		return cmp.Or(b.First.Compare(a.First), strings.Compare(a.How, b.How), strings.Compare(a.Sentence, b.Sentence))
	})
	t.Shown = t.Shown[:min(len(t.Shown), mostFound)]
	return t
}
