package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// listed returns names and problems of a listing, below dir.
func listed(t *testing.T, dir string, paths ...string) (names, problems []string, repeated int) {
	t.Helper()
	inv, err := List(t.Context(), paths, nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close()
	for _, f := range inv.Files {
		names = append(names, strings.TrimPrefix(f.Name, dir+"/"))
	}
	for _, p := range inv.Problems {
		problems = append(problems, strings.TrimPrefix(p.Source, dir+"/")+": "+p.Reason)
	}
	return names, problems, inv.Repeated
}

func TestOrderIsThatOfThePathsAndLexicalBelow(t *testing.T) {
	t.Parallel()
	dir := lay(t, map[string][]byte{"x/b/2": nil, "x/b/10": nil, "x/b.json": nil, "x/a": nil, "w": nil})
	names, problems, _ := listed(t, dir, dir+"/x", dir+"/w")
	if diff := cmp.Diff([]string{"x/a", "x/b/10", "x/b/2", "x/b.json", "w"}, names); diff != "" || problems != nil {
		t.Error(diff, problems)
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	dir := lay(t, map[string][]byte{"in/d/file": nil, "in/z": nil, "out/far": nil, "out/deep/er": nil})
	for link, target := range map[string]string{
		"in/a-first": "z", "in/again": "d", "in/d/up": "..", "in/gone": "nowhere", "in/l1": "l2", "in/l2": "l1", "in/m": "../out", "out/back": "../in",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(dir+"/in/z", dir+"/in/zz"); err != nil {
		t.Fatal(err)
	}
	names, problems, repeated := listed(t, dir, dir+"/in")
	if diff := cmp.Diff([]string{"in/d/file", "in/m/deep/er", "in/m/far", "in/z"}, names); diff != "" {
		t.Error(diff)
	}
	want := []string{"in/gone: " + ReasonMissing, "in/l1: " + ReasonLoop, "in/l2: " + ReasonLoop}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Error(diff)
	}
	if repeated != 2 {
		t.Errorf("%d files repeated, want a-first and zz", repeated)
	}
}

func TestWhatIsNoFileIsSkippedWithAReason(t *testing.T) {
	t.Parallel()
	dir := lay(t, map[string][]byte{"log": nil})
	if err := syscall.Mkfifo(dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", dir+"/socket")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	names, problems, _ := listed(t, dir, dir, "/dev/zero", os.DevNull)
	if diff := cmp.Diff([]string{"log", os.DevNull}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"fifo: " + ReasonSpecial, "socket: " + ReasonSpecial, "/dev/zero: " + ReasonSpecial}, problems); diff != "" {
		t.Error(diff)
	}
}

func TestNamesAreMadePrintable(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"plain-é-名.json":           "plain-é-名.json",
		"\x1b[2J.json":             `\x1b[2J.json`,
		"a\u202egnp.exe":           `a\u202egnp.exe`,
		"bad\xff\xfeutf8":          `bad\xff\xfeutf8`,
		"zero\u200bwidth":          `zero\u200bwidth`,
		"line\nbreak\ttab":         `line\nbreak\ttab`,
		"\uFFFD":                   "\uFFFD",
		strings.Repeat("x", 1<<20): strings.Repeat("x", maxLabel) + "…",
	}
	for in, want := range cases {
		if got := label(in); got != want {
			t.Errorf("label(%.30q) = %.60q, want %.60q", in, got, want)
		}
	}
}

// TestUnreadable runs as root too, where it becomes nobody for the reading.
func TestUnreadable(t *testing.T) {
	if dir := os.Getenv("COLLECT_TEST_UNREADABLE"); dir != "" {
		readUnreadable(dir)
		return
	}
	dir := lay(t, map[string][]byte{"a.json": []byte("a"), "locked/b.json": []byte("b"), "secret.json": []byte("c"), "z.json": []byte("z")})
	for p := dir; p != "/" && p != os.TempDir(); p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{"a.json": 0o644, "z.json": 0o644, "secret.json": 0, "locked": 0} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "locked"), 0o700) })
	exe := filepath.Join(dir, "test")
	if err := copyFile(exe, os.Args[0]); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestUnreadable$")
	cmd.Env = append(os.Environ(), "COLLECT_TEST_UNREADABLE="+dir)
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"member a.json: a\n", "member z.json: z\n", "problem secret.json: " + ReasonDenied + "\n", "problem locked: " + ReasonDenied + "\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
}

func copyFile(to, from string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o755)
}

func readUnreadable(dir string) {
	inv, err := List(context.Background(), []string{dir}, nil, Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer inv.Close()
	tell := func(p Problem) { fmt.Printf("problem %s: %s\n", strings.TrimPrefix(p.Source, dir+"/"), p.Reason) }
	for _, p := range inv.Problems {
		tell(p)
	}
	r := inv.NewReader(nil, tell)
	for i := range inv.Files {
		if filepath.Base(inv.Files[i].Name) == "test" {
			continue
		}
		_ = r.Each(context.Background(), &inv.Files[i], func(name string, in io.Reader) error {
			content, err := io.ReadAll(in)
			fmt.Printf("member %s: %s\n", strings.TrimPrefix(name, dir+"/"), content)
			return err
		})
	}
}

func TestAFileThatChangesIsSaid(t *testing.T) {
	t.Parallel()
	dir := lay(t, map[string][]byte{"shrinks": []byte("0123456789"), "grows": []byte("0123456789"), "goes": []byte("x"), "turns": []byte("x")})
	inv, err := List(t.Context(), []string{dir}, nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close()
	err = errors.Join(os.Truncate(dir+"/shrinks", 4), os.WriteFile(dir+"/grows", []byte("0123456789more"), 0o600), os.Remove(dir+"/goes"), os.Remove(dir+"/turns"), syscall.Mkfifo(dir+"/turns", 0o600))
	if err != nil {
		t.Fatal(err)
	}
	got, problems := drain(t, inv)
	if diff := cmp.Diff([]string{"grows: 0123456789", "shrinks: 0123"}, below(dir, got)); diff != "" {
		t.Error(diff)
	}
	var said []string
	for _, p := range problems {
		said = append(said, strings.TrimPrefix(p.Source, dir+"/")+": "+p.Reason)
	}
	if diff := cmp.Diff([]string{"goes: " + ReasonMissing, "shrinks: " + ReasonChanged, "turns: " + ReasonChanged}, said); diff != "" {
		t.Error(diff)
	}
}
