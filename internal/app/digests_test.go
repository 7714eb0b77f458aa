package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
)

// TestDigestsAreListed: each verdict with what to do about it, and the hours between that no digest speaks for.
func TestDigestsAreListed(t *testing.T) {
	t.Parallel()
	c, err := killConfig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d, err := desk.Open(t.Context(), c.Desk)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	for i, x := range []struct {
		region, verdict, reason string
		hour                    int
	}{
		{"eu-west-1", "valid", "2 log files", 1},
		{"eu-west-1", "invalid", "the log file a.json.gz was not received as CloudTrail wrote it", 2},
		{"eu-west-1", "missing", "a log file that it lists did not come: b.json.gz", 5},
		{"us-east-1", "missing", "no public key has the fingerprint f1 (digests.keys)", 1},
		{"us-east-1", "", "", 2},
	} {
		content := strings.Repeat(string(rune('a'+i)), 64)
		says := desk.DigestSaying{Name: content, Chain: x.region, Account: "111122223333", Region: x.region, Trail: "main", Start: day.Add(time.Duration(x.hour-1) * time.Hour), End: day.Add(time.Duration(x.hour) * time.Hour), Files: 2}
		err := errors.Join(d.AddDigest(t.Context(), &desk.Digest{Content: content, Source: "trail", Object: content, Raw: "{}", Received: day}), d.ReadDigest(t.Context(), content, &says))
		if x.verdict != "" {
			err = errors.Join(err, d.JudgeDigest(t.Context(), &desk.Digest{Content: content}, x.verdict, x.reason, day))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := ListDigests(t.Context(), c, false, true, Streams{Out: &out, Err: io.Discard}); !errors.Is(err, Outcome(ExitFindings)) {
		t.Errorf("something is to be done, and it ends with %v", err)
	}
	var list []shownDigest
	if err := json.Unmarshal(out.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, s := range list {
		got += s.Region + " " + s.Start.Format("15") + "-" + s.End.Format("15") + " " + s.Verdict + "; "
	}
	const want = "eu-west-1 00-01 valid; eu-west-1 01-02 invalid; eu-west-1 02-04 gap; eu-west-1 04-05 missing; us-east-1 00-01 missing; us-east-1 01-02 waiting; "
	if got != want {
		t.Errorf("it lists\n%s, want\n%s", got, want)
	}
	out.Reset()
	c.Digests.keys = nil
	if err := ListDigests(t.Context(), c, true, false, Streams{Out: &out, Err: io.Discard}); !errors.Is(err, Outcome(ExitFindings)) {
		t.Fatal(err)
	}
	for _, part := range []string{"take it for tampering", "list-public-keys --region us-east-1", "StopLogging", "2026-03-10 02:00  2026-03-10 04:00", "1 valid, 1 invalid, 2 missing, 1 waiting, 1 gap"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("it does not say %q:\n%s", part, out.String())
		}
	}
}
