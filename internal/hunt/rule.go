package hunt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Draft is a rule made of a hunt, with its tests: the first of two steps. A person reads it, sets level and tags right, and accepts it.
type Draft struct {
	Name  string   `json:"name"`
	Rule  string   `json:"rule"`  // YAML
	Tests string   `json:"tests"` // YAML
	Notes []string `json:"notes"` // what is still to be decided
}

// draftEvents bounds the records that a draft is made from and tested on.
const draftEvents = 200

// constant are the fields that a filter's hits are compared by, in the order in which they stand in a rule.
var constant = []string{"eventSource", "eventName", "errorCode", "userIdentity.type"}

// ToRule drafts a rule of a hunt by Sigma or by a filter, with tests from its own hits.
func (v *Investigator) ToRule(ctx context.Context, scope access.Scope, h *File) (*Draft, error) {
	d := &Draft{Name: h.Name, Notes: []string{"set level, data, story and falsepositives right, and add tags and references: they are guesses"}}
	detection, source, err := v.detectionOf(ctx, scope, h, d)
	if err != nil {
		return nil, err
	}
	rule := yaml.Node{Kind: yaml.MappingNode}
	put := func(key string, value any) {
		var n yaml.Node
		if err := n.Encode(value); err == nil {
			rule.Content = append(rule.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &n)
		}
	}
	put("title", h.Title)
	put("id", uuidOf("hunt "+h.Name))
	put("status", "experimental")
	put("description", strings.TrimSpace(h.Question))
	if h.Owner != "" {
		put("author", h.Owner)
	}
	put("date", v.Now().UTC().Format(time.DateOnly))
	put("logsource", source)
	put("detection", detection)
	put("falsepositives", []string{"Not known yet."})
	put("level", "medium")
	put("tocsin", map[string]any{"tier": "decisive", "outcome": "either", "data": []string{"cloudtrail.management"}, "story": "{actor}: " + strings.NewReplacer("{", "(", "}", ")").Replace(h.Title)})
	if d.Rule, err = written(&rule); err != nil {
		return nil, err
	}
	d.Tests, err = v.testsOf(ctx, scope, d)
	return d, err
}

// detectionOf is the detection and the log source of a hunt.
func (v *Investigator) detectionOf(ctx context.Context, scope access.Scope, h *File, d *Draft) (detection, source any, err error) {
	switch {
	case h.Query.Sigma != "":
		var doc struct {
			LogSource yaml.Node `yaml:"logsource"`
			Detection yaml.Node `yaml:"detection"`
		}
		if _, err := searchable(h.Query.Sigma); err != nil {
			return nil, nil, err
		}
		if err := yaml.Unmarshal([]byte(h.Query.Sigma), &doc); err != nil {
			return nil, nil, MistakeError{err.Error()}
		}
		return &doc.Detection, &doc.LogSource, nil
	case h.Query.Filter != "":
		selection, err := v.common(ctx, scope, h)
		if err != nil {
			return nil, nil, err
		}
		d.Notes = append(d.Notes, "the selection is what all hits of the filter have in common: add what it lacks")
		return map[string]any{"selection": selection, "condition": "selection"}, map[string]string{"product": "aws", "service": "cloudtrail"}, nil
	}
	return nil, nil, MistakeError{"a rule judges single records: give the hunt a filter or a Sigma rule in the place of its SQL"}
}

// common is what the records of a filter's hits have in common.
func (v *Investigator) common(ctx context.Context, scope access.Scope, h *File) (map[string]any, error) {
	values := map[string]map[string]bool{}
	n := 0
	q := &question{sql: "SELECT raw_data FROM events WHERE format = 'cloudtrail' AND (" + h.Query.Filter + "\n) ORDER BY time_dt DESC", rows: draftEvents}
	_, err := v.ask(ctx, scope, q, func(c cells) error {
		n++
		flat := flatten([]byte(c.text(0)))
		for _, f := range constant {
			for _, value := range flat[f] {
				if values[f] == nil {
					values[f] = map[string]bool{}
				}
				values[f][value] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, MistakeError{"the filter has no hits of CloudTrail: there is nothing to make a rule of"}
	}
	out := map[string]any{}
	for _, f := range constant {
		if list := sorted(values[f]); len(list) > 0 && len(list) <= 10 {
			out[f] = list
		}
	}
	if len(out) == 0 {
		return nil, MistakeError{"the hits have nothing in common that a rule could ask for"}
	}
	return out, nil
}

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for s := range set {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// errEnough ends a search that has all that it wants.
var errEnough = errors.New("enough")

// testsOf makes tests of the rule's own hits in history: one record that it fires on, and the same record turned harmless.
func (v *Investigator) testsOf(ctx context.Context, scope access.Scope, d *Draft) (string, error) {
	rules, err := searchable(d.Rule)
	if err != nil {
		return "", err
	}
	var record map[string]any
	_, err = v.Matches(ctx, scope, rules, time.Time{}, time.Time{}, func(m *Match) error {
		if m.Event.Mapping.Name != "cloudtrail" || json.Unmarshal(m.Event.Raw, &record) != nil {
			return nil
		}
		return errEnough
	})
	if err != nil && !errors.Is(err, errEnough) {
		return "", err
	}
	if record == nil {
		d.Notes = append(d.Notes, "it has no hits in history: write its tests by hand")
		return "[]\n", nil
	}
	harmless := map[string]any{}
	for k, x := range record {
		harmless[k] = x
	}
	harmless["eventSource"], harmless["eventName"] = "tocsin.invalid", "NothingOfTheKind"
	d.Notes = append(d.Notes, "the test holds a record of your own lake: take out what is not to be shared")
	var n yaml.Node
	if err := n.Encode([]map[string]any{{"name": "a hit of the hunt", "fires": true, "event": record}, {"name": "another call", "fires": false, "event": harmless}}); err != nil {
		return "", err
	}
	return written(&n)
}

func written(n *yaml.Node) (string, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(4)
	if err := enc.Encode(n); err != nil {
		return "", fmt.Errorf("write YAML: %w", err)
	}
	return b.String(), nil
}

// uuidOf makes an id of the form of a UUID (version 8, RFC 9562) that is always the same for a text.
func uuidOf(text string) string {
	h := finding.UID("uuid", text)
	return h[:8] + "-" + h[8:12] + "-8" + h[13:16] + "-8" + h[17:20] + "-" + h[20:]
}

// Accept is the second step: it runs the draft's tests and writes rule and tests into a folder of rules. What is there is not written over. note, where it
// is given, is called before anything is written; its error ends it.
func (d *Draft) Accept(dir string, note func() error) ([]string, error) {
	if !nameForm.MatchString(d.Name) {
		return nil, MistakeError{fmt.Sprintf("%.70q is no name of a rule", d.Name)}
	}
	if err := d.Test(); err != nil {
		return nil, err
	}
	paths := []string{filepath.Join(dir, d.Name+".yml"), filepath.Join(dir, d.Name+".test.yml")}
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			return nil, MistakeError{"there is a rule already: " + p}
		}
	}
	if note != nil {
		if err := note(); err != nil {
			return nil, err
		}
	}
	for i, text := range []string{d.Rule, d.Tests} {
		if err := replace(paths[i], []byte(text)); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// Test runs the draft's tests.
func (d *Draft) Test() error {
	rules, err := searchable(d.Rule)
	if err != nil {
		return err
	}
	tests, err := detect.ReadTests([]byte(d.Tests))
	if err != nil {
		return MistakeError{"the tests do not read: " + err.Error()}
	}
	if len(tests) == 0 {
		return MistakeError{"a rule is accepted with tests: write one that fires and one that does not"}
	}
	shape, ok := shapeOf(rules)
	if !ok {
		return MistakeError{"there is no format of the rule's log source"}
	}
	for i := range tests {
		got, err := tests[i].Run(rules, shape, nil)
		if err != nil {
			return MistakeError{fmt.Sprintf("the test %q: %v", tests[i].Name, err)}
		}
		if (len(got) > 0) != tests[i].Fires {
			return MistakeError{fmt.Sprintf("the test %q: fires %v, wanted %v", tests[i].Name, len(got) > 0, tests[i].Fires)}
		}
	}
	return nil
}

// shapeOf is the format that a rule's tests are records of: its own service's, where it names one.
func shapeOf(rules *detect.Rules) (ocsf.Shape, bool) {
	names, _ := rules.Candidates()
	for _, f := range format.All() {
		if slices.Contains(names, f.Name) && f.Shape().Mapping.Stored == nil {
			return f.Shape(), true
		}
	}
	return ocsf.Shape{}, false
}
