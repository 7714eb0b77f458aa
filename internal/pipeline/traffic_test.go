package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// traffic holds one file of each format, three of them with something to find.
func traffic(t *testing.T) *collect.Inventory {
	t.Helper()
	dir := t.TempDir()
	flows := "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n" +
		"2 111122223333 eni-0a1b2c3d4e5f60718 - - - - - - - 1773136800 1773136860 - NODATA\n" +
		"2 111122223333 eni-0a1b2c3d4e5f60718 - - - - - - - 1773136800 1773136860 - SKIPDATA\n2 1\n"
	for i := range 5 {
		flows += fmt.Sprintf("2 111122223333 eni-0a1b2c3d4e5f60718 203.0.113.%d 10.0.1.20 51514 5432 6 12 2048 17731368%02d 1773136860 ACCEPT OK\n", i+1, i)
	}
	dns := `{"version":"1.1","account_id":"111122223333","region":"eu-west-1","vpc_id":"vpc-0a","query_timestamp":"2026-03-10T10:00:00Z","query_name":"pool.supportxmr.com.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[],"srcaddr":"10.0.1.20","srcport":"5","transport":"UDP","srcids":{"instance":"i-0a1b2c3d4e5f60718"}}`
	s3 := `owner shop-data [10/Mar/2026:10:00:00 +0000] 198.51.100.7 - REQ1 REST.PUT.OBJECT x.html "PUT /x.html HTTP/1.1" 200 - - 5 28 20 "-" "curl/8" - h= - - - shop-data.s3.eu-west-1.amazonaws.com TLSv1.3 - -`
	alb := `http 2026-03-10T10:00:00.186641Z app/shop/50dc 198.51.100.7:2817 10.0.0.1:80 0.0 0.0 0.0 200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7" - - arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/73 "Root=1" "-" "-" 0 2026-03-10T10:00:00.000000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"`
	waf := `{"timestamp":1773136800000,"formatVersion":1,"webaclId":"arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/shop/1","terminatingRuleId":"r","terminatingRuleType":"REGULAR","action":"BLOCK","httpSourceName":"ALB","httpSourceId":"111122223333-app/shop/50dc","httpRequest":{"clientIp":"198.51.100.7","country":"NL","headers":[],"uri":"/","args":"","httpVersion":"HTTP/2.0","httpMethod":"POST","requestId":"1"}}`
	for name, text := range map[string]string{"a.log": flows, "b.log": dns, "c.log": s3, "d.log": alb, "e.log": waf} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inv, err := collect.List(context.Background(), []string{dir}, nil, collect.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func TestTrafficIsScannedByDoubleEntry(t *testing.T) {
	t.Parallel()
	r, err := Run(t.Context(), Files{traffic(t)}, Options{Rules: rules(t), Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Received; got.Total != 12 || got.Mapped != 11 || got.Duplicate != 0 || got.Unreadable != 1 {
		t.Errorf("total %d, mapped %d, duplicate %d, unreadable %d; want 12, 11, 0, 1", got.Total, got.Mapped, got.Duplicate, got.Unreadable)
	}
	var found []string
	for _, in := range r.Incidents {
		for _, a := range in.Alerts {
			found = append(found, a.Sentence)
		}
	}
	for _, a := range r.Loose {
		found = append(found, a.Sentence)
	}
	all := strings.Join(found, "\n")
	for _, want := range []string{"answered 5 addresses of the internet on port 5432", "looked up pool.supportxmr.com., a pool for mining", "did REST.PUT.OBJECT on x.html in the bucket shop-data from 198.51.100.7"} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing says %q; there is\n%s", want, all)
		}
	}
	if len(found) != 3 {
		t.Errorf("%d alerts, want 3:\n%s", len(found), all)
	}
}

func TestPivotsOfTraffic(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"vpcflow":  "111122223333  eni-0a1b2c3d4e5f60718 203.0.113.1 ACCEPT eni-0a1b2c3d4e5f60718 ",
		"resolver": "111122223333 eu-west-1 i-0a1b2c3d4e5f60718 10.0.1.20 A pool.supportxmr.com ",
		"s3access": " eu-west-1 anonymous 198.51.100.7 REST.PUT.OBJECT arn:aws:s3:::shop-data anonymous",
		"alb":      "111122223333 eu-west-1 198.51.100.7 198.51.100.7 GET app/shop/50dc ",
		"waf":      "111122223333 eu-west-1 198.51.100.7 198.51.100.7 POST 111122223333-app/shop/50dc ",
	}
	got := map[string]string{}
	err := Each(t.Context(), traffic(t), nil, func(e *ocsf.Event, f *enrich.Facts) error {
		row := rowOf(e, f)
		if enrich.Handle(e) != "" {
			t.Errorf("%s makes habits of calls", e.Mapping.Name)
		}
		if _, known := got[e.Mapping.Name]; !known && row.SrcIP != "" {
			got[e.Mapping.Name] = strings.Clone(strings.Join([]string{e.Str(ocsf.CloudAccountUID), e.Str(ocsf.CloudRegion), row.Origin, row.SrcIP, row.Operation, row.Resource, row.Principal}, " "))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A rule for CloudTrail is not asked about other logs, even where its fields are there.
func TestRulesForCloudTrailDoNotSeeTraffic(t *testing.T) {
	t.Parallel()
	rule := "title: any\nid: 11111111-2222-4333-8444-555555555555\nlogsource: {product: aws, service: %s}\ndetection:\n    any:\n        eventName: null\n    condition: any\nlevel: high\n"
	for service, want := range map[string]int64{"cloudtrail": 0, "vpcflow": 7, "route53resolver": 1, "s3access": 1, "alb": 1, "waf": 1} {
		set, mistakes, err := detect.Load(fstest.MapFS{"r/a.yml": {Data: fmt.Appendf(nil, rule, service)}}, "r")
		if err != nil || len(mistakes) > 0 {
			t.Fatal(err, mistakes)
		}
		r, err := Run(t.Context(), Files{traffic(t)}, Options{Rules: set, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		total := int64(0)
		for _, n := range r.Signals {
			total += n
		}
		if total != want {
			t.Errorf("a rule for %s matched %d records, want %d", service, total, want)
		}
	}
}
