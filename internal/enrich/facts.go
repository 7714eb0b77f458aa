package enrich

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-security/tocsin/internal/aws"
	"github.com/tocsin-security/tocsin/internal/enrich/geo"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Locator knows places of addresses.
type Locator interface {
	Locate(a netip.Addr) geo.Place
}

// Judge makes facts with all that the survey learned. It is read-only: many goroutines may share it.
type Judge struct {
	survey *Survey
	env    *Environment // nil when there is none
	places Locator
}

// NewJudge returns a Judge. env may be nil.
func NewJudge(s *Survey, env *Environment, places Locator) *Judge {
	s.init()
	return &Judge{s, env, places}
}

// Facts is what is known of one event beyond its record. Its parts are computed when they are first asked for; it has
// one owner and lives as long as its event.
type Facts struct {
	judge *Judge
	ev    *ocsf.Event
	actor Actor
	place geo.Place
	req   request
	done  uint8
}

const (
	doneActor = 1 << iota
	donePlace
	doneRequest
)

// Reset makes f speak about another event.
func (f *Facts) Reset(j *Judge, e *ocsf.Event) { *f = Facts{judge: j, ev: e} }

// Actor returns who acted.
func (f *Facts) Actor() *Actor {
	if f.done&doneActor == 0 {
		f.done |= doneActor
		f.actor = f.judge.actor(f.ev)
	}
	return &f.actor
}

// Place returns where the call came from.
func (f *Facts) Place() geo.Place {
	if f.done&donePlace == 0 {
		f.done |= donePlace
		if a, err := netip.ParseAddr(f.address()); err == nil && f.judge.places != nil {
			f.place = f.judge.places.Locate(a)
		}
	}
	return f.place
}

// Outcome is success, denied or error.
func (f *Facts) Outcome() string {
	if !isCall(f.ev) {
		return f.otherOutcome()
	}
	code := f.ev.Text(at.errorCode)
	switch {
	case code == "" && f.ev.Text(at.consoleLogin) == "Failure":
		return "denied"
	case code == "":
		return "success"
	case strings.Contains(code, "AccessDenied"), strings.Contains(code, "Unauthorized"), strings.Contains(code, "NotAuthorized"), strings.Contains(code, "AuthFailure"),
		strings.Contains(code, "Forbidden"), strings.Contains(code, "OptInRequired"), strings.Contains(f.ev.Text(at.errorMessage), "not authorized to perform"):
		return "denied"
	}
	return "error"
}

// ReadOnly reports whether the call only reads: by the record's own word, else by its verb.
func (f *Facts) ReadOnly() bool {
	if !isCall(f.ev) {
		class, activity := f.ev.Mapping.Class(f.ev)
		return class/1000 == 6 && activity == 2 // Read, of API Activity
	}
	if b, ok := ocsf.BoolOf(ocsf.Value{Str: f.ev.Text(at.readOnly)}); ok {
		return b
	}
	for _, verb := range []string{"Get", "List", "Describe", "Head", "Lookup", "Search", "BatchGet", "Query", "Scan"} {
		if strings.HasPrefix(f.ev.Text(at.operation), verb) {
			return true
		}
	}
	return false
}

// FactID is a compiled tocsin.* name.
type FactID uint8

// factNames lists the facts that rules may ask for; docs/facts.md is made from it.
var factNames = []struct {
	name, doc string
	values    func(f *Facts, dst []ocsf.Value) []ocsf.Value
}{
	{"tocsin.outcome", "success, denied (refused for lack of rights, failed sign-ins included) or error", func(f *Facts, d []ocsf.Value) []ocsf.Value { return text(d, f.Outcome()) }},
	{"tocsin.actor.kind", "root, person, user, role, workload, automation, aws_service, service_linked_role, external, anonymous or unknown", func(f *Facts, d []ocsf.Value) []ocsf.Value { return text(d, f.Actor().Kind) }},
	{"tocsin.actor.proof", "aws, environment, claimed or none: who says so", func(f *Facts, d []ocsf.Value) []ocsf.Value { return text(d, f.Actor().Proof) }},
	{"tocsin.actor.origin", "who stands at the start of the role chain", func(f *Facts, d []ocsf.Value) []ocsf.Value { return text(d, f.Actor().Origin) }},
	{"tocsin.actor.mfa", "whether the session was opened with MFA", func(f *Facts, d []ocsf.Value) []ocsf.Value { return text(d, f.mfa()) }},
	{"tocsin.src.kind", "public, private or aws_service", func(f *Facts, d []ocsf.Value) []ocsf.Value { return text(d, f.sourceKind()) }},
	{"tocsin.src.country", "ISO code of the country where the address is registered", func(f *Facts, d []ocsf.Value) []ocsf.Value { return text(d, f.Place().Country) }},
	{"tocsin.src.asn", "number of the network that announces the address", func(f *Facts, d []ocsf.Value) []ocsf.Value { return number(d, f.Place().ASN) }},
	{"tocsin.src.as_org", "name of that network", func(f *Facts, d []ocsf.Value) []ocsf.Value { return text(d, f.Place().Org) }},
	{"tocsin.src.hosting", "true when that network rents out machines or sells VPN", func(f *Facts, d []ocsf.Value) []ocsf.Value { return yes(d, f.Place().Hosting) }},
	{"tocsin.src.cloud", "aws when that network is Amazon's", func(f *Facts, d []ocsf.Value) []ocsf.Value { return text(d, f.Place().Cloud) }},
	{"tocsin.tool", "tool family that the user agent claims", func(f *Facts, d []ocsf.Value) []ocsf.Value { return text(d, Tool(f.ev.Text(at.agent))) }},
	{"tocsin.readonly", "whether the call only reads", func(f *Facts, d []ocsf.Value) []ocsf.Value { return text(d, strconv.FormatBool(f.ReadOnly())) }},
	{"tocsin.console", "true when the call was made in the web console", func(f *Facts, d []ocsf.Value) []ocsf.Value { return yes(d, f.console()) }},
	{"tocsin.self", "true when the call's target user is the caller", func(f *Facts, d []ocsf.Value) []ocsf.Value { return yes(d, f.self()) }},
	{"tocsin.critical", "true when it names what environment.yaml lists as critical", func(f *Facts, d []ocsf.Value) []ocsf.Value { return yes(d, f.Critical()) }},
	{"tocsin.target.external", "accounts that the request lets in and that are neither own nor trusted", func(f *Facts, d []ocsf.Value) []ocsf.Value { return texts(d, f.request().external) }},
	{"tocsin.target.public", "true when the request lets anyone in", func(f *Facts, d []ocsf.Value) []ocsf.Value { return yes(d, f.request().public) }},
	{"tocsin.policy.admin", "true when the request gives a policy that allows everything", func(f *Facts, d []ocsf.Value) []ocsf.Value { return yes(d, f.request().admin) }},
	{"tocsin.policy.privileged", "true when the request gives a policy by which its holder can become administrator", func(f *Facts, d []ocsf.Value) []ocsf.Value { return yes(d, f.request().privileged) }},
	{"tocsin.policy.deny_all", "true when an embedded policy locks everyone out", func(f *Facts, d []ocsf.Value) []ocsf.Value { return yes(d, f.request().denyAll) }},
	{"tocsin.policy.federated", "identity providers that an embedded trust policy names", func(f *Facts, d []ocsf.Value) []ocsf.Value { return texts(d, f.request().federated) }},
	{"tocsin.ingress.world_ports", "ports that the request opens to the whole internet; all for every port", func(f *Facts, d []ocsf.Value) []ocsf.Value { return texts(d, f.request().worldPorts) }},
}

// FactByName finds a fact.
func FactByName(name string) (FactID, bool) {
	for i := range factNames {
		if factNames[i].name == name {
			return FactID(i), true //nolint:gosec // few
		}
	}
	return 0, false
}

// FactsMarkdown writes the table of facts for docs/facts.md.
func FactsMarkdown() string {
	var b strings.Builder
	b.WriteString("# Facts\n\nWhat rules may ask beyond the record. A fact that is not known is absent. Made by `go test ./internal/enrich -update`.\n\n| fact | what it says |\n|---|---|\n")
	for _, f := range factNames {
		b.WriteString("| `" + f.name + "` | " + f.doc + " |\n")
	}
	return b.String()
}

// Values appends a fact's values to dst: none where it is not known.
func (f *Facts) Values(id FactID, dst []ocsf.Value) []ocsf.Value { return factNames[id].values(f, dst) }

func text(dst []ocsf.Value, s string) []ocsf.Value {
	if s == "" {
		return dst
	}
	return append(dst, ocsf.Value{Kind: ocsf.String, Str: s})
}

func texts(dst []ocsf.Value, list []string) []ocsf.Value {
	for _, s := range list {
		dst = text(dst, s)
	}
	return dst
}

func number(dst []ocsf.Value, n uint32) []ocsf.Value {
	if n == 0 {
		return dst
	}
	return append(dst, ocsf.Value{Kind: ocsf.Number, Str: strconv.FormatUint(uint64(n), 10)})
}

func yes(dst []ocsf.Value, on bool) []ocsf.Value {
	if !on {
		return dst
	}
	return append(dst, ocsf.Value{Kind: ocsf.Bool, Str: "true"})
}

func (f *Facts) mfa() string {
	switch f.ev.Text(at.mfaUsed) {
	case "Yes":
		return "true"
	case "No":
		return "false"
	}
	if v := f.ev.Text(at.mfa); v == "true" || v == "false" {
		return v
	}
	return ""
}

func (f *Facts) sourceKind() string {
	source := f.address()
	a, err := netip.ParseAddr(source)
	switch {
	case err != nil && (source == "AWS Internal" || strings.HasSuffix(source, ".amazonaws.com")):
		return "aws_service"
	case err != nil:
		return ""
	case a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast():
		return "private"
	}
	return "public"
}

func (f *Facts) console() bool {
	agent := f.ev.Text(at.agent)
	return f.ev.Text(at.fromConsole) == "true" || strings.HasPrefix(agent, "signin.amazonaws.com") || strings.HasPrefix(agent, "console.") ||
		strings.HasPrefix(agent, "Mozilla/") || strings.Contains(agent, "AWS-Console") || strings.HasPrefix(agent, "S3Console")
}

// self compares the user that the call names with the caller. A call that names none acts on the caller.
func (f *Facts) self() bool {
	if f.ev.Text(at.kind) != "IAMUser" {
		return false
	}
	target := f.ev.Text(at.targetUser)
	if target == "" {
		op := f.ev.Text(at.operation)
		return op == "CreateAccessKey" || op == "ChangePassword" || op == "UpdateAccessKey"
	}
	return target == f.ev.Text(at.name)
}

// Critical reports whether the call names a critical resource of environment.yaml.
func (f *Facts) Critical() bool {
	if f.judge.env == nil || len(f.judge.env.Critical) == 0 {
		return false
	}
	for _, r := range f.Resources() {
		if f.judge.env.isCritical(r.ID) || f.judge.env.isCritical(r.Name) {
			return true
		}
	}
	return false
}

// Scanner reports whether the origin is a known scanner of environment.yaml.
func (f *Facts) Scanner() bool {
	return f.judge.env != nil && matchesAny(f.judge.env.Scanners, f.Actor().Origin, f.ev.Text(at.arn), f.ev.Text(at.issuerARN))
}

var tools = []struct{ sign, family string }{
	{"HashiCorp", "terraform"},
	{"Terraform", "terraform"},
	{"OpenTofu", "terraform"},
	{"Pulumi", "pulumi"},
	{"aws-cdk", "cdk"},
	{"Ansible", "ansible"},
	{"cloudformation", "cloudformation"},
	{"kali", "kali"},
	{"parrot", "kali"},
	{"Pacu", "attack-tool"},
	{"ScoutSuite", "attack-tool"},
	{"CloudFox", "attack-tool"},
	{"trufflehog", "attack-tool"},
	{"TruffleHog", "attack-tool"},
	{"stratus", "attack-tool"},
	{"aws-cli/", "aws-cli"},
	{"Boto3/", "boto3"},
	{"Botocore/", "boto3"},
	{"aws-sdk", "sdk"},
	{"APN/", "sdk"},
	{"curl/", "curl"},
	{"python-requests", "curl"},
	{"Go-http-client", "curl"},
	{"S3Console", "console"},
	{"console.", "console"},
	{"signin.amazonaws.com", "console"},
	{"AWS-Console", "console"},
	{"Mozilla/", "browser"},
	{"AWS Internal", "aws-service"},
	{".amazonaws.com", "aws-service"},
}

// Tool names the tool family that a user agent claims.
func Tool(agent string) string {
	if agent == "" {
		return ""
	}
	for _, t := range tools {
		if strings.Contains(agent, t.sign) {
			return t.family
		}
	}
	return "other"
}

// Handle names the credentials of an event for habits that are counted before origins are known: Resolve turns it into the origin.
func Handle(e *ocsf.Event) string {
	if !isCall(e) {
		return "" // other logs make no habits of calls
	}
	c := callerOf(e)
	if c.Kind == "AWSService" || c.InvokedBy != "" && c.ARN == "" {
		return ""
	}
	return strings.Join([]string{c.Kind, c.ARN, c.AccessKey, c.Account, c.Name, c.Provider}, "\x1f")
}

// handled is the caller that a Handle names.
func handled(handle string) (c caller, ok bool) {
	p := strings.Split(handle, "\x1f")
	if len(p) != 6 {
		return caller{}, false
	}
	return caller{Kind: p[0], ARN: p[1], AccessKey: p[2], Account: p[3], Name: p[4], Provider: p[5]}, true
}

// SelfMade reports whether the credentials of a Handle are those of a role that who stands behind them had made shortly before: they are no proven
// automation then, see Actor. As the making of a role can come to be known later than its sessions, the answer can change.
func (j *Judge) SelfMade(handle string, millis int64) bool {
	c, ok := handled(handle)
	if !ok || len(j.survey.roles) == 0 {
		return false
	}
	origin, chain, _ := j.survey.trace(c)
	return j.survey.selfMade(origin, append(slices.Clip(chain), c.ARN), millis)
}

// Resolve returns the origin behind a Handle.
func (j *Judge) Resolve(handle string) string {
	c, ok := handled(handle)
	if !ok {
		return ""
	}
	origin, _, _ := j.survey.trace(c)
	switch role, name, _ := aws.RoleOf(origin.ARN); {
	case strings.HasPrefix(role, "AWSReservedSSO_"), origin.Kind == "SAMLUser", origin.Kind == "IdentityCenterUser":
		if name == "" {
			name = origin.Name
		}
		return "person:" + name
	case origin.Kind == "Root":
		return "arn:aws:iam::" + origin.Account + ":root"
	case origin.Kind == "WebIdentityUser":
		return origin.Provider + ":" + origin.Name
	case origin.Kind == "AWSAccount":
		return "account:" + origin.Account
	case origin.Kind == "AWSService": // a workload's habits are those of its role session
		return c.ARN
	case origin.ARN != "":
		return origin.ARN
	}
	return strings.TrimPrefix(origin.AccessKey+":"+origin.Name, ":")
}
