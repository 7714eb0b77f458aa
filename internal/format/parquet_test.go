package format

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/format/ocsfparquet"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// lakeSchema is the shape that Security Lake gives CloudTrail (source version 2): structs in structs, lists of structs, a map for what
// has no place, times as numbers and as timestamps.
func lakeSchema() *arrow.Schema {
	text, number := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64
	str := func(names ...string) (out []arrow.Field) {
		for _, n := range names {
			out = append(out, arrow.Field{Name: n, Type: text, Nullable: true})
		}
		return out
	}
	field := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: true}
	}
	product := arrow.StructOf(append(str("name", "vendor_name", "version"), field("feature", arrow.StructOf(str("name")...)))...)
	user := arrow.StructOf(append(str("type", "name", "uid", "uid_alt", "credential_uid"), field("type_id", arrow.PrimitiveTypes.Int32), field("account", arrow.StructOf(str("uid")...)))...)
	return arrow.NewSchema([]arrow.Field{
		field("metadata", arrow.StructOf(append(str("uid", "version", "event_code"), field("product", product), field("profiles", arrow.ListOf(text)))...)),
		field("time", number), field("time_dt", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}),
		field("class_uid", arrow.PrimitiveTypes.Int32), field("category_uid", arrow.PrimitiveTypes.Int32), field("activity_id", arrow.PrimitiveTypes.Int32), field("type_uid", number),
		field("severity_id", arrow.PrimitiveTypes.Int32), field("status", text), field("score", arrow.PrimitiveTypes.Float64), field("is_mfa", arrow.FixedWidthTypes.Boolean),
		field("cloud", arrow.StructOf(append(str("region", "provider"), field("account", arrow.StructOf(str("uid")...)))...)),
		field("api", arrow.StructOf(append(str("operation", "version"), field("service", arrow.StructOf(str("name")...)), field("request", arrow.StructOf(str("uid", "data")...)), field("response", arrow.StructOf(str("error", "data")...)))...)),
		field("actor", arrow.StructOf(field("user", user))), field("src_endpoint", arrow.StructOf(str("ip", "domain", "uid")...)),
		field("resources", arrow.ListOf(arrow.StructOf(append(str("uid", "type"), field("owner", arrow.StructOf(field("account", arrow.StructOf(str("uid")...)))))...))),
		field("unmapped", arrow.MapOf(text, text)),
	}, nil)
}

// event is one CloudTrail call as Security Lake has it.
func lakeEvent(n int) map[string]any {
	return map[string]any{
		"metadata": map[string]any{"uid": fmt.Sprintf("00000000-0000-4000-8000-%012d", n), "version": "1.1.0", "event_code": "AwsApiCall", "product": map[string]any{"name": "CloudTrail", "vendor_name": "AWS", "version": "1.08", "feature": map[string]any{"name": "Management"}}, "profiles": []any{"cloud", "datetime"}},
		"time":     1773136800000 + n, "time_dt": "2026-03-10T10:00:00Z", "class_uid": 6003, "category_uid": 6, "activity_id": 3, "type_uid": 600303, "severity_id": 1, "status": "Success", "score": 0.5, "is_mfa": true,
		"cloud":        map[string]any{"region": "us-east-1", "provider": "AWS", "account": map[string]any{"uid": "111122223333"}},
		"api":          map[string]any{"operation": "AttachUserPolicy", "service": map[string]any{"name": "iam.amazonaws.com"}, "request": map[string]any{"uid": "r", "data": `{"userName":"bob","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}`}},
		"actor":        map[string]any{"user": map[string]any{"type": "IAMUser", "type_id": 1, "name": "alice", "uid": "arn:aws:iam::111122223333:user/alice", "credential_uid": "AKIAEXAMPLEALICE0001", "account": map[string]any{"uid": "111122223333"}}},
		"src_endpoint": map[string]any{"ip": "198.51.100.7"},
		"resources":    []any{map[string]any{"uid": "arn:aws:iam::111122223333:user/bob", "type": "AWS::IAM::User"}, map[string]any{"uid": "x\"<&>\u2028y"}},
		"unmapped":     map[string]any{"readOnly": "false", "managementEvent": "true", "eventCategory": "Management"},
	}
}

// parquetOf writes events as Parquet.
func parquetOf(tb testing.TB, codec compress.Compression, events ...map[string]any) []byte {
	tb.Helper()
	schema := lakeSchema()
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, e := range events {
		e = mapAsEntries(e)
		raw, err := json.Marshal(e)
		if err != nil {
			tb.Fatal(err)
		}
		if err := b.UnmarshalJSON(raw); err != nil {
			tb.Fatal(err)
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &out, parquet.NewWriterProperties(parquet.WithCompression(codec), parquet.WithMaxRowGroupLength(1000)), pqarrow.DefaultWriterProps())
	if err == nil {
		err = errors.Join(w.Write(batch), w.Close())
	}
	if err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// mapAsEntries writes the map as arrow's JSON wants it.
func mapAsEntries(e map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range e {
		out[k] = v
	}
	var entries []any
	for _, k := range []string{"readOnly", "managementEvent", "eventCategory"} {
		entries = append(entries, map[string]any{"key": k, "value": e["unmapped"].(map[string]any)[k]})
	}
	out["unmapped"] = entries
	return out
}

func TestParquetOfSecurityLakeReadsAsItsJSON(t *testing.T) {
	t.Parallel()
	for name, codec := range map[string]compress.Compression{"gzip": compress.Codecs.Gzip, "zstd": compress.Codecs.Zstd, "snappy": compress.Codecs.Snappy, "plain": compress.Codecs.Uncompressed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const rows = 2500
			var events []map[string]any
			for n := range rows {
				events = append(events, lakeEvent(n))
			}
			at := 0
			n, bad := decode(t, bytes.NewReader(parquetOf(t, codec, events...)), func(e *ocsf.Event) {
				var got map[string]any
				if err := json.Unmarshal(e.Raw, &got); err != nil {
					t.Fatal(err)
				}
				raw, _ := json.Marshal(events[at])
				var want map[string]any
				_ = json.Unmarshal(raw, &want)
				if diff := cmp.Diff(want, got); diff != "" && at < 3 {
					t.Error(diff)
				}
				at++
				for path, want := range map[string]string{"eventName": "AttachUserPolicy", "requestParameters.userName": "bob", "userIdentity.arn": "arn:aws:iam::111122223333:user/alice", "readOnly": "false", "sourceIPAddress": "198.51.100.7"} {
					if got := e.Text(ocsf.ParsePath(path)); got != want {
						t.Fatalf("%s is %q, want %q", path, got, want)
					}
				}
			})
			if n != rows || len(bad) > 0 {
				t.Errorf("%d events of %d, unreadable %v", n, rows, bad)
			}
		})
	}
}

// TestHostileParquet: whatever a file claims, there is a sentence, no panic, bounded memory, and no temporary file is left.
func TestHostileParquet(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	var events []map[string]any
	for n := range 300 {
		events = append(events, lakeEvent(n))
	}
	whole := parquetOf(t, compress.Codecs.Gzip, events...)
	decodeAll := func(in []byte) (events int, bad []ocsf.Unreadable) {
		t.Helper()
		err := ocsf.NewDecoder(ocsfparquet.Shape(), records.Limits{}).Decode(context.Background(), bytes.NewReader(in), "test", ocsf.Sink{
			Event:      func(*ocsf.Event) error { events++; return nil },
			Unreadable: func(u ocsf.Unreadable) error { bad = append(bad, u); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		return events, bad
	}
	footer := append(bytes.Clone(whole[:len(whole)-8]), 0xff, 0xff, 0xff, 0x7f, 'P', 'A', 'R', '1')
	for name, c := range map[string]struct {
		in   []byte
		says string
	}{
		"only magic":          {[]byte("PAR1"), "cut off"},
		"cut off":             {whole[:len(whole)/2], "cut off"},
		"huge footer":         {footer, "footer claims"},
		"nothing but borders": {[]byte("PAR1\x00\x00\x00\x00PAR1"), "damaged"},
		"noise as footer":     {append(append([]byte("PAR1"), bytes.Repeat([]byte{0x5a, 0xa5}, 200)...), 0x90, 1, 0, 0, 'P', 'A', 'R', '1'), "damaged"},
	} {
		n, bad := decodeAll(c.in)
		if n != 0 || len(bad) != 1 || !strings.Contains(bad[0].Detail, c.says) {
			t.Errorf("%s: %d events, %v, want a sentence with %q", name, n, bad, c.says)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := 4; i < len(whole)-8; i += max(1, len(whole)/400) {
		broken := bytes.Clone(whole)
		broken[i] ^= 0xff
		decodeAll(broken) // must return
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

// A sink that stops ends the reading, and a source that breaks is told as such.
func TestParquetEndsWithItsReader(t *testing.T) {
	t.Parallel()
	whole := parquetOf(t, compress.Codecs.Zstd, lakeEvent(1), lakeEvent(2))
	enough := errors.New("enough")
	n := 0
	err := ocsf.NewDecoder(ocsfparquet.Shape(), records.Limits{}).Decode(t.Context(), bytes.NewReader(whole), "test", ocsf.Sink{Event: func(*ocsf.Event) error { n++; return enough }})
	if n != 1 || !errors.Is(err, enough) {
		t.Errorf("%d events, %v", n, err)
	}
	err = ocsf.NewDecoder(ocsfparquet.Shape(), records.Limits{}).Decode(t.Context(), io.MultiReader(bytes.NewReader(whole[:40]), broken{}), "test", ocsf.Sink{Unreadable: func(u ocsf.Unreadable) error { t.Error(u); return nil }})
	if !errors.Is(err, os.ErrClosed) {
		t.Errorf("the error of the source is %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, os.ErrClosed }
