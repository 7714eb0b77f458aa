package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// TestWhatIsNeededOnlyLaterIsReadAgain: hits wait for the one that makes them an episode, and it comes a day late, when their records are gone. Live says that
// it is stale, and once it has read everything again it tells what a scan does.
func TestWhatIsNeededOnlyLaterIsReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var lines []string
	for i := range 10 {
		lines = append(lines, fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","userName":"u","arn":"arn:aws:iam::111122223333:user/u","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE000000001"},"eventTime":"2026-03-10T10:%02d:00Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2","requestParameters":{"instanceType":"c6i.large"},"responseElements":{},"eventID":"00000000-0000-4000-8000-%012d","eventType":"AwsApiCall","recipientAccountId":"111122223333"}`, i/2, i))
	}
	if err := os.WriteFile(filepath.Join(dir, "a.json"), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	inv, err := collect.List(t.Context(), []string{dir}, nil, collect.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close() //nolint:errcheck // a test
	o := Options{Rules: rules(t)}
	scan, err := Run(t.Context(), Files{inv}, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(scan.Incidents)+len(scan.Loose) == 0 {
		t.Fatal("the calls make no alert: nothing is compared")
	}
	l, n := NewLive(o), 0
	err = EachRecord(t.Context(), inv, func(e *ocsf.Event) {
		if n++; n == len(lines) {
			l.kept.pack(nil)
			l.Conclude()
			l.kept.came = l.kept.came.Add(24 * time.Hour)
			l.kept.settle(nil)
			if l.Stale() || l.kept.len() != 0 {
				t.Errorf("before the last came: stale %v, %d records kept", l.Stale(), l.kept.len())
			}
		}
		l.Learn(e)
		l.Judge(e, idOf(e))
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Conclude()
	if !l.Stale() {
		t.Error("records that an alert needs are gone, and it is not stale")
	}
	if err := l.Rebuild(t.Context(), Files{inv}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(told(t, scan), told(t, l.Conclude())); d != "" || l.Stale() {
		t.Errorf("stale %v; scan and live differ:\n%s", l.Stale(), d)
	}
}
