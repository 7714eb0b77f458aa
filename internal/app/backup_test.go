package app

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
)

// TestABackupIsRestoredWhole lets a house work on a file, stops it, copies it, loses the data folder, and restores: the ledger proves the
// lake, findings, tokens and keys are there, and the house goes on. A backup with one byte changed is refused, and nothing is written.
func TestABackupIsRestoredWhole(t *testing.T) {
	t.Parallel()
	h, c := stocked(t)
	rows := h.incidents(t)
	h.stop(t)
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
	d, err := desk.Open(t.Context(), c.Desk)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // a test
	list, err := d.Incidents(t.Context(), access.Everything(), desk.Query{})
	if err != nil || list.Total != rows || rows == 0 {
		t.Errorf("%d incidents, not %d (%v)", list.Total, rows, err)
	}
	if tokens, err := d.Tokens(t.Context()); err != nil || len(tokens) == 0 {
		t.Errorf("%v, %v", tokens, err)
	}
}
