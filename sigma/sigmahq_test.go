package sigma

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// sigmaHQ reads the SigmaHQ rule set and its regression samples from the data pack that may lie beside the project.
var sigmaHQ = sync.OnceValue(func() map[string][]byte {
	f, err := os.Open("../../shared/data/sigma/sigmahq.tar.zst")
	if err != nil {
		return nil
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		return nil
	}
	defer z.Close()
	files := map[string][]byte{}
	for tr := tar.NewReader(z); ; {
		h, err := tr.Next()
		if err != nil {
			return files
		}
		if raw, err := io.ReadAll(tr); err == nil {
			files[path.Clean(h.Name)] = raw
		}
	}
})

func rulesOf(tb testing.TB) (map[string][]byte, []*Rule, Errors) {
	tb.Helper()
	files := sigmaHQ()
	if files == nil {
		tb.Skip("no SigmaHQ rule set beside the project")
	}
	var rules []*Rule
	var refused Errors
	for name, raw := range files {
		if !strings.HasPrefix(name, "rules") || !strings.HasSuffix(name, ".yml") {
			continue
		}
		docs, errs := Parse(name, raw, Options{})
		refused = append(refused, errs...)
		for _, d := range docs {
			if r, ok := d.(*Rule); ok {
				rules = append(rules, r)
			}
		}
	}
	return files, rules, refused.sorted()
}

func TestSigmaHQIsRead(t *testing.T) {
	_, rules, refused := rulesOf(t)
	t.Logf("%d rules read, %d refused", len(rules), len(refused))
	for _, e := range refused {
		t.Log(e)
		if e.Line == 0 || e.Column == 0 || e.Text == "" {
			t.Errorf("a refusal without a place or a reason: %v", e)
		}
	}
	if len(rules) < 3700 || len(refused)*100 > len(rules) {
		t.Errorf("%d of %d rules are refused, more than 1 %%", len(refused), len(rules)+len(refused))
	}
}

func TestSigmaHQRegressionSamplesMatch(t *testing.T) {
	files, rules, _ := rulesOf(t)
	byID := map[string]int{}
	for i, r := range rules {
		byID[r.ID] = i
	}
	set := Compile(rules)
	samples := 0
	for name, raw := range files {
		if !strings.HasPrefix(name, "regression_data") || !strings.HasSuffix(name, ".json") {
			continue
		}
		i, ok := byID[strings.TrimSuffix(path.Base(name), ".json")]
		if !ok {
			t.Errorf("%s: its rule was not read", name)
			continue
		}
		samples++
		if !anySampleMatches(t, set, i, name, raw) {
			t.Errorf("%s does not match its rule %s (%s)", name, rules[i].Title, rules[i].File)
		}
	}
	t.Logf("%d regression samples", samples)
	if samples < 200 {
		t.Errorf("%d samples, want at least 200", samples)
	}
}

func anySampleMatches(t *testing.T, set *Set, rule int, name string, raw []byte) bool {
	t.Helper()
	route := set.Route(set.Rules()[rule].LogSource)
	matched := false
	last := ""
	for dec := json.NewDecoder(strings.NewReader(string(raw))); ; {
		var doc any
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ev := eventOf(set, flatten(doc))
		for _, hit := range route.Match(ev, new(Scratch)) {
			matched = matched || hit == rule
		}
		last = set.ExplainText(rule, ev)
	}
	if !matched {
		t.Log(last)
	}
	return matched
}

// flatten turns a Windows event as JSON into the field names that rules use: the members of EventData, UserData and System by
// their own names; any other document by dotted names.
func flatten(doc any) map[string]any {
	out := map[string]any{}
	event, ok := doc.(map[string]any)["Event"].(map[string]any)
	if !ok {
		dotted("", doc, out)
		return out
	}
	for _, part := range []string{"System", "UserData", "EventData"} {
		leaves(event[part], out)
	}
	return out
}

func leaves(v any, out map[string]any) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	for k, x := range m {
		switch inner := x.(type) {
		case map[string]any:
			if attrs, ok := inner["#attributes"].(map[string]any); ok {
				for a, av := range attrs {
					out[k+"_"+a] = av
					if a == "Name" {
						out[k+"_Name"] = av
					}
				}
				if text, ok := inner["#text"]; ok {
					out[k] = text
				}
			}
			leaves(inner, out)
		default:
			out[strings.ReplaceAll(k, " ", "")] = x // Defender writes "Threat Name"
		}
	}
}

func dotted(prefix string, v any, out map[string]any) {
	if m, ok := v.(map[string]any); ok {
		for k, x := range m {
			dotted(strings.TrimPrefix(prefix+"."+k, "."), x, out)
		}
		return
	}
	out[prefix] = v
}

func BenchmarkSigmaHQ(b *testing.B) {
	files, rules, _ := rulesOf(b)
	b.Run("parse", func(b *testing.B) {
		n := 0
		for b.Loop() {
			for name, raw := range files {
				if strings.HasPrefix(name, "rules") && strings.HasSuffix(name, ".yml") {
					Parse(name, raw, Options{})
					n++
				}
			}
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rules/s")
	})
	b.Run("compile", func(b *testing.B) {
		for b.Loop() {
			Compile(rules)
		}
		b.ReportMetric(float64(b.N*len(rules))/b.Elapsed().Seconds(), "rules/s")
	})
	set := Compile(rules)
	route := set.Route(LogSource{Product: "aws", Service: "cloudtrail"})
	var ev Event = eventOf(set, map[string]any{"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "userIdentity.type": "AssumedRole", "awsRegion": "eu-west-1"})
	b.Run(fmt.Sprintf("match-cloudtrail-%d-rules", route.Rules()), func(b *testing.B) {
		var s Scratch
		b.ReportAllocs()
		for b.Loop() {
			route.Match(ev, &s)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	win := set.Route(LogSource{Product: "windows", Category: "process_creation"})
	var proc Event = eventOf(set, map[string]any{"Image": `C:\Windows\System32\svchost.exe`, "CommandLine": `C:\Windows\system32\svchost.exe -k netsvcs -p -s Schedule`, "ParentImage": `C:\Windows\System32\services.exe`, "User": `NT AUTHORITY\SYSTEM`})
	b.Run(fmt.Sprintf("match-process-creation-%d-rules", win.Rules()), func(b *testing.B) {
		var s Scratch
		for b.Loop() {
			win.Match(proc, &s)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}
