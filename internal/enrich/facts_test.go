package enrich

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/facts.md")

func TestFactsAreDocumented(t *testing.T) {
	const path = "../../docs/facts.md"
	if *update {
		if err := os.WriteFile(path, []byte(FactsMarkdown()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), FactsMarkdown()); diff != "" {
		t.Errorf("%s is out of date (run with -update):\n%s", path, diff)
	}
}
