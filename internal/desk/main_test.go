package desk

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
	"github.com/tocsin-security/tocsin/internal/store/storetest"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(killedChild); address != "" {
		saveUntilKilled(address)
	}
	if address := os.Getenv(mergingChild); address != "" {
		mergeUntilKilled(address)
	}
	os.Exit(storetest.Main(m))
}

// onEach runs a test on an empty desk of each engine.
func onEach(t *testing.T, test func(t *testing.T, d *Desk)) {
	t.Helper()
	t.Parallel()
	for name, address := range map[string]func(t *testing.T) string{
		"SQLite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "desk.db") },
		"PostgreSQL": storetest.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, address(t)))
		})
	}
}

func open(t *testing.T, address string) *Desk {
	t.Helper()
	d, err := Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// noon is when the tests take place.
var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func alertOf(uid, account string) finding.Alert {
	return finding.Alert{
		UID: uid, Title: "title of " + uid, Sentence: "sentence of " + uid, Severity: finding.High, Rule: finding.Rule{ID: "rule", Hash: "hash"},
		First: noon.Add(-time.Hour), Last: noon.Add(-time.Minute), Count: 1, Score: 50, Account: account, Origin: finding.Entity{ID: "alice"},
		Signals: []finding.Signal{{UID: "s-" + uid, Event: finding.Card{UID: "e-" + uid, Account: account}}},
	}
}

func incidentOf(uid string, alerts ...finding.Alert) incident.Incident {
	in := incident.Incident{UID: uid, Headline: "headline of " + uid, Severity: finding.High, Score: 80, First: noon.Add(-time.Hour), Last: noon.Add(-time.Minute), Alerts: alerts}
	seen := map[string]bool{}
	for i := range alerts {
		if a := alerts[i].Account; !seen[a] {
			seen[a] = true
			in.Accounts = append(in.Accounts, a)
		}
	}
	return in
}

func save(t *testing.T, d *Desk, c Conclusion) {
	t.Helper()
	if c.Partition == "" {
		c.Partition = "0"
	}
	if c.Now.IsZero() {
		c.Now = noon
	}
	if err := d.Save(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
}

// dump is every row of a table as text, in order.
func dump(t *testing.T, d *Desk, table string) []map[string]any {
	t.Helper()
	rows, err := d.db.QueryContext(t.Context(), "SELECT * FROM "+table+" ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]any
	for rows.Next() {
		cells, into := make([]any, len(names)), make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := map[string]any{}
		for i, n := range names {
			row[n] = cells[i]
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
