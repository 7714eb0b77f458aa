package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/api"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/hunt"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
	"github.com/tocsin-security/tocsin/internal/report"
)

// InvestigateOptions are what `tocsin entity`, `graph`, `pivot` and `hunt` are asked for.
type InvestigateOptions struct {
	Config   *Config
	Lake     string // "" is that of the data folder
	From, To string
	Accounts []string
	Format   string   // table or json
	Own      bool     // also Tocsin's own audit events
	Child    []string // the command that answers; nil: this binary
	Now      func() time.Time

	from, to time.Time
	scope    access.Scope
}

// investigate opens what a command asks, and ends with it.
func (o *InvestigateOptions) investigate(ctx context.Context, do func(v *hunt.Investigator) error) (err error) {
	var wrong []error
	if o.from, err = parseTime("--from", o.From); err != nil {
		wrong = append(wrong, err)
	}
	if o.to, err = parseTime("--to", o.To); err != nil {
		wrong = append(wrong, err)
	}
	if o.Format != "table" && o.Format != "json" {
		wrong = append(wrong, fmt.Errorf("--format %q is not one of table, json", o.Format))
	}
	if len(wrong) > 0 {
		return UsageError{Err: errors.Join(wrong...), Hint: "see --help"}
	}
	if o.scope = access.Everything(); len(o.Accounts) > 0 {
		o.scope = access.Accounts(o.Accounts...)
	}
	if o.Lake == "" {
		o.Lake = o.Config.lakeDir()
	}
	engine, err := engineOf(o.Child)
	if err != nil {
		return err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	l, err := lake.OpenExisting(ctx, o.Lake)
	if errors.Is(err, lake.ErrNoLake) {
		return UsageError{Err: err, Hint: "fill one with: tocsin ingest ./AWSLogs --lake " + o.Lake}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	places, err := openPlaces()
	if err != nil {
		return err
	}
	v := &hunt.Investigator{Lake: l, Engine: engine, Places: places, Now: o.Now}
	if _, _, err := desk.Version(ctx, o.Config.Desk); err == nil {
		return helpful(withDesk(ctx, o.Config, func(d *desk.Desk) error {
			v.Desk = api.Findings{Desk: d}
			return do(v)
		}))
	}
	return helpful(do(v))
}

// helpful makes of what an asker can mend a usage error.
func helpful(err error) error {
	var mistake hunt.MistakeError
	var refused duck.RefusedError
	switch {
	case errors.As(err, &mistake):
		return UsageError{Err: mistake, Hint: "see --help"}
	case errors.As(err, &refused):
		return UsageError{Err: refused, Hint: "the columns are listed by: tocsin search DESCRIBE"}
	case errors.Is(err, hunt.ErrNoHunt):
		return UsageError{Err: err, Hint: "tocsin hunt list shows those that there are"}
	}
	return err
}

func asJSON(streams Streams, x any) error {
	enc := json.NewEncoder(streams.Out)
	enc.SetIndent("", "  ")
	return enc.Encode(x)
}

// Entity writes the profile of an entity.
func Entity(ctx context.Context, o InvestigateOptions, kind, value string, streams Streams) error {
	return o.investigate(ctx, func(v *hunt.Investigator) error {
		p, err := v.Entity(ctx, o.scope, hunt.EntityQuery{Kind: kind, Value: value, From: o.from, To: o.to, Own: o.Own})
		if err != nil || o.Format == "json" {
			return errors.Join(err, whenRight(err, func() error { return asJSON(streams, p) }))
		}
		return tell(p, streams)
	})
}

func whenRight(err error, do func() error) error {
	if err != nil {
		return nil
	}
	return do()
}

// perPanel is how many values of a panel a table shows; JSON has all.
const perPanel = 8

func tell(p *hunt.Profile, streams Streams) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", p.Kind, report.Clean(p.Value))
	if p.Events == 0 {
		b.WriteString("nothing in the lake names it\n")
	} else {
		fmt.Fprintf(&b, "seen %s to %s, %d events; from %s to %s %d, of them %d denied\n", p.First.Format(time.RFC3339), p.Last.Format(time.RFC3339), p.Events, p.From.Format(time.RFC3339), p.To.Format(time.RFC3339), p.Now, p.Denied)
		fmt.Fprintf(&b, "compared with %d events on %d days since %s\n", p.Support.Events, p.Support.Days, p.Baseline.Format(time.DateOnly))
	}
	for _, l := range p.Chain {
		fmt.Fprintf(&b, "chain    %s  %s took %s\n", l.Time.Format(time.RFC3339), report.Clean(l.By), report.Clean(l.As))
	}
	for _, n := range p.New {
		fmt.Fprintf(&b, "new      %-12s %s (%d)\n", n.Panel, report.Clean(n.Key+" "+n.Name), n.Now)
	}
	fmt.Fprintf(&b, "risk     %.1f\n", p.Risk.Points)
	for _, part := range p.Risk.Parts {
		fmt.Fprintf(&b, "  %5.1f  %s\n", part.Points, report.Clean(part.Reason))
	}
	for _, panel := range p.Panels {
		if len(panel.Habits) == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s (%d)\n", panel.Title, panel.Of)
		for _, h := range panel.Habits[:min(len(panel.Habits), perPanel)] {
			fmt.Fprintf(&b, "  %-8s %8d now %8d before on %2d days  %s\n", h.Standing, h.Now, h.Before, h.Days, report.Clean(h.Key+" "+h.Name))
		}
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "note: %s\n", report.Clean(n))
	}
	_, err := fmt.Fprint(streams.Out, b.String())
	return err
}

// Graph writes what an entity is tied to.
func Graph(ctx context.Context, o InvestigateOptions, kind, value string, depth, nodes int, streams Streams) error {
	return o.investigate(ctx, func(v *hunt.Investigator) error {
		g, err := v.Graph(ctx, o.scope, hunt.GraphQuery{Kind: kind, Value: value, From: o.from, To: o.to, Depth: depth, Nodes: nodes, Own: o.Own})
		if err != nil || o.Format == "json" {
			return errors.Join(err, whenRight(err, func() error { return asJSON(streams, g) }))
		}
		for _, e := range g.Edges {
			others := ""
			if e.Others >= 0 {
				others = fmt.Sprintf(", %d others share it", e.Others)
			}
			fmt.Fprintf(streams.Out, "%s %s %s  (%d events, %d denied%s) %s\n", report.Clean(e.From), e.Tie, report.Clean(e.To), e.Events, e.Denied, others, report.Clean(strings.Join(e.Operations, " ")))
		}
		for _, n := range g.Notes {
			fmt.Fprintf(streams.Out, "note: %s\n", report.Clean(n))
		}
		return nil
	})
}

// Pivot writes everything that mentions a value.
func Pivot(ctx context.Context, o InvestigateOptions, value, depth string, rows int, streams Streams) error {
	return o.investigate(ctx, func(v *hunt.Investigator) error {
		p, err := v.Pivot(ctx, o.scope, hunt.PivotQuery{Value: value, From: o.from, To: o.to, Limit: rows, Depth: depth, Own: o.Own})
		if err != nil || o.Format == "json" {
			return errors.Join(err, whenRight(err, func() error { return asJSON(streams, p) }))
		}
		for _, s := range p.Sightings {
			what := s.Operation + "  " + s.Origin + "  " + s.SrcIP + "  " + s.Resource
			if s.Alert != nil {
				what = "ALERT " + s.Alert.Severity.String() + ": " + s.Alert.Title
			}
			fmt.Fprintf(streams.Out, "%s  %s  %s  [%s]\n", s.Time.Format(time.RFC3339), s.Account, report.Clean(what), strings.Join(s.As, " "))
		}
		for _, s := range p.Searched {
			why := s.Why
			if s.Asked != nil {
				why = fmt.Sprintf("%d found in %d ms", s.Found, s.Asked.Millis)
			}
			what, _, _ := strings.Cut(s.What, ":")
			fmt.Fprintf(streams.Err, "%s: %s\n", what, why)
		}
		if p.More {
			fmt.Fprintln(streams.Err, "older ones are left out (raise --rows)")
		}
		return nil
	})
}

func (o *InvestigateOptions) folder() hunt.Folder { return hunt.Folder{Dir: o.Config.huntsDir()} }

// ListHunts writes the hunts that are kept.
func ListHunts(o InvestigateOptions, streams Streams) error {
	list, err := o.folder().List()
	if o.Format == "json" {
		return errors.Join(asJSON(streams, list), helpful(err))
	}
	for _, h := range list {
		result := "never run"
		if h.Result != nil {
			result = fmt.Sprintf("%d hits at %s", h.Result.Hits, h.Result.At.Format(time.RFC3339))
		}
		every := h.Every
		if every == "" {
			every = "by hand"
		}
		fmt.Fprintf(streams.Out, "%-24s %-8s %s  (%s)\n", h.Name, every, report.Clean(h.Title), result)
	}
	if len(list) == 0 && err == nil {
		fmt.Fprintln(streams.Err, "no hunts yet; next: tocsin hunt save NAME --title … --question … --filter \"operation = 'ConsoleLogin'\"")
	}
	return helpful(err)
}

// SaveHunt keeps a hunt: out of a file of its own, or put together from flags.
func SaveHunt(o InvestigateOptions, h hunt.File, file string, streams Streams) error {
	if file != "" {
		raw, err := os.ReadFile(file) //nolint:gosec // the user names it
		if err != nil {
			return UsageError{Err: err, Hint: "--file names a hunt as YAML"}
		}
		read, err := hunt.ParseFile(h.Name, raw)
		if err != nil {
			return helpful(err)
		}
		h = read
	}
	if err := o.folder().Save(h); err != nil {
		return helpful(err)
	}
	fmt.Fprintf(streams.Out, "hunt %s is kept in %s\n", h.Name, filepath.Join(o.folder().Dir, h.Name+".yaml"))
	return nil
}

// RunHunt runs a hunt and keeps its result.
func RunHunt(ctx context.Context, o InvestigateOptions, name string, streams Streams) error {
	h, err := o.folder().Load(name)
	if err != nil {
		return helpful(err)
	}
	return o.investigate(ctx, func(v *hunt.Investigator) error {
		f, k, err := v.Run(ctx, o.scope, &h, "command line")
		if err != nil {
			return err
		}
		if o.scope.All() {
			if err := o.folder().Keep(name, k); err != nil {
				return err
			}
		}
		if o.Format == "json" {
			return asJSON(streams, map[string]any{"result": k, "found": f})
		}
		fmt.Fprintln(streams.Out, strings.Join(f.Columns, "  "))
		for _, row := range f.Rows {
			cells := make([]string, len(row))
			for i, c := range row {
				if cells[i] = fmt.Sprint(c); c == nil {
					cells[i] = "-"
				}
			}
			fmt.Fprintln(streams.Out, report.Clean(strings.Join(cells, "  ")))
		}
		for _, n := range f.Notes {
			fmt.Fprintf(streams.Err, "note: %s\n", n)
		}
		fmt.Fprintf(streams.Err, "%d hits in %d ms\n", k.Hits, k.Millis)
		return nil
	})
}

// HuntToRule drafts a rule with tests of a hunt into a folder, or accepts the draft that lies there into a folder of rules.
func HuntToRule(ctx context.Context, o InvestigateOptions, name, drafts, accept string, streams Streams) error {
	h, err := o.folder().Load(name)
	if err != nil {
		return helpful(err)
	}
	rule, tests := filepath.Join(drafts, name+".yml"), filepath.Join(drafts, name+".test.yml")
	if accept != "" {
		ruleText, err := os.ReadFile(rule) //nolint:gosec // the user names the folder
		if errors.Is(err, fs.ErrNotExist) {
			return UsageError{Err: err, Hint: "draft it first: tocsin hunt to-rule " + name}
		}
		testText, errTests := os.ReadFile(tests) //nolint:gosec // likewise
		if err := errors.Join(err, errTests); err != nil {
			return err
		}
		d := hunt.Draft{Name: name, Rule: string(ruleText), Tests: string(testText)}
		files, err := d.Accept(accept, nil)
		if err != nil {
			return helpful(err)
		}
		fmt.Fprintf(streams.Out, "its tests pass; written: %s\n", strings.Join(files, ", "))
		fmt.Fprintf(streams.Err, "next: tocsin rules check %s\n", accept)
		return nil
	}
	return o.investigate(ctx, func(v *hunt.Investigator) error {
		d, err := v.ToRule(ctx, o.scope, &h)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(drafts, 0o750); err != nil {
			return err
		}
		if err := errors.Join(os.WriteFile(rule, []byte(d.Rule), 0o600), os.WriteFile(tests, []byte(d.Tests), 0o600)); err != nil {
			return err
		}
		fmt.Fprintf(streams.Out, "drafted %s and %s\n", rule, tests)
		for _, n := range d.Notes {
			fmt.Fprintf(streams.Err, "note: %s\n", n)
		}
		fmt.Fprintf(streams.Err, "next: read them, then tocsin hunt to-rule %s --accept FOLDER-OF-RULES\n", name)
		return nil
	})
}
