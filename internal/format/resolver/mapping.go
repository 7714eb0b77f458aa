package resolver

import (
	"strings"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// classDNS is OCSF's DNS Activity.
const classDNS = 4003

// Mapping is the table from query logs to OCSF. Source: AWS's own mapping of the Resolver's log in ocsf/examples (OCSF 1.1.0),
// carried to 1.8.0; "own" rows have no official counterpart.
var Mapping = (&ocsf.Mapping{
	Name:     "resolver",
	Title:    "Route 53 query logs (Resolver, public zones)",
	Class:    func(*ocsf.Event) (uid, activity int) { return classDNS, 6 }, // Traffic: query and response in one
	Profiles: []string{"security_control"},
	Rows: []ocsf.Row{
		{Field: ocsf.Time, From: "query_timestamp", Convert: ocsf.Occurred, Note: "epoch milliseconds"},
		{Field: ocsf.MetadataOriginalTime, From: "query_timestamp"},
		{Field: ocsf.MetadataProductVersion, From: "version"},
		{Field: ocsf.MetadataProductName, Const: "Route 53"},
		{Field: ocsf.MetadataProductVendor, Const: "AWS"},
		{Field: ocsf.MetadataProductFeature, From: "hosted_zone_id", Convert: feature, Copied: true, Note: "own; Resolver Query Logs, or Public DNS query logs for a record with a zone"},
		{Field: ocsf.SeverityID, Const: "1", Note: "informational"},
		{Field: ocsf.StatusID, From: "rcode", Convert: status, Copied: true, Note: "own; NOERROR 1 Success, any other 2 Failure"},
		{Field: ocsf.CloudProvider, Const: "AWS"},
		{Field: ocsf.CloudAccountUID, From: "account_id"},
		{Field: ocsf.CloudRegion, From: "region"},
		{Field: ocsf.SrcIP, From: "srcaddr", Convert: ocsf.OnlyIP},
		{Field: ocsf.SrcPort, From: "srcport", Convert: ocsf.OnlyPort},
		{Field: ocsf.SrcVPC, From: "vpc_id"},
		{Field: ocsf.SrcInstance, From: "srcids.instance"},
		{Field: ocsf.DstInstance, From: "srcids.resolver_endpoint"},
		{Field: ocsf.DstInterface, From: "srcids.resolver_network_interface", Convert: ifEndpoint, Note: "of queries through an endpoint"},
		{Field: ocsf.DstServiceName, Const: "route53", Note: "own"},
		{Field: ocsf.ProtocolName, From: "transport"},
		{Field: ocsf.DirectionID, Const: "0", Note: "not recorded"},
		{Field: ocsf.QueryHostname, From: "query_name", Convert: hostname, Copied: true, Note: "without the last dot"},
		{Field: ocsf.QueryType, From: "query_type"},
		{Field: ocsf.QueryClass, From: "query_class"},
		{Field: ocsf.Rcode, From: "rcode"},
		{Field: ocsf.RcodeID, From: "rcode", Convert: rcodeID, Copied: true, Note: "0 NOERROR, 3 NXDOMAIN … 99 Other"},
		{Field: ocsf.Answers, From: "answers", Build: answers, Note: "type, rdata and class of each"},
		{Field: ocsf.ActionID, From: "firewall_rule_action", Convert: action, Copied: true, Note: "BLOCK 2 Denied, ALERT and ALLOW 1 Allowed"},
		{Field: ocsf.DispositionID, From: "firewall_rule_action", Convert: disposition, Note: "BLOCK 2 Blocked, ALERT 19 Alert, ALLOW 1 Allowed"},
		{Field: ocsf.FirewallRuleUID, From: "firewall_rule_group_id"},
	},
}).Compile()

var (
	endpoint = ocsf.ParsePath("srcids.resolver_endpoint")
	codes    = map[string]string{
		"NOERROR": "0", "FORMERR": "1", "SERVFAIL": "2", "NXDOMAIN": "3", "NOTIMP": "4", "NOTIMPL": "4", "REFUSED": "5", "YXDOMAIN": "6", "YXRRSET": "7",
		"NXRRSET": "8", "NOTAUTH": "9", "NOTZONE": "10", "BADVERS": "16", "BADSIG": "16", "BADKEY": "17", "BADTIME": "18", "BADMODE": "19", "BADNAME": "20", "BADALG": "21",
	}
)

func str(s string) ocsf.Value    { return ocsf.Value{Kind: ocsf.String, Str: s} }
func number(s string) ocsf.Value { return ocsf.Value{Kind: ocsf.Number, Str: s} }

func feature(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	if v.Str != "" {
		return str("Public DNS query logs")
	}
	return str("Resolver Query Logs")
}

func status(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	switch v.Str {
	case "":
		return ocsf.Value{}
	case "NOERROR":
		return number("1")
	}
	return number("2")
}

func ifEndpoint(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if e.Text(endpoint) == "" {
		return ocsf.Value{}
	}
	return v
}

func hostname(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	if len(v.Str) > 1 {
		v.Str = strings.TrimSuffix(v.Str, ".")
	}
	return v
}

func rcodeID(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	if v.Str == "" {
		return ocsf.Value{}
	}
	if id := codes[v.Str]; id != "" {
		return number(id)
	}
	return number("99")
}

func action(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	switch v.Str {
	case "BLOCK":
		return number("2")
	case "ALERT", "ALLOW":
		return number("1")
	}
	return ocsf.Value{}
}

func disposition(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	switch v.Str {
	case "BLOCK":
		return number("2")
	case "ALERT":
		return number("19")
	case "ALLOW":
		return number("1")
	}
	return ocsf.Value{}
}

// answers renames the members of each answer. One without data is left out: OCSF requires it.
func answers(v *fastjson.Value) []any {
	var out []any
	for _, item := range v.GetArray() {
		a := map[string]any{}
		for ours, theirs := range map[string]string{"rdata": "Rdata", "type": "Type", "class": "Class"} {
			if s := item.GetStringBytes(theirs); len(s) > 0 {
				a[ours] = strings.ToValidUTF8(string(s), "\uFFFD")
			}
		}
		if a["rdata"] != nil {
			out = append(out, a)
		}
	}
	return out
}
