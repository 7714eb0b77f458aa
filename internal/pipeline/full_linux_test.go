package pipeline

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTheDiskIsFull puts the stream on a disk of 100 MiB and fills that from outside. The source is paused, and told why; when there is room again
// all of its object is taken in, once.
func TestTheDiskIsFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	disk := filepath.Join(dir, "stream")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=100m"); err != nil {
		t.Skipf("a small disk cannot be mounted here (it needs root): %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, 0) })
	poisoned(t, dir)
	b := newBench(t, dir)
	noise := make([]byte, 40<<20)
	_, _ = rand.Read(noise)
	filler := filepath.Join(disk, "filler")
	if err := os.WriteFile(filler, noise, 0o600); err != nil {
		t.Fatal(err)
	}
	why := make(chan string, 1)
	done := make(chan error, 1)
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
	defer stop()
	go func() {
		done <- deliverAll(ctx, b, func(_, text string) {
			if text != "" {
				select {
				case why <- text:
				default:
				}
			}
		})
	}()
	select {
	case text := <-why:
		if !strings.Contains(text, disk) || !strings.Contains(text, "bytes left") {
			t.Errorf("the source is told %q", text)
		}
	case err := <-done:
		t.Fatalf("a full disk took everything: %v", err)
	}
	if last, err := b.stream.Last(t.Context(), 0); err != nil || last != 0 {
		t.Errorf("position %d, %v: nothing should be there", last, err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	until(t, b.brisk(rules(t)), func() bool { return b.position() == 2 })
	b.close(t)
	if totals := counted(t, dir, nil); totals["test/received"] != 41 || totals["test/stored"] != 41 {
		t.Errorf("the sums are %v", totals)
	}
}
