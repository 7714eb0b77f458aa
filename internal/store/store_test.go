package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-security/tocsin/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var engines = map[string]func(t *testing.T) string{
	"SQLite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "a folder with % and ?", "state.db") },
	"PostgreSQL": storetest.Postgres,
}

func onEach(t *testing.T, test func(t *testing.T, db *DB)) {
	t.Helper()
	t.Parallel()
	for name, address := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := Open(t.Context(), address(t))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			test(t, db)
		})
	}
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

var (
	one = file("-- +goose Up\nCREATE TABLE a (n BIGINT PRIMARY KEY);\n-- +goose Down\nDROP TABLE a;")
	two = file("-- +goose Up\nALTER TABLE a ADD COLUMN m TEXT;\n-- +goose Down\nALTER TABLE a DROP COLUMN m;")
)

func TestMigrationsGoForward(t *testing.T) {
	onEach(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		if err := db.Migrate(ctx, fstest.MapFS{"1_a.sql": one}); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(ctx, "INSERT INTO a (n) VALUES (7)"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := db.Migrate(ctx, fstest.MapFS{"1_a.sql": one, "2_b.sql": two}); err != nil {
				t.Fatal(err)
			}
		}
		var n int
		if err := db.QueryRowContext(ctx, "SELECT n FROM a WHERE m IS NULL").Scan(&n); err != nil || n != 7 {
			t.Errorf("what was there is %d, %v", n, err)
		}
		if err := db.Migrate(ctx, fstest.MapFS{"1_a.sql": one}); !errors.Is(err, ErrNewer) {
			t.Errorf("an older version opens it: %v", err)
		}
	})
}

func TestABrokenMigrationChangesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, db *DB) {
		err := db.Migrate(t.Context(), fstest.MapFS{"1_a.sql": one, "2_b.sql": file("-- +goose Up\nCREATE TABLE b (n BIGINT);\nNONSENSE;")})
		if err == nil {
			t.Fatal("nonsense was migrated")
		}
		if _, err := db.ExecContext(t.Context(), "SELECT n FROM a"); err != nil {
			t.Errorf("the migration before it is gone: %v", err)
		}
		if _, err := db.ExecContext(t.Context(), "SELECT n FROM b"); err == nil {
			t.Error("half of the broken one is there")
		}
	})
}

func TestATransactionIsAllOrNothing(t *testing.T) {
	onEach(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		if err := db.Migrate(ctx, fstest.MapFS{"1_a.sql": one}); err != nil {
			t.Fatal(err)
		}
		wrong := errors.New("wrong")
		insert := func(n int, end error) error {
			return db.Tx(ctx, func(tx *sql.Tx) error {
				if _, err := tx.ExecContext(ctx, "INSERT INTO a (n) VALUES ($1)", n); err != nil {
					return err
				}
				return end
			})
		}
		if err := insert(1, wrong); !errors.Is(err, wrong) {
			t.Error(err)
		}
		if err := insert(2, nil); err != nil {
			t.Error(err)
		}
		var n, sum int
		if err := db.QueryRowContext(ctx, "SELECT count(*), sum(n) FROM a").Scan(&n, &sum); err != nil || n != 1 || sum != 2 {
			t.Errorf("%d rows of sum %d, %v", n, sum, err)
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if err := db.Tx(ended, func(*sql.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("a transaction begins after the end: %v", err)
		}
	})
}

func TestWhatCannotBeOpenedIsSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "text"), []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, address := range []string{filepath.Join(dir, "text"), filepath.Join(dir, "text", "below"), dir, "postgres://nobody@127.0.0.1:1/none?connect_timeout=2"} {
		db, err := Open(ctx, address)
		if err == nil {
			err = db.Migrate(ctx, fstest.MapFS{"1_a.sql": one})
			db.Close()
		}
		if err == nil {
			t.Errorf("%s is opened", address)
		}
	}
}
