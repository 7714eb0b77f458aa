package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)

// clock is a clock that goes on when it is waited for.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}

// taken is a target that notes what comes when, and ends the delivery after some.
type taken struct {
	clock *clock
	paths []string
	at    []time.Time
	body  map[string]string
	stop  func(path string, n int) error
}

func (t *taken) put(_ context.Context, path string, body []byte) error {
	if t.stop != nil {
		if err := t.stop(path, len(t.paths)); err != nil {
			return err
		}
	}
	t.paths, t.at = append(t.paths, path), append(t.at, t.clock.Now())
	if t.body == nil {
		t.body = map[string]string{}
	}
	t.body[path] = string(body)
	return nil
}

var errKilled = errors.New("killed")

func liveOf(dir string, k *clock) LiveConfig {
	return LiveConfig{Config: Config{Seed: 1, Days: 3, Scale: 0.2, Attacks: []string{"help-desk-takeover"}, Formats: []string{"all"}}, Dir: dir, Now: k.Now, Wait: k.Wait}
}

func TestLiveDeliversThePastAndWaitsForTheRest(t *testing.T) {
	t.Parallel()
	k := &clock{now: noon}
	dir := filepath.Join(t.TempDir(), "in")
	ctx, cancel := context.WithCancel(t.Context())
	c := liveOf(dir, k)
	c.Wait = func(ctx context.Context, d time.Duration) error {
		cancel() // nothing of the past is waited for
		return ctx.Err()
	}
	if err := Live(ctx, c); err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	err := fs.WalkDir(os.DirFS(filepath.Join(dir, "logs")), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found[formatOf(path)]++
		}
		return err
	})
	if err != nil || found["cloudtrail"] < 20 || found["vpcflow"] < 20 || found["alb"] < 10 || found["waf"] < 10 || found["resolver"] < 10 || found["s3access"] < 1 {
		t.Errorf("%v, %v", found, err)
	}
	for _, name := range []string{"labels.json", "environment.yaml"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// formatOf tells a format by the layout of its keys.
func formatOf(path string) string {
	for part, format := range map[string]string{"/CloudTrail/": "cloudtrail", "/vpcflowlogs/": "vpcflow", "/vpcdnsquerylogs/": "resolver", "/elasticloadbalancing/": "alb", "/WAFLogs/": "waf", "s3access/": "s3access", "/GuardDuty/": "guardduty"} {
		if strings.Contains(path, part) {
			return format
		}
	}
	return ""
}

// feedUntil delivers to a target of the test's own.
func feedUntil(t *testing.T, c LiveConfig, to *taken) error {
	t.Helper()
	return feedInto(t, c, to)
}

// both notes what a real target takes, and ends the delivery after most.
type both struct {
	taken
	to   target
	most int
}

func (b *both) put(ctx context.Context, path string, body []byte) error {
	if len(b.paths) == b.most {
		return errKilled
	}
	return errors.Join(b.to.put(ctx, path, body), b.taken.put(ctx, path, body))
}

func feedInto(t *testing.T, c LiveConfig, to target) error {
	t.Helper()
	f, err := recall(&c)
	if err != nil {
		t.Fatal(err)
	}
	if c.Start.IsZero() {
		t.Fatal("no start")
	}
	p := pace{Rate: c.Rate, catchUp: c.CatchUp, begin: c.Now(), from: c.Start}
	return c.feed(t.Context(), p, Destination{}, to, Formats(), f)
}

func TestNothingIsDeliveredBeforeItsTimeAndDaysGoOn(t *testing.T) {
	t.Parallel()
	k := &clock{now: noon}
	c := liveOf(t.TempDir(), k)
	c.Scale = 0.05
	to := &taken{clock: k, stop: func(string, int) error {
		if k.Now().After(noon.AddDate(0, 0, 4)) { // days after the last of the Config
			return errKilled
		}
		return nil
	}}
	if err := feedUntil(t, c, to); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	g, err := newGenerator(Config{Seed: 1, Start: time.Date(2026, 5, 5, 0, 0, 0, 0, time.UTC), Days: 3, Scale: 0.05, Attacks: c.Attacks, Formats: c.Formats}, nil)
	if err != nil {
		t.Fatal(err)
	}
	due := map[string]time.Time{}
	for range 8 {
		day, err := g.day()
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range day {
			due[o.path] = o.at
		}
	}
	days := map[string]bool{}
	for i, path := range to.paths {
		at, known := due[path]
		if !known || to.at[i].Before(at) {
			t.Fatalf("%s came at %s, and is of %s (%v)", path, to.at[i], at, known)
		}
		if at.After(noon) && to.at[i].Sub(at) > time.Second {
			t.Fatalf("%s came %s late", path, to.at[i].Sub(at))
		}
		days[at.Format(time.DateOnly)] = true
	}
	if len(days) < 6 {
		t.Errorf("delivered days: %v", days)
	}
}

func TestARateIsKept(t *testing.T) {
	t.Parallel()
	for text, check := range map[string]func(t *testing.T, to *taken, events []int, ats []time.Time){
		"200/s": func(t *testing.T, to *taken, events []int, _ []time.Time) {
			sum := 0
			for i, n := range events {
				if want := time.Duration(float64(sum) / 200 * float64(time.Second)); (to.at[i].Sub(noon) - want).Abs() > time.Millisecond {
					t.Fatalf("object %d came after %s, want %s", i, to.at[i].Sub(noon), want)
				}
				sum += n
			}
		},
		"3600x": func(t *testing.T, to *taken, _ []int, ats []time.Time) {
			for i, at := range ats {
				if want := at.Sub(ats[0]) / 3600; (to.at[i].Sub(noon) - want).Abs() > time.Millisecond {
					t.Fatalf("object %d came after %s, want %s", i, to.at[i].Sub(noon), want)
				}
			}
		},
	} {
		t.Run(strings.ReplaceAll(text, "/", " a "), func(t *testing.T) {
			t.Parallel()
			k := &clock{now: noon}
			c := liveOf(t.TempDir(), k)
			c.Start = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
			var err error
			if c.Rate, err = ParseRate(text); err != nil {
				t.Fatal(err)
			}
			to := &taken{clock: k, stop: func(_ string, n int) error {
				if n == 600 {
					return errKilled
				}
				return nil
			}}
			if err := feedUntil(t, c, to); !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			g, err := newGenerator(c.Config, nil)
			if err != nil {
				t.Fatal(err)
			}
			all := map[string]object{}
			for range 3 {
				day, err := g.day()
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range day {
					all[o.path] = o
				}
			}
			var events []int
			var ats []time.Time
			for _, path := range to.paths {
				events, ats = append(events, all[path].events), append(ats, all[path].at)
			}
			check(t, to, events, ats)
		})
	}
	for _, text := range []string{"fast", "-1", "0", "0.5x", "1e12", "x"} {
		if _, err := ParseRate(text); err == nil {
			t.Errorf("the rate %q was taken", text)
		}
	}
}

// TestAKilledWriterGoesOn kills the writer at many points, before and after what it delivers is noted.
func TestAKilledWriterGoesOn(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, killAt int) (order []string, body map[string]string, twice int) {
		dir := t.TempDir()
		body = map[string]string{}
		for start := 0; len(order) < 380 && start < 100; start++ {
			k := &clock{now: noon.Add(time.Duration(start) * 13 * time.Hour)} // also on another day
			to := &taken{clock: k}
			to.stop = func(_ string, n int) error {
				if len(order)+n >= 400 || killAt > 0 && n == killAt {
					return errKilled
				}
				return nil
			}
			c := liveOf(dir, k)
			c.Scale = 0.05
			if err := feedUntil(t, c, to); !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			for _, path := range to.paths {
				if b, known := body[path]; known {
					twice++
					if b != to.body[path] {
						t.Errorf("%s came again with other bytes", path)
					}
				}
				body[path] = to.body[path]
			}
			order = append(order, to.paths...)
			if killAt > 0 { // killed after the last was delivered, and before it was noted
				forget(t, dir)
				order = order[:len(order)-1]
			}
		}
		return order, body, twice
	}
	want, _, _ := run(t, 0)
	for _, killAt := range []int{1 + 40, 97, 250} {
		got, _, twice := run(t, killAt)
		if strings.Join(got[:380], "\n") != strings.Join(want[:380], "\n") {
			t.Errorf("killed every %d: other objects, or another order", killAt)
		}
		if twice == 0 {
			t.Errorf("killed every %d: nothing came twice, so nothing was tried", killAt)
		}
	}
}

// forget takes the last note of a folder's memory back.
func forget(t *testing.T, dir string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, MemoryFile))
	if err != nil {
		t.Fatal(err)
	}
	var k kept
	if err := json.Unmarshal(raw, &k); err != nil {
		t.Fatal(err)
	}
	k.Delivered["folder"]--
	f := memory{path: filepath.Join(dir, MemoryFile), kept: k}
	if err := f.save(); err != nil {
		t.Fatal(err)
	}
}

func TestAFolderGoesOnWithItsOwnOrganisation(t *testing.T) {
	t.Parallel()
	dir, k := t.TempDir(), &clock{now: noon}
	c := liveOf(dir, k)
	if _, err := recall(&c); err != nil {
		t.Fatal(err)
	}
	other := liveOf(dir, &clock{now: noon.AddDate(0, 0, 3)})
	if _, err := recall(&other); err != nil || !other.Start.Equal(c.Start) {
		t.Errorf("it begins at %s, and began at %s: %v", other.Start, c.Start, err)
	}
	other = liveOf(dir, k)
	other.Seed = 2
	if _, err := recall(&other); err == nil {
		t.Error("another seed was taken")
	}
}

func TestDestinations(t *testing.T) {
	t.Parallel()
	tokens := map[string]string{"web": "secret"}
	for text, want := range map[string]Destination{
		"folder":                           {},
		"cloudtrail=folder":                {Formats: []string{"cloudtrail"}},
		"s3://logs/a/b":                    {URL: "s3://logs/a/b"},
		"alb,waf=http://127.0.0.1:1/x/web": {Formats: []string{"alb", "waf"}, URL: "http://127.0.0.1:1/x/web", Token: "secret"},
	} {
		got, err := ParseDestination(text, tokens)
		if err != nil || got.URL != want.URL || got.Token != want.Token || strings.Join(got.Formats, ",") != strings.Join(want.Formats, ",") {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "nowhere", "http://127.0.0.1:1/x/other", "syslog=folder", "ftp://host/x", "http://u:p@host/web"} {
		if d, err := ParseDestination(text, tokens); err == nil {
			t.Errorf("%q was taken: %+v", text, d)
		}
	}
	c := LiveConfig{Config: Config{Formats: []string{"all"}}, To: []Destination{{}, {Formats: []string{"alb", "waf"}}, {Formats: []string{"vpcflow"}}}}
	rest, err := c.formatsOf(0)
	if err != nil || strings.Join(rest, " ") != "cloudtrail resolver s3access guardduty" {
		t.Errorf("what is left: %v, %v", rest, err)
	}
}
