//go:build cgo

package hunt_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/hunt"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

const keysRule = `title: A user is given an access key
logsource: {product: aws, service: cloudtrail}
detection:
    call:
        eventSource: iam.amazonaws.com
        eventName: CreateAccessKey
    condition: call
`

func TestThreeWaysToTheSameSearch(t *testing.T) {
	t.Parallel()
	o := simulated(t)
	v := investigator(o.lake)
	counts := map[string]int{}
	for name, s := range map[string]hunt.Search{
		"sigma":  {Sigma: keysRule},
		"filter": {Filter: "operation = 'CreateAccessKey'"},
		"sql":    {SQL: "SELECT account, metadata.uid FROM events WHERE operation = 'CreateAccessKey'"},
	} {
		f, err := v.Search(t.Context(), access.Everything(), s)
		if err != nil {
			t.Fatal(err)
		}
		counts[name] = len(f.Rows)
		var sum int64
		for _, n := range f.Accounts {
			sum += n
		}
		if sum != int64(len(f.Rows)) {
			t.Errorf("%s: %d rows, %d by account", name, len(f.Rows), sum)
		}
	}
	if counts["sigma"] == 0 || counts["sigma"] != counts["filter"] || counts["sigma"] != counts["sql"] {
		t.Errorf("hits %v", counts)
	}
	var mistake hunt.MistakeError
	if _, err := v.Search(t.Context(), access.Everything(), hunt.Search{SQL: "SELECT 1", Filter: "true"}); !errors.As(err, &mistake) {
		t.Errorf("two ways at once: %v", err)
	}
}

// TestSigmaSearchAgreesWithTheStream judges history by every rule that ships, and wants what a scan of the same files finds.
func TestSigmaSearchAgreesWithTheStream(t *testing.T) {
	t.Parallel()
	o := simulated(t)
	loaded, errs, err := detect.Load(os.DirFS("../../content"), "rules")
	if err != nil || len(errs) > 0 {
		t.Fatal(err, errs)
	}
	inv, err := collect.List(t.Context(), []string{filepath.Join(o.dir, "logs")}, nil, collect.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close() //nolint:errcheck // temporary files
	scanned, err := pipeline.Run(t.Context(), pipeline.Files{Inventory: inv}, pipeline.Options{Rules: loaded})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]bool{}
	add := func(list []finding.Alert) {
		for i := range list {
			id := list[i].Rule.ID
			if want[id] == nil {
				want[id] = map[string]bool{}
			}
			for _, uid := range list[i].EventUIDs {
				want[id][uid] = true
			}
		}
	}
	add(scanned.Loose)
	for i := range scanned.Incidents {
		add(scanned.Incidents[i].Alerts)
	}
	checked := 0
	found := map[string]map[string]bool{}
	_, err = investigator(o.lake).Matches(t.Context(), access.Everything(), loaded, time.Time{}, time.Time{}, func(m *hunt.Match) error {
		for _, r := range m.Rules {
			id := loaded.All[r].Finding.ID
			if found[id] == nil {
				found[id] = map[string]bool{}
			}
			found[id][m.UID] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range loaded.All {
		if len(r.Attributes.FirstSeen) > 0 {
			continue
		}
		for uid := range want[r.Finding.ID] {
			checked++
			if !found[r.Finding.ID][uid] {
				t.Errorf("%s: the search does not find %s, which the scan did", r.Title, uid)
			}
		}
	}
	if checked < 5 {
		t.Errorf("only %d matches compared", checked)
	}
}

func TestHuntsAreFiles(t *testing.T) {
	t.Parallel()
	f := hunt.Folder{Dir: filepath.Join(t.TempDir(), "hunts")}
	h := hunt.File{Name: "keys", Title: "New keys", Question: "Who got a key?", Query: hunt.Query{Sigma: keysRule}, Span: "7d", Every: "1h", Notify: "alert", Notes: "# look\n"}
	if err := f.Save(h); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(f.Dir, "keys.yaml")
	raw, err := os.ReadFile(path) //nolint:gosec // a test's own
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append([]byte("# by hand\n"), raw...), 0o600); err != nil {
		t.Fatal(err)
	}
	k := hunt.Kept{At: now, By: "test", Hits: 3, Accounts: map[string]int64{"111111111111": 2, "222222222222": 1}}
	for range 2 {
		if err := f.Keep("keys", k); err != nil {
			t.Fatal(err)
		}
	}
	got, err := f.Load("keys")
	if err != nil || got.Result == nil || got.Result.Hits != 3 || got.Query.Sigma != keysRule {
		t.Errorf("%+v, %v", got, err)
	}
	if raw, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(raw), "# by hand") { //nolint:gosec // likewise
		t.Errorf("the comment is gone: %s, %v", raw, err)
	}
	if own := got.Result.Within(access.Accounts("222222222222")); own.Hits != 1 || len(own.Accounts) != 1 {
		t.Errorf("of one account: %+v", own)
	}
	if got.Due(now.Add(59*time.Minute)) || !got.Due(now.Add(time.Hour)) {
		t.Error("it is due at the wrong time")
	}
	for name, text := range map[string]string{
		"way out": "../x", "capitals": "Keys", "empty": "",
	} {
		if _, err := f.Load(name + text); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	for name, text := range map[string]string{
		"two queries": "title: a\nquestion: b\nquery: {sql: SELECT 1, filter: 'true'}\n", "unknown key": "title: a\nquestion: b\nquery: {sql: SELECT 1}\nevil: 1\n",
		"often": "title: a\nquestion: b\nquery: {sql: SELECT 1}\nevery: 1s\n", "no question": "title: a\nquery: {sql: SELECT 1}\n", "no YAML": "\x00\xff: [",
	} {
		var mistake hunt.MistakeError
		if _, err := hunt.ParseFile("x", []byte(text)); !errors.As(err, &mistake) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWritersOfAFolderLoseNothingOfEachOther keeps results while the same hunts are changed.
func TestWritersOfAFolderLoseNothingOfEachOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := hunt.File{Name: "x", Title: "A", Question: "B?", Query: hunt.Query{Filter: "true"}}
	if err := (hunt.Folder{Dir: dir}).Save(h); err != nil {
		t.Fatal(err)
	}
	const n = 20
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			_, err := hunt.Folder{Dir: dir}.Change("x", func(old *hunt.File) (hunt.File, error) {
				old.Notes += "a line\n"
				return *old, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := (hunt.Folder{Dir: dir + "/"}).Keep("x", hunt.Kept{At: now, By: "test", Hits: 1}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := hunt.Folder{Dir: dir}.Load("x")
	if err != nil || strings.Count(got.Notes, "a line") != n || got.Result == nil {
		t.Errorf("%+v, %v", got, err)
	}
	if err := (hunt.Folder{Dir: dir}).Save(hunt.File{Name: "y", Title: "A", Question: "B?", Query: h.Query, Notes: strings.Repeat("x", 300<<10)}); !errors.As(err, new(hunt.MistakeError)) {
		t.Errorf("a hunt that could not be read again is kept: %v", err)
	}
}

func TestScheduledHuntKeepsItsResultAndTells(t *testing.T) {
	t.Parallel()
	o := simulated(t)
	f := hunt.Folder{Dir: t.TempDir()}
	for _, h := range []hunt.File{
		{Name: "keys", Title: "New keys", Question: "Who got a key?", Query: hunt.Query{Sigma: keysRule}, Every: "1h", Notify: "alert"},
		{Name: "by-hand", Title: "All", Question: "What?", Query: hunt.Query{Filter: "true"}},
		{Name: "wrong", Title: "Wrong", Question: "What?", Query: hunt.Query{Filter: "no_such_column = 1"}, Every: "1h"},
	} {
		if err := f.Save(h); err != nil {
			t.Fatal(err)
		}
	}
	var hits, failed []string
	s := hunt.Scheduler{
		Folder: f, Investigator: investigator(o.lake),
		Hit:    func(_ context.Context, h *hunt.File, k hunt.Kept) error { hits = append(hits, h.Name); return nil },
		Failed: func(name string, _ error) { failed = append(failed, name) },
	}
	s.Tick(t.Context())
	s.Tick(t.Context()) // nothing is due
	if len(hits) != 1 || hits[0] != "keys" || len(failed) != 1 || failed[0] != "wrong" {
		t.Errorf("told of %v, failed %v", hits, failed)
	}
	for name, want := range map[string]bool{"keys": true, "by-hand": false, "wrong": true} {
		if h, err := f.Load(name); err != nil || (h.Result != nil) != want || name == "wrong" && h.Result.Error == "" {
			t.Errorf("%s: result %+v, %v", name, h.Result, err)
		}
	}
}

func TestAHuntBecomesARuleInTwoSteps(t *testing.T) {
	t.Parallel()
	o := simulated(t)
	v := investigator(o.lake)
	dir := t.TempDir()
	for _, h := range []hunt.File{
		{Name: "keys-sigma", Title: "New keys", Question: "Who got a key?", Query: hunt.Query{Sigma: keysRule}},
		{Name: "keys-filter", Title: "New keys, by filter", Question: "Who got a key?", Query: hunt.Query{Filter: "operation = 'CreateAccessKey'"}},
	} {
		d, err := v.ToRule(t.Context(), access.Everything(), &h)
		if err != nil {
			t.Fatal(err)
		}
		paths, err := d.Accept(dir, nil)
		if err != nil || len(paths) != 2 {
			t.Fatalf("%s: %v\n%s\n%s", h.Name, err, d.Rule, d.Tests)
		}
		if _, err := d.Accept(dir, nil); err == nil {
			t.Errorf("%s: written over what was there", h.Name)
		}
		broken := *d
		broken.Name, broken.Tests = "other", strings.Replace(d.Tests, "fires: true", "fires: false", 1)
		if _, err := broken.Accept(dir, nil); err == nil {
			t.Errorf("%s: accepted with a test that fails", h.Name)
		}
	}
	rules, errs, err := detect.Load(os.DirFS(dir), ".")
	if err != nil || len(errs) > 0 || len(rules.All) != 2 {
		t.Errorf("the folder of rules: %v %v", errs, err)
	}
	if _, err := v.ToRule(t.Context(), access.Everything(), &hunt.File{Name: "x", Title: "x", Question: "x", Query: hunt.Query{SQL: "SELECT 1"}}); err == nil {
		t.Error("SQL became a rule")
	}
}
