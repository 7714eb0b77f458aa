package detect

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// report is what another product said of one thing that it found, over all updates of its finding.
type report struct {
	newest  match
	level   finding.Level
	closed  bool // by the newest update: archived, suppressed or resolved
	direct  bool // the newest is the product's own word, not by way of another
	count   int  // the most that the product counted
	updates []EventID
}

// classDetectionFinding is OCSF's class of what a product concluded from behaviour.
const classDetectionFinding = 2004

// vendorLevels are ours by OCSF's severity_id: unknown, informational, low, medium, high, critical, fatal.
var vendorLevels = [...]finding.Level{finding.Low, finding.Informational, finding.Low, finding.Medium, finding.High, finding.Critical, finding.Critical}

// report takes an event in that is another product's finding, and says whether it was one.
func (d *Detector) report(e *ocsf.Event, f *enrich.Facts, id EventID, source int32) bool {
	class, _ := e.Mapping.Class(e)
	product := e.Str(ocsf.MetadataProductName)
	if class != classDetectionFinding || product == "Tocsin" || e.Str(ocsf.FindingUID) == "" {
		return false
	}
	d.view.ev, d.view.facts = e, f
	m := match{e.Millis, id, d.group(f.Actor().Origin, e.Str(ocsf.CloudAccountUID)), 0, source}
	d.keep(m)
	r := &report{newest: m, level: finding.Low, direct: e.Mapping.Name != "asff", updates: []EventID{id}}
	if n, err := strconv.Atoi(e.Str(ocsf.SeverityID)); err == nil && n >= 0 && n < len(vendorLevels) {
		r.level = vendorLevels[n]
	}
	switch e.Str(ocsf.StatusID) {
	case "3", "4", "5": // Suppressed, Resolved, Archived
		r.closed = true
	}
	r.count, _ = strconv.Atoi(e.Str(ocsf.Count))
	d.merge(reportKey(e), r)
	return true
}

// reportKey joins the updates of a finding, and what GuardDuty says itself with what it says through Security Hub: there the id is the ARN
// that ends with the id here.
func reportKey(e *ocsf.Event) string {
	uid := e.Str(ocsf.FindingUID)
	if i := strings.LastIndex(uid, "/finding/"); i >= 0 {
		uid = uid[i+len("/finding/"):]
	}
	return e.Str(ocsf.CloudAccountUID) + "\x00" + uid
}

// merge takes another report of the same finding in.
func (d *Detector) merge(key string, r *report) {
	old := d.reports[key]
	if old == nil {
		d.reports[strings.Clone(key)] = r
		return
	}
	old.count = max(old.count, r.count)
	old.updates = append(old.updates, r.updates...)
	if r.newerThan(old) {
		old.newest, old.level, old.closed, old.direct = r.newest, r.level, r.closed, r.direct
	}
}

// newerThan orders by time, then the product's own word, then whatever orders the same everywhere.
func (r *report) newerThan(old *report) bool {
	switch {
	case r.newest.time != old.newest.time:
		return r.newest.time > old.newest.time
	case r.direct != old.direct:
		return r.direct
	}
	return bytes.Compare(r.newest.id[:], old.newest.id[:]) > 0
}

// reported makes a draft of each finding of another product that is open and more than context.
func (v *Verdict) reported() {
	keys := make([]string, 0, len(v.d.reports))
	for key, r := range v.d.reports {
		if !r.closed && r.level > finding.Informational {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		r := *v.d.reports[key]
		v.counts[r.level]++
		v.draft(&draft{report: &r, deciding: r.newest.id, time: r.newest.time, count: max(r.count, len(r.updates))}, r.newest.source)
	}
}

// tell makes a draft's rule and sentence while its event can be read.
func (d *draft) tell(e *ocsf.Event, card *finding.Card) {
	product := strings.Clone(e.Str(ocsf.MetadataProductName))
	kind := typeOf(product, e.Str(ocsf.FindingTypes))
	title := shorten(strings.TrimSuffix(strings.Clone(e.Str(ocsf.FindingTitle)), "."))
	d.made = finding.Rule{ID: "vendor/" + strings.ToLower(product) + "/" + kind, Title: product + ": " + kind, Level: d.report.level, Tier: "vendor", Source: product, Attacks: vendorAttacks(kind)}
	if kind == "" {
		d.made.ID, d.made.Title = "vendor/"+strings.ToLower(product)+"/"+title, product+": "+title
	}
	if title == "" {
		title = kind
	}
	d.subject = card.Origin.Name
	if d.subject == "" {
		d.subject = "account " + card.Account
	}
	d.sentence = fmt.Sprintf("%s is reported by %s: %s", d.subject, product, title)
	d.matches = []finding.Match{
		{Field: "finding_info.uid", Value: strings.Clone(e.Str(ocsf.FindingUID)), Test: "found by " + product},
		{Field: "severity_id", Value: strings.Clone(e.Str(ocsf.SeverityID)), Test: "severity that " + product + " gives"},
	}
	for i, f := range [...]ocsf.FieldID{ocsf.FindingFirstSeen, ocsf.FindingLastSeen} {
		d.seen[i] = card.Time
		if millis, err := strconv.ParseInt(e.Str(f), 10, 64); err == nil && millis > 0 && millis <= card.Time.UnixMilli() {
			d.seen[i] = time.UnixMilli(millis).UTC()
		}
	}
}

// vendorSignal completes a signal with what only findings of other products have. Its times are those of what was found, not of the
// telling, so that it stands in the story where it belongs.
func (v *Verdict) vendorSignal(s *finding.Signal, d *draft) {
	uid := s.Matches[0].Value
	if i := strings.LastIndex(uid, "/finding/"); i >= 0 {
		uid = uid[i+len("/finding/"):]
	}
	s.Finding, s.Count = uid, d.count
	s.UID = finding.UID("signal", "finding", s.Event.Account, uid)
	s.Event.Time, s.Time = d.seen[0], d.seen[1]
	for _, id := range d.report.updates {
		if id != d.deciding {
			s.Also = append(s.Also, v.d.uid(id))
		}
	}
	slices.Sort(s.Also)
}

// typeOf is a finding's type as its product writes it. Security Hub puts GuardDuty's behind a path of its own, with a dash for the slash:
// "TTPs/Discovery/Recon:IAMUser-TorIPCaller".
func typeOf(product, text string) string {
	text = strings.Clone(text)
	if !strings.EqualFold(product, "GuardDuty") {
		return text
	}
	colon := strings.IndexByte(text, ':')
	if colon < 0 {
		return text
	}
	kind := text[strings.LastIndexByte(text[:colon], '/')+1:]
	if purpose, rest, ok := strings.Cut(kind, "-"); ok && !strings.Contains(purpose, "/") {
		kind = purpose + "/" + rest
	}
	return kind
}

//go:embed guardduty.tsv
var guardDutyTypes string

// guardDutyAttacks is guardduty.tsv by type.
var guardDutyAttacks = sync.OnceValue(func() map[string][]finding.Attack {
	out := map[string][]finding.Attack{}
	for _, line := range strings.Split(guardDutyTypes, "\n") {
		if cells := strings.Split(line, "\t"); len(cells) == 3 {
			out[cells[0]] = append(out[cells[0]], finding.Attack{Tactic: cells[1], Technique: cells[2]})
		}
	}
	return out
})

// vendorAttacks is what ATT&CK has for a type, by the longest beginning that the table knows: new types come as variants of old ones.
func vendorAttacks(kind string) []finding.Attack {
	for kind != "" {
		if a := guardDutyAttacks()[kind]; a != nil {
			return slices.Clone(a)
		}
		cut := strings.LastIndexAny(kind, ".!")
		if cut < 0 {
			return nil
		}
		kind = kind[:cut]
	}
	return nil
}
