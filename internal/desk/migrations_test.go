package desk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tocsin-security/tocsin/internal/store"
	"github.com/tocsin-security/tocsin/internal/store/storetest"
)

// timePoints are t0 to t10 of a case: first malicious event, event ingested, alert created, acknowledged, triage verdict, incident
// declared, scope known, contained, eradicated, recovered, closed with review.
var timePoints = []string{
	"occurred_at", "ingested_at", "created_at", "acknowledged_at", "triaged_at", "declared_at", "scoped_at", "contained_at", "eradicated_at", "recovered_at", "closed_at",
}

func TestEveryTimePointHasItsColumn(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		for _, table := range []string{"alerts", "incidents"} {
			if _, err := d.db.ExecContext(t.Context(), "SELECT "+strings.Join(timePoints, ", ")+" FROM "+table); err != nil {
				t.Errorf("%s: %v", table, err)
			}
		}
	})
}

func TestANewerDeskIsRefused(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		if _, err := d.db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied, tstamp) VALUES (9999, TRUE, CURRENT_TIMESTAMP)"); err != nil {
			t.Fatal(err)
		}
		before := len(dump(t, d, "goose_db_version"))
		if err := migrateAgain(t, d); !errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), "9999") {
			t.Errorf("a desk of schema 9999 is opened: %v", err)
		}
		if after := len(dump(t, d, "goose_db_version")); after != before {
			t.Error("it was changed")
		}
	})
}

func migrateAgain(t *testing.T, d *Desk) error {
	t.Helper()
	return migrate(t.Context(), d.db)
}

// TestManyOpenAtOnce opens an empty desk from several processes' worth of connections: one makes the tables, and all can work.
func TestManyOpenAtOnce(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(t *testing.T) string{
		"SQLite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "desk.db") },
		"PostgreSQL": storetest.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := address(t)
			var all sync.WaitGroup
			for range 6 {
				all.Go(func() {
					d, err := Open(t.Context(), at)
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := d.Sources(t.Context()); err != nil {
						t.Error(err)
					}
					if err := d.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		})
	}
}

// TestOnlyTheOwnerReadsTheFile looks at the rights of all files of a desk: there are hashes of secrets in it, and copies of events.
func TestOnlyTheOwnerReadsTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := open(t, filepath.Join(dir, "desk.db"))
	save(t, d, Conclusion{Position: 1})
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the rights %v (%v)", f.Name(), info.Mode(), err)
		}
	}
}
