package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// day is a live day in accelerated time: its clock is told what time it is.
type day struct {
	bench *bench
	now   atomic.Int64 // milliseconds
	raw   [][]byte
	next  int
}

// moment is what was seen at a time of the day.
type moment struct {
	hour, mib float64
	files     int
	commit    time.Duration
}

func (d *day) time() time.Time { return time.UnixMilli(d.now.Load()).UTC() }

// arrive publishes a minute's events.
func (d *day) arrive(t *testing.T, events int) {
	t.Helper()
	at := d.time()
	cut := d.bench.stream.Cut(stream.Batch{Source: "test", Format: "cloudtrail", Lane: lake.LaneLive, Received: at, Object: at.Format(time.RFC3339)})
	defer cut.Close() //nolint:errcheck // temporary files
	for range events {
		raw := bytes.Clone(d.raw[d.next%len(d.raw)])
		d.next++
		copy(raw[bytes.Index(raw, []byte(`"eventID":"`))+11:], fmt.Sprintf("00000000-0000-4000-8000-%012x", d.next))
		copy(raw[bytes.Index(raw, []byte(`"eventTime":"`))+13:], at.Format("2006-01-02T15:04:05Z"))
		if err := cut.Add(append([]byte{wholeRecord}, raw...)); err != nil {
			t.Fatal(err)
		}
	}
	for b, err := range cut.Batches() {
		if err == nil {
			_, err = d.bench.stream.Publish(t.Context(), b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestALiveDay serves a day (half an hour of it, unless TOCSIN_DAY names hours) minute after minute, with a commit each minute and a
// compaction every ten. Few files must be left, and memory must not grow. TOCSIN_DAY_PICTURE is where to draw it.
func TestALiveDay(t *testing.T) {
	minutes := 30
	if n, err := strconv.Atoi(os.Getenv("TOCSIN_DAY")); err == nil && n > 0 {
		minutes = n * 60
	} else {
		t.Parallel()
	}
	d := &day{bench: newBench(t, t.TempDir())}
	defer d.bench.close(t)
	d.now.Store(time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC).UnixMilli())
	err := EachRecord(t.Context(), simulated(t), func(e *ocsf.Event) {
		if bytes.Contains(e.Raw, []byte(`"eventID":"`)) && bytes.Contains(e.Raw, []byte(`"eventTime":"`)) {
			d.raw = append(d.raw, bytes.Clone(e.Raw))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	w := d.bench.worker(t, Timing{Window: 30 * 24 * time.Hour})
	w.Now, w.Log = d.time, slog.New(slog.DiscardHandler)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	var seen []moment
	for minute := range minutes {
		d.arrive(t, 300)
		last, err := d.bench.stream.Last(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		d.wait(t, done, func() bool { return w.Status.Position.Load() >= last })
		commits := w.Status.Commits.Load()
		d.now.Add(time.Minute.Milliseconds() + 1)
		d.wait(t, done, func() bool { return w.Status.Commits.Load() > commits })
		seen = append(seen, moment{float64(minute) / 60, residentMiB(), len(planned(t, d.bench.lake)), time.Duration(w.Status.CommitNanos.Load())})
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	d.judge(t, seen, max(1, minutes/60))
}

// wait waits until the worker got somewhere.
func (d *day) wait(t *testing.T, done <-chan error, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Minute); !holds(); time.Sleep(time.Millisecond) {
		select {
		case err := <-done:
			t.Fatalf("%s: the worker ended: %v", d.time(), err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: it takes too long", d.time())
		}
	}
}

func planned(t *testing.T, l *lake.Lake) []lake.File {
	t.Helper()
	files, err := l.Plan(t.Context(), time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func (d *day) judge(t *testing.T, seen []moment, hours int) {
	t.Helper()
	rows := int64(0)
	for _, f := range planned(t, d.bench.lake) {
		rows += f.Rows
	}
	most, slow := 0, 0
	var sum, worst time.Duration
	for _, m := range seen {
		most, worst, sum = max(most, m.files), max(worst, m.commit), sum+m.commit
		if m.commit > 200*time.Millisecond {
			slow++
		}
	}
	t.Logf("%d hours, %d events: at most %d files, %d at the end; commits %v on average, %v at worst, %d of %d above 200 ms; memory %.0f MiB after a quarter, %.0f at the end",
		hours, rows, most, seen[len(seen)-1].files, sum/time.Duration(len(seen)), worst, slow, len(seen), seen[len(seen)/4].mib, seen[len(seen)-1].mib)
	if rows != int64(d.next) {
		t.Errorf("%d rows of %d events", rows, d.next)
	}
	if most >= 500 {
		t.Errorf("%d files at once", most)
	}
	if path := os.Getenv("TOCSIN_DAY_PICTURE"); path != "" {
		if err := os.WriteFile(filepath.Clean(path), []byte(picture(seen, hours)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func residentMiB() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize()) / (1 << 20)
}

// picture draws memory and files over the day.
func picture(seen []moment, hours int) string {
	const width, height, left, top = 820.0, 300.0, 60.0, 40.0
	mib, files := 1.0, 1.0
	for _, m := range seen {
		mib, files = max(mib, m.mib), max(files, float64(m.files))
	}
	line := func(colour string, value func(m moment) float64) string {
		var b strings.Builder
		for _, m := range seen {
			fmt.Fprintf(&b, "%.1f,%.1f ", left+m.hour/float64(hours)*(width-2*left), top+(1-value(m))*(height-2*top))
		}
		return fmt.Sprintf(`<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/>`, colour, b.String())
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="sans-serif" font-size="12"><title>Memory and data files over a live day</title><rect width="100%%" height="100%%" fill="white"/>`, width, height)
	for h := 0; h <= hours; h += max(1, hours/8) {
		x := left + float64(h)/float64(hours)*(width-2*left)
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%g" y2="%g" stroke="#ddd"/><text x="%.1f" y="%g" text-anchor="middle">%d h</text>`, x, x, top, height-top, x, height-top+18, h)
	}
	fmt.Fprintf(&b, `<text x="%g" y="24" fill="#1f5fa8">memory of the process, up to %.0f MiB</text><text x="%g" y="24" text-anchor="end" fill="#b3541e">data files, up to %.0f</text>`, left, mib, width-left, files)
	b.WriteString(line("#1f5fa8", func(m moment) float64 { return m.mib / mib }))
	b.WriteString(line("#b3541e", func(m moment) float64 { return float64(m.files) / files }))
	b.WriteString("</svg>\n")
	return b.String()
}
