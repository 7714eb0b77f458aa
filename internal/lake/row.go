package lake

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Lanes of an event: what brought it here.
const (
	LaneLive     = "live"
	LaneBackfill = "backfill"
)

// Row is an event on its way into the table: what the mapping carries comes from Event, the pivots from whoever knows them.
// A pivot that is not known is "".
type Row struct {
	Event     *ocsf.Event
	Format    string // of Event.Raw
	Principal string // who called
	Origin    string // who stands at the start of the role chain
	Session   string
	AccessKey string
	SrcIP     string
	Operation string
	Resource  string // the first that the call names
	SourceID  string // which source delivered it
	BatchID   string // batch or object that it came in
	Lane      string
	Received  time.Time
}

// pivots are the columns that people jump from one event to the next by. They have bloom filters.
var pivots = []string{"account", "principal", "origin", "session", "access_key", "src_ip", "operation", "resource", "batch_id"}

// Prepared is a Row made ready; making one needs no lock.
type Prepared struct {
	doc    map[string]any
	part   partition
	millis int64
	bytes  int
}

// partition is what one data file holds: events of one day and class.
type partition struct {
	day   int32 // days since 1970-01-01
	class int32
}

const day = int64(24 * time.Hour / time.Millisecond)

// Prepare makes a Row ready for Append. What it keeps of the event is valid as long as the event.
func Prepare(r *Row, now time.Time) Prepared {
	e := r.Event
	doc := e.Document()
	account, region := e.Str(ocsf.CloudAccountUID), e.Str(ocsf.CloudRegion)
	for name, value := range map[string]string{
		"account": account, "region": region, "principal": r.Principal, "origin": r.Origin, "session": r.Session, "access_key": r.AccessKey, "src_ip": r.SrcIP,
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
	identify(doc, e.ID)
	class, _ := e.Mapping.Class(e)
	return Prepared{doc: doc, part: partition{dayOf(e.Millis), int32(class)}, millis: e.Millis, bytes: len(e.Raw)} //nolint:gosec // class uids are small
}

// identify gives an event without a vendor id the one that was made for it.
func identify(doc map[string]any, id string) {
	meta, ok := doc["metadata"].(map[string]any)
	if !ok {
		meta = map[string]any{}
		doc["metadata"] = meta
	}
	if s, ok := meta["uid"].(string); !ok || s == "" {
		meta["uid"] = id
	}
}

func dayOf(millis int64) int32 {
	return int32(math.Floor(float64(millis) / float64(day))) //nolint:gosec // formats refuse times outside 2006–2100
}

// appendRow appends a document to the builders of all columns.
func appendRow(b *array.RecordBuilder, doc map[string]any) {
	for i, f := range b.Schema().Fields() {
		appendValue(b.Field(i), doc[f.Name])
	}
}

// appendValue appends one value as its column's type. What does not fit is null here and still stands in raw_data.
func appendValue(b array.Builder, v any) {
	if v == nil {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(textOf(v))
	case *array.Int32Builder:
		if n, ok := intOf(v); ok && n >= math.MinInt32 && n <= math.MaxInt32 {
			b.Append(int32(n))
			return
		}
		b.AppendNull()
	case *array.Int64Builder:
		if n, ok := intOf(v); ok {
			b.Append(n)
			return
		}
		b.AppendNull()
	case *array.BooleanBuilder:
		if x, ok := v.(bool); ok {
			b.Append(x)
			return
		}
		b.AppendNull()
	case *array.TimestampBuilder:
		if t, ok := v.(time.Time); ok {
			b.Append(arrow.Timestamp(t.UnixMicro()))
			return
		}
		b.AppendNull()
	case *array.StructBuilder:
		appendStruct(b, v)
	case *array.ListBuilder:
		appendList(b, v)
	default:
		b.AppendNull()
	}
}

func appendStruct(b *array.StructBuilder, v any) {
	doc, ok := v.(map[string]any)
	if !ok {
		b.AppendNull()
		return
	}
	b.Append(true)
	for i, f := range b.Type().(*arrow.StructType).Fields() {
		appendValue(b.FieldBuilder(i), doc[f.Name])
	}
}

func appendList(b *array.ListBuilder, v any) {
	switch list := v.(type) {
	case []any:
		b.Append(true)
		for _, item := range list {
			appendValue(b.ValueBuilder(), item)
		}
	case []string:
		b.Append(true)
		for _, item := range list {
			appendValue(b.ValueBuilder(), item)
		}
	default:
		b.AppendNull()
	}
}

// textOf writes any value as text: objects and lists as JSON.
func textOf(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case bool:
		return strconv.FormatBool(x)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

func intOf(v any) (int64, bool) {
	switch x := v.(type) {
	case int:
		return int64(x), true
	case int64:
		return x, true
	case json.Number:
		n, err := x.Int64()
		return n, err == nil
	}
	return 0, false
}
