//go:build cgo

package hunt_test

import (
	"os"
	"testing"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/hunt"
	"github.com/tocsin-security/tocsin/internal/lake"
)

// BenchmarkInvestigate looks at a busy person, a rare value and an absent one in a large lake. Make one with:
//
//	tocsin simulate -o t --volume 2200000 --files 2000 && tocsin ingest t --lake big && TOCSIN_BENCH_LAKE=$PWD/big go test ./internal/hunt -bench Investigate -run xxx
func BenchmarkInvestigate(b *testing.B) {
	dir := os.Getenv("TOCSIN_BENCH_LAKE")
	if dir == "" {
		b.Skip("TOCSIN_BENCH_LAKE names no lake")
	}
	l, err := lake.OpenExisting(b.Context(), dir)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // only read
	v, all := investigator(l), access.Everything()
	var person, key, account, event string
	for _, r := range rows(b, l, "SELECT origin, min(access_key), min(account), min(metadata.uid) FROM events WHERE origin LIKE 'person:%' GROUP BY 1 ORDER BY count(*) DESC LIMIT 1") {
		person, key, account, event = r[0], r[1], r[2], r[3]
	}
	for name, do := range map[string]func() error{
		"entity/busy": func() error {
			p, err := v.Entity(b.Context(), all, hunt.EntityQuery{Kind: "origin", Value: person})
			b.ReportMetric(float64(p.Events), "events")
			return err
		},
		"entity/key": func() error {
			_, err := v.Entity(b.Context(), all, hunt.EntityQuery{Kind: "access_key", Value: key})
			return err
		},
		"graph/busy": func() error {
			_, err := v.Graph(b.Context(), all, hunt.GraphQuery{Kind: "origin", Value: person})
			return err
		},
		"graph/key": func() error {
			_, err := v.Graph(b.Context(), all, hunt.GraphQuery{Kind: "access_key", Value: key})
			return err
		},
		"pivot/busy": func() error {
			_, err := v.Pivot(b.Context(), all, hunt.PivotQuery{Value: person, Depth: "columns"})
			return err
		},
		"pivot/key": func() error {
			_, err := v.Pivot(b.Context(), all, hunt.PivotQuery{Value: key, Depth: "columns"})
			return err
		},
		"pivot/account": func() error {
			_, err := v.Pivot(b.Context(), all, hunt.PivotQuery{Value: account, Depth: "columns"})
			return err
		},
		"pivot/event": func() error {
			_, err := v.Pivot(b.Context(), all, hunt.PivotQuery{Value: event, Depth: "columns"})
			return err
		},
		"pivot/none": func() error {
			_, err := v.Pivot(b.Context(), all, hunt.PivotQuery{Value: "203.0.113.99", Depth: "columns"})
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
