package desk

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/store/storetest"
)

// crowd puts so many alerts of two accounts on a desk, with documents of 2 KB each.
func crowd(tb testing.TB, d *Desk, n int) {
	tb.Helper()
	doc := `{"uid":"x","sentence":"` + strings.Repeat("x", 2000) + `"}`
	err := d.db.Tx(tb.Context(), func(tx *sql.Tx) error {
		for i := range n {
			_, err := tx.ExecContext(tb.Context(), `INSERT INTO alerts (uid, title, sentence, severity, score, rule_id, rule_hash, account, origin, count, first_seen, last_seen, status, late, doc, created_at, updated_at) VALUES ($1, 'title', 'a sentence', $2, $3, $4, '', $5, 'alice', 1, $6, $6, 'new', 0, $7, $6, $6)`,
				fmt.Sprintf("a%06d", i), 1+i%5, float64(i%1000), fmt.Sprint("rule", i%301), []string{own, foreign}[i%2], noon.Add(-time.Duration(i)*time.Second).UnixMilli(), doc)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// firstPages are the queries that a queue begins with.
func firstPages() map[string]Query {
	return map[string]Query{"newest": {Status: "open"}, "rank": {Status: "open", Sort: "rank"}, "high": {Sort: "rank", MinSeverity: 4}, "mine": {Assignee: "ann"}, "rule": {Rule: "rule7"}}
}

// BenchmarkQueueOf100000 reads the first page of a queue of 100,000 alerts, and the page in its middle, for who sees all and who sees half.
func BenchmarkQueueOf100000(b *testing.B) {
	for name, address := range map[string]func(tb testing.TB) string{
		"SQLite":     func(tb testing.TB) string { return filepath.Join(tb.TempDir(), "desk.db") },
		"PostgreSQL": storetest.For,
	} {
		b.Run(name, func(b *testing.B) {
			d, err := Open(context.WithoutCancel(b.Context()), address(b))
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close() //nolint:errcheck // a benchmark
			crowd(b, d, 100_000)
			pages := firstPages()
			pages["middle"] = Query{Sort: "rank", After: place(true, 500, noon, "")}
			for what, q := range pages {
				for who, scope := range map[string]access.Scope{"all": access.Everything(), "half": access.Accounts(own)} {
					b.Run(what+"/"+who, func(b *testing.B) {
						for b.Loop() {
							if page, err := d.Alerts(b.Context(), scope, q); err != nil || len(page.Items) == 0 && what != "mine" {
								b.Fatal(len(page.Items), err)
							}
						}
					})
				}
			}
		})
	}
}
