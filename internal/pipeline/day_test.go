package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// day is a live day in accelerated time: its clock is told what time it is.
type day struct {
	bench *bench
	now   atomic.Int64 // milliseconds
	first [][]byte     // records under every attack, which come once
	raw   [][]byte     // ordinary ones, which come again and again
	next  int

	mu      sync.Mutex
	minutes []time.Time // by minute of the day: when it began by the machine's clock
}

// moment is what was seen at a time of the day.
type moment struct {
	hour, mib, live float64 // memory of the process, and of it what Go's collector found in use, in MiB
	files           int
	commit          time.Duration
}

var dayStart = time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)

func (d *day) time() time.Time { return time.UnixMilli(d.now.Load()).UTC() }

// tick begins the next minute.
func (d *day) tick() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now.Store(dayStart.Add(time.Duration(len(d.minutes)) * (time.Minute + time.Millisecond)).UnixMilli())
	d.minutes = append(d.minutes, time.Now())
}

// machine is when a time of the day was by the machine's clock.
func (d *day) machine(at time.Time) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.minutes[min(max(0, int(at.Sub(dayStart)/time.Minute)), len(d.minutes)-1)]
}

// record is what the n-th event of the day is made of.
func (d *day) record(n int) []byte {
	if n < len(d.first) {
		return d.first[n]
	}
	return d.raw[(n-len(d.first))%len(d.raw)]
}

// ofAll lists the records of an inventory that a time and an id can be written into.
func ofAll(t *testing.T, inv *collect.Inventory) (out [][]byte) {
	t.Helper()
	err := EachRecord(t.Context(), inv, func(e *ocsf.Event) {
		if bytes.Contains(e.Raw, []byte(`"eventID":"`)) && bytes.Contains(e.Raw, []byte(`"eventTime":"`)) {
			out = append(out, bytes.Clone(e.Raw))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// arrive publishes a minute's events.
func (d *day) arrive(t *testing.T, events int) {
	t.Helper()
	at := d.time()
	cut := d.bench.stream.Cut(stream.Batch{Source: "test", Format: "cloudtrail", Lane: lake.LaneLive, Received: at, Object: at.Format(time.RFC3339)})
	defer cut.Close() //nolint:errcheck // temporary files
	for range events {
		raw := bytes.Clone(d.record(d.next))
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

// TestALiveDay serves a day under every attack once, and else of ordinary work (half an hour of it, unless TOCSIN_DAY names hours) minute after minute, with a commit each minute and a
// compaction every ten. Few files must be left, and memory must be flat: over a long day, in which nothing else runs in the process, the last
// quarter may not take more than a quarter above the second, neither as live heap nor as process. TOCSIN_DAY_EVENTS is how many events a minute
// has, TOCSIN_DAY_PICTURE where to draw the day, and TOCSIN_DAY_HEAP a folder for a profile of the heap each hour.
func TestALiveDay(t *testing.T) {
	minutes, rate := 30, 300
	if n, err := strconv.Atoi(os.Getenv("TOCSIN_DAY_EVENTS")); err == nil && n > 0 {
		rate = n
	}
	if n, err := strconv.Atoi(os.Getenv("TOCSIN_DAY")); err == nil && n > 0 {
		minutes = n * 60
	} else {
		t.Parallel()
	}
	d := &day{bench: newBench(t, t.TempDir())}
	defer d.bench.close(t)
	d.tick()
	d.first, d.raw = ofAll(t, simulated(t, "all")), ofAll(t, simulated(t))
	w := d.bench.worker(t, Timing{Window: 30 * 24 * time.Hour})
	w.Now, w.machine, w.Log = d.time, d.machine, slog.New(slog.DiscardHandler)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	var seen []moment
	for minute := range minutes {
		d.arrive(t, rate)
		last := d.bench.last(t)
		d.wait(t, done, func() bool { return w.Status.Position.Load() >= last })
		commits := w.Status.Commits.Load()
		d.tick()
		d.wait(t, done, func() bool { return w.Status.Commits.Load() > commits })
		seen = append(seen, moment{float64(minute) / 60, residentMiB(), liveMiB(), len(planned(t, d.bench.lake)), time.Duration(w.Status.CommitNanos.Load())})
		if minute%60 == 59 {
			heapProfile(t, minute/60+1)
			d.sayHour(t, seen[minute-59:])
			draw(t, seen, max(1, minutes/60)) // so that a day that is broken off leaves a picture of what there was
		}
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
	if len(seen) >= flatHours*60 {
		flat(t, "live heap", seen, func(m moment) float64 { return m.live })
		flat(t, "the process", seen, func(m moment) float64 { return m.mib })
	}
	draw(t, seen, hours)
}

// flatHours is how long a day must be for its quarters to be compared: what detection keeps for a few hours is full by the second.
const flatHours = 24

// flat fails where the last quarter of a day takes more than a quarter above the second. Each is taken at its least: what a compaction takes for a
// moment is no growth.
func flat(t *testing.T, what string, seen []moment, of func(moment) float64) {
	t.Helper()
	least := func(part []moment) float64 {
		out := of(part[0])
		for _, m := range part {
			out = min(out, of(m))
		}
		return out
	}
	n := len(seen) / 4
	second, last := least(seen[n:2*n]), least(seen[3*n:])
	t.Logf("%s: %.0f MiB at the least in the second quarter, %.0f in the last", what, second, last)
	if last > 1.25*second {
		t.Errorf("%s grows: %.0f MiB at the least in the second quarter of the day, %.0f in the last", what, second, last)
	}
}

func draw(t *testing.T, seen []moment, hours int) {
	t.Helper()
	if path := os.Getenv("TOCSIN_DAY_PICTURE"); path != "" {
		if err := os.WriteFile(filepath.Clean(path), []byte(picture(seen, hours)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// sayHour logs an hour of a long day.
func (d *day) sayHour(t *testing.T, hour []moment) {
	t.Helper()
	var sum, worst time.Duration
	for _, m := range hour {
		sum, worst = sum+m.commit, max(worst, m.commit)
	}
	last := hour[len(hour)-1]
	t.Logf("to %s: %d files; commits %v on average, %v at worst; memory %.0f MiB, %.0f of it live", d.time().Format("15:04"), last.files,
		(sum / time.Duration(len(hour))).Round(100*time.Microsecond), worst.Round(100*time.Microsecond), last.mib, last.live)
}

// liveMiB is what Go's collector found in use the last time.
func liveMiB() float64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return float64(s[0].Value.Uint64()) / (1 << 20)
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

// heapProfile keeps what the heap consists of after an hour, in the folder that TOCSIN_DAY_HEAP names, and says of what the process consists.
func heapProfile(t *testing.T, hour int) {
	t.Helper()
	dir := os.Getenv("TOCSIN_DAY_HEAP")
	if dir == "" {
		return
	}
	runtime.GC()
	f, err := os.Create(filepath.Join(filepath.Clean(dir), fmt.Sprintf("heap-%02d.pprof", hour))) // #nosec G304 -- the tester's own folder
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(pprof.Lookup("heap").WriteTo(f, 0), f.Close()); err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	rollup, _ := os.ReadFile("/proc/self/smaps_rollup")
	parts := regexp.MustCompile(`(?m)^(Rss|Anonymous|Pss_File):\s+(\d+) kB`).FindAllStringSubmatch(string(rollup), -1)
	t.Logf("heap in use %d MiB, held by Go %d MiB, of which released %d; %v", m.HeapAlloc>>20, m.Sys>>20, m.HeapReleased>>20, parts)
}
