package detect_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/baseline"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/format/ocsfjson"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// feed is a set of one feed.
func feed(tb testing.TB, f intel.Feed, text string) *intel.Set {
	tb.Helper()
	r, err := f.Parse([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return intel.Compile([]intel.Loaded{{Feed: f, Version: "v1", Indicators: r.Indicators}}, nil, time.Unix(0, 0))
}

// accused runs events through a detector without rules and returns the signals, and the counts.
func accused(t *testing.T, shape ocsf.Shape, set *intel.Set, in string) ([]finding.Signal, map[finding.FoldKey]*finding.Rest, map[finding.Level]int64) {
	t.Helper()
	judge := enrich.NewJudge(&enrich.Survey{}, nil, nil)
	d := detect.NewDetector(&detect.Rules{}, nil)
	d.SetIntel(set)
	each := func(do func(e *ocsf.Event, f *enrich.Facts, id detect.EventID)) {
		var facts enrich.Facts
		err := ocsf.NewDecoder(shape, records.Limits{}).Decode(context.Background(), strings.NewReader(in), "test", ocsf.Sink{
			Event: func(e *ocsf.Event) error {
				facts.Reset(judge, e)
				do(e, &facts, detect.IDOf(e.Str(ocsf.CloudAccountUID), e.ID))
				return nil
			},
			Unreadable: func(u ocsf.Unreadable) error { t.Fatal(u); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	each(func(e *ocsf.Event, f *enrich.Facts, id detect.EventID) { d.Intel(e, f, id, 0) })
	v := d.Conclude()
	each(v.Evidence)
	signals, rest, missing := v.Signals()
	if missing > 0 {
		t.Errorf("%d signals are missing", missing)
	}
	return signals, rest, v.Counts()
}

// call is a CloudTrail record from an address.
func call(n int, ip, kind, failure string) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/alice","accountId":%q,"accessKeyId":"AKIAEXAMPLEALICE0001","userName":"alice"},"eventTime":"2026-03-10T%02d:%02d:00Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeVpcs","awsRegion":"eu-west-1","sourceIPAddress":%q,"errorCode":%q,"eventID":"00000000-0000-4000-8000-%012d","eventType":"AwsApiCall","recipientAccountId":"111122223333"}`, kind, n/60, n%60, ip, failure, n)
}

// TestCallsFromListedAddresses: who calls with credentials that are good is worth more than who is refused, and an address that many use
// is never more than low.
func TestCallsFromListedAddresses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		feed    intel.Feed
		account string
		failure string
		want    finding.Level
	}{
		"strong":             {intel.Feed{Confidence: 90}, "111122223333", "", finding.Medium},
		"fair":               {intel.Feed{Confidence: 70}, "111122223333", "", finding.Low},
		"a list by itself":   {intel.Feed{}, "111122223333", "", finding.Low},
		"tor":                {intel.Feed{Confidence: 100, Tags: []string{"tor"}}, "111122223333", "", finding.Low},
		"misp tag":           {intel.Feed{Confidence: 100, Tags: []string{"kind:vpn"}}, "111122223333", "", finding.Low},
		"refused":            {intel.Feed{Confidence: 90}, "111122223333", "AccessDenied", finding.Low},
		"refused, fair":      {intel.Feed{Confidence: 70}, "111122223333", "AccessDenied", finding.Informational},
		"without an account": {intel.Feed{Confidence: 90}, "ANONYMOUS_PRINCIPAL", "", finding.Informational},
	} {
		c.feed.Name = "x"
		signals, _, counts := accused(t, cloudtrail.Shape(), feed(t, c.feed, "45.9.148.77"), `{"Records":[`+call(1, "45.9.148.77", c.account, c.failure)+`,`+call(2, "45.9.148.78", c.account, "")+`]}`)
		if counts[c.want] != 1 || len(counts) != 1 {
			t.Errorf("%s: %v, want one of %s", name, counts, c.want)
		}
		if c.want > finding.Informational && (len(signals) != 1 || signals[0].Rule.Level != c.want) || c.want == finding.Informational && len(signals) > 0 {
			t.Errorf("%s: signals %+v", name, signals)
		}
	}
}

// TestOneIndicatorOriginAndDayIsOneAlert: at the highest level of its events, with a count of all.
func TestOneIndicatorOriginAndDayIsOneAlert(t *testing.T) {
	t.Parallel()
	var list []string
	for i := range 40 {
		failure := ""
		if i < 5 {
			failure = "AccessDenied"
		}
		list = append(list, call(i, "45.9.148.77", "111122223333", failure))
	}
	signals, rest, counts := accused(t, cloudtrail.Shape(), feed(t, intel.Feed{Name: "x", Confidence: 90, Tags: []string{"c2"}}, "45.9.148.0/24"), `{"Records":[`+strings.Join(list, ",")+`]}`)
	alerts := finding.Fold(signals, rest)
	if len(alerts) != 1 {
		t.Fatalf("%d alerts, want 1", len(alerts))
	}
	a := alerts[0]
	if a.Count != 40 || len(a.EventUIDs) != 40 || a.Severity != finding.Medium || len(a.Signals) != finding.MaxKeptSignals || a.First.Minute() != 0 || a.Last.Minute() != 39 {
		t.Errorf("count %d, %d events, %s, %d signals, %v to %v", a.Count, len(a.EventUIDs), a.Severity, len(a.Signals), a.First, a.Last)
	}
	if d := cmp.Diff(map[finding.Level]int64{finding.Low: 5, finding.Medium: 35}, counts); d != "" {
		t.Error(d)
	}
	want := "alice called DescribeVpcs from 45.9.148.77, which the feed x lists as 45.9.148.0/24 for c2 (confidence 90 of 100)"
	if a.Sentence != want {
		t.Errorf("it says %q, want %q", a.Sentence, want)
	}
}

// TestContactsAreJudgedByWhoBegan needs the fields of network logs.
func TestContactsAreJudgedByWhoBegan(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"dst_endpoint.ip", "src_endpoint.port", "query.hostname", "answers"} {
		if _, ok := ocsf.FieldByPath(path); !ok {
			t.Skipf("no mapping fills %s yet", path)
		}
	}
	set := feed(t, intel.Feed{Name: "c2", Confidence: 90}, "45.9.148.77\nevil.org")
	flow := func(rest string) string {
		return `{"class_uid":4001,"category_uid":4,"activity_id":6,"type_uid":400106,"time":1773136800000,"severity_id":1,"metadata":{"version":"1.8.0","uid":"e1","product":{"name":"x"}},` + rest + "}\n"
	}
	dns := strings.NewReplacer("4001", "4003").Replace
	for name, c := range map[string]struct {
		event string
		want  finding.Level
	}{
		"out":              {flow(`"src_endpoint":{"ip":"10.0.0.5","port":50123},"dst_endpoint":{"ip":"45.9.148.77","port":443}`), finding.High},
		"out, by SYN":      {flow(`"src_endpoint":{"ip":"10.0.0.5","port":443},"dst_endpoint":{"ip":"45.9.148.77","port":8443},"connection_info":{"tcp_flags":2}`), finding.High},
		"out, rejected":    {flow(`"src_endpoint":{"ip":"10.0.0.5","port":50123},"dst_endpoint":{"ip":"45.9.148.77","port":443},"action_id":2`), finding.Medium},
		"our answer":       {flow(`"src_endpoint":{"ip":"10.0.0.5","port":22},"dst_endpoint":{"ip":"45.9.148.77","port":50123}`), finding.Informational},
		"our SYN-ACK":      {flow(`"src_endpoint":{"ip":"10.0.0.5","port":50123},"dst_endpoint":{"ip":"45.9.148.77","port":22},"connection_info":{"tcp_flags":18}`), finding.Informational},
		"unknown who":      {flow(`"src_endpoint":{"ip":"10.0.0.5"},"dst_endpoint":{"ip":"45.9.148.77"}`), finding.Medium},
		"scan":             {flow(`"src_endpoint":{"ip":"45.9.148.77","port":50123},"dst_endpoint":{"ip":"10.0.0.5","port":22}`), finding.Informational},
		"name":             {dns(flow(`"src_endpoint":{"ip":"10.0.0.5"},"query":{"hostname":"x.evil.org"},"rcode_id":0`)), finding.High},
		"name not there":   {dns(flow(`"src_endpoint":{"ip":"10.0.0.5"},"query":{"hostname":"x.evil.org"},"rcode_id":3`)), finding.Medium},
		"answer":           {dns(flow(`"src_endpoint":{"ip":"10.0.0.5"},"query":{"hostname":"fine.org"},"answers":[{"rdata":"45.9.148.77","type":"A"}]`)), finding.High},
		"asked by outside": {dns(flow(`"src_endpoint":{"ip":"8.8.8.8"},"query":{"hostname":"x.evil.org"}`)), finding.Informational},
		"another finds it": {flow(`"src_endpoint":{"ip":"10.0.0.5","port":50123},"dst_endpoint":{"ip":"45.9.148.77","port":443}`)[:1] + `"class_uid":2004,` + flow(`"src_endpoint":{"ip":"10.0.0.5","port":50123},"dst_endpoint":{"ip":"45.9.148.77","port":443}`)[18:], finding.Informational},
	} {
		signals, _, counts := accused(t, ocsfjson.Shape(), set, c.event)
		if counts[c.want] != 1 || len(counts) != 1 {
			t.Errorf("%s: %v, want one of %s", name, counts, c.want)
		}
		if c.want > finding.Informational && (len(signals) != 1 || signals[0].Event.Origin.ID != "host:10.0.0.5") {
			t.Errorf("%s: %+v", name, signals)
		}
	}
}

// TestAnEventThatNoFeedNamesCostsNoAllocation judges quiet records with 200,000 indicators in mind.
func TestAnEventThatNoFeedNamesCostsNoAllocation(t *testing.T) {
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "%d.%d.%d.9\nh%d.evil%d.org\n", 11+i%80, i/80%250, i/20_000, i, i%997)
	}
	set := feed(t, intel.Feed{Name: "many"}, text.String())
	if set.Size() < 150_000 {
		t.Fatalf("the set holds %d", set.Size())
	}
	measure := func(set *intel.Set) float64 {
		judge := enrich.NewJudge(&enrich.Survey{}, nil, nil)
		history := &baseline.History{}
		history.Seal()
		d := detect.NewDetector(&detect.Rules{}, history)
		d.SetIntel(set)
		var facts enrich.Facts
		decoder := ocsf.NewDecoder(cloudtrail.Shape(), records.Limits{})
		in := quiet(500)
		r := bytes.NewReader(in)
		sink := ocsf.Sink{Event: func(e *ocsf.Event) error {
			facts.Reset(judge, e)
			if d.Intel(e, &facts, detect.EventID{}, 0) {
				t.Fatal("it is named")
			}
			return nil
		}, Unreadable: func(u ocsf.Unreadable) error { t.Fatal(u); return nil }}
		return testing.AllocsPerRun(5, func() {
			r.Reset(in)
			if err := decoder.Decode(context.Background(), r, "test", sink); err != nil {
				t.Fatal(err)
			}
		})
	}
	without, with := measure(nil), measure(set)
	if with-without > 5 { // of 500 records
		t.Errorf("%v allocations with feeds, %v without, for 500 records", with, without)
	}
}
