package format

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// foreign are the samples of others, by format: events and unreadable records that each file must give.
var foreign = []struct {
	glob, format string
	events, bad  int
	reason       string // begins the detail of the bad ones
}{
	{"vpcflow/awsdocs-v2-default.log", "vpcflow", 7, 0, ""},
	{"vpcflow/awsdocs-v3-tcpflags.log", "vpcflow", 8, 0, ""},
	{"vpcflow/awsdocs-v3-transit-gateway.log", "vpcflow", 0, 4, "it has neither start nor end"},
	{"vpcflow/awsdocs-v5-full.log", "vpcflow", 2, 0, ""},
	{"dns/resolver-query-log-*.ndjson", "resolver", 1, 0, ""},
	{"dns/route53-public-query-log-awsdocs.log", "resolver", 5, 0, ""},
	{"ocsf/examples/*/AWS/*/Route53/samples/route53.raw", "resolver", 1, 0, ""},
	{"ocsf/examples/*/AWS/route53/*/samples/route53.raw", "resolver", 1, 0, ""},
	{"s3access/awsdocs-samples.log", "s3access", 5, 0, ""},
	{"elb/alb-access-awsdocs.log", "alb", 7, 0, ""},
	{"elb/plaso-elb-access.log", "alb", 10, 6, "it"},
	{"waf/awsdocs-samples.ndjson", "waf", 7, 0, ""},
	{"waf/ocsf-examples-raw.ndjson", "waf", 2, 0, ""},
	{"ocsf/examples/*/AWS/*/WAF/Samples/waf.raw", "waf", 1, 0, ""},
}

func TestForeignNetworkLogsAreValidOCSF(t *testing.T) {
	dir := shared(t)
	for _, f := range foreign {
		paths, _ := filepath.Glob(filepath.Join(dir, f.glob))
		if len(paths) == 0 {
			t.Errorf("no file %s", f.glob)
		}
		for _, path := range paths {
			t.Run(strings.TrimPrefix(path, dir), func(t *testing.T) {
				n, bad := decode(t, open(t, path), func(e *ocsf.Event) {
					if e.Mapping.Name != f.format {
						t.Errorf("record %d is of %s", e.At.Record, e.Mapping.Name)
					}
					if problems := ocsf.Validate(e.Object()); len(problems) > 0 {
						t.Errorf("record %d: %v\n%s", e.At.Record, problems, e.Object())
					}
				})
				if n != f.events || len(bad) != f.bad {
					t.Errorf("%d events and %d unreadable, want %d and %d: %v", n, len(bad), f.events, f.bad, bad)
				}
				for _, u := range bad {
					if !strings.HasPrefix(u.Detail, f.reason) {
						t.Errorf("record %d: %s: %s", u.At.Record, u.Reason, u.Detail)
					}
				}
			})
		}
	}
}

// TestEachSampleIsOfOneFormat: of all formats just the right one recognises a file.
func TestEachSampleIsOfOneFormat(t *testing.T) {
	check := func(path, want string) {
		raw, err := io.ReadAll(io.LimitReader(open(t, path), HeadSize))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range All() {
			if f.Recognise(raw) != (f.Name == want) {
				t.Errorf("%s, of %s: %s says %v", path, want, f.Name, f.Name != want)
			}
		}
	}
	own, _ := filepath.Glob("testdata/*/*.in")
	for _, path := range own {
		if name := filepath.Base(filepath.Dir(path)); name != "fuzz" {
			check(path, name)
		}
	}
	dir := shared(t)
	for _, f := range foreign {
		paths, _ := filepath.Glob(filepath.Join(dir, f.glob))
		for _, path := range paths {
			check(path, f.format)
		}
	}
	for _, glob := range []string{"attack/logs/*.json", "benign/*"} {
		paths, _ := filepath.Glob(filepath.Join(dir, "cloudtrail", glob))
		for _, path := range paths {
			check(path, "cloudtrail")
		}
	}
	for _, glob := range []string{"zeek/*", "web/*", "linux/*/*", "okta/*", "azure/*", "gcp/*", "m365/*", "suricata/*", "github-audit/*", "intel/*/*.txt*"} {
		paths, _ := filepath.Glob(filepath.Join(dir, glob))
		for _, path := range paths {
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				check(path, "")
			}
		}
	}
}

var _ = fmt.Sprint
var _ = bytes.NewReader
var _ = context.Background
var _ records.Limits
