package app

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/content"
	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/ledger"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/simulate"
)

// killedChild is set for the process that is killed: the folder of its data.
const killedChild = "TOCSIN_TEST_SERVE"

// serveUntilKilled is that process: all of tocsin serve, on a folder.
func serveUntilKilled(dir string) {
	c, err := killConfig(dir)
	if err == nil {
		err = Serve(context.Background(), ServeOptions{Config: c, Version: "test"}, Streams{Out: io.Discard, Err: os.Stderr})
	}
	fmt.Fprintln(os.Stderr, "the child ended:", err)
	os.Exit(1)
}

func killConfig(dir string) (*Config, error) {
	c := &Config{Data: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", Lake: LakeConfig{Commit: 150 * time.Millisecond, Tidy: 400 * time.Millisecond}}
	c.Sources = []SourceConfig{{Name: "logs", Kind: "folder", Settings: map[string]string{"path": filepath.Join(dir, "in"), "every": "20ms", "settle": "1ms"}}}
	return c, c.complete()
}

// TestServeIsKilledAtAnyPoint kills tocsin serve again and again while files come in, and then counts: nothing lost, nothing twice, the
// sums balance, the ledger verifies, and the incidents are those of a scan.
func TestServeIsKilledAtAnyPoint(t *testing.T) {
	t.Parallel()
	kills := 60
	if n, err := strconv.Atoi(os.Getenv("TOCSIN_KILLS")); err == nil && n > 0 {
		kills = n
	}
	dir := t.TempDir()
	tree := simulatedTree(t)
	if err := os.MkdirAll(filepath.Join(dir, "in"), 0o750); err != nil {
		t.Fatal(err)
	}
	files := filesBelow(t, tree)
	pace := rand.New(rand.NewPCG(5, 8))
	pace.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	rest := files
	for kill := range kills {
		n := len(rest) / (kills - kill)
		for _, f := range rest[:n] {
			give(t, tree, f, filepath.Join(dir, "in"))
		}
		rest = rest[n:]
		killAfter(t, dir, 250*time.Millisecond+time.Duration(pace.IntN(1500))*time.Millisecond)
	}
	finish(t, dir)
	agreeWithScan(t, dir, tree, kills)
}

func simulatedTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	c := simulate.Config{Seed: 11, Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: 4, Scale: 0.4, Attacks: []string{"help-desk-takeover", "bucket-ransom"}}
	if _, err := simulate.WriteTree(t.Context(), dir, c, nil); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "logs")
}

func filesBelow(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, path)
		}
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("no files below %s: %v", dir, err)
	}
	return out
}

// give puts a file into the watched folder as a careful writer does: whole, by a rename.
func give(t *testing.T, from, name, to string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(from, name))
	if err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(to, filepath.Base(name))
	if err := os.WriteFile(target+".tmp", raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(target+".tmp", target); err != nil {
		t.Fatal(err)
	}
}

func killAfter(t *testing.T, dir string, after time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), killedChild+"="+dir)
	output, _ := child.CombinedOutput()
	if state := child.ProcessState; state == nil || state.Exited() {
		t.Fatalf("the child ended by itself: %v: %s", state, output)
	}
}

// finish runs it once more until all is done, and ends it in order.
func finish(t *testing.T, dir string) {
	t.Helper()
	c, err := killConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	o := &ServeOptions{Config: c, Version: "test", Child: []string{"false"}}
	h, err := openHouse(t.Context(), o, Streams{Out: io.Discard, Err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- h.run(ctx) }()
	want := int64(len(filesBelow(t, filepath.Join(dir, "in"))))
	deadline := time.Now().Add(10 * time.Minute)
	for {
		last, err := h.stream.Last(ctx, 0)
		state := h.sources.States()["logs"]
		quiet := err == nil && h.worker.Status.Position.Load() == last && time.Since(start(state.Last)) > 500*time.Millisecond
		if delivered := deliveries(t, h, dir); quiet && delivered == want {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after two minutes: %d of %d files, position %d of %d, %+v, %v", deliveries(t, h, dir), want, h.worker.Status.Position.Load(), last, state, h.ready())
		}
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(time.Second) // what is late is settled
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
}

func start(at time.Time) time.Time {
	if at.IsZero() {
		return time.Unix(0, 0)
	}
	return at
}

// deliveries counts the files that are noted as delivered.
func deliveries(t *testing.T, h *house, dir string) int64 {
	t.Helper()
	n := int64(0)
	for _, f := range filesBelow(t, filepath.Join(dir, "in")) {
		info, err := os.Stat(filepath.Join(dir, "in", f))
		if err != nil {
			t.Fatal(err)
		}
		known, err := h.desk.WasDelivered(t.Context(), "logs", f, fmt.Sprintf("%d-%d", info.Size(), info.ModTime().UnixNano()))
		if err != nil {
			t.Fatal(err)
		}
		if known {
			n++
		}
	}
	return n
}

// agreeWithScan compares what was kept and concluded with a scan of the same files.
func agreeWithScan(t *testing.T, dir, tree string, kills int) {
	t.Helper()
	rules, mistakes, err := detect.Load(content.Rules, "rules")
	if err != nil || len(mistakes) > 0 {
		t.Fatal(err, mistakes)
	}
	places, err := openPlaces()
	if err != nil {
		t.Fatal(err)
	}
	inv, err := collect.List(t.Context(), []string{tree}, nil, collect.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close() //nolint:errcheck // only read
	scan, err := pipeline.Run(t.Context(), pipeline.Files{Inventory: inv}, pipeline.Options{Rules: rules, Places: places})
	if err != nil {
		t.Fatal(err)
	}
	c, err := killConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	h, err := openHouse(t.Context(), &ServeOptions{Config: c, Version: "test"}, Streams{Out: io.Discard, Err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer h.close() //nolint:errcheck // only read
	rows, distinct := int64(0), map[string]int{}
	if err := h.lake.Identities(t.Context(), time.Time{}, time.Time{}, func(_ time.Time, account, uid string) { rows++; distinct[account+" "+uid]++ }); err != nil {
		t.Fatal(err)
	}
	totals := h.lake.Marks().Totals
	if rows != scan.Received.Mapped || int64(len(distinct)) != rows {
		t.Errorf("%d rows of %d events in the lake; the scan found %d", rows, len(distinct), scan.Received.Mapped)
	}
	if totals["logs/received"] != totals["logs/stored"]+totals["logs/duplicate"]+totals["logs/dead"] || int64(totals["logs/stored"]) != rows {
		t.Errorf("the double entry does not balance with %d rows: %v", rows, totals)
	}
	hoursBalance(t, h, totals)
	r, err := ledger.Verify(t.Context(), c.ledgerDir(), h.ledger.PublicKey(), pipeline.DataFiles{Dir: c.lakeDir()}, time.Time{}, time.Time{})
	if err != nil || len(r.Problems) > 0 {
		t.Errorf("ledger: %v, %v", err, r.Problems)
	}
	want, got := map[string]string{}, map[string]string{}
	for i := range scan.Incidents {
		want[scan.Incidents[i].UID] = scan.Incidents[i].Headline
	}
	list, err := h.desk.Incidents(t.Context(), access.Everything(), desk.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range list.Items {
		got[row.UID] = row.Headline
	}
	if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
		t.Errorf("the incidents differ from those of a scan:\n%s", d)
	}
	t.Logf("%d kills; %d rows, totals %v, %d files hashed, %d leaves, %d incidents", kills, rows, totals, r.Hashed, r.Size, len(got))
}
