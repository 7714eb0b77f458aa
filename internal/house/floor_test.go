package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/tocsin-security/tocsin/"

// floors is the floor plan of docs/architecture.md: a package imports only from floors below its own. A longer
// prefix wins. Members of a family stand half a floor under the table that lists them.
var floors = map[string]float64{
	"sigma":                       -1, // public: imports nothing of ours
	"internal/records":            -0.5,
	"internal/snapshot":           -0.5,
	"internal/ocsf":               0,
	"internal/aws":                0,
	"internal/cloudwatch":         0.5,
	"internal/format/":            1,
	"internal/format/ocsfparquet": 1.25,
	"internal/format":             1.5,
	"internal/collect":            1,
	"internal/collect/hostile":    0.5,
	"internal/enrich/geo":         0.5,
	"internal/enrich":             1,
	"internal/access":             0.5,
	"internal/audit":              0.5,
	"internal/lake/duck":          1.5,
	"internal/lake":               1,
	"internal/stream":             1,
	"internal/ledger":             1,
	"internal/finding":            1,
	"internal/baseline":           1,
	"internal/detect":             2,
	"internal/incident":           2,
	"internal/store/storetest":    0.5,
	"internal/store":              0,
	"internal/desk":               3,
	"internal/hunt":               3,
	"internal/pipeline":           4,
	"internal/source":             4.5,
	"internal/api":                5,
	"internal/report":             4,
	"internal/evaluate":           5,
	"internal/app":                6,
	"cmd/":                        7,
	"content":                     -1,
	"web":                         -1,
	"simulate":                    -1,
	"internal/house":              0,
	"build/":                      7,
	"internal/ocsf/gen":           7,
	"internal/intel":              1,
	"internal/health":             2,
	"internal/evidence":           2,
	"internal/attack":             2.5,
	"internal/assistant":          1,
}

// onlyFor names packages that only some may import.
var onlyFor = map[string][]string{
	"simulate": {"cmd/"},
	"content":  {"cmd/", "internal/app"},
	"web":      {"internal/api"},
}

type listed struct {
	ImportPath string
	Imports    []string
	Doc        string
	Name       string
	GoFiles    []string
}

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Doc,Name,GoFiles", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func floor(path string) (float64, bool) {
	best, found, length := 0.0, false, -1
	for prefix, f := range floors {
		exact := path == prefix
		under := strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/")
		if (exact || under) && len(prefix) > length {
			best, found, length = f, true, len(prefix)
		}
	}
	return best, found
}

func TestNoArrowRunsUpOrSideways(t *testing.T) {
	for _, p := range list(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		mine, ok := floor(from)
		if !ok {
			t.Errorf("%s stands on no floor: add it to the floor plan in this test and to docs/architecture.md", from)
			continue
		}
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, module)
			if !ours {
				continue
			}
			if theirs, _ := floor(to); theirs >= mine && !strings.HasPrefix(to, from+"/") {
				t.Errorf("%s (floor %v) imports %s (floor %v): an arrow may only run down; move what is shared to a lower floor", from, mine, to, theirs)
			}
			for guarded, allowed := range onlyFor {
				if to == guarded && !allowedFor(from, allowed) {
					t.Errorf("%s imports %s, which is only for %s", from, to, strings.Join(allowed, ", "))
				}
			}
		}
	}
}

func allowedFor(from string, allowed []string) bool {
	for _, a := range allowed {
		if strings.HasPrefix(from+"/", strings.TrimSuffix(a, "/")+"/") {
			return true
		}
	}
	return false
}

func TestEveryPackageTellsItsStory(t *testing.T) {
	for _, p := range list(t) {
		if len(p.GoFiles) > 0 && len(strings.Fields(p.Doc)) < 8 {
			t.Errorf("%s has no story: write in doc.go what it is, what flows in and out, and what it promises", p.ImportPath)
		}
	}
}
