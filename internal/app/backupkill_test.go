package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// backupChild is set for the process that is killed: "backup" or "restore", the folder of the data and that of the backups.
const backupChild = "TOCSIN_TEST_BACKUP"

// backUpUntilKilled makes one backup after the other, or restores one.
func backUpUntilKilled(spec string) {
	part := strings.Split(spec, "|")
	c, err := killConfig(part[1])
	quiet := Streams{Out: io.Discard, Err: io.Discard}
	switch {
	case err != nil:
	case part[0] == "restore":
		err = Restore(context.Background(), c, part[2], quiet)
		if err == nil {
			select {} // it is done: wait to be killed
		}
	default:
		for n := 0; err == nil; n++ {
			err = Backup(context.Background(), c, filepath.Join(part[2], fmt.Sprintf("%d-%d", os.Getpid(), n)), quiet)
		}
	}
	fmt.Fprintln(os.Stderr, "the child ended:", err)
	os.Exit(1)
}

// killWhen starts the child, and kills it when something holds.
func killWhen(t *testing.T, spec string, holds func() bool) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), backupChild+"="+spec)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for within := time.Now().Add(2 * time.Minute); !holds() && time.Now().Before(within) && len(ended) == 0; {
		time.Sleep(time.Millisecond)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatalf("the child ended by itself: %v", err)
	}
	<-ended
}

// TestKilledWhileItBacksUp kills backups and restores at many points: a folder with the list of a backup is a whole backup, one without is
// refused; half of a restore is not served, and is restored anew, ledger and all.
func TestKilledWhileItBacksUp(t *testing.T) {
	t.Parallel()
	dir, to := t.TempDir(), t.TempDir()
	c := aDataFolder(t, dir)
	quiet := Streams{Out: io.Discard, Err: io.Discard}
	for kill := range 8 {
		killWhen(t, "backup|"+dir+"|"+to, func() bool {
			return found(t, to, "*", manifestName) >= kill/3 && found(t, to, "*", "stone-*")%120 > kill*13
		})
	}
	whole, cut := looked(t, c, to)
	if whole == "" || cut == 0 {
		t.Fatalf("a whole backup %q, %d cut off: the kills come too soon or too late", whole, cut)
	}
	half, done := 0, 0
	for kill := range 8 {
		if err := os.RemoveAll(c.Data); err != nil {
			t.Fatal(err)
		}
		killWhen(t, "restore|"+dir+"|"+whole, func() bool {
			return found(t, c.Data, unfinished) > 0 && found(t, c.Data, "stone-*") >= kill*16 || found(t, c.Data, "stone-*") == 120
		})
		h, err := openHouse(t.Context(), &ServeOptions{Config: c, Version: "test"}, quiet)
		switch _, there := os.Stat(filepath.Join(c.ledgerDir(), "ledger.key")); {
		case err != nil && !strings.Contains(err.Error(), "cut off"):
			t.Fatalf("after kill %d: %v", kill, err)
		case err != nil:
			half++
			if err := Restore(t.Context(), c, whole, quiet); err != nil {
				t.Fatalf("after kill %d it cannot be restored: %v", kill, err)
			}
			continue
		case there == nil && found(t, c.Data, "stone-*") == 120:
			done++
		default:
			t.Errorf("after kill %d half a restore is served: %d stones", kill, found(t, c.Data, "stone-*"))
		}
		if err := h.close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("8 kills of backups, %d cut off; 8 of restores, %d cut off, %d done", cut, half, done)
	if half == 0 {
		t.Error("no restore was cut off")
	}
}

// found counts the files of a pattern.
func found(t *testing.T, pattern ...string) int {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(pattern...))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// aDataFolder is one of a house that has worked, with enough in it to be killed over.
func aDataFolder(t *testing.T, dir string) *Config {
	t.Helper()
	c, err := killConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "in"), 0o750); err != nil {
		t.Fatal(err)
	}
	h, err := openHouse(t.Context(), &ServeOptions{Config: c, Version: "test"}, Streams{Out: io.Discard, Err: io.Discard})
	if err == nil {
		err = h.close()
	}
	if err != nil {
		t.Fatal(err)
	}
	for n := range 120 {
		write(t, filepath.Join(c.Data, fmt.Sprintf("stone-%03d", n)), strings.Repeat(fmt.Sprint(n), 60_000))
	}
	return c
}

// looked checks each folder of backups, and gives a whole one, and how many were cut off.
func looked(t *testing.T, c *Config, to string) (whole string, cut int) {
	t.Helper()
	list, err := os.ReadDir(to)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		from := filepath.Join(to, e.Name())
		raw, err := os.ReadFile(filepath.Join(from, manifestName)) //nolint:gosec // a test's own
		if errors.Is(err, fs.ErrNotExist) {
			cut++
			if err := Restore(t.Context(), c, from, Streams{Out: io.Discard, Err: io.Discard}); !errors.As(err, new(UsageError)) {
				t.Errorf("half a backup is restored: %v", err)
			}
			continue
		}
		var m manifest
		if err != nil || json.Unmarshal(raw, &m) != nil {
			t.Fatalf("%s: the list does not read (%v)", from, err)
		}
		if err := m.check(t.Context(), from); err != nil || len(m.Files) < 120 {
			t.Errorf("%s has its list, and is not whole: %d files, %v", from, len(m.Files), err)
		}
		whole = from
	}
	return whole, cut
}
