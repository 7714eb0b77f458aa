package app

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

// showProgress tells how far a scan is: on a terminal one line that is drawn over, elsewhere a line each ten seconds.
// The function that it returns ends it and clears the line.
func showProgress(p *pipeline.Progress, inv *collect.Inventory, talk io.Writer, quiet bool) (stop func()) {
	if quiet {
		return func() {}
	}
	live := false
	if f, ok := talk.(*os.File); ok {
		live = term.IsTerminal(int(f.Fd())) //nolint:gosec // a descriptor
	}
	every := 10 * time.Second
	if live {
		every = 200 * time.Millisecond
	}
	done := make(chan struct{})
	var wait sync.WaitGroup
	start := time.Now()
	wait.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		meter := meter{total: inv.Bytes, files: len(inv.Files), start: start}
		for {
			select {
			case <-done:
				if live {
					fmt.Fprint(talk, "\r\x1b[K")
				}
				return
			case now := <-tick.C:
				line := meter.line(p, now)
				if live {
					fmt.Fprint(talk, "\r\x1b[K"+line)
				} else {
					fmt.Fprintln(talk, line)
				}
			}
		}
	})
	return func() { close(done); wait.Wait() }
}

// meter makes the line: stage, bytes, rate, time left in this reading.
type meter struct {
	total int64
	files int
	start time.Time
	stage string
}

func (m *meter) line(p *pipeline.Progress, now time.Time) string {
	stage, _ := p.Stage.Load().(string)
	if stage == "" {
		return "listing files"
	}
	if stage != m.stage {
		m.stage, m.start = stage, now
	}
	elapsed := now.Sub(m.start).Seconds()
	read, events := p.Bytes.Load(), p.Events.Load()
	out := fmt.Sprintf("%s: %s of %s, %d of %d files", stage, Bytes(read), Bytes(m.total), p.Files.Load(), m.files)
	if elapsed >= 1 {
		out += fmt.Sprintf(", %s events/s", thousands(int64(float64(events)/elapsed)))
		if read > 0 && read < m.total && stage != "reading evidence" {
			left := time.Duration(float64(m.total-read) / float64(read) * elapsed * float64(time.Second))
			out += fmt.Sprintf(", %s left in this reading", left.Round(time.Second))
		}
	}
	return out
}

// Bytes writes a number of bytes in IEC units.
func Bytes(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/1024, 0
	for f >= 1024 && i < len(units)-1 {
		f /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", f, units[i])
}

func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
