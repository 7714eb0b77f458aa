package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

//go:embed page/report.html
var pageTemplate string

//go:embed page/report.css
var pageStyle string

//go:embed page/report.js
var pageScript string

// How much raw evidence the page carries; what is left out is said where it is left out.
const (
	maxPageRaw       = 2000 // raw records in all
	maxSentenceCards = 15   // events that a sentence opens
)

// page is what the template reads.
type page struct {
	*Scan
	Verdict, Span, Balance, Size string
	Style                        template.CSS
	Script                       template.JS
	Policy                       string
	Pages                        []pageIncident
	Loose                        []pageAlert
}

type pageIncident struct {
	*incident.Incident
	Rank      int
	Who       string
	When, Sum string
	Lines     []pageLine
	Chart     template.HTML
	Tactics   []string
	Entities  []pageGroup
	Together  []string // why its alerts belong together, each reason once
	Bars      []pageBar
}

type pageLine struct {
	incident.Sentence
	At    string
	Cards []pageCard
	More  int
}

type pageCard struct {
	*finding.Card
	At, Place, Pretty string
	Matches           []finding.Match
}

type pageAlert struct {
	*finding.Alert
	When  string
	Cards []pageCard
	More  int
}

type pageBar struct {
	finding.Part
	Percent int
}

type pageGroup struct {
	Type string
	List []finding.Entity
}

// writeHTML writes one offline page. Its policy allows nothing but its own style and script, by their hashes; all log
// content goes through the template's escaping.
func writeHTML(w io.Writer, s *Scan, _ Options) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"clean": CleanLines, "points": points, "number": number, "join": strings.Join, "plural": plural, "int64": func(n int) int64 { return int64(n) },
	}).Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("BUG: the page's template: %w", err)
	}
	p := page{Scan: s, Verdict: verdict(s), Span: span(s.Totals.First, s.Totals.Last), Balance: balance(s.Totals), Size: size(s.Totals.Bytes), Style: template.CSS(pageStyle), Script: template.JS(pageScript)} //nolint:gosec // our own files
	p.Policy = "default-src 'none'; style-src 'sha256-" + hash(pageStyle) + "'; script-src 'sha256-" + hash(pageScript) + "'; img-src data:; base-uri 'none'; form-action 'none'"
	b := pageBuilder{left: maxPageRaw}
	for i := range s.Incidents {
		p.Pages = append(p.Pages, b.incident(i+1, &s.Incidents[i]))
	}
	for i := range s.Alerts {
		p.Loose = append(p.Loose, b.alert(&s.Alerts[i]))
	}
	return t.Execute(w, p)
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// pageBuilder spends the raw records that the page may carry.
type pageBuilder struct{ left int }

func (b *pageBuilder) card(c *finding.Card, matches []finding.Match) pageCard {
	out := pageCard{Card: c, At: clock(c.Time), Place: strings.Trim(c.Country+", "+c.ASOrg, ", "), Matches: matches}
	if b.left > 0 {
		b.left--
		out.Pretty = pretty(c.Raw)
	}
	return out
}

func pretty(raw []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, raw, "", "  ") != nil {
		return CleanLines(string(raw))
	}
	return CleanLines(strings.ToValidUTF8(out.String(), "\uFFFD"))
}

func (b *pageBuilder) incident(rank int, in *incident.Incident) pageIncident {
	p := pageIncident{Incident: in, Rank: rank, Who: names(in.Who), When: span(in.First, in.Last), Sum: sum(in.Score, in.Parts), Tactics: tactics(in.Attacks), Chart: chart(in)}
	for _, j := range in.Joins {
		if !slices.Contains(p.Together, j.Reason) {
			p.Together = append(p.Together, j.Reason)
		}
	}
	cards, why := cardsOf(in)
	for _, line := range in.Story {
		l := pageLine{Sentence: line, At: clock(line.Time)}
		for _, uid := range line.EventUIDs {
			c, ok := cards[uid]
			if !ok || len(l.Cards) == maxSentenceCards {
				l.More++
				continue
			}
			l.Cards = append(l.Cards, b.card(c, why[uid]))
		}
		p.Lines = append(p.Lines, l)
	}
	most := 1.0
	for _, part := range in.Parts {
		most = max(most, part.Points)
	}
	for _, part := range in.Parts {
		p.Bars = append(p.Bars, pageBar{part, int(100 * part.Points / most)})
	}
	for _, e := range in.Entities {
		kind := strings.ReplaceAll(e.Type, "_", " ")
		if n := len(p.Entities); n == 0 || p.Entities[n-1].Type != kind {
			p.Entities = append(p.Entities, pageGroup{Type: kind})
		}
		g := &p.Entities[len(p.Entities)-1]
		g.List = append(g.List, e)
	}
	return p
}

// cardsOf finds each event of an incident once, with what of a rule it fulfilled.
func cardsOf(in *incident.Incident) (cards map[string]*finding.Card, why map[string][]finding.Match) {
	cards, why = map[string]*finding.Card{}, map[string][]finding.Match{}
	take := func(signals []finding.Signal) {
		for i := range signals {
			s := &signals[i]
			if cards[s.Event.UID] == nil {
				cards[s.Event.UID] = &s.Event
				why[s.Event.UID] = s.Matches
			}
			for k := range s.Related {
				if cards[s.Related[k].UID] == nil {
					cards[s.Related[k].UID] = &s.Related[k]
				}
			}
		}
	}
	for i := range in.Alerts {
		take(in.Alerts[i].Signals)
	}
	take(in.Signals)
	return cards, why
}

func (b *pageBuilder) alert(a *finding.Alert) pageAlert {
	p := pageAlert{Alert: a, When: span(a.First, a.Last)}
	for i := range a.Signals {
		if i == maxSentenceCards {
			break
		}
		p.Cards = append(p.Cards, b.card(&a.Signals[i].Event, a.Signals[i].Matches))
	}
	p.More = a.Count - len(p.Cards)
	return p
}

// chart draws the story over time, a lane per tactic, as SVG of numbers and our own words only.
func chart(in *incident.Incident) template.HTML {
	lanes := map[string]int{}
	var order []string
	for _, l := range in.Story {
		if _, known := lanes[l.Tactic]; !known {
			lanes[l.Tactic] = len(order)
			order = append(order, l.Tactic)
		}
	}
	const left, right, row, top = 150, 880, 22, 14
	first, last := in.First, in.Last
	for _, l := range in.Story {
		if l.Time.Before(first) {
			first = l.Time
		}
		if l.Last.After(last) {
			last = l.Last
		}
	}
	at := func(t time.Time) int {
		if !last.After(first) {
			return (left + right) / 2
		}
		return left + int(float64(right-left)*float64(t.Sub(first))/float64(last.Sub(first)))
	}
	var b strings.Builder
	height := top + row*len(order) + 24
	fmt.Fprintf(&b, `<svg viewBox="0 0 900 %d" role="img" aria-label="Time line by tactic; the story below says the same in words">`, height)
	for i, t := range order {
		y := top + row*i
		if t == "" {
			t = "context"
		}
		fmt.Fprintf(&b, `<line class="lane" x1="%d" x2="%d" y1="%d" y2="%d"/><text class="tactic" x="0" y="%d">%s</text>`, left-8, right+8, y, y, y+4, template.HTMLEscapeString(strings.ReplaceAll(t, "-", " ")))
	}
	for _, l := range in.Story {
		y := top + row*lanes[l.Tactic]
		x1, x2 := at(l.Time), at(l.Last)
		if x2 > x1+2 {
			fmt.Fprintf(&b, `<line class="run %s" x1="%d" x2="%d" y1="%d" y2="%d"/>`, l.Level, x1, x2, y, y)
		}
		fmt.Fprintf(&b, `<circle class="%s" cx="%d" cy="%d" r="%d"/>`, l.Level, x1, y, 3+int(l.Level))
	}
	y := height - 6
	fmt.Fprintf(&b, `<text class="when" x="%d" y="%d">%s</text><text class="when end" x="%d" y="%d">%s</text></svg>`, left-8, y, clock(first), right+8, y, clock(last))
	return template.HTML(b.String()) //nolint:gosec // numbers and escaped words
}
