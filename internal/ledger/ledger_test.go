package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAppendVerifyRestart(t *testing.T) {
	t.Parallel()
	dir, files := filepath.Join(t.TempDir(), "new", "ledger"), lake{t.TempDir()}
	l := openLedger(t, dir)
	wantClean(t, verify(t, l, files)) // an empty log
	a, b := files.write(t, "day=1/a", "one", "two"), files.write(t, "day=1/b", "three")
	if got := mustAppend(t, l, FileAdded{a.File, 1}, FileAdded{b.File, 1}); !slices.Equal(got, []uint64{0, 1}) {
		t.Errorf("indexes %v", got)
	}
	if got, err := l.Append(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("no leaves: %v, %v", got, err)
	}
	first, err := l.Checkpoint()
	if err != nil || first.Size != 2 || first.Origin != origin {
		t.Fatalf("checkpoint %+v, %v", first, err)
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), FileAdded{a.File, 1}); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: %v", err)
	}

	l = openLedger(t, dir)
	again := openAgain(t, dir)
	if !errors.Is(again, ErrInUse) {
		t.Errorf("second writer: %v", again)
	}
	if got := mustAppend(t, l, FileAdded{a.File, 1}); got[0] != 2 { // a repeated leaf
		t.Errorf("index %v", got)
	}
	r := verify(t, l, files)
	wantClean(t, r)
	cp, _ := l.Checkpoint()
	got := Report{Origin: r.Origin, Size: r.Size, Root: r.Root, Keys: r.Keys, Leaves: r.Leaves, Expected: r.Expected, Hashed: r.Hashed}
	want := Report{Origin: origin, Size: 3, Root: cp.Root, Keys: 1, Leaves: map[Kind]int{KindFileAdded: 3}, Expected: 2, Hashed: 2}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func openAgain(t *testing.T, dir string) error {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir, Origin: origin})
	if err == nil {
		l.Close()
	}
	return err
}

func TestKeyFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := openLedger(t, dir)
	mustAppend(t, l, FileExpired{Path: "a", Policy: "p"})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	private, public := filepath.Join(dir, keyFile), filepath.Join(dir, publicFile)
	if info, err := os.Stat(private); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("private key: %v, %v", info.Mode(), err)
	}
	if text, err := os.ReadFile(public); err != nil || string(text) != l.PublicKey()+"\n" {
		t.Errorf("public key %q, %v", text, err)
	}
	if _, err := Open(t.Context(), Options{Dir: dir, Origin: "another.example.org"}); err == nil {
		t.Error("opened under another origin")
	}
	for _, path := range []string{private, public} { // a log is not continued without its keys
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		if openAgain(t, dir) == nil || exists(path) {
			t.Errorf("opened without %s", path)
		}
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
	}
	stranger, err := newKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.save(private); err != nil {
		t.Fatal(err)
	}
	if openAgain(t, dir) == nil {
		t.Error("a log that the key did not sign was continued")
	}
}

func TestManyCallers(t *testing.T) {
	t.Parallel()
	l := openLedger(t, t.TempDir())
	var all sync.Map
	var wg sync.WaitGroup
	for caller := range 8 {
		wg.Go(func() {
			var leaves []Leaf
			for i := range 150 {
				leaves = append(leaves, FileExpired{Path: fmt.Sprintf("%d/%d", caller, i), Policy: "p"})
			}
			indexes, err := l.Append(t.Context(), leaves...)
			if err != nil || !slices.IsSorted(indexes) {
				t.Errorf("%v, %v", indexes, err)
			}
			for i, index := range indexes {
				all.Store(index, leaves[i].Subject())
			}
		})
	}
	wg.Wait()
	wantClean(t, verify(t, l, nil))
	for index := range uint64(8 * 150) {
		leaf, err := leafAt(t.Context(), l.dir, index, 8*150)
		if err != nil {
			t.Fatal(err)
		}
		if want, _ := all.Load(index); want != leaf.Subject() {
			t.Fatalf("leaf %d is %q, Append said %v", index, leaf.Subject(), want)
		}
	}
}

func TestAppendEndsWithItsContext(t *testing.T) {
	t.Parallel()
	l := openLedger(t, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	if _, err := l.Append(ctx, FileExpired{Path: "a", Policy: "p"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := l.Append(t.Context(), KeyRotated{Old: "o", New: "n", Signature: "s"}); err == nil {
		t.Error("a caller wrote a change of key")
	}
}

func BenchmarkAppend10000(b *testing.B) {
	leaves := make([]Leaf, 10_000)
	for i := range leaves {
		leaves[i] = FileAdded{File{Path: fmt.Sprintf("events/day=2026-11-24/class=6003/part-%08d.parquet", i), Rows: 1000}, int64(i)}
	}
	for b.Loop() {
		b.StopTimer()
		l := openLedger(b, b.TempDir())
		b.StartTimer()
		mustAppend(b, l, leaves...)
	}
	b.ReportMetric(float64(len(leaves)*b.N)/b.Elapsed().Seconds(), "leaves/s")
}

func BenchmarkVerify10000(b *testing.B) {
	l := openLedger(b, b.TempDir())
	var leaves []Leaf
	for i := range 10_000 {
		leaves = append(leaves, FileAdded{File{Path: fmt.Sprintf("events/day=2026-11-24/class=6003/part-%08d.parquet", i), Rows: 1000}, int64(i)})
	}
	mustAppend(b, l, leaves...)
	b.ReportAllocs()
	for b.Loop() {
		wantClean(b, verify(b, l, nil))
	}
	b.ReportMetric(float64(len(leaves)*b.N)/b.Elapsed().Seconds(), "leaves/s")
}
