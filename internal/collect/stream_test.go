package collect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// inTemp makes a folder the place of temporary files and returns what is in it. Not for parallel tests.
func inTemp(t *testing.T) func() []string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	return func() (names []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
}

func TestAStreamIsReadTwiceAndLeavesNothingBehind(t *testing.T) {
	left := inTemp(t)
	for _, size := range []int{0, 10, keepInMemory, keepInMemory + 1, 3 * keepInMemory} {
		want := strings.Repeat("x", size)
		inv, err := List(t.Context(), []string{"-", "-"}, iotest.HalfReader(strings.NewReader(want)), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if len(inv.Files) != 1 || inv.Bytes != int64(size) {
			t.Fatalf("%d files, %d bytes", len(inv.Files), inv.Bytes)
		}
		for range 2 {
			if got, problems := drain(t, inv); len(got) != 1 || got[0] != "standard input: "+want || problems != nil {
				t.Errorf("size %d: read %d members, problems %v", size, len(got), problems)
			}
		}
		if names := left(); names != nil { // it has no name while it is open either
			t.Errorf("temporary files have names: %v", names)
		}
		if err := errors.Join(inv.Close(), inv.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestARedirectedFileIsReadWhereItLies(t *testing.T) {
	left := inTemp(t)
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("skipped"+string(gz("the rest"))), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(7, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	inv, err := List(t.Context(), []string{"-"}, f, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close()
	for range 2 {
		got, _ := drain(t, inv)
		if diff := cmp.Diff([]string{"standard input: the rest"}, got); diff != "" {
			t.Error(diff)
		}
	}
	if names := left(); names != nil || inv.kept != nil {
		t.Errorf("it was copied: %v", names)
	}
}

func TestAStreamThatBreaksKeepsWhatCame(t *testing.T) {
	t.Parallel()
	inv, err := List(t.Context(), []string{"-"}, io.MultiReader(strings.NewReader("before"), iotest.ErrReader(errors.New("line cut"))), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close()
	got, _ := drain(t, inv)
	if diff := cmp.Diff([]string{"standard input: before"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Problem{{"standard input", 6, ReasonUnreadable, "line cut"}}, inv.Problems); diff != "" {
		t.Error(diff)
	}
}

func TestAStreamWithoutEndIsCut(t *testing.T) {
	t.Parallel()
	inv, err := List(t.Context(), []string{"-"}, endless{}, Limits{Stream: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close()
	if inv.Bytes != 1000 || len(inv.Problems) != 1 || inv.Problems[0].Reason != ReasonKeep {
		t.Errorf("%d bytes, %v", inv.Bytes, inv.Problems)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestNoRoomToKeepAStreamIsAnError(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	_, err := List(t.Context(), []string{"-"}, io.LimitReader(endless{}, 2*keepInMemory), Limits{})
	if err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("got %v", err)
	}
}

func mkfifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestANamedFIFOIsReadAsAStream(t *testing.T) {
	t.Parallel()
	path := mkfifo(t)
	wrote := make(chan error)
	go func() { wrote <- os.WriteFile(path, gz("through the pipe"), 0o600) }()
	inv, err := List(t.Context(), []string{path, path}, nil, Limits{})
	if err := errors.Join(err, <-wrote); err != nil {
		t.Fatal(err)
	}
	defer inv.Close()
	for range 2 {
		got, _ := drain(t, inv)
		if diff := cmp.Diff([]string{path + ": through the pipe"}, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	silent, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	defer silent.Close()
	open := mkfifo(t)
	keeper, err := openPair(open)
	if err != nil {
		t.Fatal(err)
	}
	defer keeper.Close()
	cases := map[string]string{"no writer comes": mkfifo(t), "the writer is silent": open, "standard input is silent": "-"}
	for name, path := range cases {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			start := time.Now()
			_, err := List(ctx, []string{path}, silent, Limits{})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestAZipWithinAnArchiveIsKeptAndRemoved(t *testing.T) {
	left := inTemp(t)
	big := zipOf(t, 0, "big.json", incompressible(2*keepInMemory))
	members, problems := readFile(t, Limits{}, gz(string(big)))
	if len(members) != 1 || len(members[0]) < 2*keepInMemory || problems != nil {
		t.Errorf("%d members, %v", len(members), problems)
	}
	if names := left(); names != nil {
		t.Errorf("left behind: %v", names)
	}
	_, problems = readFile(t, Limits{Nested: 1 << 20}, gz(string(big)))
	if len(problems) == 0 || problems[0].Reason != ReasonKeep {
		t.Errorf("beyond the limit: %v", problems)
	}
}

func incompressible(n int) []byte {
	var b bytes.Buffer
	for x := uint32(1); b.Len() < n; x = x*1664525 + 1013904223 {
		b.WriteByte(byte(x >> 24))
	}
	return b.Bytes()
}
