package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/health"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/source"
)

// hoursBalance compares the hours on the desk with the totals of the lake: a kill must lose no count, and count nothing twice.
func hoursBalance(t *testing.T, h *house, totals map[string]uint64) {
	t.Helper()
	sum := health.Counts{}
	err := h.desk.Hours(t.Context(), time.Time{}, func(x health.Hour) {
		if x.Key == x.Whole() {
			sum.Received += x.Counts.Received
			sum.Stored += x.Counts.Stored
			sum.Duplicate += x.Counts.Duplicate
			sum.Dead += x.Counts.Dead
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(totalsOf(totals, "logs"), sum); d != "" {
		t.Errorf("the hours differ from the totals of the lake:\n%s", d)
	}
}

// ward is a watch over a desk and a lake, with a clock that the test moves.
type ward struct {
	*watch
	now    time.Time
	states map[string]source.State
	seq    uint64
}

func newWard(t *testing.T) *ward {
	t.Helper()
	dir := t.TempDir()
	d, err := desk.Open(t.Context(), filepath.Join(dir, "desk.db"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := lake.Open(t.Context(), filepath.Join(dir, "lake"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(); l.Close() })
	w := &ward{now: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), states: map[string]source.State{}}
	w.watch = w.again(t, d, l)
	if err := d.AddSource(t.Context(), desk.Source{Name: "trail", Kind: "http", Created: w.now}); err != nil {
		t.Fatal(err)
	}
	return w
}

// again is the watch of a process that was started anew.
func (w *ward) again(t *testing.T, d *desk.Desk, l *lake.Lake) *watch {
	t.Helper()
	watch, err := newWatch(&Config{}, nil, d, l, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	watch.now = func() time.Time { return w.now }
	watch.states = func() map[string]source.State { return w.states }
	return watch
}

// run lets time pass, in which accounts deliver every five minutes.
func (w *ward) run(t *testing.T, span time.Duration, accounts ...string) {
	t.Helper()
	for end := w.now.Add(span); w.now.Before(end); w.now = w.now.Add(5 * time.Minute) {
		var hours []health.Hour
		for _, a := range accounts {
			for _, k := range []health.Key{{Source: "trail", Format: "cloudtrail", Account: a, Region: "eu-west-1"}, {Source: "trail"}} {
				h := health.Hour{Key: k, Start: health.HourOf(w.now), Counts: health.Counts{Received: 10, Stored: 10}, Bytes: 5000, LastOccurred: w.now.Add(-2 * time.Minute)}
				h.Arrived(w.now)
				h.Lags.Add(2 * time.Minute)
				hours = append(hours, h)
			}
		}
		w.seq++
		if err := w.desk.Save(t.Context(), &desk.Conclusion{Partition: "0", Position: w.seq, Tally: &desk.Tally{Position: w.seq, Hours: hours}, Now: w.now}); err != nil {
			t.Fatal(err)
		}
		if err := w.look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// alerts are those on the desk, the oldest first: status and what they are about.
func (w *ward) alerts(t *testing.T) []string {
	t.Helper()
	page, err := w.desk.Alerts(t.Context(), access.Everything(), desk.Query{})
	if err != nil {
		t.Fatal(err)
	}
	rows := page.Items
	out := []string{}
	for i := len(rows) - 1; i >= 0; i-- {
		out = append(out, rows[i].Status+" "+rows[i].Severity.String()+" "+rows[i].Origin)
	}
	return out
}

func (w *ward) want(t *testing.T, alerts ...string) {
	t.Helper()
	if d := cmp.Diff(append([]string{}, alerts...), w.alerts(t)); d != "" {
		t.Errorf("at %s: %s", w.now.Format(time.TimeOnly), d)
	}
}

const accountA, accountB = "111111111111", "222222222222"

func TestSilenceIsAnAlertUntilItIsOver(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	silentB := "new medium trail/cloudtrail/" + accountB + "/eu-west-1"
	closedB := strings.Replace(silentB, "new", "closed", 1)
	w.run(t, 4*time.Hour, accountA, accountB)
	w.want(t)
	w.run(t, 10*time.Minute, accountA)
	w.want(t)
	w.run(t, 15*time.Minute, accountA)
	w.want(t, silentB)
	w.run(t, time.Hour, accountA)
	w.want(t, silentB) // it grows, and stays one
	// A process that is started anew takes it up. It gives the source its time first.
	w.watch = w.again(t, w.desk, w.lake)
	w.run(t, 5*time.Minute, accountA)
	w.run(t, 30*time.Minute, accountA)
	if got := w.alerts(t); got[len(got)-1] != silentB {
		t.Errorf("after a start: %v", got)
	}
	w.run(t, 10*time.Minute, accountA, accountB)
	if got := w.alerts(t); strings.Join(got, "")[:3] == "new" || got[len(got)-1] != closedB {
		t.Errorf("when it is back: %v", got)
	}
	n := len(w.alerts(t))
	w.run(t, 40*time.Minute) // all of it
	if got := w.alerts(t); len(got) != n+1 || got[n] != "new high trail///" {
		t.Errorf("a silent source: %v", got)
	}
}

func TestAPausedSourceIsNotSilent(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.run(t, 4*time.Hour, accountA, accountB)
	pause := func(on bool) {
		t.Helper()
		if err := w.desk.PauseSource(t.Context(), "trail", on); err != nil {
			t.Fatal(err)
		}
	}
	pause(true)
	w.run(t, 3*time.Hour)
	w.want(t)
	pause(false)
	w.run(t, 15*time.Minute)
	w.want(t)
	w.run(t, 10*time.Minute)
	w.want(t, "new high trail///")
	if err := w.desk.RemoveSource(t.Context(), "trail"); err != nil {
		t.Fatal(err)
	}
	w.run(t, 5*time.Minute)
	w.want(t, "closed high trail///")
}

func TestAWorkerThatIsBehindMakesNothingSilent(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.run(t, 4*time.Hour, accountA)
	waiting := w.now
	w.stored = func(context.Context) time.Time { return waiting }
	w.run(t, 2*time.Hour)
	w.want(t)
	w.stored = nil
	w.run(t, 5*time.Minute)
	w.want(t, "new high trail///")
}

func TestMetricsOfHealth(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.run(t, 4*time.Hour, accountA, accountB)
	w.run(t, 30*time.Minute, accountA)
	got := map[string]float64{}
	var names []string
	for _, m := range healthMetrics(w.Report()) {
		key := m.Name + fmt.Sprint(m.Labels)
		if len(names) == 0 || names[len(names)-1] != m.Name {
			names = append(names, m.Name)
		}
		got[key] = m.Value
	}
	seen := map[string]bool{}
	for _, n := range names {
		if seen[n] {
			t.Errorf("%s does not stand together", n)
		}
		seen[n] = true
	}
	for key, want := range map[string]float64{
		"tocsin_source_silent[source trail]": 0, "tocsin_source_troubles[]": 1, "tocsin_source_parsed_ratio[source trail]": 1,
		"tocsin_stream_silent[source trail format cloudtrail account " + accountB + " region eu-west-1]": 1, "tocsin_source_silence_allowed_seconds[source trail]": 900,
	} {
		if v, is := got[key]; !is || v != want {
			t.Errorf("%s is %v (%v), want %v", key, v, is, want)
		}
	}
	if lag := got["tocsin_source_lag_seconds[source trail quantile 0.95]"]; lag < 60 || lag > 120 {
		t.Errorf("the lag is %v s", lag)
	}
}

func TestTheTableOfSourcesFitsAScreen(t *testing.T) {
	t.Parallel()
	big, rate := 1e14, 0.999
	s := listedSource{Source: desk.Source{Name: strings.Repeat("n", 63), Kind: "folder"}, Health: &health.Of{Stream: health.Stream{
		State: health.Learning, LastSeen: time.Now().Add(-900 * 24 * time.Hour), LagP50Seconds: &big, LagP95Seconds: &big, Volume: health.Volume{State: health.VolumeNormal, Ratio: 1e9},
	}, ParseRate: &rate, Balanced: true, PerDay: health.PerDay{Records: 9e12, Bytes: 9e15}, Price: health.Price{Deliver: 123456}}}
	day := 259200.0
	s.Health.LagP50Seconds, s.Health.LagP95Seconds = &day, &day
	var out strings.Builder
	writeTable(&out, [][]string{{"SOURCE", "KIND", "STATE", "SEEN", "LAG50/95", "PER DAY", "BYTES", "VOLUME", "READ", "USD/MON"}, sourceRow(&s, time.Now())})
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// TestHealthIsServed asks a running Tocsin over HTTP.
func TestHealthIsServed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := &Config{Data: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", Sources: []SourceConfig{{Name: "pushed", Kind: "http"}}, Lake: LakeConfig{Commit: 100 * time.Millisecond}}
	if err := c.complete(); err != nil {
		t.Fatal(err)
	}
	h, err := openHouse(t.Context(), &ServeOptions{Config: c, Version: "test", Child: []string{"false"}}, Streams{Out: io.Discard, Err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		h.close()
	}()
	secret, err := h.desk.NewToken(t.Context(), desk.Token{Name: "narrow", Accounts: []string{accountA}, Created: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	owner, err := os.ReadFile(c.tokenFile())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(path, token string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+h.listener.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(raw)
	}
	for deadline := time.Now().Add(20 * time.Second); h.watch.report.Load() == nil; time.Sleep(10 * time.Millisecond) { // its first look; the next is later than this test
		if time.Now().After(deadline) {
			t.Fatal("the sources are not looked at")
		}
	}
	h.watch.report.Store(&health.Report{Sources: []health.Of{{Stream: health.Stream{Key: health.Key{Source: "pushed"}, State: health.Seen}, Streams: []health.Stream{
		{Key: health.Key{Source: "pushed", Format: "cloudtrail", Account: accountA, Region: "eu-west-1"}, State: health.Seen},
		{Key: health.Key{Source: "pushed", Format: "cloudtrail", Account: accountB, Region: "\"x\n\xff"}, State: health.Silent},
	}}}})
	status, body := ask("/api/v1/sources", string(owner))
	var list []listedSource
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != http.StatusOK || len(list) != 1 || list[0].Health == nil || list[0].Health.State != health.Seen || len(list[0].Health.Streams) != 2 {
		t.Errorf("sources: %d %s %v", status, body, err)
	}
	if status, _ := ask("/api/v1/sources", secret); status != http.StatusForbidden {
		t.Errorf("a token of one account sees the sources: %d", status)
	}
	for token, want := range map[string]int{string(owner): 2, secret: 1} {
		var cover health.Coverage
		status, body := ask("/api/v1/coverage", token)
		if err := json.Unmarshal([]byte(body), &cover); err != nil || status != http.StatusOK || len(cover.Cells) != want || !cover.Unknown {
			t.Errorf("coverage: %d %s %v; want %d cells", status, body, err, want)
		}
	}
	for _, token := range []string{"", secret} {
		if status, body := ask("/metrics", token); status != http.StatusOK || strings.Contains(body, "pushed") || strings.Contains(body, accountA) || !strings.Contains(body, "tocsin_records_received_total") {
			t.Errorf("who does not see all accounts reads of sources and accounts in the metrics: %d %s", status, body)
		}
	}
	_, body = ask("/metrics", string(owner))
	if !strings.Contains(body, `tocsin_stream_silent{source="pushed",format="cloudtrail",account="222222222222",region="\"x\n`+"\uFFFD"+`"} 1`) {
		t.Errorf("a hostile name breaks the metrics: %s", body)
	}
	if status, body := ask("/readyz", ""); status != http.StatusOK {
		t.Errorf("ready: %d %s", status, body)
	}
}
