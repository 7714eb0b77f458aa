//go:build unix

package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// watched is a folder with its door and a clock that the test moves.
type watched struct {
	*yard
	t    *testing.T
	in   string
	door *folder
	at   time.Time
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{yard: newYard(t), t: t, in: t.TempDir(), at: time.Now()}
	w.now = func() time.Time { return w.at }
	w.reopen()
	return w
}

// reopen opens the door again, as a restart does.
func (w *watched) reopen() {
	w.t.Helper()
	door, err := openFolder(map[string]string{"path": w.in})
	if err != nil {
		w.t.Fatal(err)
	}
	w.door = door.(*folder)
}

func (w *watched) path(name string) string { return filepath.Join(w.in, name) }

func (w *watched) write(name string, body []byte) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(w.path(name)), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(w.path(name), body, 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// look lets time pass and looks once. It returns what was received.
func (w *watched) look(after time.Duration) []string {
	w.t.Helper()
	w.at = w.at.Add(after)
	env := w.env()
	var objects []string
	env.Receive = func(ctx context.Context, d pipeline.Delivery) (pipeline.Receipt, error) {
		objects = append(objects, d.Object)
		return w.house.Receive(ctx, d)
	}
	if err := w.door.round(w.t.Context(), env); err != nil {
		w.t.Fatal(err)
	}
	return objects
}

func TestFolderDeliversEachFileOnce(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.write("a.json", trailDoc("a"))
	w.write("deep/er/b.json.gz", zipped(trailDoc("b1"), trailDoc("b2")))
	for _, name := range []string{".hidden.json", "half.tmp", "half.part", ".git/x.json"} {
		w.write(name, trailDoc("never"))
	}
	w.look(2 * time.Second)
	if again := w.look(2 * time.Second); len(again) > 0 {
		t.Errorf("looked at again: %v", again)
	}
	w.wants(t, "a", "b1", "b2")
	w.close(t)
	w.open(t)
	w.reopen()
	if again := w.look(2 * time.Second); len(again) > 0 {
		t.Errorf("read again after a restart: %v", again)
	}
	w.write("c.json", trailDoc("c"))
	if got := w.look(2 * time.Second); fmt.Sprint(got) != "[c.json]" {
		t.Errorf("received %v", got)
	}
	w.wants(t, "a", "b1", "b2", "c")
	if len(w.door.seen) != 3 {
		t.Errorf("it remembers %d files", len(w.door.seen))
	}
	for _, name := range []string{"a.json", "c.json"} {
		if err := os.Remove(w.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	w.look(time.Second)
	if len(w.door.seen) != 1 {
		t.Errorf("it remembers %d files of those that are gone", len(w.door.seen))
	}
}

func TestFilesThatChange(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.write("log.jsonl", []byte(record("1")+"\n"))
	if got := w.look(0); len(got) > 0 {
		t.Errorf("a file that was written just now was read: %v", got)
	}
	w.look(2 * time.Second)
	w.wants(t, "1")
	w.write("log.jsonl", []byte(record("1")+"\n"+record("2")+"\n"))
	w.look(2 * time.Second)
	events, faults := w.kept(t)
	if events["2"] != 1 || len(faults) > 0 {
		t.Errorf("after it grew: %v, %v", events, faults)
	}
	// The record that was read before is at the place where it was: by source, object and ordinal the lake knows it.
	places := map[string]int{}
	w.batches(t, func(b stream.Batch, line []byte) { places[fmt.Sprint(b.Object, b.First, string(line[:20]))]++ })
	if len(places) != 1 {
		t.Errorf("the same record at several places: %v", places)
	}
}

func TestAFileThatIsNeverLeftAloneIsReadByItsWholeLines(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	text := ""
	var got []string
	for i := range 70 {
		text += record(fmt.Sprint("n", i)) + "\n"
		w.write("busy.jsonl", []byte(text+`{"eventVersion":"1.08","half`))
		w.at = w.at.Add(time.Second)
		if err := os.Chtimes(w.path("busy.jsonl"), w.at, w.at); err != nil {
			t.Fatal(err)
		}
		got = append(got, w.look(0)...)
	}
	if len(got) != 1 {
		t.Errorf("read %d times in 70 seconds", len(got))
	}
	events, faults := w.kept(t)
	if len(events) < 50 || len(faults) > 0 {
		t.Errorf("%d events, %v", len(events), faults)
	}
}

func TestARenamedFileIsNotReadAgain(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.write("app.log", trailDoc("a"))
	w.look(2 * time.Second)
	for _, restart := range []bool{false, true} {
		from, to := "app.log", "app.log.1"
		if restart {
			from, to = "app.log.1", "old/app.log.2"
			w.close(t)
			w.open(t)
			w.reopen()
			if err := os.Mkdir(w.path("old"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Rename(w.path(from), w.path(to)); err != nil {
			t.Fatal(err)
		}
		if got := w.look(2 * time.Second); len(got) > 0 {
			t.Errorf("renamed, it was read again: %v", got)
		}
	}
	w.write("app.log", trailDoc("b"))
	w.look(2 * time.Second)
	w.wants(t, "a", "b")
}

func TestAFileOfTheFutureIsReadWhenItIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.write("a.json", trailDoc("a"))
	future := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(w.path("a.json"), future, future); err != nil {
		t.Fatal(err)
	}
	if got := w.look(0); len(got) > 0 {
		t.Errorf("read at once: %v", got)
	}
	w.look(2 * time.Second)
	w.wants(t, "a")
}

// TestWhatIsNoFile has a FIFO, a socket, loops of links and a link to the outside beside a log: only the log is read, and nothing hangs.
func TestWhatIsNoFile(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	outside := filepath.Join(t.TempDir(), "secret.json")
	if err := os.WriteFile(outside, trailDoc("outside"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.write("a.json", trailDoc("a"))
	if err := os.Mkdir(w.path("dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"loop": ".", "dir/up": "..", "self": "self", "out.json": outside, "gone.json": "nowhere"} {
		if err := os.Symlink(to, w.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(w.path("fifo.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	if len(w.path("s")) < 100 {
		l, err := net.Listen("unix", w.path("s"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	w.look(2 * time.Second)
	w.wants(t, "a")
	if w.last() != "waiting" {
		t.Errorf("it says %q", w.last())
	}
}

func TestTheFolderMayBeALink(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.write("a.json", trailDoc("a"))
	link := filepath.Join(t.TempDir(), "logs")
	if err := os.Symlink(w.in, link); err != nil {
		t.Fatal(err)
	}
	w.in = link
	w.reopen()
	w.look(2 * time.Second)
	w.wants(t, "a")
}

// TestAFifoInPlaceOfAFile exchanges a file for a FIFO after it was listed: nothing hangs, nothing is noted.
func TestAFifoInPlaceOfAFile(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.write("a.json", trailDoc("a"))
	info, err := os.Stat(w.path("a.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(w.path("a.json")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(w.path("a.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.at = w.at.Add(2 * time.Second)
	s, err := w.door.look(t.Context(), w.env(), w.path("a.json"), "a.json", info)
	if err != nil || s.done {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestAFileIsRemovedWhileItIsRead takes the file away when its reading begins: what was opened is read to its end.
func TestAFileIsRemovedWhileItIsRead(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.write("a.json", trailDoc("a"))
	w.at = w.at.Add(2 * time.Second)
	env := w.env()
	env.Receive = func(ctx context.Context, d pipeline.Delivery) (pipeline.Receipt, error) {
		if err := os.Remove(w.path("a.json")); err != nil {
			t.Error(err)
		}
		return w.house.Receive(ctx, d)
	}
	if err := w.door.round(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	w.wants(t, "a")
	w.look(2 * time.Second)
	if err := os.RemoveAll(w.in); err != nil {
		t.Fatal(err)
	}
	if err := w.door.round(t.Context(), w.env()); err == nil || !strings.Contains(err.Error(), "no folder that can be read") {
		t.Errorf("the folder is gone: %v", err)
	}
}

// TestAFileThatMayNotBeReadIsTriedAgain denies a file and a folder to the thread that looks; both are said, and read when they may be.
func TestAFileThatMayNotBeReadIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.write("a.json", trailDoc("a"))
	w.write("b.json", trailDoc("b"))
	w.write("shut/c.json", trailDoc("c"))
	for name, mode := range map[string]os.FileMode{"a.json": 0, "shut": 0} {
		if err := os.Chmod(w.path(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(w.in), 0o755); err != nil { //nolint:gosec // so that another user gets as far as the folder
		t.Fatal(err)
	}
	w.at = w.at.Add(2 * time.Second)
	var err error
	asNobody(t, func() { err = w.door.round(t.Context(), w.env()) })
	if err != nil {
		t.Fatal(err)
	}
	w.wants(t, "b")
	if said := w.last(); !strings.HasPrefix(said, "failing 2 files or folders") {
		t.Errorf("it says %q", said)
	}
	for name, mode := range map[string]os.FileMode{"a.json": 0o644, "shut": 0o755} {
		if err := os.Chmod(w.path(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	w.look(2 * time.Second)
	w.wants(t, "a", "b", "c")
	if w.last() != "waiting" {
		t.Errorf("it says %q", w.last())
	}
}

// asNobody runs do without root's right to read everything: on a thread of its own, which ends with it.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Getuid() != 0 {
		do()
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("root can read everything, and only Linux lets one thread do without")
	}
	var done sync.WaitGroup
	done.Go(func() {
		runtime.LockOSThread() // and never unlocked: the thread ends
		giveUpRights(t, 65534)
		do()
	})
	done.Wait()
}

func TestNamesThatAreNoText(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.write("bad\xff\xfename\nline.json", trailDoc("a"))
	w.write("%FF%FE.json", trailDoc("b"))
	got := w.look(2 * time.Second)
	if fmt.Sprintf("%q", got) != `["%FF%FE.json" "bad%FF%FEname\nline.json"]` {
		t.Errorf("called %q", got)
	}
	w.wants(t, "a", "b")
}

// TestAFaultOfTheStreamIsNoFaultOfTheFile ends the receiving with an error: the file is not noted, and delivered the next time.
func TestAFaultOfTheStreamIsNoFaultOfTheFile(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.write("a.json", trailDoc("a"))
	w.at = w.at.Add(2 * time.Second)
	env, wrong := w.env(), errors.New("wrong")
	env.Receive = func(context.Context, pipeline.Delivery) (pipeline.Receipt, error) { return pipeline.Receipt{}, wrong }
	if err := w.door.round(t.Context(), env); !errors.Is(err, wrong) {
		t.Errorf("%v", err)
	}
	w.look(0)
	w.wants(t, "a")
}

func TestFolderTest(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.write("a.json", trailDoc("a"))
	if said, err := w.door.Test(t.Context()); err != nil || !strings.Contains(said, "1 files") {
		t.Errorf("%q, %v", said, err)
	}
	in := w.in
	w.in = w.path("none")
	w.reopen()
	if _, err := w.door.Test(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	w.in = filepath.Join(in, "a.json")
	w.reopen()
	if _, err := w.door.Test(t.Context()); err == nil {
		t.Error("a file is a folder")
	}
}
