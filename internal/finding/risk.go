package finding

import (
	"fmt"
	"math"
)

// Points that one signal of a level adds to its origin's risk. Ours, chosen so that one high outweighs two mediums
// and that lows alone need breadth to reach the queue (RiskThreshold); see docs/adr/0005-risk.md.
var levelPoints = map[Level]float64{Informational: 0, Low: 5, Medium: 20, High: 50, Critical: 80}

// Points returns what one signal at a level is worth.
func Points(l Level) float64 { return levelPoints[l] }

// Diminished returns what n signals of one rule are worth together: the first counts whole, each doubling of the
// count adds a quarter of the first, capped at twice the first. 12 hits of a medium rule are 20 + 17.9.
func Diminished(l Level, n int) float64 {
	if n < 1 {
		return 0
	}
	base := Points(l)
	return round1(base * math.Min(2, 1+0.25*math.Log2(float64(n))))
}

// Score sets the alert's score and its addends.
func Score(a *Alert) {
	base := Points(a.Severity)
	a.Parts = []Part{{Reason: fmt.Sprintf("%s: %s", a.Severity, a.Title), Points: base}}
	if more := round1(Diminished(a.Severity, a.Count) - base); more > 0 {
		a.Parts = append(a.Parts, Part{Reason: fmt.Sprintf("seen %d times that day", a.Count), Points: more})
	}
	a.Score = Sum(a.Parts)
}

// Sum adds the parts, rounded to one decimal as they are shown.
func Sum(parts []Part) float64 {
	var sum float64
	for _, p := range parts {
		sum += p.Points
	}
	return round1(sum)
}

func round1(f float64) float64 { return math.Round(f*10) / 10 }
