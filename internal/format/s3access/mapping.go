package s3access

import (
	"strings"

	"github.com/tocsin-security/tocsin/internal/aws"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// classAPIActivity is OCSF's API Activity.
const classAPIActivity = 6003

// Mapping is the table from S3 access logs to OCSF: our own, as there is no official one.
var Mapping = (&ocsf.Mapping{
	Name:  "s3access",
	Title: "Amazon S3 server access logs",
	Class: class,
	Rows: []ocsf.Row{
		{Field: ocsf.Time, From: "time", Convert: ocsf.Occurred, Note: "epoch milliseconds"},
		{Field: ocsf.MetadataOriginalTime, From: "time"},
		{Field: ocsf.MetadataUID, From: "request_id", Convert: uid, Copied: true, Note: "request_id and a hash of bucket, operation, key and version: a batch has one id for many records"},
		{Field: ocsf.MetadataProductName, Const: "Amazon S3"},
		{Field: ocsf.MetadataProductVendor, Const: "AWS"},
		{Field: ocsf.MetadataProductFeature, Const: "Server access logs"},
		{Field: ocsf.SeverityID, Const: "1", Note: "informational"},
		{Field: ocsf.StatusID, From: "http_status", Convert: status, Copied: true, Note: "2 Failure from 400 on or with an error_code, else 1 Success"},
		{Field: ocsf.StatusCode, From: "error_code", Copied: true},
		{Field: ocsf.CloudProvider, Const: "AWS"},
		{Field: ocsf.CloudRegion, From: "host_header", Convert: region, Copied: true, Note: "of the endpoint; of the access point's ARN where the endpoint names none"},
		{Field: ocsf.CloudAccountUID, From: "access_point_arn", Convert: account, Copied: true, Note: "of the access point's ARN; missing without one"},
		{Field: ocsf.APIOperation, From: "operation"},
		{Field: ocsf.APIServiceName, Const: "s3.amazonaws.com"},
		{Field: ocsf.APIRequestUID, From: "request_id"},
		{Field: ocsf.APIResponseError, From: "error_code"},
		{Field: ocsf.SrcIP, From: "remote_ip", Convert: ocsf.OnlyIP},
		{Field: ocsf.SrcDomain, From: "remote_ip", Convert: onlyName, Note: "unknown where no address is recorded: S3 acted by itself"},
		{Field: ocsf.ActorUserUID, From: "requester", Convert: requester, Note: "ARN or canonical id; anonymous where the request had no credentials"},
		{Field: ocsf.ActorUserTypeID, From: "requester", Convert: userType, Copied: true, Note: "IAM user 1, role session 99, anonymous 0"},
		{Field: ocsf.ActorUserAccountUID, From: "requester", Convert: account, Copied: true, Note: "of the ARN"},
		{Field: ocsf.UserAgent, From: "user_agent"},
		{Field: ocsf.HTTPReferrer, From: "referer"},
		{Field: ocsf.HTTPMethod, From: "request_uri", Convert: method, Copied: true, Note: "one that OCSF lists"},
		{Field: ocsf.HTTPVersion, From: "request_uri", Convert: version, Copied: true},
		{Field: ocsf.URLPath, From: "request_uri", Convert: path, Copied: true},
		{Field: ocsf.URLQuery, From: "request_uri", Convert: query, Copied: true},
		{Field: ocsf.URLHostname, From: "host_header", Convert: hostname, Note: "of requests that have a path"},
		{Field: ocsf.HTTPResponseCode, From: "http_status"},
		{Field: ocsf.HTTPResponseLength, From: "bytes_sent", Convert: length, Note: "of requests that have a status"},
		{Field: ocsf.ResourceUID, From: "bucket", Convert: bucket, Copied: true, Note: "ARN of the bucket"},
		{Field: ocsf.ResourceType, Const: "AWS::S3::Bucket"},
		{Field: ocsf.TLSVersion, From: "tls_version"},
		{Field: ocsf.TLSCipher, From: "cipher_suite", Convert: cipher, Note: "of requests that have a tls_version"},
	},
}).Compile()

// at are the members that conversions look at beside their own.
var at = struct{ operation, method, status, tls, arn, uri ocsf.Path }{
	ocsf.ParsePath("operation"), ocsf.ParsePath("request_uri"), ocsf.ParsePath("http_status"), ocsf.ParsePath("tls_version"), ocsf.ParsePath("access_point_arn"), ocsf.ParsePath("request_uri"),
}

// class: activities by the verb in the operation: REST.GET.OBJECT. 1 Create, 2 Read, 3 Update, 4 Delete.
func class(e *ocsf.Event) (uid, activity int) {
	_, rest, _ := strings.Cut(e.Text(at.operation), ".")
	verb, what, _ := strings.Cut(rest, ".")
	switch verb {
	case "GET", "HEAD", "OPTIONS", "SELECT":
		return classAPIActivity, 2
	case "PUT", "COPY":
		return classAPIActivity, 1
	case "POST":
		if strings.Contains(what, "DELETE") {
			return classAPIActivity, 4
		}
		return classAPIActivity, 1
	case "DELETE", "EXPIRE":
		return classAPIActivity, 4
	case "CREATE":
		return classAPIActivity, 1
	case "TRANSITION", "TRANSITION_SIA", "TRANSITION_ZIA", "TRANSITION_GDA", "TRANSITION_INT", "TRANSITION_GIR", "RESTORE":
		return classAPIActivity, 3
	}
	return classAPIActivity, 99
}

func str(s string) ocsf.Value    { return ocsf.Value{Kind: ocsf.String, Str: s} }
func number(s string) ocsf.Value { return ocsf.Value{Kind: ocsf.Number, Str: s} }

func uid(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if v.Str == "" {
		return ocsf.Value{}
	}
	return str(e.ID)
}

func status(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if e.Doc.Exists("error_code") || v.Kind == ocsf.Number && v.Str >= "400" && len(v.Str) == 3 {
		return number("2")
	}
	return number("1")
}

// region reads the Region of bucket.s3.eu-west-1.amazonaws.com, s3-eu-west-1.amazonaws.com, s3-accesspoint.eu-west-1.amazonaws.com.
func region(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	name, _, ok := strings.Cut(strings.ToLower(v.Str), ".amazonaws.com")
	if ok {
		last := name[strings.LastIndexByte(name, '.')+1:]
		last = strings.TrimPrefix(strings.TrimPrefix(last, "s3-website-"), "s3-")
		if strings.Count(last, "-") >= 2 && last[len(last)-1] >= '0' && last[len(last)-1] <= '9' {
			return str(last)
		}
	}
	return str(aws.RegionOf(e.Text(at.arn)))
}

func account(v ocsf.Value, _ *ocsf.Event) ocsf.Value { return str(aws.AccountOf(v.Str)) }

func onlyName(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if ocsf.OnlyIP(v, e).Str != "" {
		return ocsf.Value{}
	}
	return str("unknown")
}

func requester(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	if v.Str == "" {
		return str("anonymous")
	}
	return v
}

func userType(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	switch {
	case v.Str == "":
		return number("0")
	case strings.Contains(v.Str, ":user/"):
		return number("1")
	case strings.HasSuffix(v.Str, ":root"):
		return number("2")
	}
	return number("99")
}

// request takes "GET /bucket/key?x HTTP/1.1" apart.
func request(s string) (method, target, version string) {
	method, rest, _ := strings.Cut(s, " ")
	i := strings.LastIndexByte(rest, ' ')
	if i < 0 {
		return method, rest, ""
	}
	return method, rest[:i], rest[i+1:]
}

func method(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	m, _, _ := request(v.Str)
	switch m {
	case "GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS":
		return str(m)
	}
	return ocsf.Value{}
}

func version(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	_, _, p := request(v.Str)
	return str(p)
}

func path(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	_, target, _ := request(v.Str)
	p, _, _ := strings.Cut(target, "?")
	return str(p)
}

func query(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	_, target, _ := request(v.Str)
	p, q, _ := strings.Cut(target, "?")
	if p == "" {
		return ocsf.Value{}
	}
	return str(q)
}

func hostname(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if path(str(e.Text(at.uri)), e).Str == "" {
		return ocsf.Value{}
	}
	return v
}

func length(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if e.Text(at.status) == "" {
		return ocsf.Value{}
	}
	return v
}

func bucket(v ocsf.Value, e *ocsf.Event) ocsf.Value { return e.Prefixed("arn:aws:s3:::", v.Str) }

func cipher(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if e.Text(at.tls) == "" {
		return ocsf.Value{}
	}
	return v
}
