package evidence

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/store"
)

func openDB(t *testing.T, dir string) (*store.DB, error) {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(dir, "desk.db"))
	if err == nil {
		t.Cleanup(func() { _ = db.Close() })
	}
	return db, err
}

// killedCapture is set for the process that is killed: the folder that it works in.
const killedCapture = "TOCSIN_TEST_EVIDENCE"

// captureUntilKilled captures and exports, one after the other. It prints the id of each set whose capture returned, and the path of each export that was put
// in its place.
func captureUntilKilled(dir string) {
	ctx := context.Background()
	s, err := newSite(ctx, dir, "")
	for n := 0; err == nil; n++ {
		var id string
		id, err = s.Capture(ctx, all, ann, &Request{Why: "w", Events: []string{uid(n % 20), uid((n + 1) % 20)}, Documents: []Document{{Kind: KindFile, Name: "f", Body: fmt.Appendf(nil, "%d %d %200000d", os.Getpid(), n, n)}}})
		if err != nil {
			break
		}
		fmt.Println("set", id)
		path := filepath.Join(dir, id+"."+[]string{FormatZip, FormatHTML}[n%2])
		if err = exportTo(ctx, s, id, path); err == nil {
			fmt.Println("export", path)
		}
	}
	fmt.Println("error", err)
	os.Exit(1)
}

func exportTo(ctx context.Context, s *site, id, path string) error {
	e, err := s.Export(ctx, all, ann, id, strings.TrimPrefix(filepath.Ext(path), "."), "w")
	if err != nil {
		return err
	}
	return Place(path, e.Write)
}

// TestKilledWhileItCaptures kills a process again and again: every set that is there is whole and sealed after the next start, what
// returned is there, and every export that stands in its place verifies.
func TestKilledWhileItCaptures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, "")
	s.events(t, 20)
	key := s.ledger.PublicKey()
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	returned, exports, killedOpen := map[string]bool{}, map[string]bool{}, 0
	for kill := range 10 {
		out := untilLines(t, dir, 1+kill%4, time.Duration(kill*kill)*3*time.Millisecond)
		for _, line := range strings.Split(out, "\n") {
			if what, name, ok := strings.Cut(line, " "); ok {
				map[string]map[string]bool{"set": returned, "export": exports}[what][name] = true
			}
		}
		killedOpen += unsealed(t, dir)
		wholeAfter(t, dir, returned)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.zip"))
	pages, err2 := filepath.Glob(filepath.Join(dir, "*.html"))
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	for _, path := range append(files, pages...) {
		if r, err := VerifyFile(path, key); err != nil || !r.Clean() {
			t.Errorf("%s: %v, %+v", path, err, r)
		}
	}
	if len(files)+len(pages) < len(exports) || len(exports) == 0 {
		t.Errorf("%d exports returned, %d are there", len(exports), len(files)+len(pages))
	}
	t.Logf("10 kills: %d captures and %d exports returned; %d captures were sealed after a kill", len(returned), len(exports), killedOpen)
}

// untilLines runs the child until it has said some lines, and kills it a moment later.
func untilLines(t *testing.T, dir string, lines int, after time.Duration) string {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this test itself
	child.Env = append(os.Environ(), killedCapture+"="+dir)
	out, err := os.CreateTemp(t.TempDir(), "said")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	child.Stdout = out
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	said := ""
	for deadline := time.Now().Add(time.Minute); strings.Count(said, "\n") < lines && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		b, err := os.ReadFile(out.Name())
		if err != nil {
			t.Fatal(err)
		}
		said = string(b)
	}
	time.Sleep(after) // so that the kill comes at another point of the next capture each time
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	b, err := os.ReadFile(out.Name())
	if err != nil || strings.Contains(string(b), "error") {
		t.Fatalf("the child ended by itself: %s (%v)", b, err)
	}
	return string(b[:strings.LastIndexByte(string(b), '\n')+1])
}

func unsealed(t *testing.T, dir string) int {
	t.Helper()
	db, err := openDB(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM evidence_captures WHERE seal = ''`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func wholeAfter(t *testing.T, dir string, returned map[string]bool) {
	t.Helper()
	s, err := newSite(t.Context(), dir, "")
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.VerifyAll(t.Context(), ann, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, r := range list {
		there[r.Set] = true
		if !r.Clean() || r.Proven != 2 || r.Items != 3 {
			t.Errorf("after a kill: %+v", r)
		}
	}
	for id := range returned {
		if !there[id] {
			t.Errorf("the capture of %s returned, and it is not there", id)
		}
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
}
