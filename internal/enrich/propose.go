package enrich

import (
	"fmt"
	"sort"
	"strings"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Proposal gathers what an environment.yaml could say. It has one owner; the zero value is ready.
type Proposal struct {
	Events   int
	roles    map[string]*roleUse // by role ARN
	callers  counts              // foreign accounts that act in ours
	sources  map[string]counts
	hours    [24]int
	weekdays [7]int
}

type roleUse struct {
	events, writes int
	tools          map[string]int
	proven         bool
}

// Add learns from one event and its facts.
func (p *Proposal) Add(e *ocsf.Event, f *Facts) {
	if p.roles == nil {
		p.roles, p.callers, p.sources = map[string]*roleUse{}, counts{}, map[string]counts{}
	}
	p.Events++
	a := f.Actor()
	switch a.Kind {
	case KindPerson, KindUser:
		p.hours[e.Time().Hour()]++
		p.weekdays[e.Time().Weekday()]++
		if f.sourceKind() == "public" {
			ip := e.Text(at.source)
			if p.sources[ip] == nil {
				p.sources[strings.Clone(ip)] = counts{}
			}
			count(p.sources[ip], a.Origin)
		}
	case KindExternal:
		count(p.callers, e.Text(at.account))
	}
	role := e.Text(at.issuerARN)
	if role == "" || a.Kind == KindServiceLinked || a.Kind == KindPerson {
		return
	}
	use := p.roles[role]
	if use == nil {
		use = &roleUse{tools: map[string]int{}}
		p.roles[strings.Clone(role)] = use
	}
	use.events++
	use.tools[Tool(e.Text(at.agent))]++
	use.proven = use.proven || a.Kind == KindAutomation
	if !f.ReadOnly() {
		use.writes++
	}
}

// Render drafts environment.yaml. Each line says what it is drawn from, so that a person can judge it.
func (p *Proposal) Render(s *Survey) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# Drafted from %d events. Every line is a guess with its reason: keep what is true, remove the rest.\n", p.Events)
	b.WriteString("# Proven automation lowers severities, trusted accounts are no foreigners: do not keep what you are not sure of.\n\naccounts:\n")
	for _, id := range s.Accounts() {
		fmt.Fprintf(&b, "  - {id: %q, name: \"\", kind: \"\"} # received %d records\n", id, s.accounts.of(id))
	}
	section(&b, "regions", len(s.regions))
	for _, r := range s.Regions() {
		fmt.Fprintf(&b, "  - %q # %d events\n", r, s.regions.of(r))
	}
	p.automation(&b)
	section(&b, "trusted_accounts", len(p.callers))
	for _, id := range sortedKeys(p.callers) {
		fmt.Fprintf(&b, "  # - {id: %q, name: \"\", purpose: \"\"} # acts in your accounts, %d events: keep only if you know it\n", id, p.callers.of(id))
	}
	p.networks(&b)
	p.workingHours(&b)
	b.WriteString("\n# What no log can tell:\nbreak_glass: []\nscanners: []\ncritical: []\n")
	return []byte(b.String())
}

func section(b *strings.Builder, name string, n int) {
	if n == 0 {
		fmt.Fprintf(b, "\n%s: []\n", name)
		return
	}
	fmt.Fprintf(b, "\n%s:\n", name)
}

func (p *Proposal) automation(b *strings.Builder) {
	var lines []string
	for role, use := range p.roles {
		tooled := use.tools["terraform"] + use.tools["cloudformation"] + use.tools["cdk"] + use.tools["pulumi"]
		switch {
		case use.proven:
			lines = append(lines, fmt.Sprintf("  - {arn: %q, purpose: \"CI\"} # its sessions come from a build system's identity provider (%d events)", role, use.events))
		case use.writes > 0 && tooled*10 >= use.events*9 && use.events >= 20:
			lines = append(lines, fmt.Sprintf("  # - {arn: %q, purpose: \"infrastructure as code\"} # %d of %d events claim an infrastructure tool: keep only if people cannot assume it", role, tooled, use.events))
		}
	}
	sort.Strings(lines)
	section(b, "automation_roles", countKept(lines))
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
}

func countKept(lines []string) int {
	n := 0
	for _, l := range lines {
		if !strings.HasPrefix(l, "  #") {
			n++
		}
	}
	return n
}

func (p *Proposal) networks(b *strings.Builder) {
	const shared = 3 // people behind one address make it an office or a VPN
	var lines []string
	for ip, origins := range p.sources {
		if len(origins) >= shared {
			bits := 32
			if strings.Contains(ip, ":") {
				bits = 128
			}
			lines = append(lines, fmt.Sprintf("  - {cidr: \"%s/%d\", name: \"\"} # %d people and users came from it", ip, bits, len(origins)))
		}
	}
	sort.Strings(lines)
	section(b, "networks", len(lines))
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
}

// workingHours takes the hours that hold all but the rarest twentieth of what people did.
func (p *Proposal) workingHours(b *strings.Builder) {
	total := 0
	for _, n := range p.hours {
		total += n
	}
	if total < 100 {
		b.WriteString("\n# working_hours: too few events of people to draw them from\n")
		return
	}
	from, to := 0, 23
	for cut := 0; from < to && cut+p.hours[from] <= total/40; from++ {
		cut += p.hours[from]
	}
	for cut := 0; to > from && cut+p.hours[to] <= total/40; to-- {
		cut += p.hours[to]
	}
	var days []string
	for i, name := range []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} {
		if p.weekdays[i]*20 > total {
			days = append(days, name)
		}
	}
	fmt.Fprintf(b, "\nworking_hours: {timezone: UTC, days: [%s], from: \"%02d:00\", to: \"%02d:00\"} # %d events of people\n", strings.Join(days, ", "), from, to+1, total)
}

// Merge takes what other gathered; other must not be used afterwards.
func (p *Proposal) Merge(other *Proposal) {
	if other.roles == nil {
		return
	}
	if p.roles == nil {
		*p = *other
		return
	}
	p.Events += other.Events
	for i, n := range other.hours {
		p.hours[i] += n
	}
	for i, n := range other.weekdays {
		p.weekdays[i] += n
	}
	p.callers.merge(other.callers)
	for ip, origins := range other.sources {
		if p.sources[ip] == nil {
			p.sources[ip] = counts{}
		}
		p.sources[ip].merge(origins)
	}
	for role, theirs := range other.roles {
		mine := p.roles[role]
		if mine == nil {
			p.roles[role] = theirs
			continue
		}
		mine.events, mine.writes, mine.proven = mine.events+theirs.events, mine.writes+theirs.writes, mine.proven || theirs.proven
		for t, n := range theirs.tools {
			mine.tools[t] += n
		}
	}
}
