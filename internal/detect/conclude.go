package detect

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/baseline"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// MaxRelated bounds the events that a correlation's signal keeps whole; all of them are counted and named.
const MaxRelated = 50

// Verdict is what a run found, in drafts: which events make which signals. The events themselves are read once more
// (Needs, Evidence), and then Signals are whole.
type Verdict struct {
	d      *Detector
	drafts []*draft
	rest   map[finding.FoldKey]*finding.Rest
	wanted map[EventID][]*draft // by deciding event
	needs  map[int32]map[EventID]bool
	cards  map[EventID]finding.Card
	counts map[finding.Level]int64

	set     *intel.Set
	scratch intel.Scratch
	notes   []string
}

// draft is one signal to be.
type draft struct {
	rule     int // index of the rule, or of the correlation
	corr     bool
	deciding EventID
	time     int64
	related  []EventID
	count    int
	values   []string
	note     string  // rarity: the figures
	report   *report // of another product, in place of a rule
	made     finding.Rule
	seen     [2]time.Time // report: first and last, by the product's word
	subject  string
	sentence string
	matches  []finding.Match
	intel    *accusing // made by a feed, not by a rule
}

// Conclude decides over all that the detector saw. It may see more events afterwards and be asked again; the Verdict is of before.
func (d *Detector) Conclude() *Verdict {
	v := &Verdict{d: d, rest: map[finding.FoldKey]*finding.Rest{}, wanted: map[EventID][]*draft{}, needs: map[int32]map[EventID]bool{}, cards: map[EventID]finding.Card{}, counts: map[finding.Level]int64{}}
	v.single(d.matches)
	v.correlated()
	v.rare()
	v.reported()
	v.accused()
	return v
}

// single keeps of each rule, origin, account and day the first matches whole; the rest is counted and named.
func (v *Verdict) single(matches []match) {
	slices.SortFunc(matches, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(v.d.groups[a.group].origin, v.d.groups[b.group].origin), cmp.Compare(v.d.groups[a.group].account, v.d.groups[b.group].account), cmp.Compare(a.time, b.time), bytes.Compare(a.id[:], b.id[:]))
	})
	kept := map[finding.FoldKey]int{}
	for _, m := range matches {
		rule := v.d.rules.All[m.rule]
		v.counts[rule.Finding.Level]++
		g := v.d.groups[m.group]
		key := finding.KeyOf(rule.Finding.ID, g.origin, g.account, time.UnixMilli(m.time))
		if kept[key]++; kept[key] <= finding.MaxKeptSignals {
			v.draft(&draft{rule: int(m.rule), deciding: m.id, time: m.time, count: 1}, m.source)
			continue
		}
		r := v.rest[key]
		if r == nil {
			r = &finding.Rest{}
			v.rest[key] = r
		}
		r.Count++
		r.Last = time.UnixMilli(m.time).UTC()
		r.EventUIDs = append(r.EventUIDs, v.d.uid(m.id))
	}
}

func (v *Verdict) draft(d *draft, source int32) {
	v.drafts = append(v.drafts, d)
	v.wanted[d.deciding] = append(v.wanted[d.deciding], d)
	v.need(d.deciding, source)
}

func (v *Verdict) need(id EventID, source int32) {
	if v.needs[source] == nil {
		v.needs[source] = map[EventID]bool{}
	}
	v.needs[source][id] = true
}

// correlated makes a draft of each episode. Its last event decides.
func (v *Verdict) correlated() {
	for i, c := range v.d.correlators {
		for _, e := range c.Episodes() {
			last := e.Events[len(e.Events)-1]
			d := &draft{rule: i, corr: true, deciding: last.Key, time: last.Time, count: len(e.Events), values: e.Values}
			v.counts[v.d.rules.Correlations[i].Finding.Level]++
			for k, ev := range e.Events {
				if k < MaxRelated && !slices.Contains(d.related, ev.Key) {
					d.related = append(d.related, ev.Key)
					v.need(ev.Key, ev.Source)
				}
			}
			v.draft(d, last.Source)
		}
	}
}

// rare judges first uses with the origin's suspicious windows held out: the hours around its matches of medium and above.
func (v *Verdict) rare() {
	if v.d.history == nil {
		return
	}
	held := v.suspicious()
	for _, n := range v.d.novel {
		rule := v.d.rules.All[n.rule]
		origin := v.d.groups[n.group].origin
		var figures string
		isNew := true
		for i, f := range rule.features {
			verdict := v.d.history.Judge(origin, f, n.values[i], n.time, held[origin])
			isNew = isNew && v.d.history.IsFirst(origin, f, n.values[i], n.id) && verdict.New && (rule.Attributes.MaxUsers == 0 || verdict.Users <= rule.Attributes.MaxUsers)
			figures = fmt.Sprintf("%s %s: %s", baseline.FeatureNames[f], n.values[i], verdict)
		}
		if isNew {
			v.counts[rule.Finding.Level]++
			v.draft(&draft{rule: int(n.rule), deciding: n.id, time: n.time, count: 1, note: figures}, n.source)
		}
	}
}

// suspicion is how long around a match of medium or above an origin's habits are held out.
const suspicion = 12 * time.Hour

func (v *Verdict) suspicious() map[string][]baseline.Window {
	out := map[string][]baseline.Window{}
	for _, m := range v.d.matches {
		if rule := v.d.rules.All[m.rule]; rule.Finding.Level >= finding.Medium {
			origin, at := v.d.groups[m.group].origin, time.UnixMilli(m.time)
			if list := out[origin]; len(list) > 0 && at.Sub(list[len(list)-1].To) < 0 && at.After(list[len(list)-1].From) {
				continue
			}
			out[origin] = append(out[origin], baseline.Window{From: at.Add(-suspicion), To: at.Add(suspicion)})
		}
	}
	return out
}

// Needs says which events must be read once more, by source.
func (v *Verdict) Needs() map[int32]map[EventID]bool { return v.needs }

// Counts returns how many signals there are, by level.
func (v *Verdict) Counts() map[finding.Level]int64 { return v.counts }

// Overflow says in a sentence for each correlation that met its bound what was left out.
func (v *Verdict) Overflow() []string {
	out := slices.Clone(v.notes)
	for i, c := range v.d.correlators {
		if n := c.Overflow(); n > 0 {
			out = append(out, fmt.Sprintf("%s: %d matches beyond the %d that are remembered were not correlated", v.d.rules.Correlations[i].Title, n, 4_000_000))
		}
	}
	return out
}

// Evidence takes one of the needed events. It is called from one goroutine at a time.
func (v *Verdict) Evidence(e *ocsf.Event, f *enrich.Facts, id EventID) {
	card := cardOf(e, f)
	v.cards[id] = card
	see := &view{fields: v.d.rules.fields, ev: e, facts: f}
	for _, d := range v.wanted[id] {
		if d.intel != nil {
			v.accuse(d, e, f, &card)
			continue
		}
		v.write(d, see, &card)
	}
}

// write makes a draft's sentence and the list of what held, while the event can be read.
func (v *Verdict) write(d *draft, see *view, card *finding.Card) {
	if d.report != nil {
		d.tell(see.ev, card)
		return
	}
	s := v.story(d)
	d.subject = card.Origin.Name
	d.sentence = s.render(func(path string) []string {
		switch path {
		case "actor":
			return []string{card.Origin.Name}
		case "src":
			return []string{source(card)}
		case "count":
			return []string{strconv.Itoa(d.count)}
		case "values":
			return d.values
		}
		if d.corr {
			if t, ok := aggregate(path, d); ok {
				return t
			}
		}
		return texts(see, path)
	})
	if d.corr {
		c := v.d.rules.Correlations[d.rule]
		d.matches = append(d.matches, finding.Match{Field: strings.Join(c.GroupBy, ", "), Value: fmt.Sprintf("%d events", d.count), Test: fmt.Sprintf("%s within %s", c.Type, c.Timespan)})
		return
	}
	_, parts := v.d.rules.set.ExplainMatch(d.rule, see)
	for _, p := range parts {
		if p.Holds {
			d.matches = append(d.matches, finding.Match{Field: p.Field, Value: shorten(strings.Clone(strings.Join(p.Values, ", "))), Test: p.Selection + ": " + p.Test})
		}
	}
	if d.note != "" {
		d.matches = append(d.matches, finding.Match{Field: "baseline", Value: d.note, Test: "first seen"})
	}
}

// aggregate gives a correlation's own placeholders.
func aggregate(path string, d *draft) ([]string, bool) {
	if path == "distinct" {
		return []string{strconv.Itoa(len(d.values))}, true
	}
	return nil, false
}

func texts(see *view, path string) []string {
	f := compileField(path)
	one := view{fields: []field{f}, ev: see.ev, facts: see.facts}
	var out []string
	for _, x := range one.read(0) {
		if x.Kind != ocsf.Null && x.Str != "" && !slices.Contains(out, x.Str) {
			out = append(out, strings.Clone(x.Str))
		}
	}
	return out
}

func (v *Verdict) story(d *draft) story {
	if d.corr {
		return v.d.rules.Correlations[d.rule].story
	}
	return v.d.rules.All[d.rule].story
}

// Signals returns the signals, complete, and what was only counted. An event that could not be read again leaves its
// signal out; missing says how many.
func (v *Verdict) Signals() (signals []finding.Signal, rest map[finding.FoldKey]*finding.Rest, missing int) {
	for _, d := range v.drafts {
		card, ok := v.cards[d.deciding]
		if !ok {
			missing++
			continue
		}
		rule := v.finding(d)
		s := finding.Signal{UID: finding.UID("signal", rule.ID, card.Account, card.UID), Rule: rule, Time: card.Time, Event: card, Subject: d.subject, Sentence: d.sentence, Matches: d.matches}
		if d.report != nil {
			v.vendorSignal(&s, d)
		}
		if d.intel != nil {
			s.Intel = d.intel.says
			if d.intel.host {
				s.Event.Origin, s.Event.ActorKind = d.intel.origin, "host"
			}
		}
		for _, id := range d.related {
			if c, ok := v.cards[id]; ok && id != d.deciding {
				s.Related = append(s.Related, c)
			}
		}
		signals = append(signals, s)
	}
	finding.SortSignals(signals)
	return signals, v.rest, missing
}

func (v *Verdict) finding(d *draft) finding.Rule {
	if d.report != nil {
		return d.made
	}
	if d.intel != nil {
		return d.intel.rule
	}
	if d.corr {
		return v.d.rules.Correlations[d.rule].Finding
	}
	return v.d.rules.All[d.rule].Finding
}
