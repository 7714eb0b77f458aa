package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// TestADeadLetterAndItsReplay: a broken record is listed with reason, place and bytes; it is repaired, given in again, and becomes an event. The
// sums balance before and after: a replay is received once more, as an object of its own.
func TestADeadLetterAndItsReplay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "in"), 0o750); err != nil {
		t.Fatal(err)
	}
	const good = `{"eventVersion":"1.11","userIdentity":{"type":"Root","accountId":"111122223333"},"eventTime":"2026-03-10T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","eventID":"00000000-0000-4000-8000-000000000001","recipientAccountId":"111122223333"}`
	broken := strings.NewReplacer("2026-03-10T10:00:00Z", "yesterday", "000000000001", "000000000002").Replace(good)
	if err := os.WriteFile(filepath.Join(dir, "in", "a.json"), []byte(good+"\n"+broken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := killConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	h, err := openHouse(t.Context(), &ServeOptions{Config: c, Version: "test", Child: []string{"false"}}, Streams{Out: io.Discard, Err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	c.Listen = h.listener.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.run(ctx) }()
	defer func() {
		stop()
		if err := errors.Join(<-done, h.close()); err != nil {
			t.Error(err)
		}
	}()
	balanced := func(received, stored, dead uint64) {
		t.Helper()
		deadline := time.Now().Add(10 * time.Minute)
		for {
			totals := h.lake.Marks().Totals
			if totals["logs/received"] == received && totals["logs/stored"] == stored && totals["logs/dead"] == dead && totals["logs/duplicate"] == 0 {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the sums are %v, want %d received, %d stored, %d dead", totals, received, stored, dead)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	balanced(2, 1, 1)
	said := func(do func(s Streams) error) string {
		t.Helper()
		var out bytes.Buffer
		if err := do(Streams{Out: &out, Err: &out}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	list := said(func(s Streams) error { return ListDeadLetters(ctx, c, "logs", 10, false, s) })
	if !strings.Contains(list, "a.json record 2") {
		t.Fatalf("the list says %q", list)
	}
	id := strings.Fields(list)[0]
	if show := said(func(s Streams) error { return ShowDeadLetter(ctx, c, id, s) }); !strings.Contains(show, "yesterday") || !strings.Contains(show, "reason") || !strings.Contains(show, "record    2 (byte") {
		t.Errorf("it is shown as %q", show)
	}
	again := said(func(s Streams) error { return ReplayDeadLetter(ctx, c, id, "", s) })
	if !strings.Contains(again, `"unreadable":1`) {
		t.Errorf("given in again as it is: %q", again)
	}
	balanced(3, 1, 2)
	repaired := filepath.Join(dir, "repaired.json")
	if err := os.WriteFile(repaired, []byte(strings.Replace(broken, "yesterday", "2026-03-10T11:00:00Z", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := said(func(s Streams) error { return ReplayDeadLetter(ctx, c, id, repaired, s) }); !strings.Contains(again, `"records":1`) {
		t.Errorf("given in again repaired: %q", again)
	}
	balanced(4, 2, 2)
	if l, err := h.desk.DeadLetter(ctx, access.Everything(), id); err != nil || l.ReplayedAt.IsZero() {
		t.Errorf("it is not noted as replayed: %+v, %v", l, err)
	}
}
