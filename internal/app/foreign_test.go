package app

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-security/tocsin/content"
	"github.com/tocsin-security/tocsin/internal/detect"
)

// TestEveryRuleOfOurs lints all rules and runs the tests beside them.
func TestEveryRuleOfOurs(t *testing.T) {
	rules, faults, err := detect.Load(content.Rules, "rules")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(faults, detect.Lint(rules, content.Rules, renamed())...) {
		t.Error(f)
	}
	places, err := openPlaces()
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	err = fs.WalkDir(content.Rules, "rules", func(name string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".test.yml") {
			n, faults := RunRuleTests(content.Rules, name, places)
			ran += n
			for _, f := range faults {
				t.Errorf("%s: %s", name, f)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rules, %d correlations, %d tests", len(rules.All), len(rules.Correlations), ran)
	if ran < 500 {
		t.Errorf("%d tests of rules ran, want hundreds", ran)
	}
}

// TestForeignData judges detection on records that nobody here wrote, with one threshold for both sides.
func TestForeignData(t *testing.T) {
	dir, err := filepath.Abs("../../../shared/data/cloudtrail")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no data pack beside the project: ", dir)
	}
	var f Figures
	o := EvaluateOptions{ForeignAttacks: filepath.Join(dir, "attack", "logs"), ForeignBenign: filepath.Join(dir, "benign")}
	if err := o.foreign(t.Context(), &f); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	f.print(&out)
	t.Log(out.String())
	if len(f.Foreign) != 35 || f.ForeignDone < 30 {
		t.Errorf("%d of %d attacks detected at medium or above, want at least 30 of 35", f.ForeignDone, len(f.Foreign))
	}
	if medium := f.Noisy["medium"]; f.Records < 80 || medium*10 > f.Records || f.Noisy["high"]+f.Noisy["critical"] > 0 {
		t.Errorf("of %d ordinary records %v have an alert, want at most 10 %% medium and none higher", f.Records, f.Noisy)
	}
}
