//go:build cgo

package hunt_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/hunt"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/simulate"
)

// organisation is a lake of the simulated organisation with its intruder.
type organisation struct {
	lake   *lake.Lake
	labels *simulate.Labels
	dir    string
}

var shared struct {
	sync.Once
	organisation
	err error
}

// TestMain is also the child that answers.
func TestMain(m *testing.M) {
	if os.Getenv("TOCSIN_QUERY_CHILD") != "" {
		if err := duck.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if shared.lake != nil {
		_ = shared.lake.Close()
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// simulated is the organisation, made once: no test changes it.
func simulated(t *testing.T) organisation {
	t.Helper()
	shared.Do(func() { shared.err = simulateInto(context.Background()) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.organisation
}

func simulateInto(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "tocsin-hunt-") //nolint:usetesting // it outlives the test that asks first
	if err != nil {
		return err
	}
	shared.dir = dir
	if shared.labels, err = simulate.WriteTree(ctx, dir, simulate.SampleConfig(), nil); err != nil {
		return err
	}
	if shared.lake, err = lake.Open(ctx, filepath.Join(dir, "lake")); err != nil {
		return err
	}
	return fill(ctx, shared.lake, filepath.Join(dir, "logs"))
}

// fill ingests a folder of logs.
func fill(ctx context.Context, l *lake.Lake, logs string) error {
	inv, err := collect.List(ctx, []string{logs}, nil, collect.Limits{})
	if err != nil {
		return err
	}
	defer inv.Close() //nolint:errcheck // temporary files
	_, err = pipeline.Store(ctx, pipeline.Files{Inventory: inv}, pipeline.StoreOptions{Lake: l, Source: "test", Now: time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)})
	return err
}

// now is when the simulated days are over.
var now = time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func investigator(l *lake.Lake) *hunt.Investigator {
	return &hunt.Investigator{Lake: l, Engine: &duck.Engine{Command: []string{os.Args[0]}}, Now: func() time.Time { return now }}
}

// rows asks the lake directly.
func rows(t testing.TB, l *lake.Lake, sql string, args ...string) [][]string {
	t.Helper()
	var out [][]string
	_, err := (&duck.Engine{Command: []string{os.Args[0]}}).Ask(context.WithoutCancel(t.Context()), access.Everything(), l, duck.Question{SQL: sql, Args: args}, func(duck.Answer) {}, func(cells []json.RawMessage) error {
		var line []string
		for _, c := range cells {
			var s string
			if json.Unmarshal(c, &s) != nil {
				s = string(c)
			}
			line = append(line, s)
		}
		out = append(out, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
