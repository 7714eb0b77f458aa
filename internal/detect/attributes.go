package detect

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tocsin-security/tocsin/internal/baseline"
)

// Attributes is the `tocsin:` block of a rule: what Sigma itself cannot say. Other tools ignore it.
type Attributes struct {
	Tier      string   `yaml:"tier"`       // decisive, sequence or rarity
	Outcome   string   `yaml:"outcome"`    // success, denied or either: what the rule is about
	Data      []string `yaml:"data"`       // kinds of log that the rule cannot do without
	Story     string   `yaml:"story"`      // sentence template, see compileStory
	FirstSeen []string `yaml:"first_seen"` // features that must be new to the origin, all of them
	MaxUsers  int      `yaml:"max_users"`  // with first_seen: at most so many origins use the value; 0 is any number
}

// The tiers and outcomes that a rule may name.
var (
	Tiers    = []string{"decisive", "sequence", "rarity"}
	Outcomes = []string{"success", "denied", "either"}
)

// attributesProblem is a fault in the block, with its place in the file.
type attributesProblem struct {
	line, column int
	text         string
}

// readAttributes reads the block strictly: an unknown key is a fault. A nil node is an empty block.
func readAttributes(node *yaml.Node) (Attributes, []attributesProblem) {
	var a Attributes
	if node == nil {
		return a, nil
	}
	if node.Kind != yaml.MappingNode {
		return a, []attributesProblem{{node.Line, node.Column, "tocsin: is not a map of attributes"}}
	}
	known := []string{"tier", "outcome", "data", "story", "first_seen", "max_users"}
	var out []attributesProblem
	for i := 0; i+1 < len(node.Content); i += 2 {
		if k := node.Content[i]; !slices.Contains(known, k.Value) {
			out = append(out, attributesProblem{k.Line, k.Column, fmt.Sprintf("tocsin.%s is not an attribute; there are %s", k.Value, strings.Join(known, ", "))})
		}
	}
	if err := node.Decode(&a); err != nil {
		return a, append(out, attributesProblem{node.Line, node.Column, strings.TrimPrefix(err.Error(), "yaml: ")})
	}
	at := func(format string, args ...any) {
		out = append(out, attributesProblem{node.Line, node.Column, fmt.Sprintf(format, args...)})
	}
	if a.Tier != "" && !slices.Contains(Tiers, a.Tier) {
		at("tocsin.tier %q is not one of %s", a.Tier, strings.Join(Tiers, ", "))
	}
	if a.Outcome != "" && !slices.Contains(Outcomes, a.Outcome) {
		at("tocsin.outcome %q is not one of %s", a.Outcome, strings.Join(Outcomes, ", "))
	}
	for _, f := range a.FirstSeen {
		if _, ok := baseline.FeatureByName(f); !ok {
			at("tocsin.first_seen %q is not a feature; there are %s", f, strings.Join(baseline.FeatureNames[:], ", "))
		}
	}
	return a, out
}
