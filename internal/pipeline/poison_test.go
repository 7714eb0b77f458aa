package pipeline

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// poisoned writes a file of 40 records, of which one is not survived.
func poisoned(t *testing.T, dir string) {
	t.Helper()
	var lines []string
	for i := range 40 {
		name := "ListBuckets"
		if i == 17 {
			name = poisonMark
		}
		lines = append(lines, record(string(rune('0'+i/10))+string(rune('0'+i%10)), "00", name, map[string]any{"type": "IAMUser", "userName": "u", "arn": "arn:aws:iam::111122223333:user/u", "accountId": "111122223333"}, nil))
	}
	if err := os.MkdirAll(filepath.Join(dir, "in"), 0o750); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a.json": strings.Join(lines, "\n"), "b.json": record("99", "01", "ListUsers", map[string]any{"type": "Root"}, nil)} {
		if err := os.WriteFile(filepath.Join(dir, "in", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// foundPoison checks that the one record is a dead letter with its place and bytes, and that its neighbours are stored.
func foundPoison(t *testing.T, dir string) {
	t.Helper()
	totals := counted(t, dir, nil)
	if totals["test/received"] != 41 || totals["test/stored"] != 40 || totals["test/dead"] != 1 {
		t.Errorf("the sums are %v, want 41 received, 40 stored, 1 dead", totals)
	}
	b := newBench(t, dir)
	defer b.close(t)
	list, err := b.desk.DeadLetters(t.Context(), access.Everything(), "test", 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d dead letters, %v", len(list), err)
	}
	if l := list[0]; l.Object != "a.json" || l.Record != 17 || l.Reason != ReasonPoison || !bytes.Contains(l.Raw, []byte(poisonMark)) {
		t.Errorf("the dead letter is record %d of %s: %s: %q", l.Record, l.Object, l.Reason, l.Raw)
	}
}

// TestARecordThatKillsTheProcess: the process dies on one record of a batch, again and again, until it is set aside.
func TestARecordThatKillsTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	poisoned(t, dir)
	deaths := 0
	for life(t, dir, StepRecord, 0) {
		if deaths++; deaths > 20 {
			t.Fatal("it does not come to an end")
		}
	}
	if deaths != wholeTries+aloneTries {
		t.Errorf("the process died %d times, want %d: twice on the batch, three times on the record alone", deaths, wholeTries+aloneTries)
	}
	foundPoison(t, dir)
}

// TestABatchThatPanics: the same for a panic that is recovered, without the end of the process.
func TestABatchThatPanics(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	poisoned(t, dir)
	b := newBench(t, dir)
	if err := deliverAll(t.Context(), b, nil); err != nil {
		t.Fatal(err)
	}
	w := b.brisk(rules(t))
	w.At = func(step Step, record []byte) {
		if step == StepRecord && bytes.Contains(record, []byte(poisonMark)) {
			panic("a decoder made for this test")
		}
	}
	for n := range wholeTries + aloneTries {
		if err := w.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "panic") {
			t.Fatalf("life %d ended with %v", n, err)
		}
	}
	until(t, w, func() bool { return b.position() == 2 })
	b.close(t)
	foundPoison(t, dir)
}

// TestADamagedBatchIsPassedOver: a large record whose file is gone is a dead letter that says where it came from, and the rest goes on.
func TestADamagedBatchIsPassedOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	poisoned(t, dir)
	who, noise := map[string]any{"type": "Root"}, make([]byte, 3<<20)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(noise)
	big := record("98", "02", "PutObject", who, map[string]any{"requestParameters": map[string]any{"x": hex.EncodeToString(noise)}})
	if err := os.WriteFile(filepath.Join(dir, "in", "big.json"), []byte(big), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, dir)
	if err := deliverAll(t.Context(), b, nil); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Join(dir, "stream", "large"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%d large records, %v", len(files), err)
	}
	if err := os.Remove(filepath.Join(dir, "stream", "large", files[0].Name())); err != nil {
		t.Fatal(err)
	}
	w := b.brisk(rules(t))
	until(t, w, func() bool { return b.position() == 3 })
	b.close(t)
	if totals := counted(t, dir, nil); totals["test/received"] != 42 || totals["test/stored"] != 41 || totals["test/dead"] != 1 {
		t.Errorf("the sums are %v", totals)
	}
}

// TestTheClockJumps: back and forth by days, at each look at it.
func TestTheClockJumps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	poisoned(t, dir)
	b := newBench(t, dir)
	w := b.brisk(rules(t))
	var n atomic.Int64 // the loop looks at the clock, and so does a commit beside it
	w.Now = func() time.Time {
		return time.Now().Add([]time.Duration{0, 26 * time.Hour, -50 * time.Hour, time.Minute}[n.Add(1)/7%4])
	}
	w.Follow = (&Follower{Lake: b.lake, Ledger: b.ledger, Mark: filepath.Join(dir, "ledger", "followed")}).Follow
	if err := deliverAll(t.Context(), b, nil); err != nil {
		t.Fatal(err)
	}
	until(t, w, func() bool { return b.position() == 2 && w.Status.Commits.Load() > 5 })
	b.close(t)
	if totals := counted(t, dir, nil); totals["test/received"] != 41 || totals["test/stored"] != 41 {
		t.Errorf("the sums are %v", totals)
	}
}
