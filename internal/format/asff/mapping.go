package asff

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/aws"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Mapping is the table from ASFF to OCSF. Source: AWS's own mapping in ocsf/examples (OCSF 1.1.0), carried to 1.8.0; rows marked
// "own" have no official counterpart.
var Mapping = (&ocsf.Mapping{
	Name:  "asff",
	Title: "AWS Security Hub findings (ASFF)",
	Class: class,
	Rows: []ocsf.Row{
		{Field: ocsf.Time, From: "UpdatedAt", Convert: occurred, Note: "epoch milliseconds; CreatedAt where it is missing"},
		{Field: ocsf.MetadataOriginalTime, From: "UpdatedAt"},
		{Field: ocsf.MetadataUID, From: "Id", Convert: eventID, Note: "own; Id@UpdatedAt: each update is an event"},
		{Field: ocsf.MetadataProductName, From: "ProductName", Convert: product, Note: "else from ProductFields or ProductArn"},
		{Field: ocsf.MetadataProductVendor, From: "CompanyName", Convert: vendor, Note: "AWS where it is missing"},
		{Field: ocsf.MetadataProductVersion, From: "SchemaVersion"},
		{Field: ocsf.CloudProvider, Const: "AWS"},
		{Field: ocsf.CloudRegion, From: "Region", Convert: region, Note: "else of the first resource"},
		{Field: ocsf.CloudAccountUID, From: "AwsAccountId"},
		{Field: ocsf.SeverityID, From: "Severity.Label", Convert: severity, Copied: true, Note: "INFORMATIONAL 1 to CRITICAL 5; else from Severity.Normalized"},
		{Field: ocsf.StatusID, From: "Workflow.Status", Convert: status, Note: "1 New, 2 NOTIFIED, 3 SUPPRESSED, 4 RESOLVED; 5 where RecordState is ARCHIVED"},
		{Field: ocsf.ConfidenceScore, From: "Confidence"},
		{Field: ocsf.Count, From: "ProductFields.aws/guardduty/service/count", Convert: or("ProductFields.count")},
		{Field: ocsf.FindingUID, From: "Id"},
		{Field: ocsf.FindingTitle, From: "Title"},
		{Field: ocsf.FindingDesc, From: "Description"},
		{Field: ocsf.FindingTypes, From: "Types", Convert: or("FindingProviderFields.Types")},
		{Field: ocsf.FindingURL, From: "SourceUrl"},
		{Field: ocsf.FindingCreated, From: "CreatedAt", Convert: ocsf.Millis},
		{Field: ocsf.FindingModified, From: "UpdatedAt", Convert: ocsf.Millis},
		{Field: ocsf.FindingFirstSeen, From: "FirstObservedAt", Convert: ocsf.Millis},
		{Field: ocsf.FindingLastSeen, From: "LastObservedAt", Convert: ocsf.Millis},
		{Field: ocsf.FindingAnalytic, From: "GeneratorId", Convert: analytic, Note: "a rule of that name"},
		{Field: ocsf.Resources, From: "Resources", Convert: resources, Copied: true},
		{Field: ocsf.ResourceUID, From: "Resources.Id", Copied: true},
		{Field: ocsf.ResourceType, From: "Resources.Type", Copied: true},
		{Field: ocsf.ComplianceStatusID, From: "Compliance.Status", Convert: compliance, Classes: []int{classCompliance}, Note: "PASSED 1, WARNING 2, FAILED 3, else 0"},
		{Field: ocsf.ComplianceControl, From: "Compliance.SecurityControlId", Convert: or("GeneratorId"), Classes: []int{classCompliance}},
		{Field: ocsf.ComplianceRequirements, From: "Compliance.RelatedRequirements", Classes: []int{classCompliance}},
		{Field: ocsf.ComplianceStandards, From: "Compliance.AssociatedStandards.StandardsId", Classes: []int{classCompliance}},
		{Field: ocsf.RemediationDesc, From: "Remediation.Recommendation.Text", Classes: []int{classCompliance, classDetection}},
		{Field: ocsf.RemediationReferences, From: "Remediation.Recommendation.Url", Convert: beside("Remediation.Recommendation.Text"), Classes: []int{classCompliance, classDetection}, Note: "where there is a text"},
		{Field: ocsf.Vulnerabilities, From: "Vulnerabilities", Convert: vulnerabilities, Copied: true, Classes: []int{classVulnerability}},
		{Field: ocsf.Evidences, From: "Action.ActionType", Convert: evidences, Copied: true, Classes: []int{classDetection}, Note: "who did what from where: from Resources, Action and GuardDuty's ProductFields"},
		{Field: ocsf.ActorUserType, From: "Resources.Details.AwsIamAccessKey.PrincipalType", Copied: true},
		{Field: ocsf.ActorUserName, From: "Resources.Details.AwsIamAccessKey.PrincipalName", Convert: or("Resources.Details.AwsIamAccessKey.UserName"), Whole: true, Copied: true},
		{Field: ocsf.ActorUserUID, From: "Resources.Details.AwsIamAccessKey.PrincipalName", Convert: actorARN, Whole: true, Copied: true, Note: "own; the ARN that CloudTrail has for that user or role session"},
		{Field: ocsf.ActorUserUIDAlt, From: "Resources.Details.AwsIamAccessKey.PrincipalId", Copied: true},
		{Field: ocsf.ActorUserAccountUID, From: "AwsAccountId", Copied: true},
		{Field: ocsf.ActorUserCredentialUID, From: "Resources.Type", Convert: accessKey, Whole: true, Copied: true, Note: "own; the id in a resource of type AwsIamAccessKey"},
		{Field: ocsf.SrcIP, From: "Action.AwsApiCallAction.RemoteIpDetails.IpAddressV4", Convert: remote, Whole: true, Copied: true, Note: "else from GuardDuty's ProductFields or Network.SourceIpV4; not of outbound connections"},
		{Field: ocsf.APIOperation, From: "Action.AwsApiCallAction.Api", Convert: or(guardDuty+"awsApiCallAction/api", "ProductFields.action/awsApiCallAction/api"), Copied: true},
		{Field: ocsf.APIServiceName, From: "Action.AwsApiCallAction.ServiceName", Convert: or(guardDuty+"awsApiCallAction/serviceName", "ProductFields.action/awsApiCallAction/serviceName"), Copied: true},
	},
}).Compile()

// guardDuty is where GuardDuty's findings keep what their action was.
const guardDuty = "ProductFields.aws/guardduty/service/action/"

// The members that classes and conversions look at beside their own.
var (
	createdAt        = ocsf.ParsePath("CreatedAt")
	updatedAt        = ocsf.ParsePath("UpdatedAt")
	recordState      = ocsf.ParsePath("RecordState")
	complianceStatus = ocsf.ParsePath("Compliance.Status")
	controlID        = ocsf.ParsePath("Compliance.SecurityControlId")
	account          = ocsf.ParsePath("AwsAccountId")
	productArn       = ocsf.ParsePath("ProductArn")
	hubProduct       = ocsf.ParsePath("ProductFields.aws/securityhub/ProductName")
	resourceRegion   = ocsf.ParsePath("Resources.Region")
	resourcePart     = ocsf.ParsePath("Resources.Partition")
	normalized       = ocsf.ParsePath("Severity.Normalized")
	provided         = ocsf.ParsePath("FindingProviderFields.Severity.Label")
	direction        = ocsf.ParsePath(guardDuty + "networkConnectionAction/connectionDirection")
	remotes          = []ocsf.Path{
		ocsf.ParsePath("Action.NetworkConnectionAction.RemoteIpDetails.IpAddressV4"), ocsf.ParsePath("Action.PortProbeAction.PortProbeDetails.RemoteIpDetails.IpAddressV4"),
		ocsf.ParsePath(guardDuty + "awsApiCallAction/remoteIpDetails/ipAddressV4"), ocsf.ParsePath("ProductFields.action/awsApiCallAction/remoteIpDetails/ipAddressV4"),
		ocsf.ParsePath(guardDuty + "kubernetesApiCallAction/remoteIpDetails/ipAddressV4"), ocsf.ParsePath(guardDuty + "rdsLoginAttemptAction/remoteIpDetails/ipAddressV4"),
		ocsf.ParsePath(guardDuty + "networkConnectionAction/remoteIpDetails/ipAddressV4"), ocsf.ParsePath("Network.SourceIpV4"),
	}
)

func number(s string) ocsf.Value { return ocsf.Value{Kind: ocsf.Number, Str: s} }
func str(s string) ocsf.Value    { return ocsf.Value{Kind: ocsf.String, Str: s} }

// or takes the first of other members that holds something, where a row's own is empty.
func or(others ...string) ocsf.Convert {
	paths := make([]ocsf.Path, len(others))
	for i, o := range others {
		paths[i] = ocsf.ParsePath(o)
	}
	return func(v ocsf.Value, e *ocsf.Event) ocsf.Value {
		for _, p := range paths {
			if v.Str != "" {
				break
			}
			v = str(e.Text(p))
		}
		return v
	}
}

// beside drops a value where another member is empty.
func beside(other string) ocsf.Convert {
	path := ocsf.ParsePath(other)
	return func(v ocsf.Value, e *ocsf.Event) ocsf.Value {
		if e.Text(path) == "" {
			return ocsf.Value{}
		}
		return v
	}
}

func occurred(_ ocsf.Value, e *ocsf.Event) ocsf.Value { return e.Int(e.Millis) }

func eventID(v ocsf.Value, e *ocsf.Event) ocsf.Value { return e.Join(v.Str, "@", e.Text(updatedAt)) }

func product(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if v.Str == "" {
		v = str(e.Text(hubProduct))
	}
	if v.Str == "" {
		arn := e.Text(productArn)
		v = str(arn[strings.LastIndexByte(arn, '/')+1:])
	}
	if v.Str == "" {
		v = str("Security Hub")
	}
	return v
}

func vendor(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	if v.Str == "" {
		return str("AWS")
	}
	return v
}

func region(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if v.Str == "" {
		return str(e.Text(resourceRegion))
	}
	return v
}

// severity reads the label, else the number by the ranges that Security Hub gives labels for.
func severity(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if v.Str == "" {
		v = str(e.Text(provided))
	}
	switch v.Str {
	case "INFORMATIONAL":
		return number("1")
	case "LOW":
		return number("2")
	case "MEDIUM":
		return number("3")
	case "HIGH":
		return number("4")
	case "CRITICAL":
		return number("5")
	}
	n, err := strconv.ParseFloat(e.Text(normalized), 64)
	switch {
	case err != nil:
		return number("0")
	case n < 1:
		return number("1")
	case n < 40:
		return number("2")
	case n < 70:
		return number("3")
	case n < 90:
		return number("4")
	}
	return number("5")
}

func status(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if e.Text(recordState) == "ARCHIVED" {
		return number("5")
	}
	switch v.Str {
	case "NOTIFIED":
		return number("2")
	case "SUPPRESSED":
		return number("3")
	case "RESOLVED":
		return number("4")
	}
	return number("1")
}

func compliance(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	switch v.Str {
	case "PASSED":
		return number("1")
	case "WARNING":
		return number("2")
	case "FAILED":
		return number("3")
	}
	return number("0")
}

func actorARN(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	name := e.Str(ocsf.ActorUserName)
	arn := aws.PrincipalARN(e.Text(resourcePart), e.Text(account), e.Str(ocsf.ActorUserType), name, e.Str(ocsf.ActorUserUIDAlt))
	return e.Join(arn[:]...)
}

func accessKey(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	for _, r := range e.Doc.GetArray("Resources") {
		if id := ocsf.Words(r, "Id"); ocsf.Words(r, "Type") == "AwsIamAccessKey" {
			if id = id[strings.LastIndexAny(id, ":/")+1:]; id != "null" {
				return str(id)
			}
		}
	}
	return ocsf.Value{}
}

func remote(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if e.Text(direction) == "OUTBOUND" {
		return ocsf.Value{}
	}
	for _, p := range remotes {
		if isIP(v.Str) {
			return v
		}
		v = str(e.Text(p))
	}
	if isIP(v.Str) {
		return v
	}
	return ocsf.Value{}
}

func isIP(s string) bool {
	if s == "" {
		return false
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

func analytic(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	return e.Make(func(m *ocsf.Maker, e *ocsf.Event) {
		if id := ocsf.Words(e.Doc, "GeneratorId"); id != "" {
			m.Object("")
			m.Text("uid", id)
			m.Int("type_id", 1)
		}
	})
}

func resources(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	return e.Make(func(m *ocsf.Maker, e *ocsf.Event) {
		m.List("")
		for _, r := range e.Doc.GetArray("Resources") {
			if ocsf.Words(r, "Id") == "" {
				continue
			}
			m.Object("")
			m.Text("uid", ocsf.Words(r, "Id"))
			m.Text("type", ocsf.Words(r, "Type"))
			m.Text("region", ocsf.Words(r, "Region"))
			m.Text("cloud_partition", ocsf.Words(r, "Partition"))
			m.JSON("data", r.Get("Details"))
			m.End()
		}
	})
}

// evidences writes one evidence: the actor, the call and the address behind it.
func evidences(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	return e.Make(func(m *ocsf.Maker, e *ocsf.Event) {
		m.List("")
		m.Object("")
		m.Object("actor")
		m.Object("user")
		m.Text("uid", e.Str(ocsf.ActorUserUID))
		m.Text("name", e.Str(ocsf.ActorUserName))
		if e.Str(ocsf.ActorUserUID) != "" || e.Str(ocsf.ActorUserName) != "" {
			m.Text("type", e.Str(ocsf.ActorUserType))
			m.Text("uid_alt", e.Str(ocsf.ActorUserUIDAlt))
			m.Text("credential_uid", e.Str(ocsf.ActorUserCredentialUID))
		}
		m.End()
		m.End()
		if operation := e.Str(ocsf.APIOperation); operation != "" {
			m.Object("api")
			m.Text("operation", operation)
			m.Object("service")
			m.Text("name", e.Str(ocsf.APIServiceName))
			m.End()
			m.End()
		}
		m.Object("src_endpoint")
		m.Text("ip", e.Str(ocsf.SrcIP))
	})
}

func vulnerabilities(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	return e.Make(func(m *ocsf.Maker, e *ocsf.Event) {
		m.List("")
		for _, v := range e.Doc.GetArray("Vulnerabilities") {
			m.Object("")
			vulnerability(m, v)
			m.End()
		}
	})
}

func vulnerability(m *ocsf.Maker, v *fastjson.Value) {
	id := ocsf.Words(v, "Id")
	if id == "" {
		id = "unknown"
	}
	m.Object("cve")
	m.Text("uid", id)
	m.List("cvss")
	for _, c := range v.GetArray("Cvss") {
		if ocsf.IsNumber(c.Get("BaseScore")) && ocsf.Words(c, "Version") != "" {
			m.Object("")
			m.JSON("base_score", c.Get("BaseScore"))
			m.Text("vector_string", ocsf.Words(c, "BaseVector"))
			m.Text("version", ocsf.Words(c, "Version"))
			m.End()
		}
	}
	m.End()
	m.End()
	m.Text("vendor_name", ocsf.Words(v, "Vendor", "Name"))
	m.List("affected_packages")
	for _, p := range v.GetArray("VulnerablePackages") {
		if ocsf.Words(p, "Name") == "" || ocsf.Words(p, "Version") == "" {
			continue
		}
		m.Object("")
		m.Text("name", ocsf.Words(p, "Name"))
		m.Text("version", ocsf.Words(p, "Version"))
		m.Text("architecture", ocsf.Words(p, "Architecture"))
		m.Text("release", ocsf.Words(p, "Release"))
		m.Text("fixed_in_version", ocsf.Words(p, "FixedInVersion"))
		m.Text("package_manager", ocsf.Words(p, "PackageManager"))
		m.End()
	}
	m.End()
}
