package enrich

import (
	"slices"
	"strings"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/aws"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Resource is a thing that a call named. Kind is the entity's type as findings use it.
type Resource struct{ Kind, ID, Name string }

// named are the members of requests that name things, with what they name. Those that IAM names without an ARN get one.
var named = []struct{ path, kind string }{
	{"userName", "user"},
	{"roleName", "role"},
	{"groupName", "group"},
	{"policyArn", "policy"},
	{"roleArn", "role"},
	{"bucketName", "bucket"},
	{"instanceId", "instance"},
	{"instancesSet.items.instanceId", "instance"},
	{"instanceIds", "instance"},
	{"target", "instance"},
	{"functionName", "function"},
	{"secretId", "secret"},
	{"keyId", "key"},
	{"snapshotId", "snapshot"},
	{"dBSnapshotIdentifier", "snapshot"},
	{"dBClusterSnapshotIdentifier", "snapshot"},
	{"dBInstanceIdentifier", "database"},
	{"dBClusterIdentifier", "database"},
	{"imageId", "image"},
	{"groupId", "security_group"},
	{"trailName", "trail"},
	{"detectorId", "detector"},
	{"volumeId", "volume"},
	{"vpcId", "vpc"},
	{"stackName", "stack"},
	{"cluster", "cluster"},
	{"clusterName", "cluster"},
	{"repositoryName", "repository"},
	{"logGroupName", "log_group"},
	{"hostedZoneId", "zone"},
	{"modelId", "model"},
	{"topicArn", "topic"},
	{"queueUrl", "queue"},
	{"tableName", "table"},
	{"policyId", "policy"},
	{"notebookInstanceName", "notebook"},
	{"documentName", "document"},
	{"configurationRecorderName", "recorder"},
}

// maxResources bounds what one call names; the rest is in its raw record.
const maxResources = 24

// Resources lists what the call named, foreign accounts that it lets in included.
func (f *Facts) Resources() []Resource {
	if !isCall(f.ev) {
		return f.otherResources()
	}
	var out []Resource
	add := func(r Resource) {
		if r.ID != "" && len(out) < maxResources && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	doc := f.requestDocument()
	if doc != nil && doc.Type() == fastjson.TypeObject {
		for _, n := range named {
			for _, id := range member(doc, n.path) {
				add(f.resource(n.kind, id))
			}
		}
		if f.ev.Text(at.service) == "cloudtrail.amazonaws.com" {
			for _, id := range member(doc, "name") {
				add(Resource{Kind: "trail", ID: id, Name: aws.LastName(id)})
			}
		}
	}
	for _, account := range f.request().external {
		add(Resource{Kind: "external_account", ID: account, Name: f.judge.env.AccountName(account)})
	}
	for _, v := range f.ev.Values(ocsf.ResourceUID, nil) {
		if len(out) == 0 {
			add(Resource{Kind: "resource", ID: v.Str, Name: aws.LastName(v.Str)})
		}
	}
	for i := range out {
		out[i].ID, out[i].Name = strings.Clone(out[i].ID), strings.Clone(out[i].Name)
	}
	return out
}

func (f *Facts) resource(kind, id string) Resource {
	r := Resource{Kind: kind, ID: id, Name: aws.LastName(id)}
	if (kind == "user" || kind == "role") && !strings.HasPrefix(id, "arn:") {
		r.ID = "arn:aws:iam::" + f.ev.Str(ocsf.CloudAccountUID) + ":" + kind + "/" + id
	}
	return r
}

// grantPaths are the members of responses that name credentials which the call made usable.
var grantPaths = map[string][]string{
	"CreateAccessKey":                 {"accessKey.accessKeyId"},
	"GetFederationToken":              {"credentials.accessKeyId", "federatedUser.arn"},
	"GetSessionToken":                 {"credentials.accessKeyId"},
	"CreateServiceSpecificCredential": {"serviceSpecificCredential.serviceSpecificCredentialId"},
}

// grantTargets are calls that make an existing user or role usable to someone else.
var grantTargets = []string{
	"CreateAccessKey", "CreateLoginProfile", "UpdateLoginProfile", "CreateUser", "CreateRole", "UpdateAssumeRolePolicy", "UpdateAccessKey", "UploadSSHPublicKey",
	"CreateServiceSpecificCredential", "ResetServiceSpecificCredential", "DeactivateMFADevice", "AttachUserPolicy", "PutUserPolicy", "AttachRolePolicy", "PutRolePolicy",
}

// maxLaunched bounds the instances of one call that are known as its own; RunInstances starts at most as many as a quota allows.
const maxLaunched = 256

// launched lists the instances that a call started, by what it was answered.
func launched(op string, response *fastjson.Value) (out []Resource) {
	if op != "RunInstances" {
		return nil
	}
	for _, id := range member(response, "instancesSet.items.instanceId") {
		if instance := InstanceID(id); instance != "" && len(out) < maxLaunched {
			out = append(out, Resource{Kind: "instance", ID: instance, Name: instance})
		}
	}
	return out
}

// rollouts are calls that have CloudFormation work in other accounts, by its execution role there.
var rollouts = []string{"CreateStackSet", "UpdateStackSet", "CreateStackInstances", "UpdateStackInstances"}

// Grants lists what a successful call brought into being or made more powerful, for others to act as: identities, keys, the instances that it
// started, and the stack sets that it had rolled out.
func (f *Facts) Grants() []Resource {
	op := f.ev.Text(at.operation)
	if !isCall(f.ev) || f.Outcome() != "success" {
		return nil
	}
	var out []Resource
	response := f.ev.Doc.Get("responseElements")
	for _, path := range grantPaths[op] {
		for _, id := range member(response, path) {
			out = append(out, Resource{Kind: "access_key", ID: id})
		}
	}
	out = append(out, launched(op, response)...)
	if slices.Contains(rollouts, op) && f.ev.Text(at.service) == "cloudformation.amazonaws.com" {
		for _, name := range member(f.ev.Doc.Get("requestParameters"), "stackSetName") {
			out = append(out, Resource{Kind: "stack_set", ID: name, Name: name})
		}
	}
	if slices.Contains(grantTargets, op) {
		for _, r := range f.Resources() {
			if r.Kind == "user" || r.Kind == "role" {
				out = append(out, r)
			}
		}
		if f.self() {
			out = slices.DeleteFunc(out, func(r Resource) bool { return r.Kind == "user" })
		}
	}
	return out
}
