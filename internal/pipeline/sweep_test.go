package pipeline

import (
	"net/netip"
	"path/filepath"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// sources are the public addresses of an inventory, sorted.
func sources(t *testing.T, inv *collect.Inventory) []string {
	t.Helper()
	seen := map[string]bool{}
	err := EachRecord(t.Context(), inv, func(e *ocsf.Event) {
		if a, err := netip.ParseAddr(e.Str(ocsf.SrcIP)); err == nil && !(*intel.Set)(nil).IsOwn(a) {
			seen[a.String()] = true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for a := range seen {
		out = append(out, a)
	}
	sort.Strings(out)
	if len(out) < 6 {
		t.Fatalf("%d public addresses: too few to accuse", len(out))
	}
	return out
}

// setOf accuses addresses, known since a time.
func setOf(t *testing.T, known time.Time, confidence int, addresses ...string) *intel.Set {
	t.Helper()
	f := intel.Feed{Name: "bad", Confidence: confidence}
	r, err := f.Parse([]byte(strings.Join(addresses, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return intel.Compile([]intel.Loaded{{Feed: f, Version: "abc", Indicators: intel.Merge(&f, nil, r.Indicators, known)}}, nil, known)
}

// accusing accuses every second address of an inventory.
func accusing(t *testing.T, inv *collect.Inventory) *intel.Set {
	t.Helper()
	var half []string
	for i, a := range sources(t, inv) {
		if i%2 == 0 {
			half = append(half, a)
		}
	}
	return setOf(t, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 90, half...)
}

func byIntel(r *Result) (n int) {
	all := append([]finding.Alert(nil), r.Loose...)
	for i := range r.Incidents {
		all = append(all, r.Incidents[i].Alerts...)
	}
	for i := range all {
		if all[i].Rule.Tier == "intel" {
			n++
		}
	}
	return n
}

// TestASweepFindsWhatAScanDoes: the sieve over the lake's columns loses nothing, and the engine alone decides.
func TestASweepFindsWhatAScanDoes(t *testing.T) {
	t.Parallel()
	inv := simulated(t, "all")
	set := accusing(t, inv)
	scan, err := Run(t.Context(), Files{inv}, Options{Rules: rules(t), Intel: set})
	if err != nil {
		t.Fatal(err)
	}
	l, err := lake.Open(t.Context(), filepath.Join(t.TempDir(), "lake"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a test
	received := time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
	if _, err := Store(t.Context(), Files{inv}, StoreOptions{Lake: l, Now: received}); err != nil {
		t.Fatal(err)
	}
	files, err := l.Plan(t.Context(), time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	swept, err := Sweep(t.Context(), SweepOptions{Files: files, Set: set})
	if err != nil {
		t.Fatal(err)
	}
	named, seen := int64(0), map[any]bool{}
	err = EachRecord(t.Context(), inv, func(e *ocsf.Event) {
		var m intel.Scratch
		if id := idOf(e); !seen[id] {
			seen[id] = true
			named += int64(len(set.Match(e, &m)))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	count := int64(0)
	for _, h := range swept.Hits {
		count += h.Count
	}
	if count == 0 || count != named {
		t.Errorf("%d hits by the sweep, %d in the files", count, named)
	}
	if a, b := byIntel(scan), byIntel(swept.Result); b == 0 || b < a/2 {
		t.Errorf("%d alerts by the sweep, %d by the scan", b, a)
	}
	for i := range swept.Loose {
		s := &swept.Loose[i].Signals[0]
		if got := swept.Received(s.Event.Account, s.Event.UID); !got.Equal(received) {
			t.Errorf("an event was received %v, want %v", got, received)
		}
		if len(s.Intel) == 0 || s.Intel[0].Feed != "bad" || s.Intel[0].Version != "abc" || !strings.Contains(s.Sentence, "which the feed bad lists") {
			t.Errorf("the signal does not say why: %q %+v", s.Sentence, s.Intel)
		}
	}
	none, err := Sweep(t.Context(), SweepOptions{Files: files, Set: set, To: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil || len(none.Loose)+len(none.Incidents) > 0 {
		t.Errorf("a sweep over no time finds %d, %v", len(none.Loose), err)
	}
}

// TestAFeedThatArrivesIsLookedForInHistory: events that were stored before the feed give alerts that say late, with when they came in;
// a feed that goes takes its alerts with it.
func TestAFeedThatArrivesIsLookedForInHistory(t *testing.T) {
	t.Parallel()
	inv := simulated(t, "all")
	all := sources(t, inv)
	b := newBench(t, t.TempDir())
	defer b.close(t)
	paths := pathsOf(inv)
	b.receive(t, paths...)
	last := b.last(t)
	var feeds atomic.Pointer[intel.Set]
	w := b.worker(t, Timing{Conclude: 50 * time.Millisecond, Commit: 300 * time.Millisecond, Window: 365 * 24 * time.Hour})
	w.Intel = feeds.Load
	rows := func() (out []desk.AlertRow) {
		list, err := b.desk.Alerts(t.Context(), access.Everything(), desk.Query{Limit: 100_000})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list.Items {
			if strings.HasPrefix(a.Rule, "intel:") {
				out = append(out, a)
			}
		}
		return out
	}
	until(t, w, func() bool { return w.Status.Position.Load() == last })
	if n := len(rows()); n > 0 {
		t.Fatalf("%d alerts by intelligence before there is any", n)
	}
	until(t, w, func() bool {
		if feeds.Load() == nil && w.Status.Rebuilds.Load() > 0 {
			feeds.Store(setOf(t, time.Now().Add(time.Hour), 90, all...)) // known after all was received
		}
		return len(rows()) > 0
	})
	for _, a := range rows() {
		if !a.Late || a.Ingested.IsZero() || a.Ingested.Before(a.Last) {
			t.Errorf("%s: late %v, received %v, last event %v", a.Title, a.Late, a.Ingested, a.Last)
		}
	}
	hits, err := b.desk.HitsByFeed(t.Context())
	if err != nil || len(hits) != 1 || hits[0].Count == 0 {
		t.Errorf("hits: %+v, %v", hits, err)
	}
	// Started again, the same is counted again: neither more alerts nor more hits.
	before := len(rows())
	w = b.worker(t, Timing{Conclude: 50 * time.Millisecond, Commit: 300 * time.Millisecond, Window: 365 * 24 * time.Hour})
	w.Intel = feeds.Load
	until(t, w, func() bool { return w.Status.Rebuilds.Load() > 0 && w.Status.ConcludeNanos.Load() > 0 })
	again, err := b.desk.HitsByFeed(t.Context())
	if err != nil || len(rows()) != before || again[0].Count != hits[0].Count {
		t.Errorf("%d alerts and %+v after a new start, %d and %+v before (%v)", len(rows()), again, before, hits, err)
	}
	feeds.Store(setOf(t, time.Now(), 90, "45.9.148.1"))
	w = b.worker(t, Timing{Conclude: 50 * time.Millisecond, Commit: 300 * time.Millisecond, Window: 365 * 24 * time.Hour})
	w.Intel = feeds.Load
	until(t, w, func() bool { return len(rows()) == 0 })
}
