package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/content"
	"github.com/tocsin-security/tocsin/simulate"
)

// replayChild makes this binary a comparison that kills itself when it has kept its place for the n-th time: "folder" and n in replayKills.
const (
	replayChild = "TOCSIN_REPLAY_CHILD"
	replayKills = "TOCSIN_REPLAY_KILLS"
)

func compareUntilKilled(dir string) {
	left, err := strconv.Atoi(os.Getenv(replayKills))
	if err != nil {
		panic(err)
	}
	o := comparison(dir, "json")
	o.kept = func() {
		if left--; left == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until it comes
		}
	}
	err = Replay(context.Background(), o, Streams{Out: os.Stdout, Err: os.Stderr})
	os.Exit(ExitCode(err, os.Stderr))
}

func comparison(dir, format string) ReplayOptions {
	return ReplayOptions{ScanOptions: ScanOptions{Format: format, Workers: 1, Quiet: true}, Lake: filepath.Join(dir, "lake"), Diff: []string{"", filepath.Join(dir, "rules")}, every: -1}
}

// comparable is a folder with a lake under attack and a set of rules: the built-in ones, of which some are gone, some milder, some fewer.
func comparable(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	c := simulate.Config{Seed: 5, Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: 6, Scale: 0.2, Attacks: []string{"all"}}
	logs := filepath.Join(dir, "logs")
	if _, err := simulate.WriteTree(t.Context(), logs, c, nil); err != nil {
		t.Fatal(err)
	}
	var partly Outcome // the labels of the attacks are no log
	if err := Ingest(t.Context(), IngestOptions{Paths: []string{logs}, Lake: filepath.Join(dir, "lake"), Source: "test", Quiet: true}, Streams{Out: io.Discard, Err: io.Discard}); err != nil && !errors.As(err, &partly) {
		t.Fatal(err)
	}
	n := 0
	err := fs.WalkDir(content.Rules, "rules", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".yml") || strings.HasSuffix(file, ".test.yml") {
			return err
		}
		text, err := fs.ReadFile(content.Rules, file)
		if err != nil {
			return err
		}
		switch n++; n % 4 {
		case 0:
			return nil
		case 1:
			text = bytes.Replace(text, []byte("level: high"), []byte("level: medium"), 1)
		}
		to := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestAKilledComparisonGoesOn kills real processes, each at another place, until one comes to its end: its answer is that of a run that
// nobody disturbed.
func TestAKilledComparisonGoesOn(t *testing.T) {
	t.Parallel()
	dir := comparable(t)
	var want bytes.Buffer
	o := comparison(dir, "json")
	if err := Replay(t.Context(), o, Streams{Out: &want, Err: io.Discard}); !differs(err) {
		t.Fatal(err)
	}
	var d Difference
	if err := json.Unmarshal(want.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if d.Before < 10 || len(d.Lost) == 0 || len(d.Other) == 0 || d.Before-len(d.Lost)+len(d.Gained) != d.After {
		t.Fatalf("%d before, %d after, %d gained, %d lost, %d changed: too little is compared", d.Before, d.After, len(d.Gained), len(d.Lost), len(d.Other))
	}
	killed := 0
	for kills := 1; ; kills = kills%3 + 1 {
		child := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this test
		child.Env = append(os.Environ(), replayChild+"="+dir, fmt.Sprintf("%s=%d", replayKills, kills))
		var out, talk bytes.Buffer
		child.Stdout, child.Stderr = &out, &talk
		err := child.Run()
		if resumed := strings.Contains(talk.String(), "is taken up"); resumed != (killed > 0) {
			t.Fatalf("after %d kills: %s", killed, talk.String())
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == -1 {
			if killed++; killed > 100 {
				t.Fatal("it does not come to its end")
			}
			continue
		}
		if !errors.As(err, &exit) || exit.ExitCode() != ExitFindings {
			t.Fatalf("%v: %s", err, talk.String())
		}
		if diff := cmp.Diff(want.String(), out.String()); diff != "" {
			t.Errorf("after %d kills it differs:\n%s", killed, diff)
		}
		break
	}
	if t.Logf("killed %d times; %d findings before, %d gained, %d lost, %d changed", killed, d.Before, len(d.Gained), len(d.Lost), len(d.Other)); killed < 3 {
		t.Errorf("killed %d times only", killed)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "lake", "replay", "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	t.Run("other forms", func(t *testing.T) { otherForms(t, dir, &d) })
	t.Run("the other way around", func(t *testing.T) {
		back := comparison(dir, "json")
		back.Diff[0], back.Diff[1] = back.Diff[1], back.Diff[0]
		var out bytes.Buffer
		var r Difference
		if err := Replay(t.Context(), back, Streams{Out: &out, Err: io.Discard}); !differs(err) {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out.Bytes(), &r); err != nil || len(r.Gained) != len(d.Lost) || len(r.Lost) != len(d.Gained) || len(r.Other) != len(d.Other) {
			t.Errorf("%d gained, %d lost, %d changed, %v", len(r.Gained), len(r.Lost), len(r.Other), err)
		}
	})
	t.Run("the same rules", func(t *testing.T) {
		same := comparison(dir, "table")
		same.Diff = []string{"", ""}
		var out bytes.Buffer
		if err := Replay(t.Context(), same, Streams{Out: &out, Err: io.Discard}); err != nil || !strings.Contains(out.String(), "0 gained, 0 lost, 0 changed") {
			t.Errorf("%v: %s", err, out.String())
		}
	})
}

func differs(err error) bool {
	var code Outcome
	return errors.As(err, &code) && code == ExitFindings
}

func otherForms(t *testing.T, dir string, d *Difference) {
	all := len(d.Gained) + len(d.Lost) + len(d.Other)
	var table bytes.Buffer
	if err := Replay(t.Context(), comparison(dir, "table"), Streams{Out: &table, Err: io.Discard}); !differs(err) {
		t.Fatal(err)
	}
	if n := strings.Count(table.String(), "\n"); n != all+1 {
		t.Errorf("%d lines for %d changes", n, all)
	}
	o := comparison(dir, "")
	o.Output = filepath.Join(dir, "diff.md")
	if err := Replay(t.Context(), o, Streams{Out: io.Discard, Err: io.Discard}); !differs(err) {
		t.Fatal(err)
	}
	text, err := os.ReadFile(o.Output)
	if err != nil || strings.Count(string(text), "\n| 2026-") != all || !strings.Contains(string(text), "## Lost") {
		t.Errorf("%v: %.500s", err, text)
	}
	if err := Replay(t.Context(), comparison(dir, "sarif"), Streams{Out: io.Discard, Err: io.Discard}); err == nil || !strings.Contains(err.Error(), "markdown") {
		t.Errorf("another form: %v", err)
	}
}
