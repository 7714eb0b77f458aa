package collect

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lay writes files below a fresh folder.
func lay(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func gz(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.Bytes()
}

// members reads everything of the paths as "name: content" lines below dir, and the reasons of problems.
func members(t *testing.T, dir string, limits Limits, stdin string, paths ...string) (got, reasons []string) {
	t.Helper()
	inv, err := List(t.Context(), paths, strings.NewReader(stdin), limits)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := inv.Close(); err != nil {
			t.Error(err)
		}
	}()
	problem := func(p Problem) { reasons = append(reasons, p.Reason) }
	for _, p := range inv.Problems {
		problem(p)
	}
	for range 2 { // what is read twice is the same twice
		got = got[:0]
		reader := inv.NewReader(nil, problem)
		for i := range inv.Files {
			err := reader.Each(t.Context(), &inv.Files[i], func(name string, in io.Reader) error {
				content, err := io.ReadAll(in)
				got = append(got, strings.TrimPrefix(name, dir+"/")+": "+string(content))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return got, reasons
}

func TestWhatIsListedAndOpened(t *testing.T) {
	var z, tarball bytes.Buffer
	zw := zip.NewWriter(&z)
	w, _ := zw.Create("in/a.gz")
	_, _ = w.Write(gz("zipped"))
	_ = zw.Close()
	tw := tar.NewWriter(&tarball)
	_ = tw.WriteHeader(&tar.Header{Name: "../x.json", Size: 6, Mode: 0o600, Format: tar.FormatUSTAR})
	_, _ = io.WriteString(tw, "tarred")
	_ = tw.Close()
	dir := lay(t, map[string][]byte{
		"b.json": []byte("plain"), "a/named-json.json": gz("packed, whatever its name"), "c.zip": z.Bytes(), "d.tgz": gz(tarball.String()), "empty.json": nil, "two.gz": append(gz("one "), gz("two")...),
	})
	if err := os.Symlink(filepath.Join(dir, "b.json"), filepath.Join(dir, "same.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, filepath.Join(dir, "a", "loop")); err != nil {
		t.Fatal(err)
	}
	got, reasons := members(t, dir, Limits{}, "", dir, filepath.Join(dir, "b.json"))
	want := []string{"a/named-json.json: packed, whatever its name", "b.json: plain", "c.zip!in/a.gz: zipped", "d.tgz!../x.json: tarred", "empty.json: ", "two.gz: one two"}
	if diff := cmp.Diff(want, got); diff != "" || len(reasons) > 0 {
		t.Errorf("%s\nproblems: %v", diff, reasons)
	}
}

func TestStandardInputIsReadAgain(t *testing.T) {
	got, _ := members(t, "", Limits{}, "from a pipe", "-")
	if diff := cmp.Diff([]string{"standard input: from a pipe"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLimits(t *testing.T) {
	bomb := gz(strings.Repeat("0", 1<<20))
	dir := lay(t, map[string][]byte{"bomb.gz": bomb, "fine.json": []byte("fine")})
	got, reasons := members(t, dir, Limits{Free: 1 << 10, Ratio: 20}, "", dir)
	if len(reasons) != 2 || reasons[0] != ReasonBomb || got[len(got)-1] != "fine.json: fine" {
		t.Errorf("%d members, problems %v", len(got), reasons)
	}
	if len(got) > 0 && len(got[0]) > 64<<10 {
		t.Errorf("%d bytes of the bomb came through", len(got[0]))
	}
}

func TestMissingPathIsTheUsersMistake(t *testing.T) {
	if _, err := List(t.Context(), []string{"nowhere"}, nil, Limits{}); err == nil || !strings.Contains(err.Error(), ReasonMissing) {
		t.Errorf("got %v", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := List(ctx, []string{lay(t, map[string][]byte{"a": nil})}, nil, Limits{}); err == nil {
		t.Error("a cancelled listing succeeded")
	}
}
