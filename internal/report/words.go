package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
)

// number writes thousands separators.
func number(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes bytes in IEC units.
func size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/1024, 0
	for f >= 1024 && i < 5 {
		f /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", f, "KMGTPE"[i])
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// span writes from when to when, without repeating the day.
func span(first, last time.Time) string {
	a, b := first.UTC(), last.UTC()
	switch {
	case first.IsZero():
		return "-"
	case a.Equal(b):
		return clock(a) + " UTC"
	case a.Format(time.DateOnly) == b.Format(time.DateOnly):
		return clock(a) + " to " + b.Format("15:04:05") + " UTC"
	}
	return clock(a) + " to " + clock(b) + " UTC"
}

// points writes a score without needless decimals.
func points(f float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0") }

// sum writes a score as the sum that it is.
func sum(score float64, parts []finding.Part) string {
	terms := make([]string, 0, len(parts))
	for _, p := range parts {
		terms = append(terms, points(p.Points)+" ("+p.Reason+")")
	}
	return points(score) + " = " + strings.Join(terms, " + ")
}

func names(list []finding.Entity) string {
	out := make([]string, 0, len(list))
	for _, e := range list {
		switch {
		case e.Name != "" && e.Type == "ip":
			out = append(out, e.ID+" ("+e.Name+")")
		case e.Name != "":
			out = append(out, e.Name)
		default:
			out = append(out, e.ID)
		}
	}
	return strings.Join(out, ", ")
}

// few joins the first of a list and counts the rest.
func few(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// tactics lists the ATT&CK tactics of attacks, each once.
func tactics(list []finding.Attack) []string {
	var out []string
	seen := map[string]bool{"": true}
	for _, a := range list {
		if !seen[a.Tactic] {
			seen[a.Tactic] = true
			out = append(out, a.Tactic)
		}
	}
	return out
}

// verdict is the scan in one sentence.
func verdict(s *Scan) string {
	switch {
	case s.Totals.Mapped == 0:
		return "No record could be judged."
	case len(s.Incidents) == 0 && len(s.Alerts) == 0:
		return "Nothing in these records needs a look today."
	}
	text := plural(int64(len(s.Incidents)), "incident", "incidents") + " and " + plural(int64(len(s.Alerts)), "loose alert", "loose alerts")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// balance writes the double entry.
func balance(t Totals) string {
	out := fmt.Sprintf("%s received = %s judged + %s duplicate + %s unreadable", number(t.Received), number(t.Mapped), number(t.Duplicate), number(t.Unreadable))
	if t.OutOfRange > 0 {
		out += " + " + number(t.OutOfRange) + " out of range"
	}
	return out
}
