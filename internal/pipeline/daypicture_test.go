package pipeline

import (
	"fmt"
	"strings"
	"time"
)

// A picture of a day: three bands below one another, of commits, files and memory, over one axis of hours.
const (
	pictureWidth  = 860.0
	bandLeft      = 70.0
	bandRight     = 840.0
	bandTop       = 44.0
	bandHeight    = 130.0
	bandDistance  = 180.0
	pictureHeight = bandTop + 3*bandDistance
)

// pictureStyle is readable on a light and on a dark page.
const pictureStyle = `<style>
.page{fill:#ffffff}.text{fill:#24292f}.faint{fill:#57606a}.grid{stroke:#d0d7de}.goal{stroke:#cf222e}.a{stroke:#0969da}.b{stroke:#9a6700}
@media (prefers-color-scheme:dark){.page{fill:#0d1117}.text{fill:#e6edf3}.faint{fill:#9198a1}.grid{stroke:#30363d}.goal{stroke:#ff7b72}.a{stroke:#58a6ff}.b{stroke:#d29922}}
</style>`

// band is one of them. goal is a line to stay under; 0 for none.
type band struct {
	title, unit string
	goal        float64
	lines       []bandLine
}

type bandLine struct {
	class string
	value func(m moment) float64
}

// picture draws a day as SVG.
func picture(seen []moment, hours int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="system-ui,sans-serif" font-size="12"><title>Commits, files and memory over a live day</title>%s<rect class="page" width="100%%" height="100%%"/>`,
		pictureWidth, pictureHeight, pictureStyle)
	for i, band := range []band{
		{"time of a commit, each minute", "ms", 200, []bandLine{{"a", func(m moment) float64 { return float64(m.commit) / float64(time.Millisecond) }}}},
		{"data files in the lake", "", 500, []bandLine{{"a", func(m moment) float64 { return float64(m.files) }}}},
		{"memory of the whole process; below it what is live on Go's heap", "MiB", 0, []bandLine{{"a", func(m moment) float64 { return m.mib }}, {"b", func(m moment) float64 { return m.live }}}},
	} {
		band.draw(&b, seen, hours, bandTop+float64(i)*bandDistance)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (g *band) draw(b *strings.Builder, seen []moment, hours int, top float64) {
	most := g.goal * 1.1
	for _, m := range seen {
		for _, l := range g.lines {
			most = max(most, l.value(m)*1.05)
		}
	}
	y := func(value float64) float64 { return top + (1-value/max(1, most))*bandHeight }
	x := func(hour float64) float64 { return bandLeft + hour/float64(hours)*(bandRight-bandLeft) }
	fmt.Fprintf(b, `<text class="text" x="%g" y="%g" font-weight="600">%s</text>`, bandLeft, top-12, g.title)
	for h := 0; h <= hours; h += max(1, hours/8) {
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/><text class="faint" x="%.1f" y="%g" text-anchor="middle">%d h</text>`, x(float64(h)), x(float64(h)), top, top+bandHeight, x(float64(h)), top+bandHeight+16, h)
	}
	for _, part := range []float64{0, 0.5, 1} {
		fmt.Fprintf(b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text class="faint" x="%g" y="%.1f" text-anchor="end">%.0f %s</text>`, bandLeft, bandRight, y(most*part), y(most*part), bandLeft-6, y(most*part)+4, most*part, g.unit)
	}
	if g.goal > 0 {
		fmt.Fprintf(b, `<line class="goal" stroke-dasharray="4 3" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text class="faint" x="%g" y="%.1f" text-anchor="end">goal: below %.0f %s</text>`, bandLeft, bandRight, y(g.goal), y(g.goal), bandRight, y(g.goal)-4, g.goal, g.unit)
	}
	for _, l := range g.lines {
		var points strings.Builder
		for _, m := range seen {
			fmt.Fprintf(&points, "%.1f,%.1f ", x(m.hour), y(l.value(m)))
		}
		fmt.Fprintf(b, `<polyline class=%q fill="none" stroke-width="1.2" points="%s"/>`, l.class, points.String())
	}
}
