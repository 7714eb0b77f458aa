package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// filled is a ledger over three files, one of them the outcome of a compaction.
func filled(t *testing.T) (*Ledger, lake) {
	t.Helper()
	files := lake{t.TempDir()}
	l := openLedger(t, t.TempDir())
	a, b := files.write(t, "day=1/a", "login alice", "login bob"), files.write(t, "day=1/b", "delete trail", "login bob")
	mustAppend(t, l, FileAdded{a.File, 1}, FileAdded{b.File, 1})
	merged := files.write(t, "day=1/ab", "login alice", "login bob", "delete trail")
	leaves, err := ProveReplaced(2, []FileEvents{a, b}, []FileEvents{merged})
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, leaves...)
	files.remove(t, "day=1/a") // after its leaf, as a sweep does
	mustAppend(t, l, FileAdded{files.write(t, "day=2/c", "create user", "attach policy").File, 3})
	wantClean(t, verify(t, l, files))
	return l, files
}

func TestAChangedEventIsNamed(t *testing.T) {
	t.Parallel()
	l, files := filled(t)
	files.edit(t, "day=1/ab", "delete trail", "list  trails")
	p := wantProblem(t, verify(t, l, files), Changed, "day=1/ab", "SHA-256")
	if len(p.Events) != 1 || p.Events[0].Row != 2 {
		t.Errorf("events %+v (want row 2 alone)", p.Events)
	}
}

func TestAChangedEventWithItsHashIsStillAChangedFile(t *testing.T) {
	t.Parallel()
	l, files := filled(t)
	files.put(t, "day=2/c", strings.Join([]string{"00", "01"}, ""))
	wantProblem(t, verify(t, l, files), Changed, "day=2/c", "SHA-256")
	forged := lake{t.TempDir()}.write(t, "day=2/c", "create user", "nothing to see")
	if forged.File.Root == (Hash{}) {
		t.Fatal("no root")
	}
	files.write(t, "day=2/c", "create user", "nothing to see")                           // the hash beside the event was changed with it
	p := wantProblem(t, verify(t, l, files), Changed, "day=2/c", "which cannot be told") // its leaf has no finder
	if len(p.Events) != 0 {
		t.Errorf("an event is named without proof: %+v", p.Events)
	}
}

func TestRemovedAndAddedFiles(t *testing.T) {
	t.Parallel()
	l, files := filled(t)
	files.remove(t, "day=2/c")
	files.write(t, "day=3/planted", "login eve")
	r := verify(t, l, files)
	wantProblem(t, r, Removed, "day=2/c", "leaf")
	wantProblem(t, r, Added, "day=3/planted", "no leaf")
	if len(r.Problems) != 2 {
		t.Errorf("problems %q", r.Problems)
	}
}

func TestExpiredFilesMayGo(t *testing.T) {
	t.Parallel()
	l, files := filled(t)
	mustAppend(t, l, FileExpired{Path: "day=2/c", Policy: "90 days", Approver: "policy"})
	r := verify(t, l, files) // still there: within the grace
	wantClean(t, r)
	if r.Leftover == 0 {
		t.Error("a file that may go is not counted")
	}
	files.remove(t, "day=2/c")
	wantClean(t, verify(t, l, files))
}

func TestAChangedLeafIsSeen(t *testing.T) {
	t.Parallel()
	l, files := filled(t)
	var bundle string
	err := filepath.Walk(filepath.Join(l.dir, "tile", "entries"), func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			bundle = path
		}
		return err
	})
	if err != nil || bundle == "" {
		t.Fatalf("no bundle of entries: %v", err)
	}
	edit(t, bundle, "day=2/c", "day=2/x")
	wantProblem(t, verify(t, l, files), ReSigned, "checkpoint", "make up root")
}

func TestALogSignedAgainByAStrangerIsSeen(t *testing.T) {
	t.Parallel()
	l, files := filled(t)
	public := l.PublicKey()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ledger.key", "ledger.pub", "checkpoint", "tile", ".state"} {
		if err := os.RemoveAll(filepath.Join(l.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	forged := openLedger(t, l.dir) // a new history of the same files, with a new key
	mustAppend(t, forged, FileAdded{files.write(t, "day=2/c", "create user", "nothing").File, 1})
	r, err := Verify(t.Context(), l.dir, public, files, time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	wantProblem(t, r, ReSigned, "checkpoint", "")
}

func TestKeysFollowOneAnother(t *testing.T) {
	t.Parallel()
	l, files := filled(t)
	for range 3 {
		if err := l.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, RuleVersion{ID: "r", Version: "1", State: RuleInForce})
	}
	r := verify(t, l, files)
	wantClean(t, r)
	if r.Keys != 4 {
		t.Errorf("%d keys (want 4)", r.Keys)
	}
}

func TestACompactionThatLosesAnEventIsRefused(t *testing.T) {
	t.Parallel()
	files := lake{t.TempDir()}
	a, b := files.write(t, "a", "one", "two"), files.write(t, "b", "one")
	if _, err := ProveReplaced(1, []FileEvents{a}, []FileEvents{b}); err == nil {
		t.Error("an event was lost and nobody said so")
	}
	if _, err := ProveReplaced(1, []FileEvents{b}, []FileEvents{a}); err == nil {
		t.Error("an event was made up and nobody said so")
	}
}
