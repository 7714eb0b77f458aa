package sigma

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestEpisodesDoNotDependOnWhenOneAsks: hits come in a rough order of time, some twice and some much later, and one asks meanwhile, forgets a part and
// goes through a snapshot. The episodes are those of a Correlator that got the same hits at once, and most hits lie packed.
func TestEpisodesDoNotDependOnWhenOneAsks(t *testing.T) {
	for _, c := range []*Correlation{
		{Type: "event_count", Rules: []string{"a"}, Timespan: 10 * time.Minute, Condition: []Bound{{"gte", 24}}},
		{Type: "value_count", Rules: []string{"a"}, Timespan: 10 * time.Minute, Field: "f", Condition: []Bound{{"gte", 9}}},
		{Type: "temporal_ordered", Rules: []string{"a", "b"}, Timespan: 20 * time.Second},
	} {
		t.Run(c.Type, func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, 7))
			one := func(i int) Hit {
				h := Hit{Rule: i % len(c.Rules), Time: int64(i)*9000 + r.Int64N(60_000), Group: []string{fmt.Sprint("g", i%3)}, Value: fmt.Sprint("v", r.IntN(12)), Source: int32(i % 5)}
				if r.IntN(20) == 0 {
					h.Time = r.Int64N(int64(i+1) * 9000) // late
				}
				binary.BigEndian.PutUint64(h.Key[:], r.Uint64())
				return h
			}
			live, before := NewCorrelator(c), int64(200*9000)
			var all []Hit
			for i := range 6000 {
				h := one(i)
				all = append(all, h)
				live.Add(h)
				if i%40 == 0 {
					live.Add(h)
				}
				switch {
				case i == 3000:
					live.Forget(before)
				case i == 4000:
					b, err := live.AppendBinary(nil)
					if err != nil {
						t.Fatal(err)
					}
					live = NewCorrelator(c)
					if err := live.UnmarshalBinary(b); err != nil {
						t.Fatal(err)
					}
				case i%37 == 0:
					live.Episodes()
				}
			}
			live.Forget(before)
			once, held := NewCorrelator(c), 0
			for _, h := range all {
				if h.Time >= before {
					once.Add(h)
					held++
				}
			}
			got := live.Episodes()
			if d := cmp.Diff(once.Episodes(), got); d != "" || len(got) < 3 {
				t.Errorf("%d episodes: %s", len(got), d)
			}
			if d := cmp.Diff(got, live.Episodes()); d != "" {
				t.Errorf("asked again: %s", d)
			}
			packed, open := 0, 0
			for _, g := range live.groups {
				packed, open = packed+len(g.packed), open+len(g.hits)
			}
			if live.Held() != held || packed > 24*held || open > held/8 {
				t.Errorf("%d hits of %d held, %d bytes packed, %d not packed", live.Held(), held, packed, open)
			}
		})
	}
}
