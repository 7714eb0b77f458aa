package app

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// keysOf lists the keys of a struct by its yaml tags, with dots.
func keysOf(t reflect.Type, prefix string) []string {
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, tagged := f.Tag.Lookup("yaml")
		if !tagged {
			continue
		}
		inner := f.Type
		for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Map || inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() != reflect.Struct || inner != f.Type {
			out = append(out, prefix+name)
		}
		if inner.Kind() == reflect.Struct {
			out = append(out, keysOf(inner, prefix+name+".")...)
		}
	}
	return out
}

func TestEveryKeyIsDocumented(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(string(raw), "\n## ")
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\|").FindAllStringSubmatch(table, -1) {
		documented = append(documented, m[1])
	}
	want := keysOf(reflect.TypeFor[Config](), "")
	slices.Sort(want)
	slices.Sort(documented)
	if d := cmp.Diff(want, documented); d != "" {
		t.Errorf("docs/configuration.md and tocsin.yaml differ:\n%s", d)
	}
}

func TestTheExampleOfTheDocsIsValid(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(raw)
	path := filepath.Join(t.TempDir(), "tocsin.yaml")
	if m == nil || os.WriteFile(path, m[1], 0o600) != nil {
		t.Fatal("there is no example")
	}
	c, err := ReadConfig(path, true, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if p := c.prices(); c.Health.Silence["cloudtrail"] != 30*time.Minute || p.Rates["vpcflow"].PerGB != 0.38 || p.Rates["waf"].PerGB != 0.25 || p.Storage != 0.023 {
		t.Errorf("%+v %+v", c.Health, p)
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tocsin.yaml")
	text := "lissten: x\nlisten: 0.0.0.0:1\nstream: {size: 3}\nhealth: {silence: {cloudtrail: -1m}}\nprices: {compressed_share: -1, formats: {vpcflow: {usd_per_gb: .nan}}}\nsources: [{name: A, kind: http}]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ReadConfig(path, true, "", "")
	if err == nil {
		t.Fatal("it is taken")
	}
	for _, want := range []string{"lissten", "open to others", "stream.size", "health.silence.cloudtrail", "prices.compressed_share", "prices.formats.vpcflow.usd_per_gb", `"A" is no name`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing is said of %s: %v", want, err)
		}
	}
}
