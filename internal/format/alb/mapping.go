package alb

import (
	"strings"

	"github.com/tocsin-security/tocsin/internal/aws"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Mapping is the table from access logs of Application Load Balancers to OCSF: our own, as there is no official one.
var Mapping = (&ocsf.Mapping{
	Name:     "alb",
	Title:    "Application Load Balancer access logs",
	Class:    ocsf.HTTPClass,
	Profiles: []string{"load_balancer"},
	Rows: []ocsf.Row{
		{Field: ocsf.Time, From: "time", Convert: ocsf.Occurred, Note: "epoch milliseconds"},
		{Field: ocsf.MetadataOriginalTime, From: "time"},
		{Field: ocsf.StartTime, From: "request_creation_time", Convert: millis, Note: "epoch milliseconds"},
		{Field: ocsf.MetadataProductName, Const: "Elastic Load Balancing"},
		{Field: ocsf.MetadataProductVendor, Const: "AWS"},
		{Field: ocsf.MetadataProductFeature, Const: "Application Load Balancer access logs"},
		{Field: ocsf.MetadataEventCode, From: "type"},
		{Field: ocsf.SeverityID, Const: "1", Note: "informational"},
		{Field: ocsf.StatusID, From: "elb_status_code", Convert: ocsf.HTTPStatus, Copied: true, Note: "2 Failure from 400 on, else 1 Success"},
		{Field: ocsf.CloudProvider, Const: "AWS"},
		{Field: ocsf.CloudAccountUID, From: "target_group_arn", Convert: account, Copied: true, Note: "of the ARN, else of chosen_cert_arn; missing where there is neither"},
		{Field: ocsf.CloudRegion, From: "target_group_arn", Convert: region, Copied: true, Note: "likewise"},
		{Field: ocsf.SrcIP, From: "client_ip", Convert: ocsf.OnlyIP},
		{Field: ocsf.SrcPort, From: "client_port", Convert: ocsf.OnlyPort},
		{Field: ocsf.DstIP, From: "target_ip", Convert: ocsf.OnlyIP, Note: "the target that the request was sent to"},
		{Field: ocsf.DstPort, From: "target_port", Convert: targetPort, Note: "of a target that is an address"},
		{Field: ocsf.DstServiceName, Const: "elasticloadbalancing"},
		{Field: ocsf.LoadBalancerUID, From: "elb"},
		{Field: ocsf.LoadBalancerCode, From: "target_status_code"},
		{Field: ocsf.LoadBalancerError, From: "error_reason"},
		{Field: ocsf.LoadBalancerClassification, From: "classification"},
		{Field: ocsf.StatusDetail, From: "classification_reason"},
		{Field: ocsf.HTTPMethod, From: "request_verb", Convert: ocsf.HTTPMethodOf, Note: "one that OCSF lists"},
		{Field: ocsf.HTTPVersion, From: "request_proto"},
		{Field: ocsf.URLString, From: "request_url"},
		{Field: ocsf.URLScheme, From: "request_url", Convert: scheme, Copied: true},
		{Field: ocsf.URLHostname, From: "request_url", Convert: hostname, Copied: true},
		{Field: ocsf.URLPath, From: "request_url", Convert: path, Copied: true},
		{Field: ocsf.URLQuery, From: "request_url", Convert: query, Copied: true},
		{Field: ocsf.HTTPRequestUID, From: "trace_id"},
		{Field: ocsf.HTTPRequestLength, From: "received_bytes", Convert: ocsf.OnlyCount},
		{Field: ocsf.UserAgent, From: "user_agent"},
		{Field: ocsf.HTTPResponseCode, From: "elb_status_code"},
		{Field: ocsf.HTTPResponseLength, From: "sent_bytes", Convert: sent, Note: "of requests that have a status"},
		{Field: ocsf.TLSVersion, From: "ssl_protocol"},
		{Field: ocsf.TLSCipher, From: "ssl_cipher", Convert: ifTLS, Note: "of requests that have an ssl_protocol"},
		{Field: ocsf.TLSSNI, From: "domain_name", Convert: ifTLS, Note: "likewise"},
	},
}).Compile()

// at are the members that conversions look at beside their own.
var at = struct{ cert, target, status, tls ocsf.Path }{
	ocsf.ParsePath("chosen_cert_arn"), ocsf.ParsePath("target_ip"), ocsf.ParsePath("elb_status_code"), ocsf.ParsePath("ssl_protocol"),
}

func str(s string) ocsf.Value { return ocsf.Value{Kind: ocsf.String, Str: s} }

func millis(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	t, err := ocsf.ParseTime(v.Str)
	if v.Str == "" || err != nil {
		return ocsf.Value{}
	}
	return e.Int(t)
}

func account(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if a := aws.AccountOf(v.Str); a != "" {
		return str(a)
	}
	return str(aws.AccountOf(e.Text(at.cert)))
}

func region(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if r := aws.RegionOf(v.Str); r != "" {
		return str(r)
	}
	return str(aws.RegionOf(e.Text(at.cert)))
}

func targetPort(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if ocsf.OnlyIP(str(e.Text(at.target)), e).Str == "" {
		return ocsf.Value{}
	}
	return ocsf.OnlyPort(v, e)
}

// url takes http://host:80/path?query apart.
func url(s string) (scheme, host, path, query string) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		scheme, rest = "", s
	}
	rest, query, _ = strings.Cut(rest, "?")
	i := strings.IndexByte(rest, '/')
	if i < 0 {
		return scheme, rest, "", query
	}
	return scheme, rest[:i], rest[i:], query
}

func scheme(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	s, _, _, _ := url(v.Str)
	return str(s)
}

func hostname(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	_, host, _, _ := url(v.Str)
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i:], ']') < 0 {
		host = host[:i]
	}
	return str(host)
}

func path(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	_, _, p, _ := url(v.Str)
	return str(p)
}

func query(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	_, _, _, q := url(v.Str)
	return str(q)
}

func sent(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if e.Text(at.status) == "" {
		return ocsf.Value{}
	}
	return ocsf.OnlyCount(v, e)
}

func ifTLS(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if e.Text(at.tls) == "" {
		return ocsf.Value{}
	}
	return v
}
