package ledger

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// busy is a lake in which something happens each time when its files are about to be listed.
type busy struct {
	lake
	happens []func()
	listed  *int
}

func (b busy) Paths(ctx context.Context) iter.Seq2[string, error] {
	if *b.listed < len(b.happens) {
		b.happens[*b.listed]()
	}
	*b.listed++
	return b.lake.Paths(ctx)
}

// TestALakeIsVerifiedWhileItIsWritten lets files come and go between the reading of the log and the listing: none is a problem, and one that
// really came without a leaf still is.
func TestALakeIsVerifiedWhileItIsWritten(t *testing.T) {
	t.Parallel()
	files := lake{t.TempDir()}
	l := openLedger(t, t.TempDir())
	first, second := files.write(t, "a", "one"), files.write(t, "b", "two")
	mustAppend(t, l, FileAdded{Snapshot: 1, File: first.File}, FileAdded{Snapshot: 1, File: second.File})
	listed := 0
	b := busy{lake: files, listed: &listed, happens: []func(){
		func() { // a file whose leaf comes after it was seen
			f := files.write(t, "c", "three")
			done := make(chan struct{})
			go func() {
				defer close(done)
				time.Sleep(settleTime / 10)
				mustAppend(t, l, FileAdded{Snapshot: 2, File: f.File})
			}()
			t.Cleanup(func() { <-done })
		},
		func() { // a compaction
			f := files.write(t, "d", "one", "two")
			set, err := ProveReplaced(3, []FileEvents{first, second}, []FileEvents{f})
			if err != nil {
				t.Error(err)
			}
			mustAppend(t, l, set...)
			for _, old := range []string{"a", "b"} {
				if err := os.Remove(filepath.Join(files.dir, old)); err != nil {
					t.Error(err)
				}
			}
		},
		func() { files.write(t, "e", "nobody's") },
	}}
	r := verify(t, l, b)
	if listed != 3 {
		t.Errorf("listed %d times", listed)
	}
	wantProblem(t, r, Added, "e", "no leaf speaks of it")
	if len(r.Problems) != 1 || r.Expected != 2 || r.Hashed != 4 {
		t.Errorf("%d files must be there, %d were hashed: %v", r.Expected, r.Hashed, r.Problems)
	}
}
