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

// TestARoleWhoseMakingComesLate: a job makes a role, takes it and asks for what only people ask for; the log of the making comes last. Live says that
// it is stale, and once it has read everything again it tells what a scan does.
func TestARoleWhoseMakingComesLate(t *testing.T) {
	t.Parallel()
	const (
		token   = `{"type":"WebIdentityUser","userName":"repo:a/b:ref:refs/heads/main","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}`
		session = `{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/%[1]s/s","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE00000%[1]s","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/%[1]s","accountId":"111122223333","userName":"%[1]s"}}}`
		issued  = `,"responseElements":{"credentials":{"accessKeyId":"ASIAEXAMPLE00000%[1]s"},"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/%[1]s/s"}}`
	)
	n := 0
	call := func(who, service, operation, more string) string {
		n++
		return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":%s,"eventTime":"2026-03-10T10:%02d:00Z","eventSource":"%s.amazonaws.com","eventName":%q,"awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2"%s,"eventID":"00000000-0000-4000-8000-%012d","eventType":"AwsApiCall","recipientAccountId":"111122223333"}`, who, n, service, operation, more, n)
	}
	job, made := fmt.Sprintf(session, "DEPLOY"), fmt.Sprintf(session, "JUMP")
	lines := []string{
		call(token, "sts", "AssumeRoleWithWebIdentity", fmt.Sprintf(issued, "DEPLOY")),
		call(job, "iam", "CreateRole", `,"requestParameters":{"roleName":"JUMP"}`),
		call(job, "sts", "AssumeRole", `,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/JUMP"}`+fmt.Sprintf(issued, "JUMP")),
		call(made, "iam", "CreateAccessKey", `,"requestParameters":{"userName":"root-of-all"},"responseElements":{"accessKey":{"userName":"root-of-all","accessKeyId":"AKIAEXAMPLE000000009","status":"Active"}}`),
		call(made, "iam", "AttachUserPolicy", `,"requestParameters":{"userName":"root-of-all","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}`),
	}
	dir := t.TempDir()
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
	l := NewLive(o)
	take := func(e *ocsf.Event) { l.Learn(e); l.Judge(e, idOf(e)) }
	isMaking := func(e *ocsf.Event) bool { return e.Str(ocsf.APIOperation) == "CreateRole" }
	for _, making := range []bool{false, true} {
		if err := EachRecord(t.Context(), inv, func(e *ocsf.Event) {
			if isMaking(e) == making {
				take(e)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if l.Stale() != making {
			t.Errorf("the making is there: %v, and stale %v", making, l.Stale())
		}
		if !making && cmp.Equal(told(t, scan), told(t, l.Conclude())) {
			t.Error("the making changes nothing: nothing is compared")
		}
	}
	if err := l.Rebuild(t.Context(), Files{inv}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(told(t, scan), told(t, l.Conclude())); d != "" || l.Stale() {
		t.Errorf("stale %v; scan and live differ:\n%s", l.Stale(), d)
	}
	inOrder := NewLive(o)
	if err := EachRecord(t.Context(), inv, func(e *ocsf.Event) { inOrder.Learn(e); inOrder.Judge(e, idOf(e)) }); err != nil {
		t.Fatal(err)
	}
	if inOrder.Stale() {
		t.Error("all came in order, and it is stale")
	}
}
