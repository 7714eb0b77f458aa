package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// rich is a scan with more of everything than the closing screen has room for; text is put where logs put theirs.
func rich(text string) *Scan {
	raw, _ := json.Marshal(map[string]string{"userAgent": text})
	card := finding.Card{
		UID: "e1", Time: noon, Service: "iam.amazonaws.com", Operation: "AttachUserPolicy", Account: "111122223333", Region: "us-east-1", Outcome: "success", Principal: text, AccessKey: text,
		Origin: finding.Entity{Type: "user", ID: "arn:aws:iam::111122223333:user/alice", Name: text}, ActorKind: "user", Proof: "aws", SrcIP: "198.51.100.7", Country: "NL", ASN: 64500, ASOrg: "Example Hosting",
		UserAgent: text, Resources: []finding.Entity{{Type: "user", ID: text, Name: text}}, Source: text, Raw: raw,
	}
	rule := finding.Rule{ID: "r1", Title: "Administrator policy given to an IAM user", Level: finding.High, Tier: "decisive", Hash: "abc", Attacks: []finding.Attack{{Tactic: "persistence", Technique: "T1098.003"}}}
	s := &Scan{Version: "test", Totals: Totals{Files: 3, Bytes: 12345, Received: 10, Mapped: 7, Duplicate: 1, Unreadable: 2, First: noon, Last: noon.Add(time.Hour), Accounts: []string{"111122223333"}, Signals: map[string]int64{"high": 2}, Rules: 353}, Next: []string{"tocsin scan x -o report.html", "b", "c"}}
	for i := range 9 {
		sig := finding.Signal{UID: fmt.Sprint("s", i), Rule: rule, Time: noon, Event: card, Subject: text, Sentence: text + " gave a policy away", Matches: []finding.Match{{Field: "eventName", Value: text, Test: "call"}}}
		a := finding.Alert{UID: fmt.Sprint("a", i), Title: rule.Title, Sentence: sig.Sentence, Severity: finding.High, Promotion: "level", Rule: rule, First: noon, Last: noon, Count: 3, Signals: []finding.Signal{sig}, EventUIDs: []string{"e1"}, Entities: finding.EventEntities(&card), Score: 50, Parts: []finding.Part{{Reason: "high", Points: 50}}, Account: card.Account, Origin: card.Origin}
		s.Alerts = append(s.Alerts, a)
		in := incident.Incident{UID: strings.Repeat("f", 31) + fmt.Sprint(i), Headline: text + " took the account over", Severity: finding.Critical, Score: 80, Parts: []finding.Part{{Reason: "high: x", Points: 50}, {Reason: "3 tactics", Points: 30}}, First: noon, Last: noon, Who: []finding.Entity{card.Origin}, Accounts: []string{card.Account}, Regions: []string{card.Region}, Alerts: []finding.Alert{a}, Attacks: rule.Attacks, Unknown: []string{text}}
		for k := range 30 {
			in.Story = append(in.Story, incident.Sentence{Time: noon, Last: noon, Tactic: "persistence", Text: sig.Sentence, Subject: text, Level: finding.Level(1 + k%5), Count: 2, EventUIDs: []string{"e1"}}) //nolint:gosec // small
		}
		s.Incidents = append(s.Incidents, in)
		s.Unread = append(s.Unread, Unread{Reason: fmt.Sprint("reason ", i), Count: 3, Where: []string{text}})
		s.Blind = append(s.Blind, Blind{Family: fmt.Sprint("family ", i), Needs: "data events", Rules: 2})
	}
	return s
}

func write(t *testing.T, format string, s *Scan, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, s, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTheLastScreenIsShortAndLinesFit(t *testing.T) {
	for _, columns := range []int{80, 140} {
		for _, text := range []string{"alice", "日本語の名前がとても長いのでどこかで切らなければならない", strings.Repeat("x", 500)} {
			out := write(t, "table", rich(text), Options{Width: columns})
			lines := strings.Split(strings.TrimRight(out, "\n"), "\n")
			rule := 0
			for i, l := range lines {
				if strings.HasPrefix(l, "───") {
					rule = i
				}
				if Width(l) > columns {
					t.Errorf("%d columns: a line of %d: %s", columns, Width(l), l)
				}
			}
			if last := len(lines) - rule; last > 40 {
				t.Errorf("%d columns: the last screen has %d lines, want at most 40", columns, last)
			}
			if !strings.Contains(strings.Join(lines[rule:], "\n"), "tocsin scan x -o report.html") {
				t.Error("the last screen lost the next commands")
			}
		}
	}
}

func TestCleanScanTeaches(t *testing.T) {
	out := write(t, "table", &Scan{Totals: Totals{Received: 5, Mapped: 5, Rules: 9}}, Options{Width: 80})
	if !strings.Contains(out, "Nothing in these records needs a look today") {
		t.Error(out)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "é日本": "é日本", "\x1b[31m": `\x1b[31m`, "a\u202eb": `a\u202eb`, "z\u200bw": `z\u200bw`, "\x00": `\x00`, "a\nb": `a\x0ab`, "\xff": `\xff`, "\u009b1m": `\x9b1m`,
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMachineFormatsParse(t *testing.T) {
	s := rich("=cmd|' /C calc'!A0\x1b[31m\u202e")
	var doc map[string]any
	for _, f := range []string{"json", "sarif"} {
		if err := json.Unmarshal([]byte(write(t, f, s, Options{})), &doc); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
	for _, f := range []string{"jsonl", "ocsf"} {
		lines := strings.Split(strings.TrimSpace(write(t, f, s, Options{})), "\n")
		for _, l := range lines {
			if err := json.Unmarshal([]byte(l), &doc); err != nil {
				t.Errorf("%s: %v", f, err)
			}
		}
	}
	rows, err := csv.NewReader(strings.NewReader(write(t, "csv", s, Options{}))).ReadAll()
	if err != nil || len(rows) != 1+18 {
		t.Errorf("csv: %d rows, %v", len(rows), err)
	}
}

func TestFindingsAreValidOCSF(t *testing.T) {
	for _, line := range strings.Split(strings.TrimSpace(write(t, "ocsf", rich("alice"), Options{})), "\n") {
		if problems := validate([]byte(line)); len(problems) > 0 {
			t.Fatalf("%v in %.300s", problems, line)
		}
	}
}

func TestWhatIntelligenceSaysIsInTheOCSFRecord(t *testing.T) {
	s := rich("alice")
	s.Alerts, s.Incidents = s.Alerts[:1], nil
	s.Alerts[0].Rule.Tier = "intel"
	for _, kind := range []string{"ip", "domain", "url", "hash", "ip"} { // the last is the first again
		s.Alerts[0].Signals[0].Intel = append(s.Alerts[0].Signals[0].Intel, finding.Accusation{
			Feed: "c2", Version: "abc", Kind: kind, Indicator: kind + " of theirs", Field: "src_endpoint.ip", Value: "45.9.148.77", Confidence: 90, First: noon, Last: noon, Expires: noon.Add(time.Hour), Tags: []string{"c2"},
		})
	}
	line := write(t, "ocsf", s, Options{})
	if problems := validate([]byte(line)); len(problems) > 0 {
		t.Errorf("%v in %s", problems, line)
	}
	var doc struct {
		OSINT []struct {
			Type       int    `json:"type_id"`
			Value      string `json:"value"`
			Vendor     string `json:"vendor_name"`
			Confidence int    `json:"confidence_id"`
		} `json:"osint"`
	}
	if err := json.Unmarshal([]byte(line), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.OSINT) != 4 || doc.OSINT[0].Type != 1 || doc.OSINT[3].Type != 4 || doc.OSINT[0].Vendor != "c2" || doc.OSINT[0].Confidence != 3 {
		t.Errorf("%+v", doc.OSINT)
	}
}
