package intel

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func loaded(t testing.TB, f Feed, text string) Loaded {
	t.Helper()
	r, err := f.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return Loaded{Feed: f, Version: "v1", Indicators: Merge(&f, nil, r.Indicators, noon), Lists: r.Lists}
}

// look asks a set for a text as a field of a kind has it.
func look1(s *Set, l look, text string, at time.Time) string {
	var m Scratch
	s.value(&Field{Path: "x", look: l}, text, at.UnixMilli(), &m)
	var out []string
	for _, h := range m.hits {
		out = append(out, fmt.Sprintf("%s:%s%v", h.Source.Name, h.Indicator.Value, h.Others))
	}
	return strings.Join(out, " ")
}

func TestValuesAreLookedUpInTheirNormalForm(t *testing.T) {
	t.Parallel()
	s := Compile([]Loaded{
		loaded(t, Feed{Name: "a"}, "45.9.148.0/24\n45.9.148.7\nevil.org\nbad.org/x?y=1\nbad.org:8080/z\n"+strings.Repeat("ab", 16)+"\n2606:4700::/32\n"),
		loaded(t, Feed{Name: "b", Confidence: 90}, "45.9.148.7\n203.0.113.5\n"),
	}, []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, noon)
	for _, c := range []struct {
		look       look
		text, want string
	}{
		{asAddress, "45.9.148.9", "a:45.9.148.0/24[]"},
		{asAddress, "45.9.148.7", "b:45.9.148.7[a]"},
		{asAddress, "::ffff:45.9.148.9", "a:45.9.148.0/24[]"},
		{asAddress, "2606:4700::1", "a:2606:4700::/32[]"},
		{asAddress, "45.9.149.9", ""},
		{asAddress, "203.0.113.5", ""}, // ours
		{asAddress, "evil.org", ""},
		{asAddress, "999.1.1.1", ""},
		{asName, "A.B.Evil.org.", "a:evil.org[]"},
		{asName, "notevil.org", ""},
		{asName, "org", ""},
		{asURL, "HTTPS://Bad.org:443/x?y=1#f", "a:bad.org/x?y=1[]"},
		{asURL, "http://bad.org:8080/z", "a:bad.org:8080/z[]"},
		{asURL, "http://bad.org/other", ""},
		{asURL, "https://www.evil.org/any", "a:evil.org[]"},
		{asURL, "http://45.9.148.9/any", "a:45.9.148.0/24[]"},
		{asHash, strings.Repeat("AB", 16), "a:" + strings.Repeat("ab", 16) + "[]"},
		{asAnswers, `[{"type":"A","rdata":"45.9.148.9"},{"rdata":"fine.org"}]`, "a:45.9.148.0/24[]"},
		{asAnswers, `[{"rdata":"x.evil.org."}]`, "a:evil.org[]"},
		{asAnswers, `[{"rdata":"unfinished`, ""},
	} {
		if got := look1(s, c.look, c.text, noon); got != c.want {
			t.Errorf("%q gives %q, want %q", c.text, got, c.want)
		}
	}
	if n := s.Tallies["b"].Allowed["own networks (environment.yaml)"]; n != 1 {
		t.Errorf("%d indicators are allowed as our own, want 1", n)
	}
}

func TestAnExpiredIndicatorDoesNotMatch(t *testing.T) {
	t.Parallel()
	f := Feed{Name: "a", Expires: 30 * 24 * time.Hour}
	s := Compile([]Loaded{loaded(t, f, "45.9.148.1\n")}, nil, noon.Add(31*24*time.Hour))
	if s.Tallies["a"].Expired != 1 {
		t.Error("it is not counted as expired")
	}
	if look1(s, asAddress, "45.9.148.1", noon.Add(29*24*time.Hour)) == "" {
		t.Error("an event from before its end does not match")
	}
	if got := look1(s, asAddress, "45.9.148.1", noon.Add(31*24*time.Hour)); got != "" {
		t.Errorf("an event from after its end matches: %s", got)
	}
}

func TestWhatAFeedTakesBackCountsForWhatWasBefore(t *testing.T) {
	t.Parallel()
	f := Feed{Name: "a"}
	dir := Folder(t.TempDir())
	first := loaded(t, f, "45.9.148.1\n45.9.148.2\n")
	if err := dir.Keep(&first, nil); err != nil {
		t.Fatal(err)
	}
	kept, err := dir.Load(f, "v1")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, kept); d != "" {
		t.Errorf("what is loaded is not what was kept:\n%s", d)
	}
	r, err := f.Parse([]byte("45.9.148.2\n45.9.148.3\n"))
	if err != nil {
		t.Fatal(err)
	}
	day := noon.Add(24 * time.Hour)
	now := Merge(&f, kept.Indicators, r.Indicators, day)
	s := Compile([]Loaded{{Feed: f, Indicators: now}}, nil, day)
	if look1(s, asAddress, "45.9.148.1", noon) == "" || look1(s, asAddress, "45.9.148.1", day.Add(time.Hour)) != "" {
		t.Error("what is gone must match what was before, and nothing after")
	}
	if n := s.Newer(noon); n.Size() != 1 || look1(n, asAddress, "45.9.148.3", day) == "" {
		t.Errorf("%d indicators are new, want 45.9.148.3 alone", n.Size())
	}
	if left := Merge(&f, now, r.Indicators, day.Add(forgetAfter)); len(left) != 2 {
		t.Errorf("after 90 days %d are known, want 2", len(left))
	}
}

func TestWarningListsAllow(t *testing.T) {
	t.Parallel()
	lists := []string{
		`{"name":"Networks","type":"cidr","list":["8.8.8.0/24","bad"],"matching_attributes":["ip-dst"]}`,
		`{"name":"Names","type":"hostname","list":[".google.com"]}`,
		`{"name":"Exact","type":"string","list":["Fine.org"]}`,
		`{"name":"Parts","type":"substring","list":["/wp-content/"]}`,
		`{"name":"Patterns","type":"regex","list":["/^sink[0-9]+\\./i","(?=x)"]}`,
		`{"name":"Hashes only","type":"string","list":["evil.org"],"matching_attributes":["md5"]}`,
	}
	feeds := []Loaded{loaded(t, Feed{Name: "a"}, "8.8.8.8\n8.8.0.0/16\nmail.google.com\nhttp://x.google.com/y\nfine.org\na.fine.org\nevil.org\nevil.org/wp-content/x\nSINK1.evil.net\n")}
	refused := 0
	for _, text := range lists {
		f := Feed{Name: "w", Allow: true}
		r, err := f.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		refused += r.Refused
		feeds = append(feeds, Loaded{Feed: f, Lists: r.Lists})
	}
	s := Compile(feeds, nil, noon)
	if d := cmp.Diff(map[string]int{"Networks": 1, "Names": 2, "Exact": 1, "Parts": 1, "Patterns": 1}, s.Tallies["a"].Allowed); d != "" {
		t.Error(d)
	}
	if s.Size() != 3 || refused != 2 {
		t.Errorf("%d loaded and %d entries of lists refused, want 3 and 2", s.Size(), refused)
	}
	found, allowed, err := s.Check("hxxp://x.google[.]com/y")
	if err != nil || len(found) != 0 || len(allowed) != 1 {
		t.Errorf("check says %v, %v, %v", found, allowed, err)
	}
	if found, _, _ := s.Check("sub.evil.org"); len(found) != 1 {
		t.Errorf("check of a name below evil.org says %v", found)
	}
}

func TestForeignWarningListsAreRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	archive := pack(t, "misp-warninglists.tar.zst")
	if out, err := exec.Command("tar", "--zstd", "-xf", archive, "-C", dir).CombinedOutput(); err != nil {
		t.Skipf("tar cannot unpack the lists (apt-get install zstd): %s", out)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*/lists/*/list.json"))
	feeds := []Loaded{loaded(t, Feed{Name: "a"}, "8.8.8.8\n1.1.1.1\nwww.google.com\n185.220.101.4\n")}
	refused, entries := 0, 0
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f := Feed{Name: "w", Allow: true}
		r, err := f.Parse(raw)
		if err != nil {
			t.Logf("%s: %v", path, err)
			continue
		}
		refused, entries = refused+r.Refused, entries+r.Entries
		feeds = append(feeds, Loaded{Feed: f, Lists: r.Lists})
	}
	s := Compile(feeds, nil, noon)
	t.Logf("%d files, %d entries, %d refused; allowed %v", len(files), entries, refused, s.Tallies["a"].Allowed)
	if len(files) < 100 || entries < 100_000 || refused > entries/1000 || len(s.Tallies["a"].Allowed) == 0 {
		t.Error("the lists are not read as they should be")
	}
}

func TestFetchBringsWhatIsNewAndNoMore(t *testing.T) {
	t.Parallel()
	var sent, asked atomic.Int64
	body := atomic.Pointer[string]{}
	set := func(s string) { body.Store(&s) }
	set("45.9.148.1\n")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		tag := fmt.Sprintf(`"%d"`, len(*body.Load()))
		switch {
		case r.URL.Path == "/missing":
			http.NotFound(w, r)
			return
		case r.URL.Path == "/big":
			for range MaxBytes/(1<<20) + 2 {
				_, _ = w.Write(make([]byte, 1<<20))
			}
			return
		case r.Header.Get("If-None-Match") == tag:
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sent.Add(1)
		w.Header().Set("ETag", tag)
		_, _ = w.Write([]byte(*body.Load()))
	}))
	defer server.Close()
	f := Feed{Name: "a", URL: server.URL + "/list?key=secret"}
	first, err := f.Fetch(t.Context(), Seen{})
	if err != nil || first.Unchanged || first.ETag == "" || first.Version == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := f.Fetch(t.Context(), first.Seen)
	if err != nil || !again.Unchanged || sent.Load() != 1 || asked.Load() != 2 {
		t.Errorf("the second fetch: %+v, %v, sent %d", again, err, sent.Load())
	}
	set("45.9.148.10\n")
	if third, err := f.Fetch(t.Context(), again.Seen); err != nil || third.Unchanged || third.Version == first.Version {
		t.Errorf("the third fetch: %+v, %v", third, err)
	}
	if _, err := (&Feed{URL: server.URL + "/missing"}).Fetch(t.Context(), Seen{}); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a missing feed: %v", err)
	}
	if _, err := (&Feed{URL: server.URL + "/big"}).Fetch(t.Context(), Seen{}); err == nil || !strings.Contains(err.Error(), "64 MiB") {
		t.Errorf("a feed beyond the bound: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Fetch(ended, Seen{}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("an interrupted fetch: %v", err)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	bad := Feed{Name: "No Good", Format: "xml", Kind: "smell", Confidence: 101, Every: time.Second}
	err := bad.Check()
	for _, part := range []string{"no name", "url or a file", "xml", "smell", "101", "at least"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not speak of %q: %v", part, err)
		}
	}
}

// TestEveryFieldIsOfTheSchema fails on a path that no version of OCSF has: a mapping could never fill it.
func TestEveryFieldIsOfTheSchema(t *testing.T) {
	t.Parallel()
	if len(Fields()) == 0 {
		t.Fatal("no field is looked up")
	}
	for _, f := range table {
		if f.Path == "" || f.Side == 0 || f.look == 0 {
			t.Errorf("a line of the table is not whole: %+v", f)
		}
		_, mapped := ocsf.FieldByPath(f.Path)
		t.Logf("%-32s mapped %v", f.Path, mapped)
	}
}

// many is a set of 200,000 indicators.
func many(tb testing.TB) *Set {
	tb.Helper()
	f := Feed{Name: "many"}
	l := Loaded{Feed: f, Version: "v"}
	for i := range 50_000 {
		for _, text := range []string{fmt.Sprintf("%d.%d.%d.7", 11+i%80, i/80%250, i%250), fmt.Sprintf("h%d.evil%d.org", i, i%997), fmt.Sprintf("http://h%d.bad.org/x/%d", i%31, i), fmt.Sprintf("%032x", i)} {
			one, err := Read(text, 0)
			if err != nil {
				tb.Fatal(err)
			}
			l.Indicators = append(l.Indicators, one...)
		}
	}
	return Compile([]Loaded{l}, nil, noon)
}

// misses are values of an event that names nothing.
var misses = []struct {
	look look
	text string
}{
	{asAddress, "203.0.113.77"},
	{asAddress, "2001:db8::1"},
	{asAddress, "cloudtrail.amazonaws.com"},
	{asAddress, "AWS Internal"},
	{asName, "Www.Some.Long.Example.COM"},
	{asURL, "https://WWW.example.com:443/a/long/path?with=a&query=of&some=length"},
	{asURL, "http://198.51.100.9:80/"},
	{asHash, strings.Repeat("F", 64)},
	{asAnswers, `[{"type":"A","rdata":"198.51.100.9"},{"type":"CNAME","rdata":"a.example.com"}]`},
}

func TestAMissDoesNotAllocate(t *testing.T) {
	s := many(t)
	if s.Size() != 200_000 {
		t.Fatalf("the set holds %d", s.Size())
	}
	var m Scratch
	var f Field
	if n := testing.AllocsPerRun(200, func() {
		for i := range misses {
			m.hits = m.hits[:0]
			f.look = misses[i].look
			s.value(&f, misses[i].text, noon.UnixMilli(), &m)
			if len(m.hits) > 0 {
				t.Fatal("a miss hit")
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations for an event that matches nothing", n)
	}
}

func BenchmarkMiss200k(b *testing.B) {
	s := many(b)
	var m Scratch
	f := Field{look: asAddress}
	b.ReportAllocs()
	for b.Loop() {
		for i := range misses {
			f.look = misses[i].look
			s.value(&f, misses[i].text, noon.UnixMilli(), &m)
		}
	}
}

func BenchmarkCompile200k(b *testing.B) {
	s := many(b)
	l := Loaded{Feed: Feed{Name: "many"}}
	for i := range s.entries {
		l.Indicators = append(l.Indicators, s.entries[i].Indicator)
	}
	for b.Loop() {
		Compile([]Loaded{l}, nil, noon)
	}
}
