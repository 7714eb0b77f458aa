package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/tocsin-security/tocsin/internal/baseline"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/sigma"
)

// Rules is a compiled set of rules: read-only, shared by all Detectors.
type Rules struct {
	All          []*Rule // in order of file and place
	Correlations []*Correlation
	set          *sigma.Set
	fields       []field
	feeds        map[int][]feed // single rule → correlations that it feeds
}

// Rule is one single-record rule with what Tocsin adds to it.
type Rule struct {
	*sigma.Rule
	Attributes Attributes
	Finding    finding.Rule
	story      story
	features   []baseline.Feature // first_seen
	quiet      bool               // it only feeds correlations
}

// Correlation is one correlation rule with what Tocsin adds to it.
type Correlation struct {
	*sigma.Correlation
	Attributes Attributes
	Finding    finding.Rule
	story      story
	groupBy    [][]int // by rule in Correlation.Rules: fields of the group
	value      []int   // by rule: the field that is counted, or -1
	bases      []int   // by rule: index in All
}

// feed says that a rule's matches are the hits of a correlation, as its rule number.
type feed struct{ correlation, as int }

// Load reads every rule file (*.yml, not *.test.yml) below root. Rules that are right are returned also where others
// are wrong.
func Load(tree fs.FS, root string) (*Rules, sigma.Errors, error) {
	var files []string
	err := fs.WalkDir(tree, root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && isRuleFile(name) {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read rules below %s: %w", root, err)
	}
	sort.Strings(files)
	b := builder{rules: &Rules{feeds: map[int][]feed{}}, named: map[string][]int{}}
	for _, name := range files {
		raw, err := fs.ReadFile(tree, name)
		if err != nil {
			return nil, nil, fmt.Errorf("read rule: %w", err)
		}
		b.file(name, raw)
	}
	return b.build(), b.errors, nil
}

func isRuleFile(name string) bool {
	ext := path.Ext(name)
	return (ext == ".yml" || ext == ".yaml") && !strings.HasSuffix(strings.TrimSuffix(name, ext), ".test")
}

type builder struct {
	rules  *Rules
	errors sigma.Errors
	named  map[string][]int // name or id → rules
}

func (b *builder) file(name string, raw []byte) {
	docs, errs := sigma.Parse(name, raw, sigma.Options{})
	b.errors = append(b.errors, errs...)
	sum := sha256.Sum256(raw)
	hash := hex.EncodeToString(sum[:])
	for _, d := range docs {
		head := d.Head()
		attributes, problems := readAttributes(head.Custom["tocsin"])
		for _, p := range problems {
			b.errors = append(b.errors, &sigma.Error{File: name, Line: p.line, Column: p.column, Text: p.text})
		}
		s, err := compileStory(storyOf(head, attributes))
		if err != nil {
			b.errors = append(b.errors, &sigma.Error{File: name, Line: head.Line, Column: 1, Text: err.Error()})
			continue
		}
		meta, err := findingRule(head, attributes, hash)
		if err != nil {
			b.errors = append(b.errors, &sigma.Error{File: name, Line: head.Line, Column: 1, Text: err.Error()})
		}
		switch d := d.(type) {
		case *sigma.Rule:
			r := &Rule{Rule: d, Attributes: attributes, Finding: meta, story: s}
			for _, f := range attributes.FirstSeen {
				if feature, ok := baseline.FeatureByName(f); ok {
					r.features = append(r.features, feature)
				}
			}
			b.name(d.ID, len(b.rules.All))
			b.name(d.Name, len(b.rules.All))
			b.rules.All = append(b.rules.All, r)
		case *sigma.Correlation:
			b.rules.Correlations = append(b.rules.Correlations, &Correlation{Correlation: d, Attributes: attributes, Finding: meta, story: s})
		}
	}
}

func (b *builder) name(name string, rule int) {
	if name != "" {
		b.named[name] = append(b.named[name], rule)
	}
}

// storyOf is the rule's own sentence, or one made of its title.
func storyOf(h *sigma.Header, a Attributes) string {
	if a.Story != "" {
		return a.Story
	}
	return "{actor}: " + strings.NewReplacer("{", "(", "}", ")").Replace(h.Title)
}

func findingRule(h *sigma.Header, a Attributes, hash string) (finding.Rule, error) {
	r := finding.Rule{ID: h.ID, Title: h.Title, Tier: a.Tier, Hash: hash, Author: h.Author, References: h.References, Attacks: attacks(h.Tags)}
	if r.ID == "" {
		r.ID = finding.UID("rule", h.File, h.Title)
	}
	level := h.Level
	if level == "" {
		level = "medium" // the specification gives no default; SigmaHQ's rules all name one
	}
	var err error
	r.Level, err = finding.ParseLevel(level)
	return r, err
}

// attacks reads ATT&CK tags: each technique goes with the tactics of the rule, the first tactic being its main one.
func attacks(tags []string) []finding.Attack {
	var tactics, techniques []string
	for _, t := range tags {
		name, ok := strings.CutPrefix(strings.ToLower(t), "attack.")
		switch {
		case !ok:
		case len(name) > 1 && name[0] == 't' && name[1] >= '0' && name[1] <= '9':
			techniques = append(techniques, strings.ToUpper(name))
		case len(name) > 1 && (name[0] == 's' || name[0] == 'g') && name[1] >= '0' && name[1] <= '9':
		default:
			tactics = append(tactics, strings.ReplaceAll(name, "_", "-"))
		}
	}
	if len(tactics) == 0 {
		tactics = []string{""}
	}
	if len(techniques) == 0 {
		techniques = []string{""}
	}
	var out []finding.Attack
	for i, t := range techniques {
		out = append(out, finding.Attack{Tactic: tactics[min(i, len(tactics)-1)], Technique: t})
	}
	for _, t := range tactics[min(len(techniques), len(tactics)):] {
		out = append(out, finding.Attack{Tactic: t})
	}
	return out
}

// build compiles the set and resolves correlations. Fields that only stories, groups or counts need join the set by a
// rule that never fires.
func (b *builder) build() *Rules {
	r := b.rules
	plain := make([]*sigma.Rule, 0, len(r.All))
	for _, rule := range r.All {
		plain = append(plain, rule.Rule)
	}
	r.set = sigma.Compile(plain)
	for _, name := range r.set.Fields() {
		r.fields = append(r.fields, compileField(name))
	}
	var kept []*Correlation
	for _, c := range r.Correlations {
		if err := b.resolve(c, len(kept)); err != nil {
			b.errors = append(b.errors, &sigma.Error{File: c.File, Line: c.Line, Column: 1, Text: err.Error()})
			continue
		}
		kept = append(kept, c)
	}
	r.Correlations = kept
	return r
}

func (b *builder) resolve(c *Correlation, index int) error {
	for _, name := range c.Rules {
		bases := b.named[name]
		switch {
		case len(bases) == 0 && slices.ContainsFunc(b.rules.Correlations, func(o *Correlation) bool { return o.Name == name || o.ID == name }):
			return fmt.Errorf("correlation over the correlation %q: name its rules instead", name)
		case len(bases) == 0:
			return fmt.Errorf("correlation refers to the rule %q, which is not in the set", name)
		case len(bases) > 1:
			return fmt.Errorf("correlation refers to the rule %q, of which there are %d", name, len(bases))
		}
		base := bases[0]
		c.bases = append(c.bases, base)
		var group []int
		for _, g := range c.GroupBy {
			field := g
			if byRule, ok := c.Aliases[g]; ok {
				if field = byRule[name]; field == "" {
					return fmt.Errorf("the alias %q says nothing for the rule %q", g, name)
				}
			}
			group = append(group, b.field(field))
		}
		c.groupBy = append(c.groupBy, group)
		value := -1
		if c.Field != "" {
			value = b.field(c.Field)
		}
		c.value = append(c.value, value)
	}
	if len(c.Rules) > 64 {
		return errors.New("correlation over more than 64 rules")
	}
	for as, base := range c.bases {
		b.rules.feeds[base] = append(b.rules.feeds[base], feed{index, as})
		if !c.Generate && b.rules.All[base].Finding.Level <= finding.Informational {
			b.rules.All[base].quiet = true
		}
	}
	return nil
}

func (b *builder) field(name string) int {
	for i, f := range b.rules.fields {
		if f.name == name {
			return i
		}
	}
	b.rules.fields = append(b.rules.fields, compileField(name))
	return len(b.rules.fields) - 1
}

// Need is what a rule cannot do without.
type Need struct {
	ID   string
	Data []string
}

// Needs lists the data that each rule needs; rules that name none are left out.
func (r *Rules) Needs() []Need {
	var out []Need
	for _, rule := range r.All {
		if !rule.quiet && len(rule.Attributes.Data) > 0 {
			out = append(out, Need{rule.Finding.ID, rule.Attributes.Data})
		}
	}
	for _, c := range r.Correlations {
		if len(c.Attributes.Data) > 0 {
			out = append(out, Need{c.Finding.ID, c.Attributes.Data})
		}
	}
	return out
}
