package simulate

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func small(attacks ...string) Config {
	return Config{Seed: 3, Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: 3, Scale: 0.2, Attacks: attacks}
}

func records(t *testing.T, dir string) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return err
		}
		var doc struct{ Records []map[string]any }
		if err := json.NewDecoder(z).Decode(&doc); err != nil {
			return err
		}
		for _, r := range doc.Records {
			out[r["eventID"].(string)] = r
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLabelsNameEventsOfTheTree(t *testing.T) {
	dir := t.TempDir()
	labels, err := WriteTree(t.Context(), dir, small("all"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(labels.Attacks) < 8 {
		t.Errorf("%d attacks, want at least 8", len(labels.Attacks))
	}
	all := records(t, filepath.Join(dir, "logs"))
	for _, a := range labels.Attacks {
		n := 0
		for _, s := range a.Steps {
			for _, id := range s.EventIDs {
				n++
				if all[id] == nil {
					t.Errorf("%s: the event %s is not in the tree", a.ID, id)
				}
			}
		}
		if n < 8 || a.Report == "" {
			t.Errorf("%s has %d events and the report %q", a.ID, n, a.Report)
		}
	}
	for id, r := range all {
		for _, member := range []string{"eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "recipientAccountId", "eventType"} {
			if r[member] == nil {
				t.Fatalf("%s has no %s", id, member)
			}
		}
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	sum := func() string {
		dir := t.TempDir()
		if _, err := WriteTree(t.Context(), dir, small("leaked-key-mining"), nil); err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				raw, readErr := os.ReadFile(path)
				fmt.Fprintf(h, "%s %x\n", path[len(dir):], sha256.Sum256(raw))
				return readErr
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	if a, b := sum(), sum(); a != b {
		t.Error("two runs with one seed differ")
	}
}

func TestUnknownAttackIsRefused(t *testing.T) {
	if _, err := WriteTree(t.Context(), t.TempDir(), small("nonsense"), nil); err == nil {
		t.Error("an attack that does not exist was taken")
	}
}
