package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
)

// The benchmarks of the live path serve for real, on temporary folders, and push from a second process over loopback. One operation
// is the whole of TOCSIN_BENCH_EVENTS events. What counts is µs/event: CPU time of the serving process alone, as the second process
// shares the machine's cores.

func benchEvents() int {
	if n, err := strconv.Atoi(os.Getenv("TOCSIN_BENCH_EVENTS")); err == nil && n > 0 {
		return n
	}
	return 200_000
}

// served is a Tocsin that serves, in this process.
type served struct {
	*house
	dir, records string
	load         Load
	stop         context.CancelFunc
	done         chan error
	ended        bool
}

// serving starts one. change, where given, is told of it before it runs.
func serving(tb testing.TB, c *Config, change func(h *house)) *served {
	tb.Helper()
	s := &served{dir: tb.TempDir(), done: make(chan error, 1)}
	c.Data, c.Listen = filepath.Join(s.dir, "data"), "127.0.0.1:0"
	c.Sources = append(c.Sources, SourceConfig{Name: "push", Kind: "http"})
	if err := c.complete(); err != nil {
		tb.Fatal(err)
	}
	var err error
	if s.house, err = openHouse(tb.Context(), &ServeOptions{Config: c, Version: "test", Child: []string{"false"}}, Streams{Out: io.Discard, Err: os.Stderr}); err != nil {
		tb.Fatal(err)
	}
	if change != nil {
		change(s.house)
	}
	token, err := s.desk.NewToken(tb.Context(), desk.Token{Name: "push", Source: "push", Created: time.Now()})
	if err != nil {
		tb.Fatal(err)
	}
	if s.records, err = writeLoad(tb.Context(), s.dir, 20_000); err != nil {
		tb.Fatal(err)
	}
	s.load = Load{URL: "http://" + s.listener.Addr().String() + "/api/v1/ingest/push", Token: token, Records: s.records, Push: 1000, Connections: 4}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(tb.Context())
	go func() { s.done <- s.run(ctx) }()
	tb.Cleanup(func() {
		if err := s.end(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func (s *served) end() error {
	if s.ended {
		return nil
	}
	s.ended = true
	s.stop()
	if err := <-s.done; err != nil {
		return err
	}
	return s.close()
}

// pushed runs a second process that pushes, to its end.
func (s *served) pushed(tb testing.TB, l Load) Pushed {
	tb.Helper()
	spec, err := json.Marshal(l)
	if err != nil {
		tb.Fatal(err)
	}
	child := exec.CommandContext(tb.Context(), os.Args[0]) //nolint:gosec // this test itself
	child.Env = append(os.Environ(), loadChild+"="+string(spec))
	var complaint bytes.Buffer
	child.Stderr = &complaint
	text, err := child.Output()
	var p Pushed
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		tb.Fatalf("the push failed: %v: %s %s", err, text, complaint.String())
	}
	return p
}

// drained waits until the worker took all in that is in the stream.
func (s *served) drained(tb testing.TB) {
	tb.Helper()
	for {
		last, err := s.stream.Last(tb.Context(), 0)
		if err != nil {
			tb.Fatal(err)
		}
		if s.worker.Status.Position.Load() >= last {
			return
		}
		if err := s.ready(); err != nil {
			tb.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// cpu is what this process used of the processor so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident is what this process has of memory, in bytes.
func resident() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// BenchmarkPushToDurable pushes while no worker takes the batches out of the stream.
func BenchmarkPushToDurable(b *testing.B) {
	s := serving(b, &Config{}, func(h *house) { h.idle = true })
	events := benchEvents()
	for b.Loop() {
		s.load.Run++
		l := s.load
		l.Events = events
		before := cpu()
		p := s.pushed(b, l)
		reportPush(b, p.Events, cpu()-before, p)
	}
}

func reportPush(b *testing.B, events int, used time.Duration, p Pushed) {
	b.ReportMetric(float64(used.Microseconds())/float64(events), "cpu-µs/event")
	b.ReportMetric(float64(events)/p.Seconds, "events/s")
	b.ReportMetric(float64(p.P50.Microseconds())/1000, "answer-p50-ms")
	b.ReportMetric(float64(p.P99.Microseconds())/1000, "answer-p99-ms")
}

// BenchmarkServeSustained pushes as fast as is taken, and ends when all of it is judged and in the lake.
func BenchmarkServeSustained(b *testing.B) {
	events := benchEvents()
	for b.Loop() {
		s := serving(b, &Config{}, nil)
		l := s.load
		l.Events, l.Run = events, 1
		runtime.GC()
		rest, before, start := resident(), cpu(), time.Now()
		top := peak(b.Context())
		p := s.pushed(b, l)
		s.drained(b)
		wall, used, most := time.Since(start), cpu()-before, top()
		if err := s.end(); err != nil {
			b.Fatal(err)
		}
		total, all := cpu()-before, time.Since(start)
		if stored := s.worker.Status.Stored.Load(); stored != int64(p.Events) {
			b.Fatalf("%d of %d events are stored", stored, p.Events)
		}
		p.Seconds = all.Seconds()
		reportPush(b, p.Events, total, p)
		b.ReportMetric(float64(p.Events)/wall.Seconds(), "judged/s")
		b.ReportMetric(float64(used.Microseconds())/float64(p.Events), "judging-cpu-µs/event")
		b.ReportMetric(float64(s.worker.Status.CommitNanos.Load())/1e6, "last-commit-ms")
		b.ReportMetric(float64(rest)/(1<<20), "MiB-at-rest")
		b.ReportMetric(float64(most)/(1<<20), "MiB-peak")
	}
}

// peak watches the memory of this process until the function that it returns is called, which returns the most there was.
func peak(ctx context.Context) func() int64 {
	ctx, stop := context.WithCancel(ctx)
	var most int64
	var wait sync.WaitGroup
	wait.Go(func() {
		for ctx.Err() == nil {
			most = max(most, resident())
			time.Sleep(20 * time.Millisecond)
		}
	})
	return func() int64 { stop(); wait.Wait(); return most }
}

// BenchmarkServeLag pushes at a rate, with an event in it five times a second that becomes an alert, and measures how long after it was
// pushed each is on the desk.
func BenchmarkServeLag(b *testing.B) {
	rates := []int{5_000, 20_000}
	if n, err := strconv.Atoi(os.Getenv("TOCSIN_BENCH_RATE")); err == nil {
		rates = []int{n}
	}
	for _, rate := range rates {
		b.Run(fmt.Sprintf("%d-a-second", rate), func(b *testing.B) {
			for b.Loop() {
				s := serving(b, &Config{}, nil)
				l := s.load
				l.Events, l.Run, l.Rate, l.Marks, l.Push = rate*20, 1, rate, 200*time.Millisecond, max(100, rate/40)
				before, start := cpu(), time.Now()
				lags := s.watchAlerts(b.Context())
				top := peak(b.Context())
				p := s.pushed(b, l)
				s.drained(b)
				used, wall := cpu()-before, time.Since(start)
				seen := lags(p.Marks)
				reportPush(b, p.Events, used, p)
				b.ReportMetric(float64(p.Events)/wall.Seconds(), "judged/s")
				b.ReportMetric(float64(quantile(seen, 0.5).Microseconds())/1000, "alert-p50-ms")
				b.ReportMetric(float64(quantile(seen, 0.99).Microseconds())/1000, "alert-p99-ms")
				b.ReportMetric(float64(top())/(1<<20), "MiB-peak")
				if len(seen) < p.Marks {
					b.Errorf("%d of %d alerts were seen", len(seen), p.Marks)
				}
				if err := s.end(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// watchAlerts looks at the desk as someone who waits for alerts does. The function that it returns waits until so many are there, and
// returns how long each took, in order.
func (s *served) watchAlerts(ctx context.Context) func(want int) []time.Duration {
	ctx, stop := context.WithCancel(ctx)
	seen := map[string]time.Duration{}
	var mu sync.Mutex
	var wait sync.WaitGroup
	wait.Go(func() {
		for ctx.Err() == nil {
			rows, err := s.desk.Alerts(ctx, access.Everything(), desk.Query{Limit: 100_000})
			now := time.Now()
			mu.Lock()
			for i := range rows.Items {
				if _, known := seen[rows.Items[i].UID]; err == nil && !known && strings.Contains(rows.Items[i].Origin, "user/marker-") {
					seen[rows.Items[i].UID] = now.Sub(rows.Items[i].First)
				}
			}
			mu.Unlock()
			time.Sleep(50 * time.Millisecond)
		}
	})
	return func(want int) []time.Duration {
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			mu.Lock()
			n := len(seen)
			mu.Unlock()
			if n >= want {
				break
			}
		}
		stop()
		wait.Wait()
		out := make([]time.Duration, 0, len(seen))
		for _, d := range seen {
			out = append(out, d)
		}
		slices.Sort(out)
		return out
	}
}

// BenchmarkStart fills a lake, stops in order, and starts again: with what detection remembered, and without. The metrics are seconds to
// the moment at which the worker takes batches.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		s := serving(b, &Config{}, nil)
		l := s.load
		l.Events, l.Run = benchEvents(), 1
		s.pushed(b, l)
		s.drained(b)
		if err := s.end(); err != nil {
			b.Fatal(err)
		}
		memory := filepath.Join(s.dir, "data", "memory")
		info, err := os.Stat(memory)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/(1<<20), "MiB-memory")
		b.ReportMetric(s.startAgain(b).Seconds(), "s-remembered")
		if err := os.Remove(memory); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(s.startAgain(b).Seconds(), "s-rebuilt")
	}
}

// startAgain opens the same data, waits until the worker is at work, and ends it.
func (s *served) startAgain(b *testing.B) time.Duration {
	b.Helper()
	start := time.Now()
	h, err := openHouse(b.Context(), s.o, Streams{Out: io.Discard, Err: io.Discard})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- h.run(ctx) }()
	for h.worker.Status.Remembered.Load()+h.worker.Status.Rebuilds.Load() == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	took := time.Since(start)
	stop()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	if err := h.close(); err != nil {
		b.Fatal(err)
	}
	return took
}
