package format

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/sigma"
)

// TestOCSFEventsAreOfTheProductThatTheyName: rules for CloudTrail see what CloudTrail recorded, and no flow of a VPC.
func TestOCSFEventsAreOfTheProductThatTheyName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		product, more string
		want          sigma.LogSource
	}{
		{"CloudTrail", "", sigma.LogSource{Product: "aws", Service: "cloudtrail"}},
		{"Amazon VPC", "", sigma.LogSource{Product: "aws", Service: "vpcflow"}},
		{"Route 53", "", sigma.LogSource{Product: "aws", Service: "route53resolver"}},
		{"Security Hub", "", sigma.LogSource{Product: "aws", Service: "securityhub"}},
		{"Amazon EKS", "", sigma.LogSource{Product: "kubernetes", Service: "audit"}},
		{"", `,"api":{"operation":"ListUsers"}`, sigma.LogSource{Product: "aws", Service: "cloudtrail"}},
		{"", "", sigma.LogSource{Product: "ocsf"}},
		{"Somebody's", `,"api":{"operation":"ListUsers"}`, sigma.LogSource{Product: "ocsf"}},
	} {
		in := fmt.Sprintf(`{"class_uid":6003,"time":1773136800000,"metadata":{"product":{"name":%q}}%s}`, c.product, c.more)
		n, bad := decode(t, strings.NewReader(in), func(e *ocsf.Event) {
			if got := LogSourceOf(e); got != c.want {
				t.Errorf("an event of %q is of %+v, want %+v", c.product, got, c.want)
			}
		})
		if n != 1 || len(bad) > 0 {
			t.Errorf("%s: %d events, %v", in, n, bad)
		}
	}
	for name := range products {
		if LogSource(products[name]) == (sigma.LogSource{}) {
			t.Errorf("product %q is read by the format %q, which there is not", name, products[name])
		}
	}
}
