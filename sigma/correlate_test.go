package sigma

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// TestCorrelations runs testdata/correlations.yml: hits as "minute rule [value]" by group, and the episodes as
// "group first-last count".
func TestCorrelations(t *testing.T) {
	raw, err := os.ReadFile("testdata/correlations.yml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name        string
		Correlation yaml.Node
		Hits        []string
		Want        []string
	}
	if err := yaml.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			src, err := yaml.Marshal(map[string]any{"title": c.Name, "correlation": &c.Correlation})
			if err != nil {
				t.Fatal(err)
			}
			docs, errs := Parse("c.yml", src, Options{})
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			rule := docs[0].(*Correlation)
			for seed := range uint64(4) {
				got := episodes(rule, c.Hits, seed)
				if diff := cmp.Diff(c.Want, got); diff != "" {
					t.Fatalf("shuffle %d: %s", seed, diff)
				}
			}
		})
	}
}

// episodes feeds the hits in a shuffled order, split over two correlators that are merged.
func episodes(rule *Correlation, lines []string, seed uint64) []string {
	hits := make([]Hit, len(lines))
	for i, line := range lines {
		var minute float64
		var name, group, value string
		fmt.Sscanf(line, "%f %s %s %s", &minute, &name, &group, &value)
		h := Hit{Time: int64(minute * 60_000), Group: []string{group}, Value: value}
		for k, r := range rule.Rules {
			if r == name {
				h.Rule = k
			}
		}
		binary.BigEndian.PutUint64(h.Key[:], uint64(i))
		hits[i] = h
	}
	if seed > 0 {
		rand.New(rand.NewPCG(seed, 5)).Shuffle(len(hits), func(i, j int) { hits[i], hits[j] = hits[j], hits[i] })
	}
	a, b := NewCorrelator(rule), NewCorrelator(rule)
	for i, h := range hits {
		if i%3 == 0 {
			b.Add(h)
		} else {
			a.Add(h)
		}
	}
	a.Merge(b)
	var out []string
	for _, e := range a.Episodes() {
		first, last := e.Events[0].Time, e.Events[len(e.Events)-1].Time
		out = append(out, fmt.Sprintf("%s %v-%v %d peak %d", e.Group[0], time.Duration(first*1e6).Minutes(), time.Duration(last*1e6).Minutes(), len(e.Events), e.Peak))
	}
	return out
}
