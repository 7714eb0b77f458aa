//go:build cgo

package app

import (
	"bytes"
	"encoding/csv"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/simulate"
)

// TestPyIcebergReadsTheLake compares what PyIceberg counts, by the catalog and by the metadata file alone, with what tocsin search counts: after
// three deliveries, each of which makes one file of those of a day and class. The script is that of make outsiders, which asks DuckDB for Python and Spark as well.
func TestPyIcebergReadsTheLake(t *testing.T) {
	t.Parallel()
	python, err := filepath.Abs("../../.cache/test-venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.CommandContext(t.Context(), python, "-c", "import pyiceberg, pyarrow").Run(); err != nil { //nolint:gosec // our own environment
		if os.Getenv("CI") == "true" {
			t.Fatal("PyIceberg is not there; get it with: build/test-setup.sh")
		}
		t.Skip("PyIceberg is not there; get it with: build/test-setup.sh")
	}
	dir := t.TempDir()
	at := filepath.Join(dir, "lake")
	for i := range 3 {
		delivered(t, dir, at, uint64(i+1))
	}
	var ours, talk bytes.Buffer
	sums := `SELECT strftime(time_dt, '%Y-%m-%d') AS day, class_uid, count(*) AS events, count(DISTINCT metadata.uid) AS ids, sum(severity_id) AS severity, min(time) AS first, max(time) AS last,
		count(src_ip) AS sources, count(api.operation) AS operations, coalesce(sum(len(resources)), 0) AS resources, sum(length(raw_data)) AS characters FROM events GROUP BY 1, 2 ORDER BY 1, 2`
	if err := Search(t.Context(), SearchOptions{SQL: sums, Lake: at, Format: "csv"}, Streams{Out: &ours, Err: &talk}); err != nil {
		t.Fatal(err)
	}
	want, err := csv.NewReader(&ours).ReadAll()
	if err != nil || len(want) < 6 {
		t.Fatalf("the lake is all but empty: %q, %v", want, err)
	}
	for _, by := range []string{"pyiceberg", "static"} {
		ask := exec.CommandContext(t.Context(), python, "../../build/outsiders/ask.py", by, at) //nolint:gosec // our own script
		out, err := ask.Output()
		if err != nil {
			var text string
			if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // of Output, which does not wrap
				text = string(exit.Stderr)
			}
			t.Fatalf("%s cannot read the lake: %v: %s", by, err, text)
		}
		got, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s counts otherwise than tocsin search:\n%s", by, d)
		}
	}
	t.Logf("%d days and classes agree; %s", len(want)-1, strings.TrimSpace(talk.String()))
}

// delivered adds some days of a simulated organisation to a lake.
func delivered(t *testing.T, dir, at string, seed uint64) {
	t.Helper()
	logs := filepath.Join(dir, "logs", time.Unix(int64(seed), 0).UTC().Format("05")) //nolint:gosec // small
	c := simulate.Config{Seed: seed, Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: 3, Scale: 0.1}
	if _, err := simulate.WriteTree(t.Context(), logs, c, nil); err != nil {
		t.Fatal(err)
	}
	if err := Ingest(t.Context(), IngestOptions{Paths: []string{logs}, Lake: at, Source: "test", Quiet: true}, Streams{Out: io.Discard, Err: io.Discard}); err != nil && ExitCode(err, io.Discard) != ExitPartly {
		t.Fatal(err)
	}
}
