package ledger

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// childDir is set for the child process that is killed: the folder of its ledger.
const childDir = "TOCSIN_TEST_LEDGER"

// appendUntilKilled is the child. It prints "index subject" of each leaf that Append returned, and rotates the key now and then.
func appendUntilKilled(dir string) {
	ctx := context.Background()
	l, err := Open(ctx, Options{Dir: dir, Origin: origin})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	for n := 0; ; n++ {
		var leaves []Leaf
		for i := range 1 + n%7*60 {
			leaves = append(leaves, FileExpired{Path: fmt.Sprintf("%d/%d/%d", os.Getpid(), n, i), Policy: "p"})
		}
		indexes, err := l.Append(ctx, leaves...)
		if err == nil && n%3 == 1 {
			err = l.Rotate(ctx)
		}
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		var out strings.Builder
		for i, index := range indexes {
			fmt.Fprintln(&out, index, leaves[i].Subject())
		}
		os.Stdout.WriteString(out.String())
	}
}

func TestKilledAtAnyPoint(t *testing.T) {
	t.Parallel()
	const kills = 10
	dir, pace := t.TempDir(), rand.New(rand.NewPCG(7, 11))
	returned, rotations := map[uint64]string{}, 0
	for kill := range kills {
		output := killedChild(t, dir, 50*time.Millisecond+time.Duration(pace.IntN(1200))*time.Millisecond)
		for lines := bufio.NewScanner(bytes.NewReader(output)); lines.Scan(); {
			var index uint64
			var subject string
			if _, err := fmt.Sscan(lines.Text(), &index, &subject); err != nil {
				t.Fatalf("kill %d: the child says %q", kill, lines.Text())
			}
			if was, twice := returned[index]; twice {
				t.Fatalf("kill %d: index %d was given to %q and to %q", kill, index, was, subject)
			}
			returned[index] = subject
		}
		public, err := os.ReadFile(filepath.Join(dir, publicFile))
		if os.IsNotExist(err) && len(returned) == 0 {
			continue // killed before there was a log
		}
		// First as the kill left it, with no writer's help.
		r, err := Verify(t.Context(), dir, string(public), nil, time.Time{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Size > 0 || len(returned) > 0 {
			wantClean(t, r)
		}
		rotations = r.Keys - 1
		holdsAll(t, dir, r.Size, returned)
	}
	l := openLedger(t, dir)
	mustAppend(t, l, FileExpired{Path: "last", Policy: "p"})
	r := verify(t, l, nil)
	wantClean(t, r)
	holdsAll(t, dir, r.Size, returned)
	t.Logf("%d kills, %d appends returned of %d leaves, %d rotations", kills, len(returned), r.Size, rotations)
	if len(returned) == 0 {
		t.Error("no append returned before a kill: nothing was tested")
	}
}

// killedChild runs the child and kills it, with SIGKILL, after a while.
func killedChild(t *testing.T, dir string, after time.Duration) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	output, _ := child.Output()
	if state := child.ProcessState; state == nil || state.Exited() {
		t.Fatalf("the child ended by itself: %v: %s", state, output)
	}
	return output[:bytes.LastIndexByte(output, '\n')+1] // what the kill cut off was not said
}

func holdsAll(t *testing.T, dir string, size uint64, returned map[uint64]string) {
	t.Helper()
	leaves := map[uint64]string{}
	if _, err := newTree(dir, size).walk(t.Context(), func(index uint64, raw []byte) {
		_, leaf, err := decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		leaves[index] = leaf.Subject()
	}); err != nil {
		t.Fatal(err)
	}
	for index, subject := range returned {
		if leaves[index] != subject {
			t.Fatalf("leaf %d is %q, Append returned it for %q", index, leaves[index], subject)
		}
	}
}
