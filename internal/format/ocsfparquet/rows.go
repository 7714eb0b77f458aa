package ocsfparquet

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// noCancel is the context of the reader, which reads from a local file only; the decoder asks its own between records.
var noCancel = context.Background()

// appendRow writes a row as a JSON object. What is null is left out.
func appendRow(dst []byte, batch arrow.RecordBatch, row int) []byte {
	dst = append(dst, '{')
	start := len(dst)
	for i, f := range batch.Schema().Fields() {
		dst = appendMember(dst, start, f.Name, batch.Column(i), row)
	}
	return append(dst, '}')
}

func appendMember(dst []byte, start int, name string, column arrow.Array, row int) []byte {
	if column.IsNull(row) {
		return dst
	}
	before := len(dst)
	if len(dst) > start {
		dst = append(dst, ',')
	}
	dst = append(appendText(dst, name), ':')
	value := len(dst)
	dst = appendValue(dst, name, column, row)
	if len(dst) == value {
		return dst[:before]
	}
	return dst
}

// appendValue writes one value, or nothing where its type says nothing in JSON.
func appendValue(dst []byte, name string, column arrow.Array, row int) []byte {
	if column.IsNull(row) {
		return append(dst, "null"...)
	}
	switch a := column.(type) {
	case *array.String:
		return appendText(dst, a.Value(row))
	case *array.LargeString:
		return appendText(dst, a.Value(row))
	case *array.Binary:
		return appendText(dst, string(a.Value(row)))
	case *array.Boolean:
		return strconv.AppendBool(dst, a.Value(row))
	case *array.Int32:
		return strconv.AppendInt(dst, int64(a.Value(row)), 10)
	case *array.Int64:
		return strconv.AppendInt(dst, a.Value(row), 10)
	case *array.Float32:
		return appendFloat(dst, float64(a.Value(row)))
	case *array.Float64:
		return appendFloat(dst, a.Value(row))
	case *array.Timestamp:
		return appendTime(dst, name, a, row)
	case *array.Struct:
		return appendStruct(dst, a, row)
	case *array.Map: // before List: a map is a list of entries
		return appendMap(dst, a, row)
	case *array.List:
		return appendList(dst, name, a, row)
	}
	text, err := json.Marshal(column.GetOneForMarshal(row))
	if err != nil {
		return dst
	}
	return append(dst, text...)
}

func appendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

// appendTime writes what OCSF wants under a name: *_dt is an RFC 3339 text, everything else epoch milliseconds.
func appendTime(dst []byte, name string, a *array.Timestamp, row int) []byte {
	unit := a.DataType().(*arrow.TimestampType).Unit
	t := a.Value(row).ToTime(unit)
	if strings.HasSuffix(name, "_dt") {
		return append(append(append(dst, '"'), t.UTC().Format(time.RFC3339Nano)...), '"')
	}
	return strconv.AppendInt(dst, t.UnixMilli(), 10)
}

func appendStruct(dst []byte, a *array.Struct, row int) []byte {
	dst = append(dst, '{')
	start := len(dst)
	for i, f := range a.DataType().(*arrow.StructType).Fields() {
		dst = appendMember(dst, start, f.Name, a.Field(i), row)
	}
	return append(dst, '}')
}

func appendList(dst []byte, name string, a *array.List, row int) []byte {
	from, to := a.ValueOffsets(row)
	dst = append(dst, '[')
	for i := from; i < to; i++ {
		if i > from {
			dst = append(dst, ',')
		}
		before := len(dst)
		if dst = appendValue(dst, name, a.ListValues(), int(i)); len(dst) == before {
			dst = append(dst, "null"...)
		}
	}
	return append(dst, ']')
}

func appendMap(dst []byte, a *array.Map, row int) []byte {
	from, to := a.ValueOffsets(row)
	dst = append(dst, '{')
	start := len(dst)
	for i := from; i < to; i++ {
		dst = appendMember(dst, start, a.Keys().ValueStr(int(i)), a.Items(), int(i))
	}
	return append(dst, '}')
}

func appendText(dst []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		return append(dst, `""`...)
	}
	return append(dst, text...)
}
