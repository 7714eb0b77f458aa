package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode"

	"github.com/tocsin-security/tocsin/internal/collect/hostile"
	"github.com/tocsin-security/tocsin/internal/report"
)

// scanTo scans paths and returns the output, the talk and the error.
func scanTo(t *testing.T, format string, paths ...string) (out []byte, talk string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	err = Scan(t.Context(), ScanOptions{Paths: paths, Format: format, Quiet: true, Version: "test"}, Streams{In: strings.NewReader(""), Out: &o, Err: &e})
	return o.Bytes(), e.String(), err
}

func scanJSON(t *testing.T, paths ...string) *report.Scan {
	t.Helper()
	out, talk, err := scanTo(t, "json", paths...)
	var code Outcome
	if err != nil && !errors.As(err, &code) {
		t.Fatalf("%v %s", err, talk)
	}
	var s report.Scan
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatalf("the JSON output does not read: %v", err)
	}
	return &s
}

func balanced(t *testing.T, s *report.Scan) {
	t.Helper()
	x := s.Totals
	if x.Received != x.Mapped+x.Duplicate+x.Unreadable+x.OutOfRange {
		t.Errorf("the double entry does not balance: %+v", x)
	}
}

func TestHostileInputs(t *testing.T) {
	dir := t.TempDir()
	cases, err := hostile.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			path := filepath.Join(dir, c.Name)
			if c.Name == "pipe" {
				path = dir // as a member of a folder it is not read
			}
			s := scanJSON(t, path)
			balanced(t, s)
			said := false
			for _, u := range s.Unread {
				said = said || strings.HasPrefix(u.Reason, c.Want)
				if len(u.Where) == 0 {
					t.Errorf("%s names no place", u.Reason)
				}
			}
			if c.Want != "" && !said {
				t.Errorf("got %+v, want the reason %q", s.Unread, c.Want)
			}
			if c.Want == "" && len(s.Unread) > 0 {
				t.Errorf("got %+v, want nothing amiss", s.Unread)
			}
			if c.Name != "pipe" && c.Records >= 0 && s.Totals.Mapped != int64(c.Records) {
				t.Errorf("%d records judged, want %d", s.Totals.Mapped, c.Records)
			}
		})
	}
}

func TestMemoryStaysBounded(t *testing.T) {
	dir := t.TempDir()
	if _, err := hostile.Write(dir); err != nil {
		t.Fatal(err)
	}
	s := scanJSON(t, dir)
	balanced(t, s)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("memory from the system after all hostile inputs: %d MiB", m.Sys>>20)
	if m.Sys > 700<<20 {
		t.Errorf("%d MiB from the system for a folder of hostile inputs", m.Sys>>20)
	}
}

// TestNothingHostileReachesATerminal looks for raw control and reordering characters in what people read.
func TestNothingHostileReachesATerminal(t *testing.T) {
	dir := t.TempDir()
	if _, err := hostile.Write(dir); err != nil {
		t.Fatal(err)
	}
	input := filepath.Join(dir, "hostile-texts.json")
	for _, format := range []string{"table", "markdown", "csv"} {
		out, _, _ := scanTo(t, format, input)
		if !bytes.Contains(out, []byte("CreateAccessKey")) && !bytes.Contains(out, []byte("access key")) {
			t.Fatalf("%s shows no finding, so it proves nothing", format)
		}
		for _, r := range string(out) {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
				t.Errorf("%s holds the raw character %U", format, r)
				break
			}
		}
	}
	page, _, _ := scanTo(t, "html", input)
	for _, raw := range []string{"<script>alert", "<img src=x", "onerror=alert(1)>", "\x1b[", "\u202e"} {
		if bytes.Contains(page, []byte(raw)) {
			t.Errorf("the page holds %q", raw)
		}
	}
	table, _, _ := scanTo(t, "csv", input)
	for _, line := range strings.Split(string(table), "\n") {
		for _, cell := range strings.Split(line, ",") {
			if c := strings.TrimPrefix(cell, `"`); c != "" && strings.ContainsRune("=+@", rune(c[0])) {
				t.Errorf("a cell begins like a formula: %.40q", cell)
			}
		}
	}
}

func TestSameInputSameBytes(t *testing.T) {
	dir := t.TempDir()
	if _, err := hostile.Write(dir); err != nil {
		t.Fatal(err)
	}
	input := []string{filepath.Join(dir, "hostile-texts.json"), filepath.Join(dir, "wrong-types.json"), filepath.Join(dir, "nested.zip")}
	for _, f := range report.Names() {
		var want []byte
		for _, workers := range []int{1, 2, 5} {
			var o bytes.Buffer
			err := Scan(t.Context(), ScanOptions{Paths: input, Format: f, Workers: workers, Quiet: true}, Streams{Out: &o, Err: os.Stderr})
			var code Outcome
			if err != nil && !errors.As(err, &code) {
				t.Fatal(err)
			}
			if want == nil {
				want = o.Bytes()
			} else if !bytes.Equal(want, o.Bytes()) {
				t.Errorf("%s with %d workers differs", f, workers)
			}
		}
	}
}
