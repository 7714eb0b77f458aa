package report

import (
	"fmt"
	"io"
	"strings"
)

// Mark escapes text for Markdown: nothing of a log becomes markup, link or mention.
func Mark(s string) string {
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "|", `\|`, "#", `\#`, "@", "&#64;", "!", `\!`, "~", `\~`, "://", ":\u2044\u2044").Replace(Clean(s))
}

func writeMarkdown(w io.Writer, s *Scan, _ Options) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s. %s; %s.\n\n", verdict(s), span(s.Totals.First, s.Totals.Last), balance(s.Totals), plural(int64(s.Totals.Rules), "rule", "rules"))
	if s.Partial != "" {
		fmt.Fprintf(&b, "**Partial:** %s.\n\n", Mark(s.Partial))
	}
	for i := range s.Incidents {
		in := &s.Incidents[i]
		fmt.Fprintf(&b, "## %d. %s: %s\n\n", i+1, strings.ToUpper(in.Severity.String()), Mark(in.Headline))
		fmt.Fprintf(&b, "- Who: %s\n- From: %s\n- Where: account %s, %s\n- When: %s\n- Score: %s\n- Tactics: %s\n\n", Mark(names(in.Who)), Mark(names(in.From)), Mark(strings.Join(in.Accounts, ", ")), Mark(strings.Join(in.Regions, ", ")), span(in.First, in.Last), Mark(sum(in.Score, in.Parts)), Mark(strings.Join(tactics(in.Attacks), ", ")))
		b.WriteString("| time (UTC) | level | what | events |\n|---|---|---|---|\n")
		for _, l := range in.Story {
			fmt.Fprintf(&b, "| %s | %s | %s | %d |\n", clock(l.Time), l.Level, Mark(l.Text), l.Count)
		}
		b.WriteString("\n")
		for _, u := range in.Unknown {
			fmt.Fprintf(&b, "Unknown: %s\n\n", Mark(u))
		}
	}
	if len(s.Alerts) > 0 {
		b.WriteString("## Alerts in no incident\n\n| severity | title | what | when | account | times |\n|---|---|---|---|---|---|\n")
		for i := range s.Alerts {
			a := &s.Alerts[i]
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d |\n", a.Severity, Mark(a.Title), Mark(a.Sentence), span(a.First, a.Last), Mark(a.Account), a.Count)
		}
		b.WriteString("\n")
	}
	for _, u := range s.Unread {
		fmt.Fprintf(&b, "- Not read: %s records, %s files: %s\n", number(u.Count), number(u.Files), Mark(u.Reason))
	}
	for _, x := range s.Blind {
		fmt.Fprintf(&b, "- Not visible: %s (needs %s)\n", x.Family, x.Needs)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
