package format

import (
	"bytes"
	"context"
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

// TestNoAllocationPerNetworkRecord decodes records again and again and looks up what rules ask for, without a hit.
func TestNoAllocationPerNetworkRecord(t *testing.T) {
	for _, c := range []struct{ format, sample string }{
		{"vpcflow", "default-header"}, {"vpcflow", "any-order"}, {"resolver", "lines"}, {"waf", "lines"}, {"s3access", "lines"}, {"alb", "lines"},
	} {
		t.Run(c.format+"/"+c.sample, func(t *testing.T) {
			file := many(t, c.format, c.sample, 500)
			d := ocsf.NewDecoder(shapeOf(c.format), records.Limits{})
			r, buf, n := bytes.NewReader(file), make([]ocsf.Value, 0, 256), 0
			sink := ocsf.Sink{
				Event:      func(e *ocsf.Event) error { n++; lookUp(e, buf); return nil },
				Unreadable: func(u ocsf.Unreadable) error { t.Error(u); return nil },
			}
			run := func() {
				r.Reset(file)
				if err := d.Decode(context.Background(), r, "test", sink); err != nil {
					t.Error(err)
				}
			}
			run()
			events := n
			if allocs := testing.AllocsPerRun(10, run); events < 500 || allocs > 60 { // the file's own: its reader, its header
				t.Errorf("%v allocations for a file of %d events", allocs, events)
			}
		})
	}
}

func shapeOf(name string) ocsf.Shape {
	for _, f := range All() {
		if f.Name == name {
			return f.Shape()
		}
	}
	return ocsf.Shape{}
}

// many is the sample with its last line repeated.
func many(tb testing.TB, format, sample string, times int) []byte {
	tb.Helper()
	raw, err := io.ReadAll(open(tb, filepath.Join("testdata", format, sample+".in")))
	if err != nil {
		tb.Fatal(err)
	}
	raw = append(bytes.TrimSpace(raw), '\n')
	last := raw[bytes.LastIndexByte(raw[:len(raw)-1], '\n')+1:]
	return append(raw, bytes.Repeat(last, times)...)
}

func BenchmarkNetwork(b *testing.B) {
	for _, c := range []struct{ format, sample string }{{"vpcflow", "default-header"}, {"resolver", "lines"}, {"waf", "lines"}, {"s3access", "lines"}, {"alb", "lines"}} {
		b.Run(c.format, func(b *testing.B) {
			file := many(b, c.format, c.sample, 2000)
			d, n := ocsf.NewDecoder(shapeOf(c.format), records.Limits{}), 0
			buf := make([]ocsf.Value, 0, 256)
			sink := ocsf.Sink{Event: func(e *ocsf.Event) error { n++; lookUp(e, buf); return nil }, Unreadable: func(ocsf.Unreadable) error { return io.ErrUnexpectedEOF }}
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Decode(context.Background(), bytes.NewReader(file), "bench", sink); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// A record that was kept is read again by itself as it was read first.
func TestNetworkRecordsAreReadAgain(t *testing.T) {
	paths, _ := filepath.Glob("testdata/*/*.in")
	for _, path := range paths {
		name := filepath.Base(filepath.Dir(path))
		if !strings.Contains("vpcflow resolver waf s3access alb", name) {
			continue
		}
		again := ocsf.NewDecoder(shapeOf(name), records.Limits{})
		decode(t, open(t, path), func(e *ocsf.Event) {
			want, n := string(e.Object()), 0
			err := again.Record(bytes.Clone(e.Raw), "", e.At, ocsf.Sink{
				Event: func(back *ocsf.Event) error {
					n++
					if got := string(back.Object()); got != want || back.ID != e.ID {
						t.Errorf("%s: read again as %s\nwas %s", path, got, want)
					}
					return nil
				},
				Unreadable: func(u ocsf.Unreadable) error { t.Errorf("%s: %v", path, u); return nil },
			})
			if err != nil || n != 1 {
				t.Errorf("%s: %d events, %v", path, n, err)
			}
		})
	}
}
