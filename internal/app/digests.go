package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/report"
)

// What is shown of a period of a trail that no digest file speaks for, and of a digest that is not judged yet.
const (
	digestGap     = "gap"
	digestWaiting = "waiting"
)

// shownDigest is a digest file with its verdict, or a gap between two of them.
type shownDigest struct {
	desk.Digest
	ToDo string `json:"to_do,omitempty"`
}

// ListDigests shows what came of checking CloudTrail's digest files, trail by trail, with the periods that none speaks for. Exit code 1
// where something is to be done.
func ListDigests(ctx context.Context, c *Config, all, asJSON bool, streams Streams) error {
	var list []desk.Digest
	err := withDesk(ctx, c, func(d *desk.Desk) (err error) {
		list, err = d.Digests(ctx)
		return err
	})
	if err != nil {
		return err
	}
	shown, counts := showDigests(list, len(c.Digests.keys) > 0), map[string]int{}
	wrong := 0
	for i := range shown {
		counts[shown[i].Verdict]++
		if shown[i].ToDo != "" {
			wrong++
		}
	}
	if asJSON {
		err = json.NewEncoder(streams.Out).Encode(shown)
	} else {
		writeDigests(shown, counts, all, streams)
	}
	if err == nil && wrong > 0 {
		err = Outcome(ExitFindings)
	}
	return err
}

// showDigests puts the gaps between the digests of each chain, which come in the order of their periods.
func showDigests(list []desk.Digest, keys bool) []shownDigest {
	out := make([]shownDigest, 0, len(list))
	last := map[string]desk.Digest{}
	for _, d := range list {
		before, follows := last[d.Chain]
		if follows && d.Chain != "" && d.Start.After(before.End) {
			gap := shownDigest{Digest: desk.Digest{Source: d.Source, Verdict: digestGap, Reason: "no digest speaks for this period"}}
			gap.Chain, gap.Account, gap.Region, gap.Trail, gap.Start, gap.End = d.Chain, d.Account, d.Region, d.Trail, before.End, d.Start
			gap.ToDo = "look whether the digests are in the bucket and bring them (" + backfillOf(d.Source, gap.Start, gap.End) + "); if not, look for StopLogging, UpdateTrail and DeleteObject in this period"
			out = append(out, gap)
		}
		if !follows || d.End.After(before.End) {
			last[d.Chain] = d
		}
		s := shownDigest{Digest: d, ToDo: digestToDo(&d, keys)}
		if s.Verdict == "" {
			s.Verdict, s.Reason = digestWaiting, "it is judged when what it lists has come, at the latest two hours after it came"
		}
		out = append(out, s)
	}
	return out
}

// digestToDo says what a person does about a verdict; "" is nothing.
func digestToDo(d *desk.Digest, keys bool) string {
	switch {
	case d.Verdict == "invalid":
		return "take it for tampering until it is explained: keep the bucket's object versions, look for PutObject and DeleteObject on the key, ask AWS with: aws cloudtrail validate-logs"
	case d.Verdict != "missing":
		return ""
	case !keys || strings.Contains(d.Reason, "digests.keys"):
		return "aws cloudtrail list-public-keys --region " + d.Region + " >> keys.json, and name the file in tocsin.yaml: digests: {keys: keys.json}"
	}
	return "bring what lacks: " + backfillOf(d.Source, d.Start, d.End.Add(time.Hour))
}

func backfillOf(source string, from, to time.Time) string {
	return "tocsin source backfill " + source + " --from " + from.Format(time.DateOnly) + " --to " + to.AddDate(0, 0, 1).Format(time.DateOnly)
}

func writeDigests(shown []shownDigest, counts map[string]int, all bool, streams Streams) {
	table := [][]string{{"ACCOUNT", "REGION", "TRAIL", "FROM", "TO", "FILES", "VERDICT", "WHY"}}
	todo, order := map[string]int{}, []string{}
	for i := range shown {
		s := &shown[i]
		if s.ToDo != "" {
			if todo[s.ToDo]++; todo[s.ToDo] == 1 {
				order = append(order, s.ToDo)
			}
		}
		if !all && s.Verdict == "valid" {
			continue
		}
		table = append(table, []string{orDash(s.Account), orDash(s.Region), orDash(s.Trail), hourText(s.Start), hourText(s.End), strconv.Itoa(s.Files), s.Verdict, report.Clean(s.Reason)})
	}
	if len(table) > 1 {
		writeTable(streams.Out, table)
	}
	for _, what := range order {
		fmt.Fprintf(streams.Out, "to do (%d): %s\n", todo[what], report.Clean(what))
	}
	if len(shown) == 0 {
		fmt.Fprintln(streams.Out, "no digest file came yet: turn on log file validation (aws cloudtrail update-trail --enable-log-file-validation), and let a source read the folder CloudTrail-Digest beside the logs")
		return
	}
	text := make([]string, 0, len(counts))
	for _, verdict := range []string{"valid", "invalid", "missing", digestWaiting, digestGap} {
		text = append(text, fmt.Sprintf("%d %s", counts[verdict], verdict))
	}
	hidden := ""
	if !all && counts["valid"] > 0 {
		hidden = " (--all lists the valid ones)"
	}
	fmt.Fprintln(streams.Out, strings.Join(text, ", ")+hidden)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return report.Clean(report.Fit(s, 32))
}

func hourText(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format("2006-01-02 15:04")
}
