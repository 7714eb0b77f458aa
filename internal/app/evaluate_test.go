package app

import (
	"testing"

	"github.com/tocsin-security/tocsin/internal/evaluate"
	"github.com/tocsin-security/tocsin/internal/finding"
)

func TestAFallBelowTheBaselineIsSeen(t *testing.T) {
	good := evaluate.Score{Attack: "a", Detected: finding.High, Rank: 1, Inside: 1, Purity: 1}
	base := &Figures{Attacks: []evaluate.Score{good}}
	cases := map[string]struct {
		now  Figures
		want int
	}{
		"the same":         {Figures{Attacks: []evaluate.Score{good}}, 0},
		"weaker level":     {Figures{Attacks: []evaluate.Score{{Attack: "a", Detected: finding.Medium, Rank: 1, Inside: 1, Purity: 1}}}, 1},
		"missed":           {Figures{Attacks: []evaluate.Score{{Attack: "a"}}}, 1},
		"far down":         {Figures{Attacks: []evaluate.Score{{Attack: "a", Detected: finding.High, Rank: 9, Inside: 1, Purity: 1}}}, 1},
		"torn apart":       {Figures{Attacks: []evaluate.Score{{Attack: "a", Detected: finding.High, Rank: 1, Inside: 0.5, Purity: 1}}}, 1},
		"noise by the way": {Figures{Attacks: []evaluate.Score{good}, Benign: evaluate.Noise{AboveMedium: 0.3}}, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Falls(base, &c.now); len(got) != c.want {
				t.Errorf("got %v, want %d falls", got, c.want)
			}
		})
	}
}
