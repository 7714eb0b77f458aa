package pipeline

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/simulate"
)

// TestScanLiveAndReplayAgree judges the same logs in three ways: as files, as they arrive (shuffled, so that much is late), and from
// the lake. The same alerts and incidents must come out, with the same scores and the same words.
func TestScanLiveAndReplayAgree(t *testing.T) {
	t.Parallel()
	inv := simulated(t, "all")
	o := Options{Rules: rules(t), Intel: accusing(t, inv)}
	scan, err := Run(t.Context(), Files{inv}, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(scan.Incidents) < 2 {
		t.Fatalf("%d incidents: nothing is compared", len(scan.Incidents))
	}
	if n := byIntel(scan); n < 2 {
		t.Fatalf("%d alerts by intelligence: nothing of it is compared", n)
	}
	l, err := lake.Open(t.Context(), filepath.Join(t.TempDir(), "lake"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a test
	if _, err := Store(t.Context(), Files{inv}, StoreOptions{Lake: l, Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	files, err := l.Plan(t.Context(), time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	history := History{Lake: l, Files: files}
	replay, err := Run(t.Context(), history, o)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(told(t, scan), told(t, replay)); d != "" {
		t.Errorf("scan and replay differ:\n%s", d)
	}
	for _, seed := range []uint64{1, 2} {
		if d := cmp.Diff(told(t, scan), told(t, arriving(t, inv, history, o, seed))); d != "" {
			t.Errorf("scan and live differ (order %d):\n%s", seed, d)
		}
	}
}

func simulated(t *testing.T, attacks ...string) *collect.Inventory {
	t.Helper()
	dir := t.TempDir()
	c := simulate.Config{Seed: 3, Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: 9, Scale: 0.3, Attacks: attacks}
	if _, err := simulate.WriteTree(t.Context(), dir, c, nil); err != nil {
		t.Fatal(err)
	}
	inv, err := collect.List(t.Context(), []string{dir}, nil, collect.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inv.Close() })
	return inv
}

// arriving feeds records in batches of any order, concludes on the way, and rebuilds where the engine asks for it.
func arriving(t *testing.T, inv *collect.Inventory, all Input, o Options, seed uint64) *Result {
	t.Helper()
	var kept []keptRecord
	seen := map[string]bool{}
	err := EachRecord(t.Context(), inv, func(e *ocsf.Event) {
		if id := e.Str(ocsf.CloudAccountUID) + e.ID; !seen[id] {
			seen[id] = true
			kept = append(kept, keptRecord{raw: bytes.Clone(e.Raw), format: e.Mapping.Name, id: strings.Clone(e.ID), at: e.At})
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	rand.New(rand.NewPCG(seed, seed)).Shuffle(len(kept), func(i, j int) { kept[i], kept[j] = kept[j], kept[i] })
	l := NewLive(o)
	conclusions := 0
	for len(kept) > 0 {
		n := min(len(kept), 500)
		for _, step := range []func(*ocsf.Event){l.Learn, func(e *ocsf.Event) { l.Judge(e, idOf(e)) }} {
			for _, k := range kept[:n] {
				if err := l.decoders[k.format].Record(k.raw, k.id, k.at, ocsf.Sink{Event: func(e *ocsf.Event) error { step(e); return nil }}); err != nil {
					t.Fatal(err)
				}
			}
		}
		kept = kept[n:]
		if l.News() && conclusions%8 == 0 {
			l.Conclude()
		}
		conclusions++
	}
	r := l.Conclude()
	if l.Stale() {
		t.Logf("order %d: late records changed who stood behind a session; rebuilt", seed)
		if err := l.Rebuild(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		r = l.Conclude()
	}
	return r
}

// told is what a person reads of a result, without where the records lay.
func told(t *testing.T, r *Result) []string {
	t.Helper()
	var out []string
	line := func(v any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	for i := range r.Incidents {
		in := &r.Incidents[i]
		line([]any{"incident", in.UID, in.Headline, in.Severity, in.Score, in.First, in.Last, in.Story, in.Joins, in.Unknown})
		for k := range in.Alerts {
			a := &in.Alerts[k]
			line([]any{"alert", a.UID, a.Title, a.Sentence, a.Severity, a.Score, a.Count, a.EventUIDs, a.Steps})
		}
	}
	for i := range r.Loose {
		a := &r.Loose[i]
		line([]any{"loose", a.UID, a.Title, a.Sentence, a.Severity, a.Score, a.Count, a.EventUIDs, a.Steps})
	}
	return out
}
