package detect

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// accused makes drafts of the events that met indicators. One feed's indicator, origin, account and day make one alert, at the highest
// level of its events; the first of that level are kept whole, the others are counted and named.
func (v *Verdict) accused() {
	n := &v.d.intel
	v.set = n.set
	for _, c := range n.counts {
		for level, count := range c.Levels {
			if count > 0 {
				v.counts[finding.Level(level)] += count //nolint:gosec // six levels
			}
		}
	}
	if n.beyond > 0 {
		v.notes = append(v.notes, fmt.Sprintf("intelligence: %d hits beyond the %d indicators and days that are counted", n.beyond, maxCounted))
	}
	slices.SortFunc(n.matches, func(a, b intelMatch) int {
		return cmp.Or(strings.Compare(a.about.feed, b.about.feed), strings.Compare(a.about.value, b.about.value), cmp.Compare(v.d.groups[a.group].origin, v.d.groups[b.group].origin),
			cmp.Compare(v.d.groups[a.group].account, v.d.groups[b.group].account), cmp.Compare(dayOf(a.time), dayOf(b.time)), -cmp.Compare(a.level, b.level), cmp.Compare(a.time, b.time), bytes.Compare(a.id[:], b.id[:]))
	})
	highest, kept := map[finding.FoldKey]finding.Level{}, map[finding.FoldKey]int{}
	for _, m := range n.matches {
		g := v.d.groups[m.group]
		key := finding.KeyOf(intelRuleID(m.about), g.origin, g.account, time.UnixMilli(m.time))
		if _, known := highest[key]; !known {
			highest[key] = m.level
		}
		if m.level == highest[key] && kept[key] < finding.MaxKeptSignals {
			kept[key]++
			v.draft(&draft{deciding: m.id, time: m.time, count: 1, intel: &accusing{about: m.about, level: m.level}}, m.source)
			continue
		}
		r := v.rest[key]
		if r == nil {
			r = &finding.Rest{First: time.UnixMilli(m.time).UTC()}
			v.rest[key] = r
		}
		r.Count++
		if at := time.UnixMilli(m.time).UTC(); at.After(r.Last) {
			r.Last = at
		} else if at.Before(r.First) {
			r.First = at
		}
		r.EventUIDs = append(r.EventUIDs, v.d.uid(m.id))
	}
}

func dayOf(millis int64) int64 { return millis / (24 * 60 * 60 * 1000) }

func intelRuleID(n indicatorName) string { return "intel:" + n.feed + ":" + n.value }

// accusing is a draft that intelligence made.
type accusing struct {
	about  indicatorName
	level  finding.Level
	rule   finding.Rule
	origin finding.Entity
	host   bool
	says   []finding.Accusation
}

// accuse makes a draft's rule, sentence and reasons, while the event can be read.
func (v *Verdict) accuse(d *draft, e *ocsf.Event, f *enrich.Facts, card *finding.Card) {
	hits := v.set.Match(e, &v.scratch)
	if len(hits) == 0 {
		return
	}
	n := intelligence{set: v.set}
	best, _ := n.strongest(e, f, hits)
	h := &hits[best]
	how := meet(v.set, e, f, h)
	a := d.intel
	a.origin, a.host = hostOrOrigin(e, f, h)
	a.origin.ID, a.origin.Name = strings.Clone(a.origin.ID), strings.Clone(a.origin.Name)
	a.rule = finding.Rule{
		ID: intelRuleID(a.about), Title: meetings[how].title, Level: a.level, Tier: "intel", Hash: h.Source.Version, Author: h.Source.Name, Attacks: meetings[how].attacks,
	}
	d.subject = a.origin.Name
	d.sentence = meetings[how].say(d.subject, shorten(strings.Clone(h.Value)), card) + ", " + why(h)
	for i := range hits {
		x := accusation(&hits[i])
		d.matches = append(d.matches, finding.Match{Field: x.Field, Value: shorten(x.Value), Test: fmt.Sprintf("feed %s@%s lists %s, confidence %d", x.Feed, x.Version, x.Indicator, x.Confidence)})
		if i == best {
			a.says = append([]finding.Accusation{x}, a.says...)
			continue
		}
		a.says = append(a.says, x)
	}
}

// why says which feed says what of an indicator.
func why(h *intel.Hit) string {
	text := fmt.Sprintf("which the feed %s lists", h.Source.Name)
	if h.Indicator.Value != h.Value {
		text += " as " + h.Indicator.Value
	}
	if len(h.Indicator.Tags) > 0 {
		text += " for " + shorten(strings.Join(h.Indicator.Tags[:min(3, len(h.Indicator.Tags))], ", "))
	}
	text += fmt.Sprintf(" (confidence %d of 100", h.Indicator.Confidence)
	if n := len(h.Others); n > 0 {
		text += fmt.Sprintf("; named by %d more: %s", n, strings.Join(h.Others[:min(3, n)], ", "))
	}
	return text + ")"
}

func accusation(h *intel.Hit) finding.Accusation {
	i := h.Indicator
	return finding.Accusation{
		Feed: h.Source.Name, Version: h.Source.Version, Kind: i.Kind.String(), Indicator: i.Value, Field: h.Field.Path, Value: strings.Clone(h.Value),
		Confidence: int(i.Confidence), Known: i.Known, First: i.First, Last: i.Last, Expires: i.Expires, Tags: i.Tags, Others: slices.Clone(h.Others),
	}
}

// meetings are the words for each way of meeting an indicator.
var meetings = [...]struct {
	title   string
	attacks []finding.Attack
	say     func(who, what string, c *finding.Card) string
}{
	probed: {"Listed indicator seen", nil, func(who, what string, _ *finding.Card) string { return what + " turned to " + who }},
	refused: {"Refused call from a listed address", []finding.Attack{{Tactic: "initial-access", Technique: "T1078"}}, func(who, what string, c *finding.Card) string {
		return fmt.Sprintf("%s was refused %s from %s", who, callOf(c), what)
	}},
	attempted: {"Attempt to reach a listed indicator", []finding.Attack{{Tactic: "command-and-control", Technique: "T1071"}}, func(who, what string, _ *finding.Card) string {
		return who + " tried to reach " + what
	}},
	called: {"Call from a listed address", []finding.Attack{{Tactic: "initial-access", Technique: "T1078"}}, func(who, what string, c *finding.Card) string {
		return fmt.Sprintf("%s called %s from %s", who, callOf(c), what)
	}},
	contacted: {"Contact with a listed indicator", []finding.Attack{{Tactic: "command-and-control", Technique: "T1071"}}, func(who, what string, _ *finding.Card) string {
		return who + " contacted " + what
	}},
	held: {"File with a listed hash", []finding.Attack{{Tactic: "execution", Technique: "T1204"}}, func(who, what string, _ *finding.Card) string {
		return who + " held the file " + what
	}},
}

func callOf(c *finding.Card) string {
	if c.Operation == "" {
		return "a service"
	}
	return c.Operation
}
