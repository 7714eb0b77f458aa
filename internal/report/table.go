package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

// maxStoryRows bounds the story of one incident on the terminal; the page and the JSON have all of it.
const maxStoryRows = 12

// lastScreen is how many lines the closing summary takes at most.
const lastScreen = 40

// screen writes lines of a width.
type screen struct {
	w     io.Writer
	width int
	color bool
	err   error
}

var colors = map[finding.Level]string{finding.Low: "36", finding.Medium: "33", finding.High: "31", finding.Critical: "1;31"}

func (s *screen) line(text string) {
	if s.err == nil {
		_, s.err = fmt.Fprintln(s.w, strings.TrimRight(text, " "))
	}
}

func (s *screen) paint(text, code string) string {
	if !s.color || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// hang writes a label and text that is wrapped beside it, at most most lines (0: all).
func (s *screen) hang(label, text string, indent, most int) {
	lines := wrap(Clean(text), s.width-indent)
	if most > 0 && len(lines) > most {
		lines = lines[:most]
		lines[most-1] = Fit(lines[most-1], s.width-indent-1) + "…"
	}
	for i, l := range lines {
		if i == 0 {
			s.line(label + strings.Repeat(" ", max(1, indent-Width(label))) + l)
			continue
		}
		s.line(strings.Repeat(" ", indent) + l)
	}
}

func writeTable(w io.Writer, scan *Scan, o Options) error {
	s := &screen{w: w, width: max(o.Width, 60), color: o.Color}
	for i := range scan.Incidents {
		s.incident(i+1, &scan.Incidents[i])
	}
	s.alerts(scan.Alerts)
	s.last(scan)
	return s.err
}

func (s *screen) heading(level finding.Level, text string) {
	tag := strings.ToUpper(level.String())
	lines := wrap(Clean(text), s.width-10)
	for i, l := range lines {
		label := strings.Repeat(" ", 10)
		if i == 0 {
			label = s.paint(tag, colors[level]) + strings.Repeat(" ", 10-len(tag))
			if len(tag) >= 10 {
				label = s.paint(tag, colors[level]) + " "
			}
		}
		s.line(label + s.paint(l, "1"))
	}
}

func (s *screen) incident(rank int, in *incident.Incident) {
	s.line(s.paint(fmt.Sprintf("Incident %d", rank), "2") + "  " + in.UID[:12])
	s.heading(in.Severity, in.Headline)
	const at = 10
	s.hang("  who", names(in.Who), at, 2)
	s.hang("  from", names(in.From), at, 2)
	s.hang("  where", "account "+few(in.Accounts, 4)+" in "+few(in.Regions, 4), at, 2)
	s.hang("  when", span(in.First, in.Last), at, 1)
	s.hang("  score", sum(in.Score, in.Parts), at, 4)
	for _, step := range in.Steps {
		s.hang("  raised", step.Reason, at, 1)
	}
	s.line("")
	rows, left := storyRows(in.Story)
	for _, r := range rows {
		text := r.Text
		if r.Count > 1 {
			text += fmt.Sprintf(" (%d events)", r.Count)
		}
		label := "  " + r.Time.UTC().Format("01-02 15:04") + " " + s.paint("●", colors[r.Level])
		lines := wrap(Clean(text), s.width-16)
		for i, l := range lines[:min(2, len(lines))] {
			if i == 1 && len(lines) > 2 {
				l = Fit(l, s.width-17) + "…"
			}
			if i == 0 {
				s.line(label + " " + l)
				continue
			}
			s.line(strings.Repeat(" ", 16) + l)
		}
	}
	if left > 0 {
		s.line(fmt.Sprintf("  and %s of lower level, in the page (-o report.html)", plural(int64(left), "sentence", "sentences")))
	}
	for _, u := range in.Unknown {
		s.hang("  unknown", u, at+2, 2)
	}
	s.line("")
}

// storyRows takes the rows that fit, dropping the lowest levels first and keeping order.
func storyRows(story []incident.Sentence) (rows []incident.Sentence, left int) {
	least := finding.Informational
	for ; least <= finding.Critical; least++ {
		rows = rows[:0]
		for _, r := range story {
			if r.Level >= least {
				rows = append(rows, r)
			}
		}
		if len(rows) <= maxStoryRows {
			break
		}
	}
	if len(rows) == 0 {
		for _, r := range story {
			if r.Level >= least-1 && len(rows) < maxStoryRows {
				rows = append(rows, r)
			}
		}
	}
	return rows, len(story) - len(rows)
}

// maxLoose bounds the loose alerts on the terminal.
const maxLoose = 30

func (s *screen) alerts(list []finding.Alert) {
	if len(list) == 0 {
		return
	}
	s.line(s.paint("Alerts in no incident", "1"))
	for i := range list[:min(maxLoose, len(list))] {
		a := &list[i]
		tag := fmt.Sprintf("%-9s", strings.ToUpper(a.Severity.String()))
		text := a.Title + ": " + a.Sentence
		if a.Count > 1 {
			text += fmt.Sprintf(" (%d times)", a.Count)
		}
		lines := wrap(Clean(text), s.width-10)
		for k, l := range lines[:min(2, len(lines))] {
			if k == 0 {
				s.line(s.paint(tag, colors[a.Severity]) + " " + l)
				continue
			}
			s.line(strings.Repeat(" ", 10) + l)
		}
		s.line(s.paint(Fit(fmt.Sprintf("          %s  account %s  score %s", span(a.First, a.Last), Clean(a.Account), points(a.Score)), s.width), "2"))
	}
	if more := len(list) - maxLoose; more > 0 {
		s.line(fmt.Sprintf("and %d more, in the page (-o report.html) and in --format json", more))
	}
	s.line("")
}

// last is the closing screen.
func (s *screen) last(scan *Scan) {
	out := &screen{w: &strings.Builder{}, width: s.width, color: s.color}
	out.summary(scan)
	for i, l := range strings.Split(strings.TrimRight(out.w.(*strings.Builder).String(), "\n"), "\n") {
		if i < lastScreen {
			s.line(l)
		}
	}
}

func (s *screen) summary(scan *Scan) {
	t := scan.Totals
	const at = 13
	s.line(strings.Repeat("─", s.width))
	s.line(s.paint(verdict(scan), "1"))
	if scan.Partial != "" {
		s.hang(s.paint("partial", "33")+"      ", scan.Partial, at, 2)
	}
	s.hang("read", fmt.Sprintf("%s, %s; %s; %s", plural(t.Files, "file", "files"), size(t.Bytes), span(t.First, t.Last), plural(int64(len(t.Accounts)), "account", "accounts")), at, 2)
	s.hang("records", balance(t), at, 2)
	s.hang("judged by", fmt.Sprintf("%s rules; signals: %s high and above, %s medium, %s low", number(int64(t.Rules)), number(t.Signals["high"]+t.Signals["critical"]), number(t.Signals["medium"]), number(t.Signals["low"])), at, 2)
	if t.Hidden > 0 {
		s.hang("hidden", plural(t.Hidden, "alert", "alerts")+" below --min-severity", at, 1)
	}
	s.section(scan)
	if len(scan.Incidents) > 0 {
		s.line("")
		s.line("Top incidents")
		for i := range scan.Incidents[:min(4, len(scan.Incidents))] {
			in := &scan.Incidents[i]
			s.line(fmt.Sprintf("%2d ", i+1) + s.paint(fmt.Sprintf("%-9s", strings.ToUpper(in.Severity.String())), colors[in.Severity]) + Fit(fmt.Sprintf("%5s  ", points(in.Score))+Clean(in.Headline), s.width-12))
		}
	}
	if len(scan.Next) > 0 {
		s.line("")
		s.line("Next")
		for _, n := range scan.Next {
			s.line("  " + Fit(Clean(n), s.width-2))
		}
	}
}

func (s *screen) section(scan *Scan) {
	for _, n := range scan.Notes[:min(2, len(scan.Notes))] {
		s.hang("note", n, 13, 2)
	}
	if len(scan.Unread) > 0 {
		s.line("")
		s.line("Not read")
		for i, u := range scan.Unread {
			if i == 5 {
				s.line(fmt.Sprintf("  and %d more reasons, in --format json", len(scan.Unread)-5))
				break
			}
			what := plural(u.Count, "record", "records")
			if u.Count == 0 {
				what = plural(u.Files, "file", "files")
			}
			s.line("  " + Fit(Clean(fmt.Sprintf("%s: %s", what, u.Reason)), s.width-2))
			if len(u.Where) > 0 {
				s.line("    " + s.paint(Fit(Clean(u.Where[0]), s.width-4), "2"))
			}
		}
	}
	if len(scan.Blind) > 0 {
		s.line("")
		s.line("Not visible here")
		for i, b := range scan.Blind {
			if i == 5 {
				s.line(fmt.Sprintf("  and %d more kinds of log, in --format json", len(scan.Blind)-5))
				break
			}
			s.line("  " + Fit(fmt.Sprintf("%s: %s; %s blind", b.Family, b.Needs, plural(int64(b.Rules), "rule is", "rules are")), s.width-2))
		}
	}
}
