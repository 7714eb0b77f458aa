package simulate

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestLiveDeliversThePastAndWaitsForTheRest(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "in")
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	ctx, cancel := context.WithCancel(t.Context())
	said := ""
	err := Live(ctx, LiveConfig{
		Config: Config{Seed: 1, Days: 3, Scale: 0.2, Attacks: []string{"help-desk-takeover"}}, Dir: dir, CatchUp: 0, Now: func() time.Time { return now },
		Said: func(line string) {
			if said = line; len(line) > 0 && line[0] >= '0' && line[0] <= '9' { // the past is delivered
				cancel()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	files, err := inOrder(dir)
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v; said %q", len(files), err, said)
	}
	for _, f := range files {
		if f.at.After(now) {
			t.Errorf("%s came before its time", f.path)
		}
	}
	if files[0].at.After(now.AddDate(0, 0, -1)) {
		t.Errorf("the first file is of %s: there is no past", files[0].at)
	}
	for _, name := range []string{"labels.json", "environment.yaml"} {
		if _, err := os.Stat(filepath.Join(filepath.Dir(dir), name)); err != nil {
			t.Error(err)
		}
	}
}
