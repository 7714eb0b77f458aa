package baseline

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

type observation struct {
	origin, value string
	at            int64
	by            EventID
}

func month(origin string, eventsADay int) []observation {
	var out []observation
	for d := range 10 {
		for i := range eventsADay {
			at := start.AddDate(0, 0, d).Add(time.Duration(i) * time.Minute).UnixMilli()
			out = append(out, observation{origin, "DE", at, EventID{byte(d), byte(i)}})
		}
	}
	return out
}

func observe(h *History, all []observation) {
	for _, o := range all {
		who := h.Origin(o.origin)
		h.Event(who, o.at)
		h.Use(who, Country, o.value, o.at, o.by)
	}
}

func TestJudge(t *testing.T) {
	strange := observation{"alice", "KP", start.AddDate(0, 0, 8).UnixMilli(), EventID{0xff}}
	cases := []struct {
		name   string
		aday   int
		held   []Window
		isNew  bool
		before int
	}{
		{"enough history", 30, nil, true, 8},
		{"too few events", 5, nil, false, 8},
		{"suspicious days support nothing", 30, []Window{{start, start.AddDate(0, 0, 4)}}, false, 3},
		{"one held-out day leaves enough", 30, []Window{{start, start.Add(time.Hour)}}, true, 7},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var h History
			observe(&h, append(month("alice", c.aday), strange))
			if !h.IsFirst("alice", Country, "KP", strange.by) {
				t.Error("the strange use is not recognised as the first")
			}
			got := h.Judge("alice", Country, "KP", strange.at, c.held)
			if got.New != c.isNew || got.Days != c.before {
				t.Errorf("got %+v, want new=%v days=%d", got, c.isNew, c.before)
			}
		})
	}
}

func TestOrderAndMergeDoNotMatter(t *testing.T) {
	all := append(month("alice", 12), month("bob", 7)...)
	all = append(all, observation{"bob", "FR", all[3].at, EventID{9, 9}}, observation{"bob", "FR", all[3].at, EventID{1, 1}})
	var plain History
	observe(&plain, all)
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			shuffled := append([]observation(nil), all...)
			rand.New(rand.NewPCG(seed, 1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			var merged, part History
			observe(&merged, shuffled[:40])
			observe(&part, shuffled[40:])
			merged.Merge(&part)
			if got, want := merged.Users(Country, "DE"), plain.Users(Country, "DE"); got != want || want != 2 {
				t.Errorf("users of DE: %d, want %d", got, want)
			}
			if !merged.IsFirst("bob", Country, "FR", EventID{1, 1}) || merged.IsFirst("bob", Country, "FR", EventID{9, 9}) {
				t.Error("a tie in time did not go to the smaller event id")
			}
			at := start.AddDate(0, 0, 9).UnixMilli()
			if got, want := merged.Judge("alice", Country, "FR", at, nil), plain.Judge("alice", Country, "FR", at, nil); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func BenchmarkUse(b *testing.B) {
	all := month("alice", 100)
	var h History
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		observe(&h, all[i%len(all):i%len(all)+1])
	}
}

func TestRenamedAddsUpSessions(t *testing.T) {
	var h History
	observe(&h, month("ASIA1", 30))
	observe(&h, month("ASIA2", 30))
	person := h.Renamed(func(string) string { return "alice" })
	if person.Origins() != 1 || person.Users(Country, "DE") != 1 {
		t.Errorf("%d origins, %d users of DE", person.Origins(), person.Users(Country, "DE"))
	}
	got := person.Judge("alice", Country, "FR", start.AddDate(0, 0, 5).UnixMilli(), nil)
	if want := (Verdict{New: true, Days: 5, Events: 300}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
