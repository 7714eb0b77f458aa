package awsconfig

import (
	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Mapping is the table from AWS Config to OCSF. There is no official one. Items are written under different names in files,
// notifications and old versions; the first that is there is taken.
var Mapping = (&ocsf.Mapping{
	Name:  "awsconfig",
	Title: "AWS Config",
	Class: class,
	Rows: []ocsf.Row{
		{Field: ocsf.Time, From: "configurationItemCaptureTime", Convert: occurred, Note: "epoch milliseconds; of compliance resultRecordedTime"},
		{Field: ocsf.MetadataUID, From: "configurationStateId", Convert: eventID, Note: "resource type, resource and state; of compliance rule, resource and time"},
		{Field: ocsf.MetadataEventCode, From: "messageType"},
		{Field: ocsf.MetadataProductName, Const: "AWS Config"},
		{Field: ocsf.MetadataProductVendor, Const: "AWS"},
		{Field: ocsf.MetadataProductVersion, From: "version", Convert: item("version", "configurationItemVersion", "recordVersion")},
		{Field: ocsf.MetadataProductFeature, From: "configurationItemStatus", Convert: item("configurationItemStatus"), Copied: true, Note: "what became of the item: OK, ResourceDiscovered, ResourceDeleted …"},
		{Field: ocsf.SeverityID, Const: "1", Note: "informational: AWS Config gives none"},
		{Field: ocsf.StatusID, From: "newEvaluationResult.complianceType", Convert: status, Copied: true, Classes: []int{classCompliance}, Note: "4 Resolved for COMPLIANT, else 1 New"},
		{Field: ocsf.CloudProvider, Const: "AWS"},
		{Field: ocsf.CloudRegion, From: "awsRegion", Convert: item("awsRegion")},
		{Field: ocsf.CloudAccountUID, From: "accountId", Convert: item("accountId", "awsAccountId")},
		{Field: ocsf.ResourceUID, From: "arn", Convert: item("arn", "ARN", "resourceId"), Copied: true, Note: "the ARN, else the id"},
		{Field: ocsf.ResourceType, From: "resourceType", Convert: item("resourceType"), Copied: true},
		{Field: ocsf.Resources, From: "resourceId", Convert: resources, Copied: true},
		{Field: ocsf.FindingUID, From: "configRuleARN", Convert: findingID, Copied: true, Classes: []int{classCompliance}, Note: "rule and resource, which joins the changes"},
		{Field: ocsf.FindingTitle, From: "configRuleName", Convert: title, Copied: true, Classes: []int{classCompliance}},
		{Field: ocsf.ComplianceControl, From: "configRuleName", Classes: []int{classCompliance}},
		{Field: ocsf.ComplianceStatusID, From: "newEvaluationResult.complianceType", Convert: compliance, Copied: true, Classes: []int{classCompliance}, Note: "COMPLIANT 1, NON_COMPLIANT 3, else 0"},
	},
}).Compile()

// inside are the prefixes of what holds the item in a notification.
var inside = []string{"", "configurationItem.", "configurationItemSummary."}

// item takes the first that holds something: the row's own member, or one of names at the top or in the item of a notification.
func item(names ...string) ocsf.Convert {
	var paths []ocsf.Path
	for _, name := range names {
		for _, in := range inside {
			paths = append(paths, ocsf.ParsePath(in+name))
		}
	}
	return func(v ocsf.Value, e *ocsf.Event) ocsf.Value {
		if v.Str == "" {
			return str(first(e, paths))
		}
		return v
	}
}

// The members that checks and conversions look at beside their own.
var (
	times   = paths("configurationItemCaptureTime", "configurationItem.configurationItemCaptureTime", "configurationItemSummary.configurationItemCaptureTime", "newEvaluationResult.resultRecordedTime", "notificationCreationTime")
	states  = paths("configurationStateId", "configurationStateID", "configurationItem.configurationStateId", "configurationItemSummary.configurationStateId")
	ids     = paths("resourceId", "configurationItem.resourceId", "configurationItemSummary.resourceId")
	kinds   = paths("resourceType", "configurationItem.resourceType", "configurationItemSummary.resourceType")
	named   = paths("resourceName", "configurationItem.resourceName", "configurationItemSummary.resourceName")
	created = paths("resourceCreationTime", "configurationItem.resourceCreationTime", "configurationItemSummary.resourceCreationTime")
	zones   = paths("availabilityZone", "configurationItem.availabilityZone", "configurationItemSummary.availabilityZone")
	rule    = paths("configRuleARN", "configRuleArn", "configRuleName")
	result  = ocsf.ParsePath("newEvaluationResult.complianceType")
)

func paths(dotted ...string) []ocsf.Path {
	out := make([]ocsf.Path, len(dotted))
	for i, d := range dotted {
		out[i] = ocsf.ParsePath(d)
	}
	return out
}

func first(e *ocsf.Event, paths []ocsf.Path) string {
	for _, p := range paths {
		if s := e.Text(p); s != "" {
			return s
		}
	}
	return ""
}

func str(s string) ocsf.Value    { return ocsf.Value{Kind: ocsf.String, Str: s} }
func number(s string) ocsf.Value { return ocsf.Value{Kind: ocsf.Number, Str: s} }

func occurred(_ ocsf.Value, e *ocsf.Event) ocsf.Value { return e.Int(e.Millis) }

func eventID(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	if e.Doc.Exists("newEvaluationResult") {
		return e.Join(first(e, rule), "/", first(e, kinds), "/", first(e, ids), "@", first(e, times))
	}
	return e.Join(first(e, kinds), "/", first(e, ids), "@", first(e, states), "@", first(e, times))
}

func findingID(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	return e.Join(first(e, rule), "/", first(e, kinds), "/", first(e, ids))
}

func title(v ocsf.Value, e *ocsf.Event) ocsf.Value { return e.Join(v.Str, ": ", e.Text(result)) }

func status(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	if v.Str == "COMPLIANT" {
		return number("4")
	}
	return number("1")
}

func compliance(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	switch v.Str {
	case "COMPLIANT":
		return number("1")
	case "NON_COMPLIANT":
		return number("3")
	}
	return number("0")
}

func resources(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	return e.Make(func(m *ocsf.Maker, e *ocsf.Event) {
		m.List("")
		m.Object("")
		m.Text("uid", e.Str(ocsf.ResourceUID))
		m.Text("uid_alt", first(e, ids))
		m.Text("name", first(e, named))
		m.Text("type", first(e, kinds))
		m.Text("region", e.Str(ocsf.CloudRegion))
		m.Text("zone", first(e, zones))
		m.Text("version", first(e, states))
		m.Millis("created_time", first(e, created))
		if owner := e.Str(ocsf.CloudAccountUID); owner != "" {
			m.Object("owner")
			m.Text("uid", owner)
			m.Object("account")
			m.Text("uid", owner)
			m.End()
			m.End()
		}
		m.JSON("data", configuration(e.Doc))
	})
}

// configuration is the item's configuration, an object in files and text in the API.
func configuration(doc *fastjson.Value) *fastjson.Value {
	if c := doc.Get("configuration"); c != nil {
		return c
	}
	return doc.Get("configurationItem", "configuration")
}
