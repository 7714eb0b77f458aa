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

// TestForeignFindingsAndInventoriesAreValidOCSF reads the data pack's records of AWS's own services: each is recognised as what it is,
// and each mapped record is valid OCSF.
func TestForeignFindingsAndInventoriesAreValidOCSF(t *testing.T) {
	t.Parallel()
	dir := shared(t)
	for _, c := range []struct {
		glob, format string
		events       int
		unread       int // custom actions on insights, which hold counts
	}{
		{"eks-audit/*", "eksaudit", 1, 0},
		{"k8s-audit/*.gz", "eksaudit", 51, 0},
		{"ocsf/examples/markdown/AWS/*/EKS*/*/*.raw", "eksaudit", 2, 0},
		{"guardduty/automated-response-events.ndjson", "guardduty", 3, 0},
		{"guardduty/custodian-events.ndjson", "guardduty", 2, 0},
		{"guardduty/soar-samples.ndjson.gz", "guardduty", 15, 0},
		{"securityhub/*", "asff", 122, 2},
		{"ocsf/examples/markdown/AWS/*/Security_Hub/samples/*.raw", "asff", 1, 0},
		{"ocsf/examples/markdown/AWS/*/Security_Hub/*/samples/*.raw", "asff", 3, 0},
		{"config/*", "awsconfig", 11, 0},
	} {
		t.Run(c.glob, func(t *testing.T) {
			t.Parallel()
			files, _ := filepath.Glob(filepath.Join(dir, c.glob))
			events, unread := 0, 0
			for _, path := range files {
				n, bad := decode(t, open(t, path), func(e *ocsf.Event) {
					if e.Mapping.Name != c.format {
						t.Errorf("%s is taken for %s", path, e.Mapping.Name)
					}
					if problems := ocsf.Validate(e.Object()); len(problems) > 0 {
						t.Errorf("%s: record %d: %v", path, e.At.Record, problems)
					}
				})
				events += n
				unread += len(bad)
			}
			if events != c.events || unread != c.unread {
				t.Errorf("%d events and %d unreadable records, want %d and %d", events, unread, c.events, c.unread)
			}
		})
	}
}

// Events of EventBridge that are none of these formats stay unknown; the one that is, by itself, is known.
func TestForeignEventsOfOtherServicesStayUnknown(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join(shared(t), "eventbridge/custodian-other.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range bytes.Split(bytes.TrimSpace(raw), []byte("\n")) {
		got := ""
		if i := Detect(line); i >= 0 {
			got = All()[i].Name
		}
		want := ""
		if bytes.Contains(line, []byte(`"Config Configuration Item Change"`)) {
			want = "awsconfig"
		}
		if got != want {
			t.Errorf("%.80s… is taken for %q, want %q", line, got, want)
		}
	}
}

// TestNoFormatTakesAnothersFiles asks every format about every golden input: only its own may say yes first.
func TestNoFormatTakesAnothersFiles(t *testing.T) {
	t.Parallel()
	inputs, _ := filepath.Glob("testdata/*/*.in")
	for _, path := range inputs {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := filepath.Base(filepath.Dir(path))
		if i := Detect(raw[:min(len(raw), HeadSize)]); i < 0 || All()[i].Name != want {
			t.Errorf("%s is taken for format %d", path, i)
		}
	}
}

// A CloudTrail record is in the hand of whoever made the call, down to the names of members in its request.
func TestRecordsThatQuoteOtherFormatsStayCloudTrail(t *testing.T) {
	t.Parallel()
	for _, quoted := range []string{
		`{"detail-type":"GuardDuty Finding","detail":{},"auditID":"x","stage":"x","verb":"x","ProductArn":"x"}`,
		`{"configurationItems":[{"configurationItemCaptureTime":"x"}]}`,
		`{"logGroup":"/aws/eks/x/cluster","logEvents":[{"message":"{\"auditID\":\"x\"}"}]}`,
		`{"accountId":"1","arn":"x","resource":{},"service":{},"severity":8,"type":"x","schemaVersion":"2.0"}`,
	} {
		record := call("1", `,"requestParameters":`+quoted+`,"userAgent":`+quote(quoted))
		for name, head := range map[string]string{
			"record": record, "file": `{"Records":[` + record + `]}`, "EventBridge": `{"detail-type":"AWS API Call via CloudTrail","detail":` + record + `}`,
			"LookupEvents": `{"Events":[{"EventId":"1","CloudTrailEvent":` + quote(record) + `}]}`, "CloudWatch Logs": `{"messageType":"DATA_MESSAGE","logGroup":"trail","logEvents":[{"message":` + quote(record) + `}]}`,
			"SNS": `{"Type":"Notification","Message":` + quote(`{"Records":[`+record+`]}`) + `}`,
		} {
			if i := Detect([]byte(head)); i < 0 || All()[i].Name != "cloudtrail" {
				t.Errorf("%s that quotes %s is taken for format %d", name, quoted, i)
			}
		}
	}
}

// bare are golden inputs without envelopes, whose records cost nothing but themselves.
var bare = []string{"eksaudit/lines", "guardduty/exported", "asff/lines", "awsconfig/snapshot"}

// bareFile repeats a golden input and finds its decoder.
func bareFile(tb testing.TB, name string, times int) ([]byte, *ocsf.Decoder) {
	tb.Helper()
	raw, err := os.ReadFile("testdata/" + name + ".in")
	if err != nil {
		tb.Fatal(err)
	}
	which := Detect(raw)
	if which < 0 {
		tb.Fatal(name, " is not recognised")
	}
	return bytes.Repeat(raw, times), ocsf.NewDecoder(All()[which].Shape(), records.Limits{})
}

func TestNoAllocationPerFindingOrItem(t *testing.T) {
	for _, name := range bare {
		file, d := bareFile(t, name, 40)
		r := bytes.NewReader(file)
		buf := make([]ocsf.Value, 0, 256)
		n := 0
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
		if allocs := testing.AllocsPerRun(20, run); allocs > 4 {
			t.Errorf("%s: %v allocations for %d events", name, allocs, events)
		}
	}
}

func BenchmarkDecodeServices(b *testing.B) {
	buf := make([]ocsf.Value, 0, 256)
	for _, name := range bare {
		b.Run(strings.Split(name, "/")[0], func(b *testing.B) {
			file, d := bareFile(b, name, 400)
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				err := d.Decode(context.Background(), bytes.NewReader(file), "bench", ocsf.Sink{
					Event:      func(e *ocsf.Event) error { n++; lookUp(e, buf); return nil },
					Unreadable: func(ocsf.Unreadable) error { return io.ErrUnexpectedEOF },
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// A record that repeats a member without end costs time in proportion, not in its square.
func TestManyResourcesCostLinearTime(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(`{"Type":"AwsIamAccessKey","Details":{"AwsIamAccessKey":{"PrincipalName":""}}},`, 30_000)
	in := `{"Id":"x","AwsAccountId":"111122223333","ProductArn":"p","GeneratorId":"g","SchemaVersion":"s","UpdatedAt":"2026-03-10T10:00:00Z","Resources":[` + many + `{"Id":"last"}]}`
	n, bad := decode(t, strings.NewReader(in), func(e *ocsf.Event) {
		for _, f := range ocsf.Fields() {
			e.Values(f, nil)
		}
		if problems := ocsf.Validate(e.Object()); len(problems) > 0 {
			t.Error(problems)
		}
	})
	if n != 1 || len(bad) > 0 {
		t.Errorf("%d events, %v", n, bad)
	}
}

// The third record of the sample says the end of nothing.
func TestInsightsHaveABeginningAndAnEnd(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/cloudtrail/insight.in")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	_, bad := decode(t, bytes.NewReader(raw), func(e *ocsf.Event) {
		class, activity := e.Mapping.Class(e)
		got = append(got, fmt.Sprint(class, activity, " ", e.Str(ocsf.StatusID), " ", e.Str(ocsf.FindingUID)))
	})
	shared := "00000000-0000-4000-8000-0000000000ff"
	if want := []string{"2004 1 1 " + shared, "2004 3 4 " + shared}; len(bad) != 1 || strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q %v, want %q", got, bad, want)
	}
}
