package eksaudit

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/tocsin-security/tocsin/internal/aws"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Mapping is the table from the Kubernetes audit log to OCSF. Source: AWS's own mapping of EKS audit logs in ocsf/examples (OCSF
// 1.1.0), carried to 1.8.0; rows marked "own" have no official counterpart or differ from it.
var Mapping = (&ocsf.Mapping{
	Name:  "eksaudit",
	Title: "Kubernetes audit log (Amazon EKS)",
	Class: class,
	Rows: []ocsf.Row{
		{Field: ocsf.Time, From: "stageTimestamp", Convert: occurred, Note: "epoch milliseconds; else requestReceivedTimestamp or timestamp"},
		{Field: ocsf.MetadataOriginalTime, From: "stageTimestamp"},
		{Field: ocsf.MetadataUID, From: "auditID", Convert: eventID, Note: "own; auditID/stage for stages before the last"},
		{Field: ocsf.MetadataEventCode, From: "stage"},
		{Field: ocsf.MetadataProductName, Const: "Amazon EKS"},
		{Field: ocsf.MetadataProductVendor, Const: "AWS"},
		{Field: ocsf.MetadataProductVersion, From: "apiVersion"},
		{Field: ocsf.MetadataProductFeature, Const: "Elastic Kubernetes Service audit logs"},
		{Field: ocsf.SeverityID, Const: "1", Note: "informational"},
		{Field: ocsf.StatusID, From: "responseStatus.code", Convert: status, Copied: true, Note: "2 Failure from 400 on or where authorization forbids, else 1 Success"},
		{Field: ocsf.CloudProvider, Const: "AWS"},
		{Field: ocsf.CloudAccountUID, From: "cloudWatchLogs.owner", Convert: account, Note: "own; else from user.extra.arn or user.uid"},
		{Field: ocsf.APIOperation, From: "verb"},
		{Field: ocsf.APIServiceName, From: "objectRef.apiGroup", Convert: group, Note: "own; kubernetes for the core group"},
		{Field: ocsf.APIVersion, From: "objectRef.apiVersion"},
		{Field: ocsf.APIRequestUID, From: "auditID"},
		{Field: ocsf.APIRequestData, From: "requestObject"},
		{Field: ocsf.APIResponseData, From: "responseObject"},
		{Field: ocsf.APIResponseCode, From: "responseStatus.code"},
		{Field: ocsf.APIResponseError, From: "responseStatus.reason"},
		{Field: ocsf.APIResponseMessage, From: "responseStatus.message"},
		{Field: ocsf.URLPath, From: "requestURI"},
		{Field: ocsf.UserAgent, From: "userAgent"},
		{Field: ocsf.SrcIP, From: "sourceIPs", Convert: onlyIP, Whole: true, Copied: true, Note: "the first"},
		{Field: ocsf.SrcDomain, From: "sourceIPs", Convert: onlyName, Whole: true, Copied: true, Note: "where it is no address; unknown where it is missing"},
		{Field: ocsf.ActorUserName, From: "user.username"},
		{Field: ocsf.ActorUserUID, From: "user.extra.arn", Convert: principal, Whole: true, Note: "own; the IAM principal, else user.uid or user.username"},
		{Field: ocsf.ActorUserUIDAlt, From: "user.uid"},
		{Field: ocsf.ActorUserGroups, From: "user.groups", Convert: groups},
		{Field: ocsf.ActorUserCredentialUID, From: "user.extra.accessKeyId"},
		{Field: ocsf.ActorSessionIssuer, From: "user.extra.canonicalArn"},
		{Field: ocsf.ActorSessionUID, From: "user.extra.sessionName"},
		{Field: ocsf.Resources, From: "objectRef", Convert: resources, Copied: true},
		{Field: ocsf.ResourceUID, From: "objectRef.resource", Convert: resourceID, Copied: true, Note: "own; namespace/resource/name"},
		{Field: ocsf.ResourceType, From: "objectRef.resource", Convert: resourceType, Copied: true, Note: "resource/subresource"},
	},
}).Compile()

const classAPIActivity = 6003

// class goes by the verb of the request.
func class(e *ocsf.Event) (uid, activity int) {
	switch e.Text(verb) {
	case "create":
		return classAPIActivity, 1
	case "get", "list", "watch":
		return classAPIActivity, 2
	case "update", "patch":
		return classAPIActivity, 3
	case "delete", "deletecollection":
		return classAPIActivity, 4
	}
	return classAPIActivity, 99
}

// The members that checks, classes and conversions look at beside their own.
var (
	times       = []ocsf.Path{ocsf.ParsePath("stageTimestamp"), ocsf.ParsePath("requestReceivedTimestamp"), ocsf.ParsePath("timestamp")}
	verb        = ocsf.ParsePath("verb")
	stage       = ocsf.ParsePath("stage")
	decision    = ocsf.ParsePath("annotations.authorization.k8s.io/decision")
	callerARN   = ocsf.ParsePath("user.extra.arn")
	callerUID   = ocsf.ParsePath("user.uid")
	username    = ocsf.ParsePath("user.username")
	resource    = ocsf.ParsePath("objectRef.resource")
	subresource = ocsf.ParsePath("objectRef.subresource")
	namespace   = ocsf.ParsePath("objectRef.namespace")
	objectName  = ocsf.ParsePath("objectRef.name")
)

func number(s string) ocsf.Value { return ocsf.Value{Kind: ocsf.Number, Str: s} }
func str(s string) ocsf.Value    { return ocsf.Value{Kind: ocsf.String, Str: s} }

func occurred(_ ocsf.Value, e *ocsf.Event) ocsf.Value { return e.Int(e.Millis) }

func eventID(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if s := e.Text(stage); s != "ResponseComplete" && s != "" {
		return e.Join(v.Str, "/", s)
	}
	return v
}

func status(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if code, err := strconv.Atoi(v.Str); err == nil && code >= 400 || e.Text(decision) == "forbid" {
		return number("2")
	}
	return number("1")
}

// account is who owns the cluster. The IAM authenticator writes the caller's into user.uid: aws-iam-authenticator:111122223333:AROA….
func account(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if v.Str != "" {
		return v
	}
	if arn, ok := aws.ParseARN(e.Text(callerARN)); ok {
		return str(arn.Account)
	}
	if _, rest, ok := strings.Cut(e.Text(callerUID), ":"); ok {
		if id, _, _ := strings.Cut(rest, ":"); aws.IsAccount(id) {
			return str(id)
		}
	}
	return v
}

func group(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	if v.Str == "" {
		return str("kubernetes")
	}
	return v
}

func isIP(s string) bool {
	if s == "" {
		return false
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

func onlyIP(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	if !isIP(v.Str) {
		return ocsf.Value{}
	}
	return v
}

func onlyName(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	switch {
	case isIP(v.Str):
		return ocsf.Value{}
	case v.Str == "":
		return str("unknown")
	}
	return v
}

func principal(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	for _, p := range [...]ocsf.Path{callerUID, username} {
		if v.Str == "" {
			v = str(e.Text(p))
		}
	}
	if v.Str == "" {
		return str("unknown")
	}
	return v
}

func groups(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	return e.Make(func(m *ocsf.Maker, e *ocsf.Event) {
		m.List("")
		for _, g := range e.Doc.GetArray("user", "groups") {
			m.Object("")
			m.Text("name", ocsf.Words(g))
			m.End()
		}
	})
}

func resourceID(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	space, name := e.Text(namespace), e.Text(objectName)
	switch {
	case v.Str == "":
		return ocsf.Value{}
	case space != "" && name != "":
		return e.Join(space, "/", v.Str, "/", name)
	case space != "":
		return e.Join(space, "/", v.Str)
	case name != "":
		return e.Join(v.Str, "/", name)
	}
	return v
}

func resourceType(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if sub := e.Text(subresource); sub != "" {
		return e.Join(v.Str, "/", sub)
	}
	return v
}

func resources(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	return e.Make(func(m *ocsf.Maker, e *ocsf.Event) {
		if e.Text(resource) == "" {
			return
		}
		m.List("")
		m.Object("")
		m.Text("uid", e.Str(ocsf.ResourceUID))
		m.Text("uid_alt", ocsf.Words(e.Doc, "objectRef", "uid"))
		m.Text("name", e.Text(objectName))
		m.Text("namespace", e.Text(namespace))
		m.Text("type", e.Str(ocsf.ResourceType))
		m.Text("version", ocsf.Words(e.Doc, "objectRef", "resourceVersion"))
	})
}
