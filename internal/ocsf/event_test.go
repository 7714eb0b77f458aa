package ocsf

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fastjson"
)

// plainMapping reads a few fields as they stand.
func plainMapping() *Mapping {
	return (&Mapping{
		Name: "plain", Title: "Plain", Class: func(*Event) (int, int) { return 6003, 1 },
		Rows: []Row{
			{Field: APIOperation, From: "name"},
			{Field: ResourceUID, From: "list.id"},
			{Field: CloudProvider, Const: "X"},
			{Field: UserName, From: "name", Classes: []int{3002}},
		},
	}).Compile()
}

func event(t testing.TB, raw string) *Event {
	t.Helper()
	doc, reason, detail := parse(&fastjson.Parser{}, []byte(raw))
	if reason != "" {
		t.Fatal(reason, detail)
	}
	return &Event{Raw: []byte(raw), Doc: doc, Mapping: plainMapping()}
}

func TestVendorPaths(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, raw, path string
		want            []Value
	}{
		{"member", `{"a":"x"}`, "a", []Value{{String, "x"}}},
		{"nested", `{"a":{"b":{"c":1}}}`, "a.b.c", []Value{{Number, "1"}}},
		{"kinds", `{"a":[null,true,false,1.50,"s",{"b":[1]}]}`, "a", []Value{{Null, ""}, {Bool, "true"}, {Bool, "false"}, {Number, "1.50"}, {String, "s"}, {JSON, `{"b":[1]}`}}},
		{"arrays are walked through", `{"a":[{"b":[{"c":"1"},{"c":"2"}]},{"b":{"c":"3"}},{"x":1},7]}`, "a.b.c", []Value{{String, "1"}, {String, "2"}, {String, "3"}}},
		{"array of arrays", `{"a":[[{"b":"1"}],[["x",{"b":"2"}]]]}`, "a.b", []Value{{String, "1"}, {String, "2"}}},
		{"empty array", `{"a":[]}`, "a", nil},
		{"missing", `{"a":{}}`, "a.b.c", nil},
		{"through a scalar", `{"a":"x"}`, "a.b", nil},
		{"name with dots", `{"a":{"aws:ResourceTag/x.y.z":"v"}}`, "a.aws:ResourceTag/x.y.z", []Value{{String, "v"}}},
		{"name with dots, then deeper", `{"a.b":{"c":"v"}}`, "a.b.c", []Value{{String, "v"}}},
		{"plain names come first", `{"a.b":"dotted","a":{"b":"nested"}}`, "a.b", []Value{{String, "nested"}}},
		{"name that only begins alike", `{"a.bc":"v"}`, "a.b", nil},
		{"name with an escape", `{"\u0061":"v"}`, "a", []Value{{String, "v"}}},
		{"text is unescaped", `{"a":"\u003cx\n\""}`, "a", []Value{{String, "<x\n\""}}},
		{"first of two names wins", `{"a":"1","a":"2"}`, "a", []Value{{String, "1"}}},
		{"also when the first is written with an escape", `{"\u0061":"1","a":"2"}`, "a", []Value{{String, "1"}}},
		{"text that is JSON stays text", `{"a":"{\"b\":1}"}`, "a.b", nil},
		{"object with hostile text", "{\"a\":{\"x\":\"\xff\\u0001\u2028\"}}", "a", []Value{{JSON, "{\"x\":\"\uFFFD\\u0001\u2028\"}"}}},
		{"object with a repeated name", `{"a":{"x":1,"x":2}}`, "a", []Value{{JSON, `{"x":1}`}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := event(t, c.raw)
			path := ParsePath(c.path)
			for range 2 { // the second answer must be the first
				if diff := cmp.Diff(c.want, e.Vendor(path, nil)); diff != "" {
					t.Error(diff)
				}
			}
			want := ""
			if len(c.want) > 0 {
				want = c.want[0].Str
			}
			if got := e.Text(path); got != want {
				t.Errorf("Text is %q, want %q", got, want)
			}
		})
	}
}

// What a lookup finds must not depend on what was looked up before.
func TestLookupsDoNotDependOnTheirOrder(t *testing.T) {
	t.Parallel()
	raw := `{"n\u0061me":"first","name":"second","x":{"\u0061":1,"a":2}}`
	direct := event(t, raw)
	after := event(t, raw)
	after.Text(ParsePath("missing"))
	after.Strings(func(string) bool { return true })
	for _, path := range []string{"name", "x", "x.a"} {
		if a, b := direct.Text(ParsePath(path)), after.Text(ParsePath(path)); a != b {
			t.Errorf("%s is %q, and %q after other lookups", path, a, b)
		}
	}
	if got := direct.Str(APIOperation); got != "first" {
		t.Errorf("name is %q, want the first", got)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	e := event(t, `{"name":"x","list":[{"id":"1"},{},{"id":"2"}]}`)
	if got := e.Str(CloudProvider); got != "X" {
		t.Errorf("constant: %q", got)
	}
	if diff := cmp.Diff([]Value{{String, "1"}, {String, "2"}}, e.Values(ResourceUID, nil)); diff != "" {
		t.Error(diff)
	}
	if got := e.Str(ResourceUID); got != "1" {
		t.Errorf("first of several: %q", got)
	}
	if e.Str(UserName) != "" || len(e.Values(UserName, nil)) > 0 {
		t.Error("a row for another class answers")
	}
	if e.Str(SrcIP) != "" || len(e.Values(SrcIP, nil)) > 0 {
		t.Error("a field without a row answers")
	}
	for _, f := range Fields() {
		if back, ok := FieldByPath(f.String()); !ok || back != f || f.String() == "" {
			t.Errorf("field %d has the path %q, which leads to %d", f, f, back)
		}
	}
}

// Texts made for an event stay whole while later ones make its memory grow.
func TestMadeTextsStayWhole(t *testing.T) {
	t.Parallel()
	e := event(t, `{"a":{"long":"`+strings.Repeat("x", 100)+`"},"b":12345}`)
	a, n := e.Text(ParsePath("a")), e.Int(987654321).Str
	for range 1000 {
		e.Int(1111111111)
	}
	if !strings.HasPrefix(a, `{"long":"xxx`) || !strings.HasSuffix(a, `x"}`) || n != "987654321" || e.Text(ParsePath("b")) != "12345" {
		t.Errorf("got %q, %q", a, n)
	}
}

func TestStringsStopWhereTold(t *testing.T) {
	t.Parallel()
	e := event(t, `{"a":"1","b":[{"c":"2"},3,["4"]],"d":"5"}`)
	var all, two []string
	e.Strings(func(s string) bool { all = append(all, s); return true })
	e.Strings(func(s string) bool { two = append(two, s); return len(two) < 2 })
	if diff := cmp.Diff([]string{"1", "2", "4", "5"}, all); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1", "2"}, two); diff != "" {
		t.Error(diff)
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{
		"2026-03-10T10:00:00Z":           1773136800000,
		"2026-03-10T10:00:00.25Z":        1773136800250,
		"2026-03-10T12:00:00+02:00":      1773136800000,
		"2024-02-29T00:00:00Z":           1709164800000,
		"2026-02-29T00:00:00Z":           -1,
		"2026-13-01T00:00:00Z":           -1,
		"2026-03-10 10:00:00Z":           -1,
		"2005-12-31T23:59:59Z":           -1,
		"2101-01-01T00:00:00Z":           -1,
		"-026-03-10T10:00:00Z":           -1,
		"":                               -1,
		"1773136800":                     -1,
		"2026-03-10T10:00:00Z\x00":       -1,
		strings.Repeat("9", 1<<20) + "Z": -1,
	} {
		got, err := ParseTime(s)
		switch {
		case want < 0 && err == nil:
			t.Errorf("%.40q is taken as %d", s, got)
		case want >= 0 && (err != nil || got != want):
			t.Errorf("%q: %d, %v; want %d", s, got, err, want)
		case err != nil && len(err.Error()) > 300:
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	}
}
