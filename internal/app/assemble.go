package app

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/report"
)

// report makes of a result what every output format is written from.
func (o *ScanOptions) report(p *prepared, r *pipeline.Result) *report.Scan {
	s := &report.Scan{Version: o.Version, Partial: r.Partial, Notes: r.Notes, Unread: unread(r), Blind: Blind(p.rules, r.Survey.Data(), r.Received.Mapped)}
	s.Totals = report.Totals{
		Files: int64(p.files), Bytes: p.bytes, Received: r.Received.Total, Mapped: r.Received.Mapped, Duplicate: r.Received.Duplicate,
		Unreadable: r.Received.Unreadable, OutOfRange: r.Received.OutOfRange, First: r.Received.First, Last: r.Received.Last,
		Accounts: r.Survey.Accounts(), Regions: r.Survey.Regions(), Origins: r.Origins, Signals: map[string]int64{}, Rules: len(p.rules.All) + len(p.rules.Correlations),
	}
	for level, n := range r.Signals {
		s.Totals.Signals[level.String()] = n
	}
	s.Incidents = slices.DeleteFunc(slices.Clone(r.Incidents), func(in incident.Incident) bool {
		hide := in.Severity < p.least
		if hide {
			s.Totals.Hidden += int64(len(in.Alerts))
		}
		return hide
	})
	s.Alerts = slices.DeleteFunc(slices.Clone(r.Loose), func(a finding.Alert) bool {
		if a.Severity < p.least {
			s.Totals.Hidden++
			return true
		}
		return false
	})
	s.Next = o.next(s)
	return s
}

// unread groups what could not be read by reason: records with their counts, files as a whole.
func unread(r *pipeline.Result) []report.Unread {
	const places = 5
	groups := map[string]*report.Unread{}
	group := func(reason string) *report.Unread {
		if groups[reason] == nil {
			groups[reason] = &report.Unread{Reason: reason}
		}
		return groups[reason]
	}
	for reason, n := range r.Received.ByReason {
		group(reason).Count = n
	}
	for _, u := range r.Unread {
		if g := group(u.Reason); len(g.Where) < places {
			g.Where = append(g.Where, fmt.Sprintf("%s: record %d (byte %d): %s", u.At.Source, u.At.Record+1, u.At.Offset, u.Detail))
		}
	}
	problems := slices.Clone(r.Problems)
	sort.SliceStable(problems, func(i, j int) bool { return problems[i].Source < problems[j].Source })
	for _, p := range problems {
		g := group(p.Reason)
		g.Files++
		if len(g.Where) < places {
			where := p.Source
			if p.Offset > 0 {
				where += fmt.Sprintf(" (byte %d)", p.Offset)
			}
			g.Where = append(g.Where, where+": "+p.Detail)
		}
	}
	out := make([]report.Unread, 0, len(groups))
	for _, g := range groups {
		out = append(out, *g)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Reason < out[j].Reason })
	return out
}

// next names the commands worth running after this scan.
func (o *ScanOptions) next(s *report.Scan) []string {
	where := strings.Join(quoted(o.Paths), " ")
	var out []string
	if s.Totals.Mapped > 0 {
		if o.Environment == "" {
			out = append(out, "tocsin environment propose "+where+" > environment.yaml")
		}
		if o.Format != "html" && len(o.Also) == 0 && len(s.Incidents)+len(s.Alerts) > 0 {
			out = append(out, "tocsin scan "+where+" -o report.html")
		}
	}
	if len(s.Incidents) > 0 && len(s.Incidents[0].Alerts) > 0 {
		if rule := s.Incidents[0].Alerts[0].Rule; rule.Tier != "intel" {
			out = append(out, "tocsin rules explain "+rule.ID)
		}
	}
	if len(out) == 0 {
		out = append(out, "tocsin simulate --sample -o demo && tocsin scan demo/logs")
	}
	return out[:min(3, len(out))]
}

func quoted(paths []string) []string {
	out := make([]string, 0, len(paths))
	for _, p := range paths {
		if strings.ContainsAny(p, " '\"$`\\&|;()<>*?!#~") {
			p = "'" + strings.ReplaceAll(p, "'", `'\''`) + "'"
		}
		out = append(out, p)
	}
	return out
}
