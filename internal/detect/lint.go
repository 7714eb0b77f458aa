package detect

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/sigma"
)

var (
	uuidForm      = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	techniqueForm = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)
)

// Tactics are ATT&CK's enterprise tactics of version 19, in which defense-evasion became stealth and defense-impairment.
var Tactics = []string{
	"reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation", "stealth", "defense-impairment",
	"credential-access", "discovery", "lateral-movement", "collection", "command-and-control", "exfiltration", "impact",
}

// Lint checks what Sigma itself does not ask of a rule, and that its tests are there. renamed maps ATT&CK ids of older
// versions to today's. It returns one error per fault, in order of file.
func Lint(r *Rules, tree fs.FS, renamed map[string]string) sigma.Errors {
	l := linter{tree: tree, renamed: renamed, ids: map[string]string{}, tested: map[string]bool{}}
	for _, rule := range r.All {
		l.rule(&rule.Header, rule.Attributes, &rule.Finding, rule.quiet)
	}
	for _, c := range r.Correlations {
		l.rule(&c.Header, c.Attributes, &c.Finding, false)
	}
	slices.SortStableFunc(l.errors, func(a, b *sigma.Error) int { return strings.Compare(a.File, b.File) })
	return l.errors
}

type linter struct {
	tree    fs.FS
	renamed map[string]string
	ids     map[string]string
	tested  map[string]bool
	errors  sigma.Errors
}

func (l *linter) fault(h *sigma.Header, format string, args ...any) {
	l.errors = append(l.errors, &sigma.Error{File: h.File, Line: h.Line, Column: 1, Text: fmt.Sprintf("%s: ", h.Title) + fmt.Sprintf(format, args...)})
}

func (l *linter) rule(h *sigma.Header, a Attributes, f *finding.Rule, quiet bool) {
	if !uuidForm.MatchString(h.ID) && (h.ID != "" || !quiet) {
		l.fault(h, "id %q is no UUID in lower case", h.ID)
	}
	if other, taken := l.ids[h.ID]; taken && h.ID != "" {
		l.fault(h, "has the id of %s", other)
	}
	l.ids[h.ID] = h.Title
	if quiet {
		return
	}
	for what, missing := range map[string]bool{
		"description": h.Description == "", "references": len(h.References) == 0, "falsepositives": len(h.FalsePositives) == 0, "author": h.Author == "", "date": h.Date == "",
		"status": h.Status == "", "level": h.Level == "", "tocsin.tier": a.Tier == "", "tocsin.outcome": a.Outcome == "", "tocsin.data": len(a.Data) == 0, "tocsin.story": a.Story == "",
	} {
		if missing {
			l.fault(h, "has no %s", what)
		}
	}
	if strings.HasSuffix(a.Story, ".") {
		l.fault(h, "its story ends with a full stop; sentences are joined")
	}
	if len(a.FirstSeen) > 0 != (a.Tier == "rarity") {
		l.fault(h, "tier rarity and first_seen go together")
	}
	l.tags(h, f)
	if !l.tested[h.File] {
		l.tested[h.File] = true
		l.tests(h)
	}
}

func (l *linter) tags(h *sigma.Header, f *finding.Rule) {
	tactic, technique := false, false
	for _, a := range f.Attacks {
		tactic = tactic || a.Tactic != ""
		technique = technique || a.Technique != ""
		if a.Tactic != "" && !slices.Contains(Tactics, a.Tactic) {
			l.fault(h, "attack.%s is no tactic of ATT&CK 19", a.Tactic)
		}
		if a.Technique != "" && !techniqueForm.MatchString(a.Technique) {
			l.fault(h, "%s is no technique id", a.Technique)
		}
		if now, old := l.renamed[a.Technique]; old {
			l.fault(h, "%s is %s in ATT&CK 19", a.Technique, now)
		}
	}
	if !tactic || !technique {
		l.fault(h, "names no tactic and technique of ATT&CK in its tags")
	}
}

// TestFile is where the tests of a rule file lie.
func TestFile(rule string) string {
	return strings.TrimSuffix(rule, path.Ext(rule)) + ".test.yml"
}

func (l *linter) tests(h *sigma.Header) {
	raw, err := fs.ReadFile(l.tree, TestFile(h.File))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			l.fault(h, "has no tests beside it (%s)", path.Base(TestFile(h.File)))
		}
		return
	}
	tests, err := ReadTests(raw)
	if err != nil {
		l.errors = append(l.errors, &sigma.Error{File: TestFile(h.File), Line: 1, Column: 1, Text: err.Error()})
		return
	}
	if !slices.ContainsFunc(tests, func(t RuleTest) bool { return t.Fires }) {
		l.fault(h, "has no test that fires")
	}
	if !slices.ContainsFunc(tests, func(t RuleTest) bool { return !t.Fires }) {
		l.fault(h, "has no neighbour that must stay silent among its tests")
	}
}
