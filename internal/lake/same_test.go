package lake

import (
	"bufio"
	"context"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/iceberg-go/table"

	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// TestRowsSayWhatTheDocumentSays writes every event of the golden pairs twice: by its plan, as the lake does, and by way of the whole
// OCSF object, as anyone would who has only that. The columns must be equal.
func TestRowsSayWhatTheDocumentSays(t *testing.T) {
	t.Parallel()
	want, err := schemaOf(schemaText)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := table.SchemaToArrowSchema(want, nil, true, false)
	if err != nil {
		t.Fatal(err)
	}
	events, planned := 0, map[string]int{}
	for _, path := range goldenInputs(t) {
		byDocument := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		var rows []Prepared
		each(t, path, func(formatName string, e *ocsf.Event) {
			r := Row{Event: e, Format: formatName, Principal: e.Str(ocsf.ActorUserUID), Origin: "o", SrcIP: e.Str(ocsf.SrcIP), SourceID: "s", BatchID: path, Lane: LaneLive, Received: noon}
			rows = append(rows, Prepare(&r, noon))
			if !routeOf(e.Plan()).whole {
				planned[formatName]++
			}
			appendDocument(byDocument, documentOf(&r, noon))
		})
		got, err := inOrder(schema, rows)
		if err != nil {
			t.Fatal(err)
		}
		expected := byDocument.NewRecordBatch()
		if !array.RecordEqual(expected, got) {
			for i := range schema.NumFields() {
				if a, b := expected.Column(i), got.Column(i); !array.Equal(a, b) {
					t.Errorf("%s: column %s:\n by document %s\n by plan     %s", path, schema.Field(i).Name, a, b)
				}
			}
		}
		events += int(got.NumRows())
	}
	if events < 100 {
		t.Errorf("compared only %d events", events)
	}
	if planned["cloudtrail"] < 30 { // as many as the golden pairs have
		t.Errorf("only %v went by their plan", planned)
	}
	t.Logf("%d events, %d columns; by their plan: %v", events, len(ours().columns), planned)
}

// goldenInputs are the inputs of the golden pairs of all formats, and samples of others where they are.
func goldenInputs(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../format/testdata/*/*.in")
	if err != nil || len(paths) == 0 {
		t.Fatal("no golden pairs", err)
	}
	for _, dir := range []string{"../../../shared/data/cloudtrail", "../../../shared/data/ocsf"} {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, ".json") {
				paths = append(paths, path)
			}
			return nil
		})
	}
	return paths
}

func each(t *testing.T, path string, do func(formatName string, e *ocsf.Event)) {
	t.Helper()
	f, err := os.Open(path) //nolint:gosec // of this test
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	r := bufio.NewReaderSize(f, format.HeadSize)
	head, _ := r.Peek(format.HeadSize)
	which := format.Detect(head)
	if which < 0 {
		return
	}
	d := ocsf.NewDecoder(format.All()[which].Shape(), records.Limits{})
	err = d.Decode(context.Background(), r, path, ocsf.Sink{
		Event:      func(e *ocsf.Event) error { do(format.All()[which].Name, e); return nil },
		Unreadable: func(ocsf.Unreadable) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
}

// documentOf is the row as one object.
func documentOf(r *Row, now time.Time) map[string]any {
	e := r.Event
	doc := e.Document()
	for name, value := range map[string]string{
		"account": e.Str(ocsf.CloudAccountUID), "region": e.Str(ocsf.CloudRegion), "principal": r.Principal, "origin": r.Origin, "session": r.Session, "access_key": r.AccessKey, "src_ip": r.SrcIP,
		"operation": r.Operation, "resource": r.Resource, "source_id": r.SourceID, "batch_id": r.BatchID, "lane": r.Lane, "format": r.Format,
	} {
		delete(doc, name)
		if value != "" {
			doc[name] = value
		}
	}
	doc["raw_data"] = string(e.Raw)
	doc["time"], doc["time_dt"] = e.Millis, time.UnixMilli(e.Millis)
	doc["received"], doc["processed"] = r.Received, now
	meta, ok := doc["metadata"].(map[string]any)
	if !ok {
		meta = map[string]any{}
		doc["metadata"] = meta
	}
	if s, ok := meta["uid"].(string); !ok || s == "" {
		meta["uid"] = e.ID
	}
	return doc
}

func appendDocument(b *array.RecordBuilder, doc map[string]any) {
	for i, f := range b.Schema().Fields() {
		appendAny(b.Field(i), doc[f.Name])
	}
}

// appendAny appends a value as its column's type, or null.
func appendAny(b array.Builder, v any) {
	switch b := b.(type) {
	case *array.StringBuilder:
		if v != nil {
			b.Append(textOf(v))
			return
		}
	case *array.Int32Builder:
		if n, ok := intOf(v); ok && n >= math.MinInt32 && n <= math.MaxInt32 {
			b.Append(int32(n))
			return
		}
	case *array.Int64Builder:
		if n, ok := intOf(v); ok {
			b.Append(n)
			return
		}
	case *array.BooleanBuilder:
		if x, ok := v.(bool); ok {
			b.Append(x)
			return
		}
	case *array.TimestampBuilder:
		if x, ok := v.(time.Time); ok {
			b.Append(arrow.Timestamp(x.UnixMicro()))
			return
		}
	case *array.StructBuilder:
		if doc, ok := v.(map[string]any); ok {
			b.Append(true)
			for i, f := range b.Type().(*arrow.StructType).Fields() {
				appendAny(b.FieldBuilder(i), doc[f.Name])
			}
			return
		}
	case *array.ListBuilder:
		if list, ok := v.([]string); ok {
			b.Append(true)
			for _, s := range list {
				appendAny(b.ValueBuilder(), s)
			}
			return
		}
		if list, ok := v.([]any); ok {
			b.Append(true)
			for _, item := range list {
				appendAny(b.ValueBuilder(), item)
			}
			return
		}
	}
	b.AppendNull()
}
