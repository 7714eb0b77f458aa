package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/audit"
)

// TestABackupIsRestoredWhole lets a house work on a file, stops it, copies it, loses the data folder, and restores: the ledger proves the
// lake, findings, tokens and keys are there, and the house goes on. A backup with one byte changed is refused, and nothing is written.
func TestABackupIsRestoredWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "in"), 0o750); err != nil {
		t.Fatal(err)
	}
	c, err := killConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	const event = `{"eventVersion":"1.11","userIdentity":{"type":"Root","accountId":"111122223333"},"eventTime":"2026-03-10T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","eventID":"00000000-0000-4000-8000-000000000001","recipientAccountId":"111122223333"}`
	write(t, filepath.Join(dir, "in", "a.json"), event+"\n")
	works(t, c, 1, 1)
	to := filepath.Join(t.TempDir(), "copy")
	var out bytes.Buffer
	streams := Streams{Out: &out, Err: &out}
	if err := Backup(t.Context(), c, to, streams); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), c, to, streams); err == nil {
		t.Error("a backup is written over another")
	}
	key, err := os.ReadFile(filepath.Join(c.ledgerDir(), "ledger.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(c.Data); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"desk.db", "ledger/checkpoint"} {
		path := filepath.Join(to, name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := bytes.Clone(whole)
		bad[len(bad)/2] ^= 1
		for _, content := range [][]byte{bad, whole[:len(whole)-1]} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := Restore(t.Context(), c, to, streams); err == nil || !strings.Contains(err.Error(), "not as it was copied") {
				t.Errorf("%s changed: %v", name, err)
			}
		}
		if _, err := os.Stat(c.Data); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a damaged backup was written out: %v", err)
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Restore(t.Context(), c, to, streams); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if err := Restore(t.Context(), c, to, streams); err == nil {
		t.Error("a restore is written over a data folder")
	}
	if got, err := os.ReadFile(filepath.Join(c.ledgerDir(), "ledger.key")); err != nil || !bytes.Equal(got, key) {
		t.Errorf("the key is another (%v)", err)
	}
	write(t, filepath.Join(dir, "in", "b.json"), strings.ReplaceAll(event, "000000000001", "000000000002")+"\n")
	works(t, c, 2, 2)
}

// works lets a house work, with one more audit entry, until it has stored so many events of logs and of its own audit log, which it keeps
// once each.
func works(t *testing.T, c *Config, events, entries uint64) {
	t.Helper()
	h, err := openHouse(t.Context(), &ServeOptions{Config: c, Version: "test", Child: []string{"false"}}, Streams{Out: io.Discard, Err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.run(ctx) }()
	defer func() {
		stop()
		if err := errors.Join(<-done, h.close()); err != nil {
			t.Error(err)
		}
	}()
	if err := Backup(ctx, c, filepath.Join(t.TempDir(), "busy"), Streams{Out: io.Discard, Err: io.Discard}); !errors.As(err, new(UsageError)) {
		t.Errorf("a backup is made beside a running serve: %v", err)
	}
	if err := h.audit.Add(ctx, audit.Entry{At: time.Now(), Actor: "ann", Kind: "person", Action: "search", Outcome: audit.Success, Detail: "SELECT 1"}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		totals := h.lake.Marks().Totals
		waiting, err := h.audit.Waiting(ctx)
		if totals["logs/stored"] == events && totals[audit.Source+"/stored"] == entries && waiting == 0 && err == nil {
			return
		}
		if time.Now().After(deadline) || totals[audit.Source+"/dead"] > 0 {
			t.Fatalf("the sums are %v, want %d events and %d audit entries", totals, events, entries)
		}
	}
}
