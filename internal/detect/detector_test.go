package detect_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/tocsin-security/tocsin/content"
	"github.com/tocsin-security/tocsin/internal/baseline"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// quiet are records that no rule of ours speaks about: a person who looks at networks.
func quiet(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/alice","accountId":"111122223333","accessKeyId":"AKIAEXAMPLEALICE0001","userName":"alice"},"eventTime":"2026-03-10T10:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeVpcs","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2.31.0","requestParameters":{"vpcSet":{},"filterSet":{}},"responseElements":null,"requestID":"r","eventID":"00000000-0000-4000-8000-%012d","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`, i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// path is decode → facts → all rules of ours, over a buffer.
func path(tb testing.TB, in []byte) func() {
	tb.Helper()
	rules, mistakes, err := detect.Load(content.Rules, "rules")
	if err != nil || len(mistakes) > 0 {
		tb.Fatal(err, mistakes)
	}
	judge := enrich.NewJudge(&enrich.Survey{}, nil, nil)
	history := &baseline.History{}
	d := detect.NewDetector(rules, history)
	var facts enrich.Facts
	sink := ocsf.Sink{
		Event: func(e *ocsf.Event) error {
			facts.Reset(judge, e)
			d.Event(e, &facts, detect.IDOf(e.Str(ocsf.CloudAccountUID), e.ID), 0)
			return nil
		},
		Unreadable: func(u ocsf.Unreadable) error { tb.Fatal(u); return nil },
	}
	decoder := ocsf.NewDecoder(cloudtrail.Shape(), records.Limits{})
	r := bytes.NewReader(in)
	return func() {
		r.Reset(in)
		if err := decoder.Decode(context.Background(), r, "test", sink); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestAnEventThatMatchesNothingAllocatesNothing(t *testing.T) {
	const n = 1000
	run := path(t, quiet(n))
	// A file costs a handful of allocations of its own; a record none.
	if got := testing.AllocsPerRun(5, run); got > n/20 {
		t.Errorf("%v allocations for %d records", got, n)
	}
}

func BenchmarkPath(b *testing.B) {
	const n = 1000
	in := quiet(n)
	run := path(b, in)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "events/s")
}
