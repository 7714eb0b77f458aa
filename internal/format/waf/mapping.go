package waf

import (
	"bytes"
	"strings"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/aws"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Mapping is the table from WAF logs to OCSF. Source: AWS's own mapping in ocsf/examples (OCSF 1.1.0 and 1.5.0), carried to 1.8.0;
// "own" rows have no official counterpart.
var Mapping = (&ocsf.Mapping{
	Name:     "waf",
	Title:    "AWS WAF logs",
	Class:    ocsf.HTTPClass,
	Profiles: []string{"security_control"},
	Rows: []ocsf.Row{
		{Field: ocsf.Time, From: "timestamp", Convert: ocsf.Occurred, Note: "epoch milliseconds"},
		{Field: ocsf.MetadataProductVersion, From: "formatVersion"},
		{Field: ocsf.MetadataProductName, Const: "AWS WAF"},
		{Field: ocsf.MetadataProductVendor, Const: "AWS"},
		{Field: ocsf.MetadataFeatureUID, From: "webaclId"},
		{Field: ocsf.MetadataLabels, From: "labels.name"},
		{Field: ocsf.SeverityID, Const: "1", Note: "informational"},
		{Field: ocsf.StatusCode, From: "responseCodeSent"},
		{Field: ocsf.CloudProvider, Const: "AWS"},
		{Field: ocsf.CloudAccountUID, From: "webaclId", Convert: account, Note: "own; of the ARN"},
		{Field: ocsf.CloudRegion, From: "webaclId", Convert: region, Note: "own; of the ARN"},
		{Field: ocsf.ActionID, From: "action", Convert: action, Copied: true, Note: "ALLOW 1 Allowed, BLOCK, CAPTCHA and CHALLENGE 2 Denied: the request did not get through"},
		{Field: ocsf.DispositionID, From: "action", Convert: disposition, Note: "ALLOW 1 Allowed, BLOCK 2 Blocked, CAPTCHA 22, CHALLENGE 23, COUNT 20"},
		{Field: ocsf.SrcIP, From: "httpRequest.clientIp", Convert: ocsf.OnlyIP},
		{Field: ocsf.SrcCountry, From: "httpRequest.country", Convert: country, Note: "where it is known"},
		{Field: ocsf.SrcServiceName, From: "httpSourceName", Convert: named, Note: "what the web ACL protects: ALB, CF, APIGW …"},
		{Field: ocsf.SrcUID, From: "httpSourceId", Convert: named, Note: "the protected resource, as AWS maps it"},
		{Field: ocsf.FirewallRuleUID, From: "terminatingRuleId"},
		{Field: ocsf.FirewallRuleType, From: "terminatingRuleType", Convert: ifRule, Note: "of records with a rule"},
		{Field: ocsf.FirewallRuleCondition, From: "terminatingRuleMatchDetails.conditionType", Convert: ifRule, Copied: true, Note: "of the first match; all stay in unmapped"},
		{Field: ocsf.FirewallRuleLocation, From: "terminatingRuleMatchDetails.location", Convert: ifRule, Copied: true, Note: "likewise"},
		{Field: ocsf.FirewallRuleDetails, From: "terminatingRuleMatchDetails.matchedData", Convert: ifRule, Copied: true},
		{Field: ocsf.HTTPMethod, From: "httpRequest.httpMethod", Convert: ocsf.HTTPMethodOf, Note: "one that OCSF lists"},
		{Field: ocsf.HTTPVersion, From: "httpRequest.httpVersion"},
		{Field: ocsf.HTTPRequestUID, From: "httpRequest.requestId"},
		{Field: ocsf.HTTPArgs, From: "httpRequest.args"},
		{Field: ocsf.URLPath, From: "httpRequest.uri"},
		{Field: ocsf.URLScheme, From: "httpRequest.scheme", Convert: ifPath, Note: "of requests with a path"},
		{Field: ocsf.URLHostname, From: "httpRequest.headers.name", Convert: host, Copied: true, Note: "the Host header, of requests with a path"},
		{Field: ocsf.UserAgent, From: "httpRequest.headers.name", Convert: agent, Copied: true, Note: "the User-Agent header"},
		{Field: ocsf.HTTPReferrer, From: "httpRequest.headers.name", Convert: referer, Copied: true, Note: "the Referer header"},
		{Field: ocsf.XForwardedFor, From: "httpRequest.headers.name", Convert: forwarded, Copied: true, Note: "the X-Forwarded-For header, if it is one address"},
		{Field: ocsf.HTTPHeaders, From: "httpRequest.headers", Build: headers},
	},
}).Compile()

var (
	rule = ocsf.ParsePath("terminatingRuleId")
	uri  = ocsf.ParsePath("httpRequest.uri")
)

func str(s string) ocsf.Value    { return ocsf.Value{Kind: ocsf.String, Str: s} }
func number(s string) ocsf.Value { return ocsf.Value{Kind: ocsf.Number, Str: s} }

func account(v ocsf.Value, _ *ocsf.Event) ocsf.Value { return str(aws.AccountOf(v.Str)) }
func region(v ocsf.Value, _ *ocsf.Event) ocsf.Value  { return str(aws.RegionOf(v.Str)) }

func action(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	switch v.Str {
	case "ALLOW":
		return number("1")
	case "BLOCK", "CAPTCHA", "CHALLENGE":
		return number("2")
	}
	return ocsf.Value{}
}

var dispositions = map[string]string{"ALLOW": "1", "BLOCK": "2", "CAPTCHA": "22", "CHALLENGE": "23", "COUNT": "20"}

func disposition(v ocsf.Value, _ *ocsf.Event) ocsf.Value { return number(dispositions[v.Str]) }

// named lets through what is not "-".
func named(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	if v.Str == "-" {
		return ocsf.Value{}
	}
	return v
}

func country(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	if len(v.Str) != 2 {
		return ocsf.Value{}
	}
	return v
}

func ifRule(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if e.Text(rule) == "" {
		return ocsf.Value{}
	}
	return v
}

func ifPath(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if e.Text(uri) == "" {
		return ocsf.Value{}
	}
	return v
}

// header returns the value of a header, whose name does not tell cases apart. A Convert is asked once for each header of the
// record; only for the first does it answer.
func header(asked ocsf.Value, e *ocsf.Event, name string) ocsf.Value {
	list := e.Doc.GetArray("httpRequest", "headers")
	if len(list) == 0 || asked.Str != string(list[0].GetStringBytes("name")) {
		return ocsf.Value{}
	}
	return find(list, e, name)
}

func find(list []*fastjson.Value, e *ocsf.Event, name string) ocsf.Value {
	for _, h := range list {
		if bytes.EqualFold(h.GetStringBytes("name"), []byte(name)) {
			return e.Leaf(h.Get("value"))
		}
	}
	return ocsf.Value{}
}

func host(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if e.Text(uri) == "" {
		return ocsf.Value{}
	}
	v = header(v, e, "host")
	if i := strings.LastIndexByte(v.Str, ':'); i > 0 && strings.IndexByte(v.Str[i:], ']') < 0 {
		v.Str = v.Str[:i]
	}
	return v
}

func agent(v ocsf.Value, e *ocsf.Event) ocsf.Value   { return header(v, e, "user-agent") }
func referer(v ocsf.Value, e *ocsf.Event) ocsf.Value { return header(v, e, "referer") }

// forwarded is asked once for each name of a header, and answers at the one.
func forwarded(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if !strings.EqualFold(v.Str, "x-forwarded-for") {
		return ocsf.Value{}
	}
	return ocsf.OnlyIP(find(e.Doc.GetArray("httpRequest", "headers"), e, v.Str), e)
}

func headers(v *fastjson.Value) []any {
	var out []any
	for _, h := range v.GetArray() {
		name, value := h.GetStringBytes("name"), h.GetStringBytes("value")
		if len(name) > 0 && h.Get("value") != nil {
			out = append(out, map[string]any{"name": strings.ToValidUTF8(string(name), "\uFFFD"), "value": strings.ToValidUTF8(string(value), "\uFFFD")})
		}
	}
	return out
}
