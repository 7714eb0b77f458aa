package aws

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Grant is what a policy document gives, read cautiously: conditions that narrow who may use it are respected, and
// what is not understood grants nothing.
type Grant struct {
	Admin      bool     // every action on every resource
	Privileged bool     // admin, or actions by which a holder can make itself admin
	DenyAll    bool     // denies everything to everyone
	Public     bool     // anyone may use it, without a condition that narrows whom
	Accounts   []string // accounts named as principals
	Federated  []string // identity providers named as principals
	Services   []string // services named as principals
	External   bool     // at least one account is named
}

// maxPolicy bounds a document. IAM's own limit is 10 KB, S3's 20 KB.
const maxPolicy = 1 << 20

type statements []statement

type statement struct {
	Effect       string
	Action       list
	NotAction    list
	Resource     list
	NotResource  list
	Principal    principal
	NotPrincipal principal
	Condition    map[string]map[string]list
}

// list is one string or several.
type list []string

// UnmarshalJSON reads one or several; anything else is none.
func (l *list) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*l = list{one}
		return nil
	}
	var many []any
	if json.Unmarshal(raw, &many) == nil {
		for _, v := range many {
			if s, ok := v.(string); ok {
				*l = append(*l, s)
			}
		}
	}
	return nil
}

type principal map[string]list

// UnmarshalJSON reads "*" or a map by kind.
func (p *principal) UnmarshalJSON(raw []byte) error {
	var any string
	if json.Unmarshal(raw, &any) == nil {
		*p = principal{"AWS": {any}}
		return nil
	}
	var byKind map[string]list
	if json.Unmarshal(raw, &byKind) == nil {
		*p = byKind
	}
	return nil
}

// UnmarshalJSON reads one statement or several.
func (s *statements) UnmarshalJSON(raw []byte) error {
	var many []statement
	if json.Unmarshal(raw, &many) == nil {
		*s = many
		return nil
	}
	var one statement
	if json.Unmarshal(raw, &one) == nil {
		*s = statements{one}
	}
	return nil
}

// ReadPolicy analyses a policy document as records quote it: JSON, or JSON in URL encoding. ok is false where the
// text is no policy document.
func ReadPolicy(text string) (g Grant, ok bool) {
	if len(text) > maxPolicy {
		return Grant{}, false
	}
	if strings.HasPrefix(text, "%7B") || strings.HasPrefix(text, "%0A") {
		if plain, err := url.QueryUnescape(text); err == nil {
			text = plain
		}
	}
	var doc struct{ Statement statements }
	if json.Unmarshal([]byte(text), &doc) != nil || len(doc.Statement) == 0 {
		return Grant{}, false
	}
	for i := range doc.Statement {
		doc.Statement[i].into(&g)
	}
	g.Privileged = g.Privileged || g.Admin
	for _, l := range []*[]string{&g.Accounts, &g.Federated, &g.Services} {
		slices.Sort(*l)
		*l = slices.Compact(*l)
	}
	g.External = len(g.Accounts) > 0
	return g, true
}

func (s *statement) into(g *Grant) {
	everything := slices.Contains(s.Action, "*") || slices.Contains(s.Action, "*:*")
	everywhere := slices.Contains(s.Resource, "*") || len(s.NotResource) > 0
	switch {
	case strings.EqualFold(s.Effect, "Deny"):
		anyone := slices.Contains(s.Principal["AWS"], "*") || len(s.NotPrincipal) > 0
		g.DenyAll = g.DenyAll || (everything || len(s.NotAction) > 0) && (everywhere || anyone) && len(s.Condition) == 0
		return
	case !strings.EqualFold(s.Effect, "Allow"):
		return
	}
	if len(s.Principal) == 0 && len(s.NotPrincipal) == 0 { // an identity's policy
		g.Admin = g.Admin || everything && everywhere
		g.Privileged = g.Privileged || everywhere && (slices.ContainsFunc(s.Action, escalates) || len(s.NotAction) > 0)
	}
	g.Public = g.Public || (slices.Contains(s.Principal["AWS"], "*") || slices.Contains(s.Principal["*"], "*") || len(s.NotPrincipal) > 0) && !s.narrowed()
	for _, p := range s.Principal["AWS"] {
		if id := principalAccount(p); id != "" {
			g.Accounts = append(g.Accounts, id)
		}
	}
	g.Federated = append(g.Federated, s.Principal["Federated"]...)
	g.Services = append(g.Services, s.Principal["Service"]...)
}

func principalAccount(p string) string {
	if IsAccount(p) {
		return p
	}
	if a, ok := ParseARN(p); ok && IsAccount(a.Account) {
		return a.Account
	}
	return ""
}

// escalating actions let their holder make itself administrator when allowed on every resource. Source: the public
// lists of IAM privilege-escalation paths (Rhino Security Labs 2018 and its successors).
var escalating = []string{
	"iam:*", "iam:passrole", "iam:createpolicyversion", "iam:setdefaultpolicyversion", "iam:attachuserpolicy", "iam:attachgrouppolicy",
	"iam:attachrolepolicy", "iam:putuserpolicy", "iam:putgrouppolicy", "iam:putrolepolicy", "iam:createaccesskey", "iam:createloginprofile",
	"iam:updateloginprofile", "iam:updateassumerolepolicy", "iam:addusertogroup", "iam:put*", "iam:attach*", "iam:create*", "iam:update*", "sts:*", "sts:assumerole", "organizations:*",
}

func escalates(action string) bool { return slices.Contains(escalating, strings.ToLower(action)) }

// narrowing are condition keys that say whom a public principal really means.
var narrowing = []string{
	"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner", "aws:principalorgid", "aws:principalorgpaths", "aws:principalarn",
	"aws:principalaccount", "aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn", "aws:userid", "kms:calleraccount", "s3:dataaccesspointaccount",
	"lambda:eventsourcetoken", "aws:calledvia", "sns:endpoint",
}

// narrowed reports whether a condition limits who the principal is. A source address narrows when it is not the world.
func (s *statement) narrowed() bool {
	for operator, keys := range s.Condition {
		operator = strings.ToLower(operator)
		if strings.Contains(operator, "not") || strings.HasSuffix(operator, "ifexists") {
			continue
		}
		for key, values := range keys {
			key = strings.ToLower(key)
			switch {
			case slices.Contains(narrowing, key) && !slices.Contains(values, "*"):
				return true
			case key == "aws:sourceip" && !slices.ContainsFunc(values, isWorld):
				return true
			}
		}
	}
	return false
}

// isWorld reports whether a network is so wide that it is no limit.
func isWorld(cidr string) bool {
	p, err := netip.ParsePrefix(cidr)
	return err == nil && (p.Bits() < 8 || p.Addr().Is6() && p.Bits() < 16)
}

// IsWorld reports whether a network is the whole internet.
func IsWorld(cidr string) bool { return cidr == "0.0.0.0/0" || cidr == "::/0" || isWorld(cidr) }

// ManagedPolicy says what an AWS managed policy gives, by ARN or name. Source: the policies' published documents.
func ManagedPolicy(arn string) (admin, privileged bool) {
	if !strings.Contains(arn, ":aws:policy/") && strings.Contains(arn, ":") {
		return false, false
	}
	switch LastName(arn) {
	case "AdministratorAccess":
		return true, true
	case "PowerUserAccess", "IAMFullAccess", "AWSOrganizationsFullAccess", "SecretsManagerReadWrite", "AmazonSSMFullAccess", "AWSCloudFormationFullAccess",
		"SystemAdministrator", "DatabaseAdministrator", "AWSLambda_FullAccess", "AmazonEC2FullAccess", "AWSDataPipeline_FullAccess", "AWSGlueConsoleFullAccess", "AWSAccountManagementFullAccess":
		return false, true
	}
	return false, false
}
