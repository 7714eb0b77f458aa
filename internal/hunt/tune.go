package hunt

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Judged is an alert with the verdict of a person.
type Judged struct {
	Alert finding.Alert
	Harm  bool // a true positive; else a false positive, or benign
}

// Filter is a Sigma filter that says which matches of a rule are expected.
type Filter struct {
	ID      string              `json:"id"`
	Rule    string              `json:"rule_id"`
	Title   string              `json:"title"`
	Fields  map[string][]string `json:"fields"` // all of them, each with any of its values
	Sigma   string              `json:"sigma"`  // as a file: a global filter of the Sigma specification
	Owner   string              `json:"owner,omitempty"`
	Expires time.Time           `json:"expires,omitzero"`
}

// Proposal is a filter that verdicts propose, with its proof.
type Proposal struct {
	Filter
	Learned int    `json:"learned_from"`   // alerts judged false or benign whose every event it takes
	Kept    int    `json:"true_positives"` // alerts judged true, none of whose events it takes
	Left    int    `json:"left"`           // alerts judged false or benign that it does not take
	Proof   *Proof `json:"proof,omitempty"`
}

// separating are the fields that a proposal may ask for, the most telling first: who, from where, by what, on what. Names that are new
// each time (ids of events, temporary keys, times) separate nothing.
var separating = []string{
	"userIdentity.sessionContext.sessionIssuer.arn", "userIdentity.arn", "userIdentity.invokedBy", "sourceIPAddress", "eventName", "userAgent", "recipientAccountId", "awsRegion",
	"requestParameters.roleArn", "requestParameters.roleName", "requestParameters.userName", "requestParameters.policyArn", "requestParameters.bucketName", "requestParameters.functionName",
	"requestParameters.secretId", "requestParameters.keyId", "requestParameters.groupId", "requestParameters.instanceId", "errorCode",
}

// actorFields say who or from where: a filter names at least one, as one that is only about what was done would hide anybody's doing.
var actorFields = []string{"userIdentity.sessionContext.sessionIssuer.arn", "userIdentity.arn", "userIdentity.invokedBy", "sourceIPAddress"}

const (
	mostValues = 3 // of one field
	mostFields = 4
	leastFalse = 2 // alerts that a proposal is learned from
)

// Propose finds the field values that the false and benign alerts of a rule share and no true one has. The filter is as narrow as it can
// be: it takes every field that all of them share, up to mostFields.
func Propose(rule *detect.Rule, list []Judged) (*Proposal, error) {
	var harmless, harm []map[string][]string
	falses, trues := 0, 0
	for i := range list {
		events := recordsOf(&list[i].Alert)
		if list[i].Harm {
			trues++
			harm = append(harm, events...)
			continue
		}
		falses++
		harmless = append(harmless, events...)
	}
	if falses < leastFalse || len(harmless) == 0 {
		return nil, MistakeError{fmt.Sprintf("%d alerts of the rule are judged false or benign; a proposal is learned from at least %d", falses, leastFalse)}
	}
	fields := map[string][]string{}
	var order []string
	for _, f := range separating {
		values, all := shared(harmless, f)
		if all && len(values) <= mostValues && len(order) < mostFields {
			fields[f] = values
			order = append(order, f)
		}
	}
	if !slices.ContainsFunc(order, func(f string) bool { return slices.Contains(actorFields, f) }) {
		return nil, MistakeError{"these alerts share neither who nor from where: a filter on what was done alone would hide it from anybody"}
	}
	for _, e := range harm {
		if takes(fields, e) {
			return nil, MistakeError{"no field tells these alerts from true positives of the same rule: nothing is proposed"}
		}
	}
	p := &Proposal{Learned: falses, Kept: trues, Filter: Filter{Rule: rule.Finding.ID, Fields: fields, Title: "Expected: " + rule.Title}}
	p.ID = uuidOf("filter " + p.Rule + " " + fmt.Sprint(fields))
	var err error
	p.Sigma, err = p.yaml(rule, order)
	return p, err
}

// recordsOf are the records of an alert's events, flat.
func recordsOf(a *finding.Alert) []map[string][]string {
	var out []map[string][]string
	for i := range a.Signals {
		for _, c := range append([]finding.Card{a.Signals[i].Event}, a.Signals[i].Related...) {
			if len(c.Raw) > 0 {
				out = append(out, flatten(recordText(c.Raw)))
			}
		}
	}
	return out
}

// recordText is the record that a card holds: JSON, or JSON text of what is none.
func recordText(raw json.RawMessage) []byte {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []byte(text)
	}
	return raw
}

// shared lists the values of a field, and says whether every record has just one.
func shared(list []map[string][]string, field string) (values []string, all bool) {
	set := map[string]bool{}
	for _, e := range list {
		if len(e[field]) != 1 || e[field][0] == "" || len(e[field][0]) > 1024 {
			return nil, false
		}
		set[e[field][0]] = true
	}
	return sorted(set), true
}

// takes reports whether a record has one of the values of every field.
func takes(fields, record map[string][]string) bool {
	for f, values := range fields {
		if !slices.ContainsFunc(record[f], func(v string) bool {
			return slices.ContainsFunc(values, func(w string) bool { return strings.EqualFold(v, w) })
		}) {
			return false
		}
	}
	return true
}

// literal writes a value so that Sigma takes it letter by letter.
func literal(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(s)
}

// yaml writes the filter in the form of the Sigma specification's global filters.
func (p *Proposal) yaml(rule *detect.Rule, order []string) (string, error) {
	selection := yaml.Node{Kind: yaml.MappingNode}
	for _, f := range order {
		var list []string
		for _, v := range p.Fields[f] {
			list = append(list, literal(v))
		}
		var n yaml.Node
		if err := n.Encode(list); err != nil {
			return "", err
		}
		selection.Content = append(selection.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: f}, &n)
	}
	source := map[string]string{}
	for _, m := range [][2]string{{"category", rule.LogSource.Category}, {"product", rule.LogSource.Product}, {"service", rule.LogSource.Service}} {
		if m[1] != "" {
			source[m[0]] = m[1]
		}
	}
	doc := struct {
		Title     string            `yaml:"title"`
		ID        string            `yaml:"id"`
		LogSource map[string]string `yaml:"logsource"`
		Filter    struct {
			Rules     []string  `yaml:"rules"`
			Selection yaml.Node `yaml:"selection"`
			Condition string    `yaml:"condition"`
		} `yaml:"filter"`
	}{Title: p.Title, ID: p.ID, LogSource: source}
	doc.Filter.Rules, doc.Filter.Selection, doc.Filter.Condition = []string{p.Rule}, selection, "not selection"
	var n yaml.Node
	if err := n.Encode(doc); err != nil {
		return "", err
	}
	return written(&n)
}

// Expected judges events by a filter, with the engine that judges the stream.
type Expected struct {
	rules    *detect.Rules
	searcher *detect.Searcher
	decoders decoders
	facts    enrich.Facts
	judge    *enrich.Judge
}

// ParseFilter reads a Sigma filter of the form that proposals have.
func ParseFilter(text string) (*Expected, error) {
	var doc struct {
		Title     string    `yaml:"title"`
		LogSource yaml.Node `yaml:"logsource"`
		Filter    struct {
			Rules     []string  `yaml:"rules"`
			Selection yaml.Node `yaml:"selection"`
			Condition string    `yaml:"condition"`
		} `yaml:"filter"`
	}
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, MistakeError{"the filter does not read: " + err.Error()}
	}
	if doc.Filter.Condition != "not selection" || doc.Filter.Selection.Kind != yaml.MappingNode || len(doc.Filter.Selection.Content) == 0 {
		return nil, MistakeError{"a filter has a selection of fields, and the condition: not selection"}
	}
	var n yaml.Node
	err := n.Encode(map[string]any{"title": "filter", "logsource": &doc.LogSource, "detection": map[string]any{"selection": &doc.Filter.Selection, "condition": "selection"}})
	if err != nil {
		return nil, fmt.Errorf("read the filter: %w", err)
	}
	rule, err := written(&n)
	if err != nil {
		return nil, err
	}
	rules, err := searchable(rule)
	if err != nil {
		return nil, err
	}
	return &Expected{rules: rules, searcher: rules.Searcher(), decoders: newDecoders(), judge: enrich.NewJudge(&enrich.Survey{}, nil, nil)}, nil
}

// Event reports whether an event is expected.
func (x *Expected) Event(e *ocsf.Event, f *enrich.Facts) bool { return len(x.searcher.Event(e, f)) > 0 }

// Alert reports whether every event of an alert is expected. An alert that counts more signals than it keeps is not: those that are
// not there cannot be judged.
func (x *Expected) Alert(a *finding.Alert) bool {
	if a.Count > len(a.Signals) || len(a.Signals) == 0 {
		return false
	}
	for i := range a.Signals {
		for _, c := range append([]finding.Card{a.Signals[i].Event}, a.Signals[i].Related...) {
			if !x.record(recordText(c.Raw), c.UID) {
				return false
			}
		}
	}
	return true
}

// record judges a record of any format that reads it.
func (x *Expected) record(raw []byte, uid string) bool {
	formats, _ := x.rules.Candidates()
	for _, name := range formats {
		expected := false
		err := x.decoders.event(string(raw), name, uid, "", func(e *ocsf.Event) error {
			x.facts.Reset(x.judge, e)
			expected = x.Event(e, &x.facts)
			return nil
		})
		if err == nil && expected {
			return true
		}
	}
	return false
}
