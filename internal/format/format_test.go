package format

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

var update = flag.Bool("update", false, "write golden files and docs/formats")

func TestTheTableAndTheFoldersAgree(t *testing.T) {
	var listed, found []string
	for _, f := range All() {
		listed = append(listed, f.Name)
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != "testdata" {
			found = append(found, e.Name())
		}
	}
	slices.Sort(listed)
	if diff := cmp.Diff(found, listed); diff != "" {
		t.Errorf("folders and table differ:\n%s", diff)
	}
}

func TestDocsComeFromTheTable(t *testing.T) {
	for _, f := range All() {
		golden(t, filepath.Join("../../docs/formats", f.Name+".md"), []byte(f.Shape().Mapping.Markdown()))
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is out of date (run with -update if that is right):\n%s", path, diff)
	}
}

// decode returns the OCSF form of every event of a stream and what could not be read.
func decode(t *testing.T, in io.Reader, each func(e *ocsf.Event)) (events int, bad []ocsf.Unreadable) {
	t.Helper()
	r := bufio.NewReaderSize(in, HeadSize)
	head, _ := r.Peek(HeadSize)
	which := Detect(head)
	if which < 0 {
		return 0, []ocsf.Unreadable{{Reason: "not recognised"}}
	}
	sink := ocsf.Sink{
		Event:      func(e *ocsf.Event) error { events++; each(e); return nil },
		Unreadable: func(u ocsf.Unreadable) error { bad = append(bad, u); return nil },
	}
	if err := ocsf.NewDecoder(All()[which].Shape(), records.Limits{}).Decode(context.Background(), r, "test", sink); err != nil {
		t.Fatal(err)
	}
	return events, bad
}

// TestGoldenPairs reads testdata/<format>/<case>.in and compares with <case>.ocsf: one OCSF object or "! reason" a line.
func TestGoldenPairs(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*/*.in")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no golden pairs: %v", err)
	}
	for _, path := range inputs {
		t.Run(strings.TrimPrefix(path, "testdata/"), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			_, bad := decode(t, bytes.NewReader(raw), func(e *ocsf.Event) {
				object := e.Object()
				if problems := ocsf.Validate(object); len(problems) > 0 && !strings.Contains(path, "/ocsfjson/") {
					t.Errorf("not valid OCSF: %v", problems)
				}
				out.Write(object)
				out.WriteByte('\n')
			})
			for _, u := range bad {
				out.WriteString("! " + u.Reason + ": " + u.Detail + "\n")
			}
			golden(t, strings.TrimSuffix(path, ".in")+".ocsf", out.Bytes())
		})
	}
}

// shared finds the data pack that may lie beside the project.
func shared(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../../shared/data")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no data pack beside the project: ", dir)
	}
	return dir
}

func TestForeignRecordsAreValidOCSF(t *testing.T) {
	dir := shared(t)
	var files []string
	for _, glob := range []string{
		"cloudtrail/attack/logs/*.json", "cloudtrail/benign/*",
		"ocsf/examples/*/AWS/*/CloudTrail/*/*/*.raw", "ocsf/examples/*/AWS/CloudTrail/*/*/*.raw", "ocsf/examples/*/AWS/CloudTrail/*/*/*/*.raw",
	} {
		found, _ := filepath.Glob(filepath.Join(dir, glob))
		files = append(files, found...)
	}
	total, unread := 0, 0
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var r io.Reader = f
			if strings.HasSuffix(path, ".gz") {
				if r, err = gzip.NewReader(f); err != nil {
					t.Fatal(err)
				}
			}
			n, bad := decode(t, r, func(e *ocsf.Event) {
				if problems := ocsf.Validate(e.Object()); len(problems) > 0 {
					t.Errorf("record %d: %v", e.At.Record, problems)
				}
			})
			if n == 0 {
				t.Errorf("no events, unreadable: %v", bad)
			}
			total += n
			for _, u := range bad { // a documentation sample without a time, and one that is an S3 notification
				if u.Detail != "it has no eventTime" && !strings.HasPrefix(u.Detail, "its eventSource is aws:s3") {
					t.Errorf("record %d: %s: %s", u.At.Record, u.Reason, u.Detail)
				}
				unread++
			}
		})
	}
	if total != 410 || unread != 2 {
		t.Errorf("%d events and %d unreadable records, want 410 and 2", total, unread)
	}
}
