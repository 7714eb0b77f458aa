package format

import (
	"github.com/tocsin-security/tocsin/internal/format/alb"
	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/format/ocsfjson"
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

// LogSource is the Sigma log source of a format's records.
func LogSource(name string) sigma.LogSource {
	for _, f := range All() {
		if f.Name == name {
			return sigma.LogSource{Product: f.Product, Service: f.Service}
		}
	}
	return sigma.LogSource{}
}
