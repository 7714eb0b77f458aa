package format

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// call is a minimal record; tail are further members.
func call(id, tail string) string {
	return `{"eventVersion":"1.11","eventTime":"2026-03-10T10:00:00Z","eventSource":"iam.amazonaws.com","eventName":"ListUsers","eventID":"` + id + `"` + tail + `}`
}

func TestRecognise(t *testing.T) {
	t.Parallel()
	record := call("1", `,"requestParameters":{"tags":{"class_uid":6003}},"userAgent":"\"class_uid\""`)
	event := `{"class_uid":6003,"time":1773136800000,"raw_data":` + quote(record) + `}`
	cases := []struct{ name, head, want string }{
		{"record that quotes OCSF", record, "cloudtrail"},
		{"delivered file of it", `{"Records":[` + record + `]}`, "cloudtrail"},
		{"spaces", "\n { \"Records\" : [ " + record + " ] }", "cloudtrail"},
		{"empty delivered file", `{"Records": []}`, "cloudtrail"},
		{"cut short", `{"Records":[{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","princ`, "cloudtrail"},
		{"list", `[` + record + `]`, "cloudtrail"},
		{"after a line of talk", "Reading logs…\n" + record, "cloudtrail"},
		{"export lines", "2026-03-10T10:00:00.000Z " + record, "cloudtrail"},
		{"sorted members", `{"additionalEventData":{},"awsRegion":"x","eventID":"1","eventName":"a","eventSource":"b","eventTime":"c"}`, "cloudtrail"},
		{"LookupEvents", `{"Events":[{"EventId":"1","CloudTrailEvent":` + quote(record) + `}]}`, "cloudtrail"},
		{"EventBridge", `{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":` + record + `}`, "cloudtrail"},
		{"CloudWatch Logs", `{"messageType":"CONTROL_MESSAGE","logEvents":[]}`, "cloudtrail"},
		{"Lambda subscription", `{"awslogs":{"data":"H4sI"}}`, "cloudtrail"},
		{"digest", `{"awsAccountId":"1","digestS3Object":"x"}`, "cloudtrail"},
		{"Insights", `{"Records":[{"eventVersion":"1.07","eventTime":"x","insightDetails":{"eventSource":"x"}}]}`, "cloudtrail"},
		{"OCSF that quotes a record", event, "ocsfjson"},
		{"OCSF list", `[` + event + `]`, "ocsfjson"},
		{"other JSON", `{"Records":[{"kind":"x"}]}`, ""},
		{"other event", `{"detail-type":"Scheduled Event","detail":{}}`, ""},
		{"text about it", "eventSource and eventName and class_uid are members of records", ""},
		{"nothing", "", ""},
		{"binary", "\x1f\x8b\x08{\x00\"", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if i := Detect([]byte(c.head)); i >= 0 {
				got = All()[i].Name
			}
			if got != c.want {
				t.Errorf("taken for %q, want %q", got, c.want)
			}
		})
	}
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

// TestHostileInput: whatever comes, there is a reason, and the records around it are read.
func TestHostileInput(t *testing.T) {
	t.Parallel()
	packed := func(in string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, in)
		_ = z.Close()
		return `{"awslogs":{"data":"` + base64.StdEncoding.EncodeToString(b.Bytes()) + `"}}`
	}
	batch := `{"messageType":"DATA_MESSAGE","logEvents":[{"message":` + quote(call("1", "")) + `},{"message":` + quote(call("2", "")) + `}]}`
	cases := []struct {
		name, in string
		events   int
		reason   string // of the one unreadable record
	}{
		{"deep", call("0", `,"requestParameters":`+strings.Repeat(`{"a":`, 100_000)+"1"+strings.Repeat("}", 100_000)), 2, records.ReasonTooDeep},
		{"deep inside a string", `{"CloudTrailEvent":` + quote(call("0", `,"x":`+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000))) + `}`, 2, records.ReasonNotJSON},
		{"very many values", call("0", `,"requestParameters":[`+strings.Repeat("{},", 400_000)+`1]`), 2, ocsf.ReasonTooMany},
		{"one member repeated very often", call("0", `,"requestParameters":{`+strings.Repeat(`"a":1,`, 100_000)+`"a":2}`), 3, ""},
		{"time before there was AWS", strings.Replace(call("0", ""), "2026", "1970", 1), 2, cloudtrail.ReasonBadTime},
		{"time that is a number", strings.Replace(call("0", ""), `"2026-03-10T10:00:00Z"`, `1773136800`, 1), 2, cloudtrail.ReasonNoRecord},
		{"name that is empty", strings.Replace(call("0", ""), `"ListUsers"`, `" "`, 1), 2, cloudtrail.ReasonNoRecord},
		{"notification", strings.Replace(call("0", ""), `iam.amazonaws.com`, `aws:s3`, 1), 2, cloudtrail.ReasonNoRecord},
		{"number that is none", call("0", `,"requestParameters":{"a":-,"b":1}`), 2, records.ReasonNotJSON},
		{"infinite number", call("0", `,"requestParameters":{"a":nan,"b":inf}`), 3, ""},
		{"null everywhere", call("0", `,"userIdentity":null,"requestParameters":null,"responseElements":null,"resources":null,"additionalEventData":null,"tlsDetails":null`), 3, ""},
		{"lists everywhere", call("0", `,"userIdentity":[[]],"requestParameters":[],"responseElements":[{}],"resources":[[],{},{"ARN":[1,[2]]}],"sourceIPAddress":[],"userAgent":[{}]`), 3, ""},
		{"event id of another type", strings.Replace(call("0", ""), `"eventID":"0"`, `"eventID":{}`, 1), 3, ""},
		{"control bytes", call("0", ",\"userAgent\":\"\x00\x01\x1b[2J\x7f\""), 3, ""},
		{"packed", packed(batch), 4, ""},
		{"packed, not base 64", `{"awslogs":{"data":"!!"}}`, 2, ocsf.ReasonBroken},
		{"packed, not gzip", `{"awslogs":{"data":"AAAA"}}`, 2, ocsf.ReasonBroken},
		{"packed, cut off", `{"awslogs":{"data":"` + packed(batch)[21:81] + `"}}`, 2, ocsf.ReasonBroken},
		{"packed bomb", packed(strings.Repeat(" ", 100<<20)), 2, ocsf.ReasonBroken},
		{"packed in packed in packed", packed(packed(packed(packed(packed(batch))))), 2, cloudtrail.ReasonNoRecord},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ids := map[string]bool{}
			n, bad := decode(t, strings.NewReader(call("before", "")+c.in+"\n"+call("after", "")), func(e *ocsf.Event) {
				ids[strings.Clone(e.ID)] = true
				for _, f := range ocsf.Fields() {
					e.Values(f, nil)
				}
				if problems := ocsf.Validate(e.Object()); len(problems) > 0 {
					t.Errorf("not valid OCSF: %v", problems)
				}
			})
			var reasons []string
			for _, u := range bad {
				reasons = append(reasons, u.Reason)
			}
			if n != c.events || len(ids) != n || strings.Join(reasons, "; ") != c.reason || !ids["before"] || !ids["after"] {
				t.Errorf("%d events %v, unreadable %q; want %d and %q", n, ids, reasons, c.events, c.reason)
			}
		})
	}
}

// TestMemoryStaysBounded reads a 1 GiB delivered file with a 200 MiB record in it.
func TestMemoryStaysBounded(t *testing.T) {
	filler := strings.Repeat(call("x", `,"userAgent":"`+strings.Repeat("y", 900)+`"`)+",", 1000)
	in := io.MultiReader(strings.NewReader(`{"Records":[`), repeat(filler, 200<<20/len(filler)), strings.NewReader(`{"eventName":"`), repeat(strings.Repeat("z", 1<<20), 200),
		strings.NewReader(`"},`), repeat(filler, 600<<20/len(filler)), strings.NewReader(call("last", "")+`]}`))
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most, n, last := uint64(0), 0, ""
	var bad []ocsf.Unreadable
	d := ocsf.NewDecoder(cloudtrail.Shape(), records.Limits{})
	err := d.Decode(context.Background(), in, "test", ocsf.Sink{
		Event: func(e *ocsf.Event) error {
			n++
			last = e.ID
			if n%50_000 == 0 {
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
			}
			return nil
		},
		Unreadable: func(u ocsf.Unreadable) error { bad = append(bad, u); return nil },
	})
	if err != nil || last != "last" || len(bad) != 1 || bad[0].Reason != records.ReasonTooLong {
		t.Errorf("last %q, unreadable %v, %v", last, bad, err)
	}
	t.Logf("%d events, heap at most %d MiB over the start", n, most>>20)
	if most > 64<<20 {
		t.Errorf("the heap grew by %d MiB", most>>20)
	}
}

func repeat(s string, times int) io.Reader { return &repeater{s: s, left: times} }

type repeater struct {
	s    string
	at   int
	left int
}

func (r *repeater) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.s[r.at:])
	if r.at += n; r.at == len(r.s) {
		r.at = 0
		r.left--
	}
	return n, nil
}

// FuzzDecode: no input makes the decoder panic, count wrongly, or write an OCSF object that is not valid.
func FuzzDecode(f *testing.F) {
	inputs, _ := filepath.Glob("testdata/*/*.in")
	for _, path := range inputs {
		raw, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	path := ocsf.ParsePath("requestParameters.a.b")
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, format := range All() {
			format.Recognise(in)
			n := 0
			next := func(at ocsf.Position) {
				if at.Record != n || at.Offset > int64(len(in)) {
					t.Fatalf("position %+v for number %d of %d bytes", at, n, len(in))
				}
				n++
			}
			err := ocsf.NewDecoder(format.Shape(), records.Limits{Record: 1 << 16}).Decode(context.Background(), bytes.NewReader(in), "fuzz", ocsf.Sink{
				Event: func(e *ocsf.Event) error {
					next(e.At)
					for _, field := range ocsf.Fields() {
						e.Values(field, nil)
					}
					e.Vendor(path, nil)
					object := e.Object()
					if problems := ocsf.Validate(object); len(problems) > 0 && format.Shape().Mapping.Stored == nil {
						t.Fatalf("not valid OCSF: %v\n%s", problems, object)
					}
					return nil
				},
				Unreadable: func(u ocsf.Unreadable) error { next(u.At); return nil },
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
