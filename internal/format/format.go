package format

import (
	"strings"
	"sync"

	"github.com/tocsin-security/tocsin/internal/format/alb"
	"github.com/tocsin-security/tocsin/internal/format/asff"
	"github.com/tocsin-security/tocsin/internal/format/awsconfig"
	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/format/eksaudit"
	"github.com/tocsin-security/tocsin/internal/format/guardduty"
	"github.com/tocsin-security/tocsin/internal/format/ocsfjson"
	"github.com/tocsin-security/tocsin/internal/format/ocsfparquet"
	"github.com/tocsin-security/tocsin/internal/format/resolver"
	"github.com/tocsin-security/tocsin/internal/format/s3access"
	"github.com/tocsin-security/tocsin/internal/format/vpcflow"
	"github.com/tocsin-security/tocsin/internal/format/waf"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/sigma"
)

// Format is one kind of log.
type Format struct {
	Name      string                 // the folder's name
	Recognise func(head []byte) bool // by content
	Shape     func() ocsf.Shape
	Product   string // Sigma log source of its records
	Service   string
}

// All lists the formats in the order in which they are asked. OCSF comes first: its raw_data can quote any other. CloudTrail comes last:
// an envelope that shows no message is taken for its.
func All() []Format {
	return []Format{
		{"ocsfjson", ocsfjson.Recognise, ocsfjson.Shape, "aws", "cloudtrail"},
		{"ocsfparquet", ocsfparquet.Recognise, ocsfparquet.Shape, "aws", "cloudtrail"},
		{"eksaudit", eksaudit.Recognise, eksaudit.Shape, "kubernetes", "audit"},
		{"guardduty", guardduty.Recognise, guardduty.Shape, "aws", "guardduty"},
		{"asff", asff.Recognise, asff.Shape, "aws", "securityhub"},
		{"awsconfig", awsconfig.Recognise, awsconfig.Shape, "aws", "config"},
		{"vpcflow", vpcflow.Recognise, vpcflow.Shape, "aws", "vpcflow"},
		{"resolver", resolver.Recognise, resolver.Shape, "aws", "route53resolver"},
		{"waf", waf.Recognise, waf.Shape, "aws", "waf"},
		{"s3access", s3access.Recognise, s3access.Shape, "aws", "s3access"},
		{"alb", alb.Recognise, alb.Shape, "aws", "alb"},
		{"cloudtrail", cloudtrail.Recognise, cloudtrail.Shape, "aws", "cloudtrail"},
	}
}

// HeadSize is how many bytes of a stream Detect wants to see.
const HeadSize = 64 << 10

// Detect returns the index in All of the format that a stream beginning with head is of, or -1.
func Detect(head []byte) int {
	for i, f := range All() {
		if f.Recognise(head) {
			return i
		}
	}
	return -1
}

// products are what an OCSF event names as the product whose record it was, with the format that reads such records.
var products = map[string]string{
	"CloudTrail": "cloudtrail", "Amazon VPC": "vpcflow", "Route 53": "resolver", "AWS WAF": "waf", "Amazon S3": "s3access", "Elastic Load Balancing": "alb",
	"Amazon EKS": "eksaudit", "GuardDuty": "guardduty", "Security Hub": "asff", "AWS Config": "awsconfig",
}

// LogSourceOf is the Sigma log source of one event. OCSF events are of the product that they name; those that name none and are a call are taken for
// CloudTrail's, and those of a product that is not known here have a source of their own, "ocsf".
func LogSourceOf(e *ocsf.Event) sigma.LogSource {
	if !IsOCSF(e.Mapping) {
		return LogSource(e.Mapping.Name)
	}
	product := e.Str(ocsf.MetadataProductName)
	if name, known := products[product]; known {
		return LogSource(name)
	}
	for other, name := range products { // written otherwise than Security Lake does
		if strings.EqualFold(product, other) {
			return LogSource(name)
		}
	}
	if product == "" && e.Str(ocsf.APIOperation) != "" {
		return LogSource("cloudtrail")
	}
	return sigma.LogSource{Product: "ocsf"}
}

// IsOCSF reports whether a mapping is of events that were OCSF as they came, of whatever product.
func IsOCSF(m *ocsf.Mapping) bool { return m.Name == "ocsfjson" || m.Name == "ocsfparquet" }

// LogSource is the Sigma log source of a format's records.
func LogSource(name string) sigma.LogSource { return logSources()[name] }

var logSources = sync.OnceValue(func() map[string]sigma.LogSource {
	out := map[string]sigma.LogSource{}
	for _, f := range All() {
		out[f.Name] = sigma.LogSource{Product: f.Product, Service: f.Service}
	}
	return out
})
