package pipeline

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tocsin-security/tocsin/content"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/detect"
)

// TestMain is also the process that TestCrashPoints kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv(pointDir); dir != "" {
		liveUntilStep(dir)
	}
	goleak.VerifyTestMain(m)
}

func rules(t *testing.T) *detect.Rules {
	t.Helper()
	r, mistakes, err := detect.Load(content.Rules, "rules")
	if err != nil || len(mistakes) > 0 {
		t.Fatal(err, mistakes)
	}
	return r
}

func record(id, second, name string, who map[string]any, more map[string]any) string {
	r := map[string]any{"eventVersion": "1.11", "eventTime": "2026-03-10T10:00:" + second + "Z", "eventSource": "iam.amazonaws.com", "eventName": name, "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7", "userAgent": "aws-cli/2.31.0", "eventID": "00000000-0000-4000-8000-0000000000" + id, "recipientAccountId": "111122223333", "userIdentity": who}
	for k, v := range more {
		r[k] = v
	}
	raw, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// chain is a user who takes a role and gives itself away through it, over two files.
func chain(t *testing.T, first, second string) *collect.Inventory {
	t.Helper()
	alice := map[string]any{"type": "IAMUser", "userName": "alice", "arn": "arn:aws:iam::111122223333:user/alice", "accountId": "111122223333", "accessKeyId": "AKIAEXAMPLEALICE0001"}
	admin := map[string]any{"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/admin/x", "accountId": "111122223333", "accessKeyId": "ASIAEXAMPLE000000001"}
	files := map[string]string{
		first:  record("01", "00", "AssumeRole", alice, map[string]any{"eventSource": "sts.amazonaws.com", "responseElements": map[string]any{"credentials": map[string]any{"accessKeyId": "ASIAEXAMPLE000000001"}}}),
		second: record("02", "05", "AttachUserPolicy", admin, map[string]any{"requestParameters": map[string]any{"userName": "bob", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}}) + "\n" + record("02", "05", "AttachUserPolicy", admin, nil) + "\nnonsense\n",
	}
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inv, err := collect.List(t.Context(), []string{dir}, nil, collect.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// TestOrderOfFilesDoesNotMatter reads the AssumeRole record before and after its use.
func TestOrderOfFilesDoesNotMatter(t *testing.T) {
	var headlines []string
	for _, names := range [][2]string{{"a.json", "b.json"}, {"b.json", "a.json"}} {
		for _, workers := range []int{1, 3} {
			r, err := Run(t.Context(), Files{chain(t, names[0], names[1])}, Options{Rules: rules(t), Workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Incidents) != 1 {
				t.Fatalf("%d incidents, want 1", len(r.Incidents))
			}
			headlines = append(headlines, r.Incidents[0].Headline)
			want := Received{Total: 4, Mapped: 2, Duplicate: 1, Unreadable: 1}
			if got := (Received{Total: r.Received.Total, Mapped: r.Received.Mapped, Duplicate: r.Received.Duplicate, Unreadable: r.Received.Unreadable}); !cmp.Equal(got, want) {
				t.Errorf("double entry %+v, want %+v", got, want)
			}
		}
	}
	for _, h := range headlines {
		if h != headlines[0] || !strings.HasPrefix(h, "alice gave the user bob") {
			t.Errorf("headline %q: the person behind the role is not named, or the order matters", h)
		}
	}
}

func TestAnInterruptLeavesAPartialResult(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	inv := chain(t, "a.json", "b.json")
	cancel()
	r, err := Run(ctx, Files{inv}, Options{Rules: rules(t)})
	if err != nil {
		t.Fatal(err)
	}
	if want := "interrupted while surveying: 0 of 2 files are in this result"; r.Partial != want {
		t.Errorf("partial %q, want %q", r.Partial, want)
	}
}
