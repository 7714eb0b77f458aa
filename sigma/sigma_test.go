package sigma

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// mapEvent is an event as a plain map; a slice of values is an array.
type mapEvent struct {
	fields []string
	values map[string][]Value
}

func (e mapEvent) Values(dst []Value, field int) []Value {
	return append(dst, e.values[e.fields[field]]...)
}

func (e mapEvent) Strings(yield func(string) bool) {
	for _, list := range e.values {
		for _, v := range list {
			if v.Kind == String && !yield(v.Str) {
				return
			}
		}
	}
}

func eventOf(s *Set, in map[string]any) mapEvent {
	e := mapEvent{s.Fields(), map[string][]Value{}}
	for k, v := range in {
		e.values[k] = valuesOf(v)
	}
	return e
}

func valuesOf(v any) []Value {
	switch v := v.(type) {
	case nil:
		return []Value{{Kind: Null}}
	case []any:
		var out []Value
		for _, item := range v {
			out = append(out, valuesOf(item)...)
		}
		return out
	case string:
		return []Value{{String, v}}
	case bool:
		return []Value{{Bool, fmt.Sprint(v)}}
	case float64:
		return []Value{{Number, strings.TrimSuffix(fmt.Sprintf("%.6f", v), ".000000")}}
	}
	return []Value{{Number, fmt.Sprint(v)}}
}

func mustRule(t *testing.T, src string) *Rule {
	t.Helper()
	docs, errs := Parse("test.yml", []byte(src), Options{})
	if len(errs) > 0 || len(docs) != 1 {
		t.Fatalf("%v\n%s", errs, src)
	}
	return docs[0].(*Rule)
}

// TestVerdicts runs testdata/verdicts.yml: a detection, and events with the verdict that the specification gives.
func TestVerdicts(t *testing.T) {
	raw, err := os.ReadFile("testdata/verdicts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name      string
		Detection yaml.Node
		Match     []map[string]any
		Miss      []map[string]any
	}
	if err := yaml.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			detection, err := yaml.Marshal(map[string]any{"title": c.Name, "logsource": map[string]string{"product": "test"}, "detection": &c.Detection})
			if err != nil {
				t.Fatal(err)
			}
			s := Compile([]*Rule{mustRule(t, string(detection))})
			route := s.Route(LogSource{Product: "test"})
			check := func(in map[string]any, want bool) {
				ev := eventOf(s, in)
				if got := len(route.Match(ev, new(Scratch))) == 1; got != want {
					t.Errorf("%v: got %t, want %t\n%s", in, got, want, s.ExplainText(0, ev))
				}
				if plain, _ := s.ExplainMatch(0, ev); plain != want {
					t.Errorf("%v: the plain evaluator says %t, want %t", in, plain, want)
				}
			}
			for _, in := range c.Match {
				check(in, true)
			}
			for _, in := range c.Miss {
				check(in, false)
			}
		})
	}
}

// TestMistakes runs testdata/mistakes.yml: a rule and the place and words of the error that it must get.
func TestMistakes(t *testing.T) {
	raw, err := os.ReadFile("testdata/mistakes.yml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Name, Rule, Want string }
	if err := yaml.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			_, errs := Parse("r.yml", []byte(c.Rule), Options{})
			if got := errs.Error(); !strings.Contains(got, c.Want) {
				t.Errorf("got %q, want %q in it", got, c.Want)
			}
		})
	}
}

func TestCaretStandsUnderTheColumn(t *testing.T) {
	_, errs := Parse("r.yml", []byte("title: x\nlogsource: {product: test}\ndetection:\n    sel:\n        f|contians: a\n    condition: sel\n"), Options{})
	want := "r.yml:5:9: there is no modifier \"contians\"\n          f|contians: a\n          ^"
	if diff := cmp.Diff(want, errs[0].Caret()); diff != "" {
		t.Error(diff)
	}
}

func TestHostileRulesAreRefused(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 9 {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", 'b'+i, 'b'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i)
	}
	head := "title: x\nlogsource: {product: test}\n"
	cases := map[string]struct{ src, want string }{
		"alias bomb":       {bomb, "aliases"},
		"deep":             {head + "detection: " + strings.Repeat("[", 500) + strings.Repeat("]", 500), "nested deeper"},
		"regex bomb":       {head + "detection: {s: {f|re: '(((((a{1,1000}){1,1000}){1,1000}))))'}, condition: s}", "does not read"},
		"huge regex":       {head + "detection: {s: {f|re: '" + strings.Repeat("a|", 9000) + "b'}, condition: s}", "limit"},
		"too large":        {strings.Repeat("#", maxFileBytes+1), "limit"},
		"nested condition": {head + "detection: {s: {f: a}, condition: '" + strings.Repeat("not ", 2000) + "s'}", "nested deeper"},
		"recursive alias":  {"title: &t [*t]\n", "nested deeper"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			docs, errs := Parse("r.yml", []byte(c.src), Options{})
			if len(docs) != 0 || !strings.Contains(errs.Error(), c.want) {
				t.Errorf("%d documents, errors %q, want %q in them", len(docs), errs.Error(), c.want)
			}
		})
	}
}

func TestLogSourceIsPartOfTheVerdict(t *testing.T) {
	rule := func(ls string) *Rule {
		return mustRule(t, "title: x\nlogsource: {"+ls+"}\ndetection: {s: {f: a}, condition: s}\n")
	}
	s := Compile([]*Rule{rule("product: aws, service: cloudtrail"), rule("product: aws"), rule("product: windows"), rule("category: process_creation, product: windows")})
	cases := map[LogSource][]int{
		{Product: "aws", Service: "cloudtrail"}:            {0, 1},
		{Product: "aws", Service: "waf"}:                   {1},
		{Product: "windows", Category: "process_creation"}: {2, 3},
		{Product: "linux"}:                                 {},
	}
	for source, want := range cases {
		got := slices.Clone(s.Route(source).Match(eventOf(s, map[string]any{"f": "A"}), new(Scratch)))
		if diff := cmp.Diff(want, append([]int{}, got...)); diff != "" {
			t.Errorf("%v: %s", source, diff)
		}
	}
}

// TestIndexAgreesWithThePlainEvaluator compares both on random rules and events.
func TestIndexAgreesWithThePlainEvaluator(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	word := func() string { return []string{"a", "b", "ab", "B*", "c?", "", "null"}[rng.IntN(7)] }
	for range 400 {
		var rules []*Rule
		for i := range 6 {
			var src strings.Builder
			fmt.Fprintf(&src, "title: r%d\nlogsource: {product: test}\ndetection:\n", i)
			for k := range 3 {
				mod := []string{"", "|contains", "|startswith", "|endswith", "|all", "|neq", "|cased"}[rng.IntN(7)]
				fmt.Fprintf(&src, "  s%d:\n    f%d%s: ['%s', '%s']\n    f%d: '%s'\n", k, rng.IntN(3), mod, word(), word(), 3+rng.IntN(2), word())
			}
			cond := []string{"s0 and s1", "s0 or s1", "1 of s*", "all of them", "s0 and not s1", "not (s0 or s2)", "2 of s*", "s0 or s1 and not s2"}[rng.IntN(8)]
			fmt.Fprintf(&src, "  condition: %s\n", cond)
			rules = append(rules, mustRule(t, src.String()))
		}
		s := Compile(rules)
		route := s.Route(LogSource{Product: "test"})
		var scratch Scratch
		for range 20 {
			in := map[string]any{}
			for f := range 5 {
				switch rng.IntN(4) {
				case 0:
				case 1:
					in[fmt.Sprint("f", f)] = []any{word(), word()}
				default:
					in[fmt.Sprint("f", f)] = []string{"a", "A", "ab", "bb", "cx", ""}[rng.IntN(6)]
				}
			}
			ev := eventOf(s, in)
			hits := route.Match(ev, &scratch)
			for i := range rules {
				plain, _ := s.ExplainMatch(i, ev)
				if slices.Contains(hits, i) != plain {
					t.Fatalf("event %v: index %t, plain %t\n%s", in, !plain, plain, s.Plan(i))
				}
			}
		}
	}
}

func TestNoAllocationOnAMiss(t *testing.T) {
	s := Compile([]*Rule{mustRule(t, "title: x\nlogsource: {product: test}\ndetection: {s: {f: [a, b], g|contains: x}, t: {f: c}, condition: s or t}\n")})
	route := s.Route(LogSource{Product: "test"})
	ev := eventOf(s, map[string]any{"f": "Zebra", "g": "Quagga"})
	var scratch Scratch
	var boxed Event = ev
	if n := testing.AllocsPerRun(100, func() { route.Match(boxed, &scratch) }); n != 0 {
		t.Errorf("%v allocations for an event that matches nothing", n)
	}
}

func FuzzParse(f *testing.F) {
	seeds, _ := filepath.Glob("testdata/rules/*.yml")
	for _, path := range seeds {
		raw, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(_ *testing.T, src []byte) {
		docs, errs := Parse("f.yml", src, Options{})
		for _, e := range errs {
			_ = e.Caret()
		}
		var rules []*Rule
		for _, d := range docs {
			if r, ok := d.(*Rule); ok {
				rules = append(rules, r)
			}
		}
		s := Compile(rules)
		sources := []LogSource{{}}
		for _, r := range rules {
			sources = append(sources, r.LogSource)
		}
		s.Route(sources...).Match(eventOf(s, map[string]any{"f": "a", "eventName": "x"}), new(Scratch))
	})
}

func FuzzCondition(f *testing.F) {
	for _, seed := range []string{"a and b", "1 of a*", "not (a or b) and all of them", "2 of them", "a | count() > 5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, condition string) {
		p := &parser{file: "f.yml"}
		one := &expr{op: opItem, item: &item{field: "f"}}
		n := &yaml.Node{Kind: yaml.ScalarNode, Value: condition, Line: 1, Column: 1}
		e := p.condition(n, []selection{{"a", one}, {"b", one}, {"ab", one}})
		if (e == nil) != (len(p.errors) > 0) {
			t.Errorf("expression %v with errors %v", e, p.errors)
		}
	})
}
