package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/content"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/lake"
)

// fewer are the built-in rules without each third.
func fewer(t *testing.T) *detect.Rules {
	t.Helper()
	own := fstest.MapFS{}
	n := 0
	err := fs.WalkDir(content.Rules, "rules", func(file string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".yml") || strings.HasSuffix(file, ".test.yml") {
			return err
		}
		if n++; n%3 == 0 {
			return nil
		}
		text, err := fs.ReadFile(content.Rules, file)
		own[file] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rules, _, err := detect.Load(own, "rules")
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// storedInMany is the history of a simulated organisation, in many files.
func storedInMany(t *testing.T) History {
	t.Helper()
	inv := simulated(t, "all")
	l, err := lake.Open(t.Context(), filepath.Join(t.TempDir(), "lake"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if _, err := Store(t.Context(), Files{inv}, StoreOptions{Lake: l, Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	files, err := l.Plan(t.Context(), time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return History{Lake: l, Files: files}
}

// TestAComparisonEndedAtAnyPlaceGoesOn ends a comparison each time that it has kept its place, and makes it again until it is through. What it
// concludes is what each set of rules concludes alone.
func TestAComparisonEndedAtAnyPlaceGoesOn(t *testing.T) {
	t.Parallel()
	in := storedInMany(t)
	sides := [2]*detect.Rules{rules(t), fewer(t)}
	var want [2][]string
	for i, r := range sides {
		alone, err := Run(t.Context(), in, Options{Rules: r})
		if err != nil {
			t.Fatal(err)
		}
		want[i] = told(t, alone)
	}
	if cmp.Equal(want[0], want[1]) || len(want[1]) == 0 {
		t.Fatal("nothing is compared")
	}
	c := Comparison{History: in, Options: Options{Workers: 1}, Rules: sides, Memory: filepath.Join(t.TempDir(), "place"), Every: -1}
	ends, last := 0, -1
	c.Resumed = func(done, of int) {
		if done <= last || of != 2*in.Parts() {
			t.Errorf("taken up at %d of %d after %d", done, of, last)
		}
		last = done
	}
	c.Refused = func(err error) { t.Error(err) }
	var got [2]*Result
	for {
		ctx, stop := context.WithCancel(t.Context())
		c.Kept = stop
		var err error
		got, err = Compare(ctx, c)
		stop()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if ends++; ends > 4*in.Parts() {
			t.Fatal("it does not come to its end")
		}
	}
	t.Logf("%d files, ended %d times", in.Parts(), ends)
	if ends < 8 {
		t.Errorf("ended %d times only", ends)
	}
	for i := range got {
		if d := cmp.Diff(want[i], told(t, got[i])); d != "" {
			t.Errorf("side %d concludes otherwise:\n%s", i, d)
		}
	}
	t.Run("a kept place of another question is not taken up", func(t *testing.T) { notTakenUp(t, in) })
}

// notTakenUp ends a comparison of a history and makes another in its place.
func notTakenUp(t *testing.T, in History) {
	c := Comparison{History: in, Options: Options{Workers: 1}, Rules: [2]*detect.Rules{rules(t), fewer(t)}, Memory: filepath.Join(t.TempDir(), "place"), Every: -1}
	end := func() {
		ctx, stop := context.WithCancel(t.Context())
		c.Kept = stop
		if _, err := Compare(ctx, c); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	end()
	for name, change := range map[string]func(c *Comparison){
		"other rules":   func(c *Comparison) { c.Rules[0], c.Rules[1] = c.Rules[1], c.Rules[0] },
		"another range": func(c *Comparison) { c.Options.From = c.History.Files[0].Day },
		"damaged": func(c *Comparison) {
			text, err := os.ReadFile(c.Memory)
			if err != nil {
				t.Fatal(err)
			}
			text[len(text)/2] ^= 1
			if err := os.WriteFile(c.Memory, text, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		other := c
		change(&other)
		refused := 0
		other.Refused = func(error) { refused++ }
		other.Resumed = func(int, int) { t.Errorf("%s: taken up", name) }
		ctx, stop := context.WithCancel(t.Context())
		other.Kept = stop
		if _, err := Compare(ctx, other); !errors.Is(err, context.Canceled) || refused != 1 {
			t.Errorf("%s: refused %d times, %v", name, refused, err)
		}
		stop()
		end()
	}
}
