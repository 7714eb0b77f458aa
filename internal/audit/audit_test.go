package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/store"
	"github.com/tocsin-security/tocsin/internal/store/storetest"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func onEach(t *testing.T, test func(t *testing.T, l *Log)) {
	t.Helper()
	t.Parallel()
	for name, address := range map[string]func(t *testing.T) string{
		"SQLite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "desk.db") },
		"PostgreSQL": storetest.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := store.Open(t.Context(), address(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			l, err := Open(t.Context(), db)
			if err != nil {
				t.Fatal(err)
			}
			test(t, l)
		})
	}
}

// TestARelayThatFailsIsRepeatedAsItWas lets deliveries fail, before and after they were taken, while new entries come in: each batch comes
// again with its name and its entries, and a receiver that knows batches by name holds each entry once.
func TestARelayThatFailsIsRepeatedAsItWas(t *testing.T) {
	onEach(t, func(t *testing.T, l *Log) {
		ctx := t.Context()
		taken := map[string][]Entry{}
		add := func(n int) {
			for range n {
				if err := l.Add(ctx, Entry{At: noon, Actor: "ann", Kind: "person", Action: "search", Outcome: Success}); err != nil {
					t.Fatal(err)
				}
			}
		}
		add(relayAtOnce + 10)
		fails := 0
		deliver := func(batch string, list []Entry) error {
			if before, is := taken[batch]; is && (len(before) != len(list) || before[0] != list[0]) {
				t.Errorf("batch %s had %d entries, and now %d", batch, len(before), len(list))
			}
			if fails++; fails == 1 {
				return errors.New("the stream is full")
			}
			taken[batch] = list
			if fails == 2 || fails == 4 {
				add(3)
				return errors.New("taken, but the answer was lost")
			}
			return nil
		}
		for range 20 {
			if n, err := l.Relay(ctx, noon, deliver); err == nil && n == 0 {
				break
			}
		}
		seen := map[string]int{}
		for _, list := range taken {
			for _, e := range list {
				seen[e.ID]++
			}
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s is kept %d times", id, n)
			}
		}
		if waiting, err := l.Waiting(ctx); err != nil || waiting != 0 || len(seen) != relayAtOnce+16 {
			t.Errorf("%d entries were kept, %d wait (%v)", len(seen), waiting, err)
		}
	})
}

func TestAnEntryGoesWithItsTransaction(t *testing.T) {
	onEach(t, func(t *testing.T, l *Log) {
		failed := errors.New("no")
		err := l.db.Tx(t.Context(), func(tx *sql.Tx) error {
			return errors.Join(Record(t.Context(), tx, Entry{At: noon, Action: "person.end", Outcome: Success}), failed)
		})
		if list, err2 := l.List(t.Context(), Query{}); !errors.Is(err, failed) || err2 != nil || len(list) != 0 {
			t.Errorf("%v, %v, %v", list, err, err2)
		}
	})
}

// TestHostileTextIsKeptWhole writes what a log could hold into each column: it is cut between runes, is read back, and is an event.
func TestHostileTextIsKeptWhole(t *testing.T) {
	onEach(t, func(t *testing.T, l *Log) {
		for _, bad := range []string{"\x00", "\xff", strings.Repeat("é", MaxDetail), "\u202e<script>", strings.Repeat("\U0001F600", MaxWord)} {
			if err := l.Add(context.WithoutCancel(t.Context()), Entry{At: noon, Actor: bad, Kind: "person", Address: bad, Action: bad, Object: bad, Outcome: Denied, Detail: bad}); err != nil {
				t.Fatal(err)
			}
		}
		list, err := l.List(t.Context(), Query{Limit: 3})
		if err != nil || len(list) != 3 {
			t.Fatal(list, err)
		}
		rest, err := l.List(t.Context(), Query{Before: list[2].ID})
		if err != nil || len(rest) != 2 {
			t.Errorf("the next page holds %d (%v)", len(rest), err)
		}
		raw, err := Events(append(list, rest...))
		if err != nil || strings.Count(string(raw), "\n") != 5 {
			t.Fatal(string(raw), err)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
			var e map[string]any
			if err := json.Unmarshal([]byte(line), &e); err != nil || e["status_id"] != 2.0 {
				t.Errorf("%s: %v", line, err)
			}
		}
	})
}
