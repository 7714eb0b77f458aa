package format

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bytedance/sonic"
	"github.com/minio/simdjson-go"
	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// samples are CloudTrail records, one each: the foreign ones where they are, else our own.
func samples(tb testing.TB) (all [][]byte, size int) {
	tb.Helper()
	files, _ := filepath.Glob("../../../shared/data/cloudtrail/attack/logs/*.json")
	if len(files) == 0 {
		files, _ = filepath.Glob("testdata/cloudtrail/[dej]*.in")
	}
	for _, path := range files {
		d := ocsf.NewDecoder(cloudtrail.Shape(), records.Limits{})
		err := d.Decode(context.Background(), open(tb, path), path, ocsf.Sink{
			Event: func(e *ocsf.Event) error {
				var b bytes.Buffer
				if err := json.Compact(&b, e.Raw); err != nil {
					return err
				}
				all = append(all, b.Bytes())
				size += b.Len()
				return nil
			},
			Unreadable: func(ocsf.Unreadable) error { return nil },
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	return all, size
}

// asked is what rules and enrichment commonly ask of a record.
var asked = func() (paths []ocsf.Path) {
	for _, p := range []string{
		"eventName", "eventSource", "errorCode", "userAgent", "sourceIPAddress", "userIdentity.type", "userIdentity.arn", "userIdentity.sessionContext.sessionIssuer.arn",
		"userIdentity.sessionContext.attributes.mfaAuthenticated", "requestParameters.userName", "requestParameters.policyArn", "requestParameters.ipPermissions.items.ipRanges.items.cidrIp",
		"responseElements.credentials.accessKeyId", "additionalEventData.MFAUsed", "managementEvent", "requestParameters.maxResults",
	} {
		paths = append(paths, ocsf.ParsePath(p))
	}
	return paths
}()

// lookUp reads an event as detection does.
func lookUp(e *ocsf.Event, buf []ocsf.Value) (n int) {
	for _, p := range asked {
		n += len(e.Vendor(p, buf[:0]))
	}
	for _, f := range ocsf.Fields() {
		n += len(e.Str(f))
	}
	e.Strings(func(s string) bool { n += len(s); return true })
	return n
}

func TestNoAllocationPerEvent(t *testing.T) {
	all, _ := samples(t)
	file := []byte(`{"Records":[` + string(bytes.Join(all, []byte(","))) + `]}`)
	d := ocsf.NewDecoder(cloudtrail.Shape(), records.Limits{})
	r := bytes.NewReader(file)
	buf := make([]ocsf.Value, 0, 256)
	n := 0
	sink := ocsf.Sink{
		Event:      func(e *ocsf.Event) error { n++; lookUp(e, buf); return nil },
		Unreadable: func(u ocsf.Unreadable) error { t.Error(u); return nil },
	}
	ctx := context.Background()
	run := func() {
		r.Reset(file)
		if err := d.Decode(ctx, r, "test", sink); err != nil {
			t.Error(err)
		}
	}
	run()
	events := n
	if events == 0 {
		t.Fatal("no events")
	}
	// A few per file are the file's own; none is an event's.
	if allocs := testing.AllocsPerRun(20, run); allocs > 4 {
		t.Errorf("%v allocations for a file of %d events", allocs, events)
	}
}

func BenchmarkDecode(b *testing.B) {
	all, _ := samples(b)
	for len(all) < 4096 {
		all = append(all, all...)
	}
	file := []byte(`{"Records":[` + string(bytes.Join(all, []byte(","))) + `]}`)
	buf := make([]ocsf.Value, 0, 256)
	for name, each := range map[string]func(e *ocsf.Event) error{
		"decode":            func(*ocsf.Event) error { return nil },
		"decode and lookup": func(e *ocsf.Event) error { lookUp(e, buf); return nil },
	} {
		b.Run(name, func(b *testing.B) {
			d := ocsf.NewDecoder(cloudtrail.Shape(), records.Limits{})
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Decode(context.Background(), bytes.NewReader(file), "bench", ocsf.Sink{Event: each, Unreadable: func(ocsf.Unreadable) error { return io.ErrUnexpectedEOF }}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*len(all))/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkParsers compares parsers on the job that is done here: parse a record, read five members, two of them nested.
// docs/adr/0003-json-parser.md holds the figures.
func BenchmarkParsers(b *testing.B) {
	all, size := samples(b)
	var p fastjson.Parser
	var sj *simdjson.ParsedJson
	type record struct {
		EventName, EventSource, EventTime string
		UserIdentity                      struct {
			Arn            string
			SessionContext struct{ SessionIssuer struct{ Arn string } }
		}
	}
	sonicPaths := [][]any{{"eventName"}, {"eventSource"}, {"eventTime"}, {"userIdentity", "arn"}, {"userIdentity", "sessionContext", "sessionIssuer", "arn"}}
	parsers := []struct {
		name string
		read func(raw []byte) (string, error)
	}{
		{"fastjson", func(raw []byte) (string, error) {
			v, err := p.ParseBytes(raw)
			if err != nil {
				return "", err
			}
			v.GetStringBytes("eventSource")
			v.GetStringBytes("eventTime")
			v.GetStringBytes("userIdentity", "arn")
			v.GetStringBytes("userIdentity", "sessionContext", "sessionIssuer", "arn")
			return string(v.GetStringBytes("eventName")), nil
		}},
		{"simdjson-go", func(raw []byte) (string, error) {
			var err error
			if sj, err = simdjson.Parse(raw, sj); err != nil {
				return "", err
			}
			return simdRead(sj)
		}},
		{"sonic ast", func(raw []byte) (string, error) {
			root, err := sonic.Get(raw)
			if err != nil {
				return "", err
			}
			if err := root.LoadAll(); err != nil {
				return "", err
			}
			for _, path := range sonicPaths {
				_, _ = root.GetByPath(path...).String()
			}
			return root.Get("eventName").String()
		}},
		{"sonic struct", func(raw []byte) (string, error) {
			var r record
			err := sonic.Unmarshal(raw, &r)
			return r.EventName, err
		}},
		{"encoding-json map", func(raw []byte) (string, error) {
			var m map[string]any
			err := json.Unmarshal(raw, &m)
			s, _ := m["eventName"].(string)
			return s, err
		}},
		{"encoding-json struct", func(raw []byte) (string, error) {
			var r record
			err := json.Unmarshal(raw, &r)
			return r.EventName, err
		}},
	}
	for _, parser := range parsers {
		b.Run(parser.name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, raw := range all {
					if name, err := parser.read(raw); err != nil || strings.TrimSpace(name) == "" {
						b.Fatal(name, err)
					}
				}
			}
			b.ReportMetric(float64(b.N*len(all))/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func simdRead(doc *simdjson.ParsedJson) (string, error) {
	it := doc.Iter()
	var el simdjson.Element
	name := ""
	for _, path := range [][]string{{"eventName"}, {"eventSource"}, {"eventTime"}, {"userIdentity", "arn"}, {"userIdentity", "sessionContext", "sessionIssuer", "arn"}} {
		it = doc.Iter()
		it.AdvanceInto()
		_, root, err := it.Root(nil)
		if err != nil {
			return "", err
		}
		found, err := root.FindElement(&el, path...)
		if err != nil {
			continue // not every record has it
		}
		s, err := found.Iter.String()
		if err == nil && name == "" {
			name = s
		}
	}
	return name, nil
}
