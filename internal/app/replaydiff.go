package app

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/report"
)

// Difference is what two sets of rules find in the same history, all of it.
type Difference struct {
	Rules  [2]string    `json:"rules"` // folders; "built-in"
	From   time.Time    `json:"from,omitzero"`
	To     time.Time    `json:"to,omitzero"`
	Events int64        `json:"events"`
	Before int          `json:"findings_before"`
	After  int          `json:"findings_after"`
	Gained []Changed    `json:"gained"`
	Lost   []Changed    `json:"lost"`
	Other  []Changed    `json:"changed"`
	Notes  [2][]string  `json:"notes"` // bounds that were met, by side
	sides  [2]sideOfAll // by uid
}

// Changed is one finding that the two sets do not have alike: an alert, or a signal that did not reach the queue. Was is zero of one that
// was gained, Is of one that was lost.
type Changed struct {
	UID      string    `json:"uid"`
	Rule     string    `json:"rule"`
	Title    string    `json:"title"`
	Sentence string    `json:"sentence"`
	Account  string    `json:"account"`
	Origin   string    `json:"origin"`
	First    time.Time `json:"first_seen"`
	Was      *Standing `json:"was,omitempty"`
	Is       *Standing `json:"is,omitempty"`
	Events   []string  `json:"events"` // that only one of the two has; of a finding that is gained or lost, all of it
}

// Standing is how a finding stands.
type Standing struct {
	Severity string `json:"severity"`
	Signals  int    `json:"signals"`
	Alert    bool   `json:"alert"` // it is in the queue
	Events   int    `json:"events"`
	Sentence string `json:"sentence"`
}

type sideOfAll map[string]sided

type sided struct {
	finding.Alert
	queued bool
}

// keepEvery is how often a comparison keeps its place, where that costs little.
const keepEvery = 20 * time.Second

// compare says what one set of rules finds and another does not, without leaving any out. It can be ended and goes on when it is made again.
func (o *ReplayOptions) compare(ctx context.Context, p *prepared, in pipeline.History, streams Streams) error {
	switch o.Format {
	case "table", "json", "markdown":
	default:
		return UsageError{Err: fmt.Errorf("--format %q is not one of table, json, markdown, which a comparison can be written in", o.Format), Hint: "tocsin replay --diff ./rules-old --diff ./rules-new -o diff.md"}
	}
	c := pipeline.Comparison{History: in, Every: cmp.Or(o.every, keepEvery), Kept: o.kept}
	d := &Difference{From: p.from, To: p.to}
	for i, folder := range o.Diff {
		rules, err := LoadRules(folder)
		if err != nil {
			return UsageError{Err: err, Hint: "tocsin rules check names what is wrong with each rule"}
		}
		c.Rules[i] = rules
		d.Rules[i] = cmp.Or(folder, "built-in")
	}
	places, err := openPlaces()
	if err != nil {
		return err
	}
	c.Options = pipeline.Options{Environment: p.env, Intel: p.intel, Places: places, From: p.from, To: p.to, Workers: o.Workers, Progress: &pipeline.Progress{}}
	o.place(&c, in, streams.Err)
	results, err := pipeline.Compare(ctx, c)
	if ctx.Err() != nil {
		if c.Memory != "" {
			fmt.Fprintln(streams.Err, "interrupted; the same command goes on from here")
		}
		return Outcome(ExitPartly)
	}
	if err != nil {
		return err
	}
	d.Events = results[0].Received.Mapped
	for i, r := range results {
		d.sides[i], d.Notes[i] = allOf(r), r.Notes
	}
	d.compare()
	if err := o.writeDifference(d, streams); err != nil {
		return err
	}
	if err := os.Remove(c.Memory); c.Memory != "" && err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove what the comparison kept: %w", err)
	}
	if len(d.Gained)+len(d.Lost)+len(d.Other) > 0 {
		return Outcome(ExitFindings)
	}
	return nil
}

// place names the file in which a comparison keeps where it is: beside the lake's data, one for each question.
func (o *ReplayOptions) place(c *pipeline.Comparison, in pipeline.History, talk io.Writer) {
	sum := sha256.Sum256([]byte(strings.Join([]string{c.Rules[0].Hash(), c.Rules[1].Hash(), o.From, o.To, o.Environment, strings.Join(o.Intel, " ")}, "\n")))
	folder := filepath.Join(in.Lake.Dir(), "replay")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		fmt.Fprintf(talk, "the place of this comparison cannot be kept (%v): if it is ended it begins anew\n", err)
		return
	}
	c.Memory = filepath.Join(folder, hex.EncodeToString(sum[:8])+".place")
	if o.Restart {
		_ = os.Remove(c.Memory) // if it is there
	}
	c.Resumed = func(done, of int) {
		fmt.Fprintf(talk, "an earlier run of this comparison is taken up, %d of %d readings of files done; what came into the lake since it began is not in it (--restart begins anew)\n", done, of)
	}
	c.Refused = func(err error) {
		fmt.Fprintf(talk, "an earlier run of this comparison is not taken up (%v); it begins anew\n", err)
	}
}

// allOf lists all alerts of a result, in and below the queue.
func allOf(r *pipeline.Result) sideOfAll {
	out := sideOfAll{}
	for i := range r.Below {
		out[r.Below[i].UID] = sided{r.Below[i], false}
	}
	for i := range r.Loose {
		out[r.Loose[i].UID] = sided{r.Loose[i], true}
	}
	for i := range r.Incidents {
		for _, a := range r.Incidents[i].Alerts {
			out[a.UID] = sided{a, true}
		}
	}
	return out
}

func (d *Difference) compare() {
	d.Gained, d.Lost, d.Other = []Changed{}, []Changed{}, []Changed{}
	d.Before, d.After = len(d.sides[0]), len(d.sides[1])
	for uid, is := range d.sides[1] {
		was, known := d.sides[0][uid]
		if !known {
			d.Gained = append(d.Gained, is.changed(nil, is.standing(), is.EventUIDs))
			continue
		}
		events := apart(was.EventUIDs, is.EventUIDs)
		if a, b := was.standing(), is.standing(); *a != *b || len(events) > 0 {
			d.Other = append(d.Other, is.changed(a, b, events))
		}
	}
	for uid, was := range d.sides[0] {
		if _, still := d.sides[1][uid]; !still {
			d.Lost = append(d.Lost, was.changed(was.standing(), nil, was.EventUIDs))
		}
	}
	for _, list := range [][]Changed{d.Gained, d.Lost, d.Other} {
		slices.SortFunc(list, func(a, b Changed) int {
			return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Title, b.Title), cmp.Compare(a.UID, b.UID))
		})
	}
}

// apart lists what is in one of two lists and not in the other.
func apart(a, b []string) []string {
	in := map[string]int{}
	for _, x := range a {
		in[x] |= 1
	}
	for _, x := range b {
		in[x] |= 2
	}
	out := []string{}
	for x, where := range in {
		if where != 3 {
			out = append(out, x)
		}
	}
	slices.Sort(out)
	return out
}

func (s *sided) standing() *Standing {
	return &Standing{s.Severity.String(), s.Count, s.queued, len(s.EventUIDs), s.Sentence}
}

func (s *sided) changed(was, is *Standing, events []string) Changed {
	return Changed{s.UID, s.Rule.ID, s.Title, s.Sentence, s.Account, s.Origin.ID, s.First.UTC(), was, is, events}
}

func (o *ReplayOptions) writeDifference(d *Difference, streams Streams) error {
	var b bytes.Buffer
	switch o.Format {
	case "json":
		e := json.NewEncoder(&b)
		e.SetIndent("", "  ")
		if err := e.Encode(d); err != nil {
			return err
		}
		b = *bytes.NewBuffer(plainJSON(b.Bytes()))
	case "markdown":
		d.markdown(&b)
	default:
		d.table(&b)
	}
	if o.Output == "" {
		_, err := streams.Out.Write(b.Bytes())
		return err
	}
	if err := writeWhole(o.Output, b.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(streams.Err, "wrote %s\n", o.Output)
	return nil
}

// writeWhole writes beside the name and renames, so that a file is never half a report.
func writeWhole(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".tocsin-*")
	if err != nil {
		return UsageError{Err: fmt.Errorf("write %s: %w", name, err), Hint: "give a file in a folder that exists and can be written"}
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// sums is the last line of each form.
func (d *Difference) sums() string {
	return fmt.Sprintf("%d findings before, %d after, of %d events: %d gained, %d lost, %d changed", d.Before, d.After, d.Events, len(d.Gained), len(d.Lost), len(d.Other))
}

// each calls do for every change with its kind.
func (d *Difference) each(do func(kind string, c *Changed)) {
	for _, part := range []struct {
		kind string
		list []Changed
	}{{"gained", d.Gained}, {"lost", d.Lost}, {"changed", d.Other}} {
		for i := range part.list {
			do(part.kind, &part.list[i])
		}
	}
}

// words says how a finding stands, or how that changed.
func (c *Changed) words() string {
	switch {
	case c.Was == nil:
		return c.Is.words()
	case c.Is == nil:
		return c.Was.words()
	}
	was, is := c.Was.words(), c.Is.words()
	if was == is {
		return is + ", of other events"
	}
	return was + " → " + is
}

func (s *Standing) words() string {
	text := s.Severity
	if !s.Alert {
		text += ", below the queue"
	}
	if s.Signals != 1 {
		text += fmt.Sprintf(", %d signals", s.Signals)
	}
	return text
}

func (d *Difference) table(w io.Writer) {
	d.each(func(kind string, c *Changed) {
		fmt.Fprintf(w, "%-8s %s  %s: %s (%s)\n", kind, c.First.Format("2006-01-02 15:04"), report.Clean(c.Title), report.Clean(c.Sentence), c.words())
	})
	for i, notes := range d.Notes {
		for _, note := range notes {
			fmt.Fprintf(w, "note on %s: %s\n", report.Clean(d.Rules[i]), report.Clean(note))
		}
	}
	fmt.Fprintln(w, d.sums())
}

func (d *Difference) markdown(w io.Writer) {
	fmt.Fprintf(w, "# %s → %s\n\n%s.\n", report.Mark(d.Rules[0]), report.Mark(d.Rules[1]), d.sums())
	last := ""
	d.each(func(kind string, c *Changed) {
		if kind != last {
			fmt.Fprintf(w, "\n## %s\n\n| first seen (UTC) | title | what | account | how it stands | events |\n|---|---|---|---|---|---|\n", strings.ToUpper(kind[:1])+kind[1:])
			last = kind
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %d |\n", c.First.Format("2006-01-02 15:04"), report.Mark(c.Title), report.Mark(c.Sentence), report.Mark(c.Account), c.words(), len(c.Events))
	})
	for i, notes := range d.Notes {
		for _, note := range notes {
			fmt.Fprintf(w, "\nNote on %s: %s\n", report.Mark(d.Rules[i]), report.Mark(note))
		}
	}
}
