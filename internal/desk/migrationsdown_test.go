package desk

import (
	"io/fs"
	"testing"

	"github.com/pressly/goose/v3"
)

// TestMigrationsGoDownAndUp takes every migration back, one by one, and makes it again: a Down that leaves a column behind fails the Up.
func TestMigrationsGoDownAndUp(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		root, err := fs.Sub(migrations, "migrations")
		if err != nil {
			t.Fatal(err)
		}
		dialect := goose.DialectSQLite3
		var version string
		if d.db.QueryRowContext(t.Context(), `SELECT version()`).Scan(&version) == nil { // SQLite has no such function
			dialect = goose.DialectPostgres
		}
		p, err := goose.NewProvider(dialect, d.db.DB, root, goose.WithDisableGlobalRegistry(true))
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(p.ListSources()) {
			for range n + 1 {
				if _, err := p.Down(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := p.Up(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
