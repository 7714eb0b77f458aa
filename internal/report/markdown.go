package report

import (
	"fmt"
	"io"
	"strings"
)

// mark escapes text for Markdown: nothing of a log becomes markup, link or mention.
func mark(s string) string {
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "|", `\|`, "#", `\#`, "@", "&#64;", "!", `\!`, "~", `\~`, "://", ":\u2044\u2044").Replace(Clean(s))
}

func writeMarkdown(w io.Writer, s *Scan, _ Options) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s. %s; %s.\n\n", verdict(s), span(s.Totals.First, s.Totals.Last), balance(s.Totals), plural(int64(s.Totals.Rules), "rule", "rules"))
	if s.Partial != "" {
		fmt.Fprintf(&b, "**Partial:** %s.\n\n", mark(s.Partial))
	}
	for i := range s.Incidents {
		in := &s.Incidents[i]
		fmt.Fprintf(&b, "## %d. %s: %s\n\n", i+1, strings.ToUpper(in.Severity.String()), mark(in.Headline))
		fmt.Fprintf(&b, "- Who: %s\n- From: %s\n- Where: account %s, %s\n- When: %s\n- Score: %s\n- Tactics: %s\n\n", mark(names(in.Who)), mark(names(in.From)), mark(strings.Join(in.Accounts, ", ")), mark(strings.Join(in.Regions, ", ")), span(in.First, in.Last), mark(sum(in.Score, in.Parts)), mark(strings.Join(tactics(in.Attacks), ", ")))
		b.WriteString("| time (UTC) | level | what | events |\n|---|---|---|---|\n")
		for _, l := range in.Story {
			fmt.Fprintf(&b, "| %s | %s | %s | %d |\n", clock(l.Time), l.Level, mark(l.Text), l.Count)
		}
		b.WriteString("\n")
		for _, u := range in.Unknown {
			fmt.Fprintf(&b, "Unknown: %s\n\n", mark(u))
		}
	}
	if len(s.Alerts) > 0 {
		b.WriteString("## Alerts in no incident\n\n| severity | title | what | when | account | times |\n|---|---|---|---|---|---|\n")
		for i := range s.Alerts {
			a := &s.Alerts[i]
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d |\n", a.Severity, mark(a.Title), mark(a.Sentence), span(a.First, a.Last), mark(a.Account), a.Count)
		}
		b.WriteString("\n")
	}
	for _, u := range s.Unread {
		fmt.Fprintf(&b, "- Not read: %s records, %s files: %s\n", number(u.Count), number(u.Files), mark(u.Reason))
	}
	for _, x := range s.Blind {
		fmt.Fprintf(&b, "- Not visible: %s (needs %s)\n", x.Family, x.Needs)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
