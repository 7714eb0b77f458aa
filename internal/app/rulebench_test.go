package app

import (
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/simulate"
)

// trailStopped is a rule that ships, of which the simulated attacks hold records.
const trailStopped = "CloudTrail logging stopped"

// benchOf is a bench over a lake under attack.
func benchOf(t *testing.T) (*ruleBench, string) {
	t.Helper()
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	c := simulate.Config{Seed: 5, Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: 6, Scale: 0.1, Attacks: []string{"all"}, Formats: []string{"cloudtrail", "guardduty"}}
	if _, err := simulate.WriteTree(t.Context(), logs, c, nil); err != nil {
		t.Fatal(err)
	}
	var partly Outcome // the labels of the attacks are no log
	if err := Ingest(t.Context(), IngestOptions{Paths: []string{logs}, Lake: filepath.Join(dir, "lake"), Source: "test", Quiet: true}, Streams{Out: io.Discard, Err: io.Discard}); err != nil && !errors.As(err, &partly) {
		t.Fatal(err)
	}
	l, err := lake.Open(t.Context(), filepath.Join(dir, "lake"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	rules, err := LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	places, err := openPlaces()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{o: &ServeOptions{Config: &Config{Data: dir}}, log: slog.New(slog.DiscardHandler), lake: l, places: places}
	h.rules.Store(rules)
	h.worker = &pipeline.Worker{Judging: pipeline.Options{Rules: rules, Places: places}}
	single, _ := rules.Find(trailStopped)
	if len(single) != 1 {
		t.Fatalf("%d rules are called %q", len(single), trailStopped)
	}
	return &ruleBench{h}, rules.All[single[0]].Finding.ID
}

// TestTheRuleBench shows a rule with its tests, explains it, and tries it over history as it stands and changed.
func TestTheRuleBench(t *testing.T) {
	t.Parallel()
	b, id := benchOf(t)
	f, err := b.File(t.Context(), id)
	if err != nil || f.Broken != "" || !strings.Contains(f.Text, "id: "+id) || f.Plan == "" {
		t.Fatalf("%v: %+v", err, f)
	}
	ways := map[bool]int{}
	for _, x := range f.Tests {
		if ways[x.Fires]++; !x.Passed || x.Fires != (len(x.Said) > 0) || x.Events == 0 || len(x.Records) == 0 {
			t.Errorf("test %+v", x)
		}
	}
	if ways[true] == 0 || ways[false] == 0 {
		t.Errorf("tests that fire and that do not: %v", ways)
	}
	t.Run("explain", func(t *testing.T) { t.Parallel(); explains(t, b, id, f.Tests[0].Records[0]) })
	t.Run("try", func(t *testing.T) { t.Parallel(); tries(t, b, id, f.Text) })
	t.Run("every rule has a file", func(t *testing.T) {
		t.Parallel()
		for _, r := range b.house.rules.Load().All[:20] {
			if f, err := b.File(t.Context(), r.Finding.ID); err != nil || f.Broken != "" || len(f.Tests) == 0 {
				t.Errorf("%s: %v, %s, %d tests", r.Title, err, f.Broken, len(f.Tests))
			}
		}
		for _, c := range b.house.rules.Load().Correlations[:5] {
			if f, err := b.File(t.Context(), c.Finding.ID); err != nil || f.Broken != "" || len(f.Tests) == 0 || !strings.Contains(f.Plan, c.Title) {
				t.Errorf("%s: %v, %s, %d tests", c.Title, err, f.Broken, len(f.Tests))
			}
		}
		if _, err := b.File(t.Context(), "nothing"); !errors.Is(err, desk.ErrNotFound) {
			t.Errorf("a rule that is not there: %v", err)
		}
	})
}

func explains(t *testing.T, b *ruleBench, id string, record []byte) {
	said, err := b.Explain(t.Context(), id, record)
	if err != nil || len(said) != 1 || !said[0].Holds || !strings.Contains(said[0].Text, "StopLogging") {
		t.Errorf("%v: %+v", err, said)
	}
	other := strings.Replace(string(record), "StopLogging", "StartLogging", 1)
	if said, err = b.Explain(t.Context(), id, []byte(other)); err != nil || len(said) != 1 || said[0].Holds {
		t.Errorf("%v: %+v", err, said)
	}
	var mistake access.MistakeError
	for _, bad := range []string{"x", "{}", `{"Records":[`, "\x00\x01"} {
		if _, err := b.Explain(t.Context(), id, []byte(bad)); !errors.As(err, &mistake) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func tries(t *testing.T, b *ruleBench, id, text string) {
	from, to := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 12, 0, 0, 0, 0, time.UTC)
	try := func(text string) (found, before, after, gained, lost, changed int) {
		r, err := b.Try(t.Context(), id, text, from, to)
		if err != nil {
			t.Fatal(err)
		}
		was, is := 0, 0
		for _, d := range r.Days {
			was, is = was+d.Before, is+d.After
		}
		if was != r.Before || is != r.After || r.Events == 0 {
			t.Errorf("%d events; by day %d and %d: %+v", r.Events, was, is, r)
		}
		return len(r.Shown), r.Before, r.After, r.Gained, r.Lost, r.Changed
	}
	found, before, after, _, _, _ := try("")               // what GuardDuty found in the same time is not the rule's
	if before != 1 || before != after || found != before { // only the extortion stops the trail
		t.Fatalf("as it stands it finds %d and %d, shows %d", before, after, found)
	}
	if _, _, after, gained, lost, _ := try(strings.Replace(text, "StopLogging", "StartLogging", 1)); after != 0 || gained != 0 || lost != before {
		t.Errorf("of another call: %d found, %d gained, %d lost", after, gained, lost)
	}
	if _, _, after, gained, lost, changed := try(strings.Replace(text, "\nlevel: ", "\nlevel: low # was ", 1)); after != before || gained+lost != 0 || changed != before {
		t.Errorf("of a lower level: %d found, %d gained, %d lost, %d changed", after, gained, lost, changed)
	}
	var mistake access.MistakeError
	for _, bad := range []string{"x", "title: a\n", strings.Replace(text, "condition:", "condition: nothing and", 1)} {
		if _, err := b.Try(t.Context(), id, bad, from, to); !errors.As(err, &mistake) {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}
