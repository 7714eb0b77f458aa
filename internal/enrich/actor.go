package enrich

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tocsin-security/tocsin/internal/aws"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// The kinds of actor.
const (
	KindRoot          = "root"
	KindPerson        = "person"
	KindUser          = "user"
	KindRole          = "role"
	KindWorkload      = "workload"
	KindAutomation    = "automation"
	KindService       = "aws_service"
	KindServiceLinked = "service_linked_role"
	KindExternal      = "external"
	KindAnonymous     = "anonymous"
	KindUnknown       = "unknown"
)

// Who says what kind an actor is.
const (
	ProofAWS         = "aws"         // a field that only AWS sets
	ProofEnvironment = "environment" // environment.yaml
	ProofClaimed     = "claimed"     // the client's own words
	ProofNone        = "none"
)

// Actor is who acted, as far as the records tell.
type Actor struct {
	Kind   string
	Proof  string
	Origin string   // id of who stands at the start of the chain: an ARN where there is one
	Name   string   // as a person would say it
	Type   string   // of the origin: user, role, root, service, person, workload, automation, account
	Chain  []string // role sessions on the way, the latest first
}

// ciProviders are identity providers whose tokens only a build system gets.
var ciProviders = []string{"token.actions.githubusercontent.com", "gitlab.com", "oidc.circleci.com", "api.bitbucket.org", "agent.buildkite.com", "app.terraform.io", "oidc.eks-ci"}

// instanceSession is the session name that EC2 gives an instance's role.
var instanceSession = regexp.MustCompile(`^i-[0-9a-f]{8,17}$`)

// actor decides who acted.
func (j *Judge) actor(e *ocsf.Event) Actor {
	c := callerOf(e)
	if !isCall(e) {
		if a, ok := otherActor(e, c); ok {
			return a
		}
	} else if a, ok := serviceActor(e, c); ok {
		return a
	}
	origin, chain, known := j.survey.trace(c)
	a := j.classify(e, c, origin, known)
	a.Chain = chain
	declared := func(who ...string) bool { return j.env != nil && matchesAny(j.env.AutomationRoles, who...) }
	self := declared(c.ARN, e.Text(at.issuerARN))
	if a.Kind != KindService && a.Kind != KindServiceLinked && (self || declared(origin.ARN)) {
		a.Kind, a.Proof = KindAutomation, ProofEnvironment
	}
	if a.Kind == KindAutomation && !self && j.survey.selfMade(origin, append(slices.Clip(chain), c.ARN), e.Millis) { // it is not the job any more
		a.Kind, a.Type, a.Proof = KindRole, "role", ProofAWS
	}
	return a
}

func serviceActor(e *ocsf.Event, c caller) (Actor, bool) {
	switch {
	case c.Kind == "AWSService", c.Kind == "" && c.InvokedBy != "", e.Text(at.eventType) == "AwsServiceEvent":
		name := c.InvokedBy
		if name == "" {
			name = e.Text(at.service)
		}
		return Actor{Kind: KindService, Proof: ProofAWS, Origin: name, Name: name, Type: "service"}, true
	case c.Kind == "AWSAccount" && strings.HasPrefix(e.Text(at.principal), "ANONYMOUS"), c.Account == "ANONYMOUS_PRINCIPAL":
		return Actor{Kind: KindAnonymous, Proof: ProofAWS, Origin: "anonymous", Name: "someone without credentials", Type: "anonymous"}, true
	case strings.Contains(e.Text(at.issuerARN), ":role/aws-service-role/"):
		name := aws.LastName(e.Text(at.issuerARN))
		return Actor{Kind: KindServiceLinked, Proof: ProofAWS, Origin: e.Text(at.issuerARN), Name: name, Type: "service"}, true
	}
	return Actor{}, false
}

// classify names the kind of the caller from its origin. c is the caller in the record itself.
func (j *Judge) classify(e *ocsf.Event, c, origin caller, known bool) Actor {
	a := Actor{Proof: ProofAWS, Origin: origin.ARN, Name: aws.LastName(origin.ARN), Type: "user"}
	foreign := origin.Account != "" && !j.isOwn(origin.Account)
	switch origin.Kind {
	case "Root":
		a.Kind, a.Type, a.Name = KindRoot, "root", "the root user of "+origin.Account
		a.Origin = "arn:aws:iam::" + origin.Account + ":root"
	case "IAMUser":
		a.Kind = KindUser
		if origin.Console || e.Text(at.consoleLogin) != "" {
			a.Kind = KindPerson
		}
		if a.Name == "" {
			a.Name = origin.Name
		}
	case "SAMLUser", "IdentityCenterUser":
		a.Kind, a.Type, a.Name = KindPerson, "person", origin.Name
		a.Origin = "person:" + origin.Name
	case "WebIdentityUser":
		return j.webIdentity(origin)
	case "AWSService":
		return workload(e, c)
	case "AWSAccount":
		a.Kind, a.Type, a.Origin, a.Name = KindExternal, "account", "account:"+origin.Account, "someone of account "+origin.Account
		if !foreign {
			a.Kind, a.Proof = KindUnknown, ProofNone
		}
	case "AssumedRole", "Role", "FederatedUser":
		return j.roleSession(e, c, origin, known, foreign)
	default:
		a.Kind, a.Proof = KindUnknown, ProofNone
	}
	if foreign {
		a.Kind = KindExternal
	}
	if a.Origin == "" {
		a.Origin = strings.TrimPrefix(origin.AccessKey+":"+origin.Name, ":")
	}
	return a
}

// roleSession is a session whose issuer is not in the input, or that AWS delivered to a workload.
func (j *Judge) roleSession(e *ocsf.Event, c, origin caller, known, foreign bool) Actor {
	role, name, _ := aws.RoleOf(origin.ARN)
	a := Actor{Kind: KindRole, Proof: ProofNone, Origin: origin.ARN, Name: role + " (session " + name + ")", Type: "role"}
	if role == "" {
		a.Name = aws.LastName(origin.ARN)
	}
	switch {
	case strings.HasPrefix(role, "AWSReservedSSO_"): // Identity Center names the session after the person
		a.Kind, a.Proof, a.Type, a.Name, a.Origin = KindPerson, ProofAWS, "person", name, "person:"+name
	case origin == c && (e.Text(at.roleDelivery) != "" || e.Text(at.scopeOf) != ""): // an instance; a task or function
		return workload(e, c)
	case foreign:
		a.Kind, a.Proof = KindExternal, ProofAWS
	case instanceSession.MatchString(name):
		w := workload(e, origin)
		w.Proof = ProofClaimed // whoever assumes a role can choose such a session name
		return w
	case slices.ContainsFunc(ciProviders, func(p string) bool { return strings.HasSuffix(c.Provider, p) }):
		a.Kind, a.Proof, a.Type = KindAutomation, ProofAWS, "automation"
	case strings.Contains(c.Provider, "oidc.eks."):
		return workload(e, origin)
	case known:
		a.Proof = ProofAWS
	}
	return a
}

// workload is an instance, container or function with the credentials that AWS gave it.
func workload(_ *ocsf.Event, c caller) Actor {
	role, name, _ := aws.RoleOf(c.ARN)
	return Actor{Kind: KindWorkload, Proof: ProofAWS, Origin: c.ARN, Name: "workload " + name + " with the role " + role, Type: "workload"}
}

func (j *Judge) webIdentity(origin caller) Actor {
	a := Actor{Kind: KindRole, Proof: ProofAWS, Origin: origin.Provider + ":" + origin.Name, Name: origin.Name, Type: "role"}
	switch {
	case slices.ContainsFunc(ciProviders, func(p string) bool { return strings.Contains(origin.Provider, p) }):
		a.Kind, a.Type, a.Name = KindAutomation, "automation", "CI job "+origin.Name
	case strings.Contains(origin.Provider, "oidc.eks."):
		a.Kind, a.Type, a.Name = KindWorkload, "workload", "pod "+origin.Name
	case strings.Contains(origin.Provider, "cognito"):
		a.Kind, a.Type = KindExternal, "person"
	}
	return a
}

func (j *Judge) isOwn(account string) bool { return j.survey.own(account) || j.env.hasAccount(account) }
