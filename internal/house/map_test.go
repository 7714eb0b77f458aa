package house

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestArchitectureMapsThePackages compares the package map in docs/architecture.md with the tree, both ways.
func TestArchitectureMapsThePackages(t *testing.T) {
	doc, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	mapped := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z/0-9_-]+)` \\|").FindAllStringSubmatch(string(doc), -1) {
		mapped[m[1]] = true
	}
	for _, p := range list(t) {
		path := strings.TrimPrefix(p.ImportPath, module)
		if !mapped[path] {
			t.Errorf("docs/architecture.md does not map the package %s", path)
		}
		delete(mapped, path)
	}
	for path := range mapped {
		t.Errorf("docs/architecture.md maps %s, which does not exist", path)
	}
}
