package enrich

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/aws"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// request is whom a request would let in and what it would allow.
type request struct {
	external   []string // accounts, neither own nor trusted
	named      []string // all accounts
	federated  []string
	worldPorts []string
	public     bool
	admin      bool
	privileged bool
	denyAll    bool
}

// beneficiaries are the members of requests that hold whom something is shared with. Sources: the API references of
// the calls; the shapes are as CloudTrail writes them.
var beneficiaries = map[string][]string{
	"ModifySnapshotAttribute":             {"createVolumePermission.add.items.userId", "createVolumePermission.add.items.group", "createVolumePermission.add.userId", "createVolumePermission.add.group"},
	"ModifyImageAttribute":                {"launchPermission.add.items.userId", "launchPermission.add.items.group", "launchPermission.add.userId", "launchPermission.add.group", "launchPermission.add.items.organizationArn"},
	"ModifyDBSnapshotAttribute":           {"valuesToAdd"},
	"ModifyDBClusterSnapshotAttribute":    {"valuesToAdd"},
	"ModifyDocumentPermission":            {"accountIdsToAdd"},
	"AddPermission20150331v2":             {"principal"},
	"AddPermission20150331":               {"principal"},
	"AddLayerVersionPermission20181031":   {"principal"},
	"CreateGrant":                         {"granteePrincipal"},
	"AddPermission":                       {"aWSAccountId", "aWSAccountIds"},
	"CreateResourceShare":                 {"principals"},
	"AssociateResourceShare":              {"principals"},
	"CreateVpcPeeringConnection":          {"peerOwnerId"},
	"ModifyVpcEndpointServicePermissions": {"addAllowedPrincipals"},
	"AuthorizeSnapshotAccess":             {"accountWithRestoreAccess"},
	"AuthorizeDataShare":                  {"consumerIdentifier"},
	"PutPermission":                       {"principal"},
	"ShareDirectory":                      {"shareTarget.id"},
	"ModifyFpgaImageAttribute":            {"loadPermission.add.userId"},
	"CreateAccessEntry":                   {"principalArn"},
	"RegisterDelegatedAdministrator":      {"accountId"},
	"InviteAccountToOrganization":         {"target.id"},
	"PutDestinationPolicy":                {},
}

// conditions of a lambda permission that say whose invocation it is.
var narrowedBy = []string{"sourceArn", "sourceAccount", "principalOrgID"}

// documents are the members that hold policy documents; each may be text or a document itself.
var documents = []string{
	"policyDocument", "assumeRolePolicyDocument", "policy", "bucketPolicy", "policyText", "resourcePolicy", "accessPolicy", "accessPolicies",
	"attributes.Policy", "attributeValue", "policyInJson", "repositoryPolicyText", "registryPolicyText", "keyPolicy", "content", "policyJson", "inlinePolicy", "resourcePolicyDocument",
}

var worldGroups = []string{"all", "*", "http://acs.amazonaws.com/groups/global/AllUsers", "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}

// request reads what the event's request would open. Only calls that change something can.
func (f *Facts) request() *request {
	if f.done&doneRequest != 0 {
		return &f.req
	}
	f.done |= doneRequest
	doc := f.requestDocument()
	if doc == nil || doc.Type() != fastjson.TypeObject || f.ReadOnly() {
		return &f.req
	}
	op := f.ev.Text(at.operation)
	f.beneficiaries(op, doc)
	f.policies(op, doc)
	f.exposure(op, doc)
	for _, id := range f.req.named {
		if aws.IsAccount(id) && !f.judge.isOwn(id) && !f.judge.env.trusts(id) && id != f.ev.Str(ocsf.CloudAccountUID) {
			f.req.external = append(f.req.external, id)
		}
	}
	sort.Strings(f.req.external)
	f.req.external = slices.Compact(f.req.external)
	return &f.req
}

// requestDocument is requestParameters, also where it is stored as text in another form of the record.
func (f *Facts) requestDocument() *fastjson.Value {
	if !isCall(f.ev) {
		return nil
	}
	if doc := f.ev.Doc.Get("requestParameters"); doc != nil {
		return doc
	}
	doc := f.ev.Doc.Get("api", "request", "data")
	if doc != nil && doc.Type() == fastjson.TypeString {
		if parsed, err := fastjson.ParseBytes(doc.GetStringBytes()); err == nil {
			return parsed
		}
	}
	return doc
}

// member returns the texts at a dotted path below doc, arrays walked through.
func member(doc *fastjson.Value, path string) []string {
	if doc == nil {
		return nil
	}
	if doc.Type() == fastjson.TypeArray {
		var out []string
		for _, v := range doc.GetArray() {
			out = append(out, member(v, path)...)
		}
		return out
	}
	if path == "" {
		switch doc.Type() {
		case fastjson.TypeString:
			return []string{string(doc.GetStringBytes())}
		case fastjson.TypeObject, fastjson.TypeNumber, fastjson.TypeTrue, fastjson.TypeFalse:
			return []string{string(doc.MarshalTo(nil))}
		}
		return nil
	}
	name, rest, _ := strings.Cut(path, ".")
	return member(doc.Get(name), rest)
}

func (f *Facts) beneficiaries(op string, doc *fastjson.Value) {
	for _, path := range beneficiaries[op] {
		for _, who := range member(doc, path) {
			if slices.Contains(worldGroups, who) {
				narrowed := slices.ContainsFunc(narrowedBy, func(k string) bool { return len(member(doc, k)) > 0 })
				f.req.public = f.req.public || !narrowed
				continue
			}
			if a, ok := aws.ParseARN(who); ok {
				who = a.Account
			}
			f.req.named = append(f.req.named, who)
		}
	}
}

func (f *Facts) policies(op string, doc *fastjson.Value) {
	if arns := member(doc, "policyArn"); len(arns) > 0 && (strings.HasPrefix(op, "Attach") || strings.HasPrefix(op, "Put")) {
		for _, arn := range arns {
			admin, privileged := aws.ManagedPolicy(arn)
			f.req.admin, f.req.privileged = f.req.admin || admin, f.req.privileged || privileged
		}
	}
	for _, path := range documents {
		for _, text := range member(doc, path) {
			g, ok := aws.ReadPolicy(text)
			if !ok {
				continue
			}
			f.req.admin, f.req.privileged = f.req.admin || g.Admin, f.req.privileged || g.Privileged
			f.req.public, f.req.denyAll = f.req.public || g.Public, f.req.denyAll || g.DenyAll
			f.req.named = append(f.req.named, g.Accounts...)
			f.req.federated = append(f.req.federated, g.Federated...)
		}
	}
}

// exposure reads what opens a thing to the network or to everyone without a policy.
func (f *Facts) exposure(op string, doc *fastjson.Value) {
	is := func(path, value string) bool {
		return slices.ContainsFunc(member(doc, path), func(s string) bool { return strings.EqualFold(s, value) })
	}
	switch op {
	case "AuthorizeSecurityGroupIngress", "ModifySecurityGroupRules":
		f.ingress(doc)
	case "CreateNetworkAclEntry", "ReplaceNetworkAclEntry":
		if is("ruleAction", "allow") && is("egress", "false") && slices.ContainsFunc(append(member(doc, "cidrBlock"), member(doc, "ipv6CidrBlock")...), aws.IsWorld) {
			f.req.worldPorts = append(f.req.worldPorts, ports(member(doc, "portRange.from"), member(doc, "portRange.to"), member(doc, "aclProtocol"))...)
		}
	case "PutBucketAcl", "PutObjectAcl", "CreateBucket":
		for _, path := range []string{"AccessControlPolicy.AccessControlList.Grant.Grantee.URI", "x-amz-grant-read", "x-amz-grant-write", "x-amz-grant-full-control"} {
			for _, who := range member(doc, path) {
				f.req.public = f.req.public || strings.Contains(who, "/groups/global/")
			}
		}
		f.req.public = f.req.public || is("x-amz-acl", "public-read") || is("x-amz-acl", "public-read-write") || is("x-amz-acl", "authenticated-read")
	case "CreateFunctionUrlConfig", "UpdateFunctionUrlConfig", "CreateFunctionUrlConfig20211031", "UpdateFunctionUrlConfig20211031":
		f.req.public = is("authType", "NONE")
	case "CreateDBInstance", "ModifyDBInstance", "RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceToPointInTime", "CreateCluster", "ModifyCluster":
		f.req.public = is("publiclyAccessible", "true")
	case "UpdateClusterConfig":
		f.req.public = is("resourcesVpcConfig.endpointPublicAccess", "true") && (len(member(doc, "resourcesVpcConfig.publicAccessCidrs")) == 0 || slices.ContainsFunc(member(doc, "resourcesVpcConfig.publicAccessCidrs"), aws.IsWorld))
	}
}

func (f *Facts) ingress(doc *fastjson.Value) {
	for _, shape := range []struct{ list, v4, v6, from, to, protocol string }{
		{"ipPermissions.items", "ipRanges.items.cidrIp", "ipv6Ranges.items.cidrIpv6", "fromPort", "toPort", "ipProtocol"},
		{"", "cidrIp", "cidrIpv6", "fromPort", "toPort", "ipProtocol"},
		{"ModifySecurityGroupRulesRequest.SecurityGroupRule", "SecurityGroupRule.CidrIpv4", "SecurityGroupRule.CidrIpv6", "SecurityGroupRule.FromPort", "SecurityGroupRule.ToPort", "SecurityGroupRule.IpProtocol"},
	} {
		for _, p := range objects(doc, shape.list) {
			if slices.ContainsFunc(append(member(p, shape.v4), member(p, shape.v6)...), aws.IsWorld) {
				f.req.worldPorts = append(f.req.worldPorts, ports(member(p, shape.from), member(p, shape.to), member(p, shape.protocol))...)
			}
		}
	}
}

// objects returns the objects at a path, arrays walked through.
func objects(doc *fastjson.Value, path string) []*fastjson.Value {
	for path != "" && doc != nil {
		var name string
		name, path, _ = strings.Cut(path, ".")
		doc = doc.Get(name)
	}
	if doc == nil {
		return nil
	}
	if doc.Type() == fastjson.TypeArray {
		return doc.GetArray()
	}
	return []*fastjson.Value{doc}
}

// watchedPorts are the ports that a range is told by: those whose opening to the internet a person should know of.
var watchedPorts = []int{20, 21, 22, 23, 25, 80, 110, 135, 139, 143, 443, 445, 1433, 1521, 2049, 2375, 2376, 2379, 3306, 3389, 4333, 5000, 5432, 5439, 5500, 5601, 5900, 5985, 5986, 6379, 6443, 8080, 8443, 8888, 9042, 9092, 9200, 9300, 10250, 11211, 27017, 27018}

func ports(from, to, protocol []string) []string {
	if slices.Contains(protocol, "-1") || slices.Contains(protocol, "all") || len(from) == 0 {
		if slices.Contains(protocol, "icmp") || slices.Contains(protocol, "icmpv6") || slices.Contains(protocol, "1") {
			return nil
		}
		return []string{"all"}
	}
	lo, errLo := strconv.Atoi(from[0])
	hi := lo
	if len(to) > 0 {
		hi, _ = strconv.Atoi(to[0])
	}
	switch {
	case errLo != nil || slices.Contains(protocol, "icmp"):
		return nil
	case lo <= 0 && hi >= 65535 || lo == -1:
		return []string{"all"}
	case hi == lo:
		return []string{from[0]}
	}
	out := []string{from[0], to[0]}
	for _, p := range watchedPorts {
		if p > lo && p < hi {
			out = append(out, strconv.Itoa(p))
		}
	}
	return out
}
