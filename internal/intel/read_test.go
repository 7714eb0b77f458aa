package intel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTextIsReadAsFeedsWriteIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want, fault string }{
		{"203.0.113.9", "ip 203.0.113.9", ""},
		{"8.8.4.4:443", "ip 8.8.4.4", ""},
		{"8[.]8[.]4[.]4", "ip 8.8.4.4", ""},
		{"45.9.148.77/24", "ip 45.9.148.0/24", ""},
		{"45.9.148.0-45.9.148.5", "ip 45.9.148.0/30|ip 45.9.148.4/31", ""},
		{"::ffff:45.9.148.1", "ip 45.9.148.1", ""},
		{"2606:4700::1111", "ip 2606:4700::1111", ""},
		{"10.0.0.0", "", "private or reserved"},
		{"100.64.1.1", "", "private or reserved"},
		{"4.0.0.0/6", "", "wider than /8"},
		{"45.9.148.5-45.9.148.1", "", "ends before it begins"},
		{"Evil.Example.ORG.", "domain evil.example.org", ""},
		{"*.evil.org", "domain evil.org", ""},
		{"evil[.]org", "domain evil.org", ""},
		{"bücher.example.org", "domain xn--bcher-kva.example.org", ""},
		{"co.uk", "", "anyone registers"},
		{"localhost", "", "has no dot"},
		{"amazonaws.com", "", "AWS itself"},
		{"a@evil.org", "", "e-mail"},
		{"hxxps://Evil.org:443/A?b=C#d", "url evil.org/A?b=C", ""},
		{"hxxp://evil[.]org:8080/x", "url evil.org:8080/x", ""},
		{"evil.org/x", "url evil.org/x", ""},
		{"http://evil.org/", "domain evil.org", ""},
		{"http://45.9.148.77/", "ip 45.9.148.77", ""},
		{"gopher://evil.org/x", "", "scheme other than"},
		{"D41D8CD98F00B204E9800998ECF8427E", "hash d41d8cd98f00b204e9800998ecf8427e", ""},
		{"domain autuo.xicp.net", "", "neither"},
		{"", "", "empty"},
	} {
		list, err := Read(c.in, 0)
		var got []string
		for _, i := range list {
			got = append(got, i.Kind.String()+" "+i.Value)
		}
		if text := strings.Join(got, "|"); text != c.want {
			t.Errorf("%q is read as %q, want %q (%v)", c.in, text, c.want, err)
		}
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%q: error %v, want one about %q", c.in, err, c.fault)
		}
	}
	if _, err := Read("evil.org", IP); err == nil {
		t.Error("a name is taken into a feed of addresses")
	}
}

// parse reads a feed of a test and checks its double entry.
func parse(t *testing.T, f Feed, raw string) *Reading {
	t.Helper()
	r, err := f.Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	balanced(t, r)
	return r
}

func balanced(t *testing.T, r *Reading) {
	t.Helper()
	if len(r.Lists) == 0 && r.Entries != len(r.Indicators)+r.Twice+r.Refused+r.NotUnderstood+r.Revoked {
		t.Errorf("%d entries are not %d indicators + %d twice + %d refused + %d not understood + %d revoked", r.Entries, len(r.Indicators), r.Twice, r.Refused, r.NotUnderstood, r.Revoked)
	}
	sum := 0
	for _, n := range r.Reasons {
		sum += n
	}
	if sum != r.Refused+r.NotUnderstood {
		t.Errorf("%d reasons for %d entries that are not loaded", sum, r.Refused+r.NotUnderstood)
	}
}

func values(r *Reading) (out []string) {
	for _, i := range Sorted(r.Indicators) {
		out = append(out, i.Value)
	}
	return out
}

func TestAPlainListSaysWhatItRefused(t *testing.T) {
	t.Parallel()
	r := parse(t, Feed{Name: "x"}, "# comment\n; another\n45.9.148.1\t10\n\n45.9.148.1 # again\n0.0.0.0 evil.org\nnonsense here\n10.1.1.1\nevil.com, more\n45.9.149.0 - 45.9.149.255\n")
	if d := cmp.Diff([]string{"45.9.148.1", "45.9.149.0/24", "evil.com", "evil.org"}, values(r)); d != "" {
		t.Error(d)
	}
	if r.Twice != 1 || r.Refused != 2 {
		t.Errorf("%d twice and %d refused, want 1 and 2", r.Twice, r.Refused)
	}
	if p := r.Problems[0]; p.Line != 7 || p.Text != "nonsense" || !strings.Contains(p.Reason, "no dot") {
		t.Errorf("the first problem is %+v", p)
	}
}

func TestACSVIsReadByItsHeader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		feed Feed
		text string
	}{
		"header":         {Feed{}, "first_seen,ioc_value,confidence_level,tags\n2026-03-01 10:00:00,evil.org,75,\"c2,x\"\n2026-03-01 10:00:00,,75,\n"},
		"abuse.ch":       {Feed{}, "# ThreatFox\n# \"first_seen_utc\",\"ioc_value\",\"confidence_level\",\"tags\"\n\"2026-03-01 10:00:00\", \"evil.org\", \"75\", \"c2,x\"\n"},
		"setting":        {Feed{Column: "bad thing"}, "when,Bad Thing,confidence,tags\n2026-03-01,evil.org,75,c2;x\n"},
		"number":         {Feed{Column: "2", Confidence: 75, Tags: []string{"c2", "x"}}, "a,b\n2026-03-01,evil.org\n"},
		"too few cells":  {Feed{}, "ip,confidence,domain,tags\n"},
		"broken quoting": {Feed{}, "ioc_value,confidence,tags\nevil.org,75,c2|x\n\"never ends\n"},
	} {
		c.feed.Name = "x"
		r := parse(t, c.feed, c.text)
		if name == "too few cells" {
			continue
		}
		if len(r.Indicators) != 1 || r.Indicators[0].Value != "evil.org" || r.Indicators[0].Confidence != 75 || len(r.Indicators[0].Tags) != 2 {
			t.Errorf("%s: %+v (%v)", name, r.Indicators, r.Problems)
		}
	}
	if _, err := (&Feed{Name: "x", Format: "csv"}).Parse([]byte("a,b\n1,2\n")); err == nil || !strings.Contains(err.Error(), "name one with column") {
		t.Errorf("a CSV without a known column: %v", err)
	}
}

func TestSTIXPatternsAreReadOrCounted(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"[ipv4-addr:value = '45.9.148.1']":                                                                                  "45.9.148.1",
		"[ ipv4-addr:value ISSUBSET '45.9.148.0/24' OR domain-name:value='evil.org' ]":                                      "45.9.148.0/24 evil.org",
		"[domain-name:value IN ('a.evil.org', 'b.evil.org')]":                                                               "a.evil.org b.evil.org",
		"[url:value = 'http://evil.org/x']":                                                                                 "evil.org/x",
		"[file:hashes.'SHA-256' = '" + strings.Repeat("AB", 32) + "']":                                                      strings.Repeat("ab", 32),
		"[file:hashes.MD5 = '" + strings.Repeat("a", 32) + "' AND file:hashes.'SHA-1' = '" + strings.Repeat("b", 40) + "']": strings.Repeat("a", 32) + " " + strings.Repeat("b", 40),
		"[(ipv4-addr:value = '45.9.148.1') OR (ipv4-addr:value = '45.9.148.2')]":                                            "45.9.148.1 45.9.148.2",
		"[domain-name:value = 'evil.org' AND ipv4-addr:value = '45.9.148.1']":                                               "! AND over different things",
		"[ipv4-addr:value = '45.9.148.1'] FOLLOWEDBY [ipv4-addr:value = '45.9.148.2']":                                      "! several observations",
		"[ipv4-addr:value = '45.9.148.1'] WITHIN 5 MINUTES":                                                                 "! time qualifier",
		"[domain-name:value LIKE '%.evil.org']":                                                                             "! operator LIKE",
		"[ipv4-addr:value != '45.9.148.1']":                                                                                 "! operator !=",
		"[file:name = 'x.exe']":                                                                                             "! file:name",
		"[email-message:body_multipart[*].body_raw_ref.name MATCHES '^x']":                                                  "! email-message",
		"[ipv4-addr:value = '45.9":                                                                                          "! without its end",
		"ipv4-addr:value = '45.9.148.1'":                                                                                    "! does not begin",
		strings.Repeat("[(", 40) + strings.Repeat(")]", 40):                                                                 "!",
	} {
		list, err := parsePattern(pattern)
		if fault, bad := strings.CutPrefix(want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(fault)) {
				t.Errorf("%s: %v, want an error about%s", pattern, err, fault)
			}
			continue
		}
		var got []string
		for _, v := range list {
			one, err := Read(v.text, v.kind)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, one[0].Value)
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s gives %q, want %q (%v)", pattern, text, want, err)
		}
	}
}

func TestASTIXBundleKeepsConfidenceValidityAndRevocation(t *testing.T) {
	t.Parallel()
	r := parse(t, Feed{Name: "x", Confidence: 40}, `{"type":"bundle","objects":[
		{"type":"indicator","pattern":"[ipv4-addr:value='45.9.148.1']","pattern_type":"stix","confidence":90,"valid_from":"2026-01-01T00:00:00Z","valid_until":"2026-02-01T00:00:00Z","indicator_types":["malicious-activity"]},
		{"type":"indicator","pattern":"[ipv4-addr:value='45.9.148.2']","revoked":true},
		{"type":"indicator","pattern":"rule x {}","pattern_type":"yara"},
		{"type":"indicator","pattern":"[domain-name:value='evil.org']"},
		{"type":"malware","name":"x"}, 7]}`)
	if len(r.Indicators) != 2 || r.Revoked != 1 || r.NotUnderstood != 2 {
		t.Fatalf("%d indicators, %d revoked, %d not understood: %v", len(r.Indicators), r.Revoked, r.NotUnderstood, r.Problems)
	}
	i := r.Indicators[0]
	if i.Confidence != 90 || !i.Expires.Equal(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)) || r.Indicators[1].Confidence != 40 {
		t.Errorf("%+v", r.Indicators)
	}
}

func TestMISPEventsGiveWhatIsMeantForDetection(t *testing.T) {
	t.Parallel()
	event := `{"Event":{"Tag":[{"name":"tlp:clear"}],"Attribute":[
		{"type":"ip-dst|port","value":"45.9.148.1|443","to_ids":true,"timestamp":"1767225600"},
		{"type":"domain|ip","value":"evil.org|45.9.148.2","to_ids":true},
		{"type":"domain","value":"quoted.org","to_ids":false},
		{"type":"mutex","value":"x","to_ids":true}],
		"Object":[{"Attribute":[{"type":"filename|md5","value":"a.exe|` + strings.Repeat("a", 32) + `","to_ids":true}]}]}}`
	r := parse(t, Feed{Name: "x"}, event)
	if d := cmp.Diff([]string{"45.9.148.1", "45.9.148.2", "evil.org", strings.Repeat("a", 32)}, values(r)); d != "" || r.NotUnderstood != 1 {
		t.Error(d, r.Problems)
	}
	if r.Indicators[0].Last.Year() != 2026 || r.Indicators[0].Tags[0] != "tlp:clear" {
		t.Errorf("%+v", r.Indicators[0])
	}
}

// pack is a file of the shared samples.
func pack(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("../../../shared/data/intel", name)
	if _, err := os.Stat(path); err != nil {
		t.Skip("the folder ../shared/data/intel is not there")
	}
	return path
}

func TestForeignFeedsAreReadWhole(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{
		"ipsum/ipsum-head.txt.gz": 19_000, "ipsum/levels-5.txt": 1_400, "threatfox/ips.txt.gz": 19_000, "tor/tor-exit-nodes.lst.gz": 1_700, "stix2/threat-reports/poisonivy.json": 40,
		"stix2/threat-reports/apt1.json": 3, "stix2/infrastructure.json": 0, "misp-events/57c4445b-c548-4654-af0b-4be3950d210f.json": 1, "misp-events/very_long_event.json.gz": 1,
	} {
		f := Feed{Name: "x", File: pack(t, name)}
		got, err := f.Fetch(t.Context(), Seen{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := f.Parse(got.Raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		balanced(t, r)
		t.Logf("%s: %s, %d entries, %d indicators, %d refused, %d not understood, %v", name, r.Format, r.Entries, len(r.Indicators), r.Refused, r.NotUnderstood, r.Reasons)
		if len(r.Indicators) < want {
			t.Errorf("%s: %d indicators, want at least %d", name, len(r.Indicators), want)
		}
	}
	f := Feed{Name: "kev", File: pack(t, "cisa-kev/known_exploited_vulnerabilities.csv.gz")}
	got, err := f.Fetch(t.Context(), Seen{})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := f.Parse(got.Raw); err == nil && len(r.Indicators) > 0 {
		t.Errorf("a list of vulnerabilities gave indicators: %v", r.Indicators[:1])
	}
}

func FuzzParse(f *testing.F) {
	f.Add("", []byte("# c\n45.9.148.0-45.9.149.3\nhxxp://evil[.]org/x\n"))
	f.Add("csv", []byte("ip,tags\n45.9.148.1,\"a\n"))
	f.Add("stix", []byte(`{"objects":[{"type":"indicator","pattern":"[(a:b='c' OR url:value IN ('x','y'))]"}]}`))
	f.Add("misp", []byte(`{"Event":{"Attribute":[{"type":"domain|ip","value":"a|b","to_ids":true}]}}`))
	f.Add("warninglist", []byte(`{"name":"x","type":"regex","list":["/a/i","("]}`))
	f.Fuzz(func(t *testing.T, format string, raw []byte) {
		r, err := (&Feed{Name: "x", Format: format}).Parse(raw)
		if err != nil {
			return
		}
		balanced(t, r)
		Compile([]Loaded{{Feed: Feed{Name: "x"}, Indicators: r.Indicators, Lists: r.Lists}}, nil, time.Unix(0, 0))
	})
}
