package lake

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
	"github.com/google/uuid"
)

// Writer gathers rows until they are committed. It has one owner at a time.
type Writer struct {
	lake   *Lake
	schema *arrow.Schema
	parts  map[partition][]Prepared
	rows   int64
	bytes  int64
}

// NewWriter returns an empty Writer.
func (l *Lake) NewWriter() (*Writer, error) {
	schema, err := table.SchemaToArrowSchema(l.table.Load().Schema(), nil, true, false)
	if err != nil {
		return nil, fmt.Errorf("lake schema: %w", err)
	}
	return &Writer{lake: l, schema: schema, parts: map[partition][]Prepared{}}, nil
}

// Append takes a prepared row.
func (w *Writer) Append(p Prepared) {
	w.parts[p.part] = append(w.parts[p.part], p)
	w.rows++
	w.bytes += int64(p.bytes)
}

// Pending returns how much waits to be committed: rows, and bytes of their records as received.
func (w *Writer) Pending() (rows, bytes int64) { return w.rows, w.bytes }

// flush writes what was gathered as files, in order of partition, and returns them. What was gathered is gone.
func (w *Writer) flush(ctx context.Context) ([]dataFile, error) {
	parts := make([]partition, 0, len(w.parts))
	for p := range w.parts {
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b partition) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.class, b.class))
	})
	var out []dataFile
	for _, p := range parts {
		rows := w.parts[p]
		delete(w.parts, p)
		sortRows(rows)
		f, err := w.lake.writeFile(ctx, p, content{w.schema, int64(len(rows)), distinctOf(rows), recordsOf(w.schema, rows), commitLevel})
		if err != nil {
			return out, err
		}
		out = append(out, f)
	}
	w.rows, w.bytes = 0, 0
	return out, nil
}

// sortRows orders rows by account, time and id, so that the same events give the same file content.
func sortRows(rows []Prepared) {
	slices.SortStableFunc(rows, func(a, b Prepared) int {
		return cmp.Or(bytes.Compare(a.accountBytes(), b.accountBytes()), cmp.Compare(a.millis, b.millis), bytes.Compare(a.uidBytes(), b.uidBytes()))
	})
}

// recordRows is how many rows are made columns of at once: what a commit takes beside its rows.
const recordRows = 16 << 10

// recordsOf makes records of rows, and lets go of the rows that it has made one of.
func recordsOf(schema *arrow.Schema, rows []Prepared) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		for some := range slices.Chunk(rows, recordRows) {
			record, err := inOrder(schema, some)
			clear(some)
			if !yield(record, err) || err != nil {
				return
			}
			record.Release()
		}
	}
}

// inOrder makes a record of rows as they stand.
func inOrder(schema *arrow.Schema, rows []Prepared) (arrow.RecordBatch, error) {
	c := newColumns(ours(), schema, len(rows))
	defer c.release()
	raw, _ := c.builders[ours().byPath["raw_data"]].(*array.StringBuilder)
	size := 0
	for i := range rows {
		size += rows[i].bytes
	}
	if raw != nil {
		raw.Reserve(len(rows))
		raw.ReserveData(size)
	}
	for i := range rows {
		c.add(i, rows[i].cellBytes())
		if raw != nil {
			raw.BinaryBuilder.Append(rows[i].raw())
		}
	}
	return c.record(schema)
}

// content is what a file is to hold: sorted records, and how many distinct values each column with a bloom filter has.
type content struct {
	schema   *arrow.Schema
	rows     int64
	distinct map[string]int64
	records  iter.Seq2[arrow.RecordBatch, error]
	level    int // of zstd
}

// Levels of zstd. What is committed is written anew within minutes; what is compacted stays.
const (
	commitLevel  = 3
	compactLevel = 6
)

// contentOf is the content of some rows of a record, in an order, that stays. They are made a copy of in pieces.
func contentOf(ctx context.Context, record arrow.RecordBatch, order []int32) content {
	c := content{record.Schema(), int64(len(order)), map[string]int64{}, inPieces(ctx, record, order), compactLevel}
	for _, name := range filtered {
		if texts := textColumn(record, strings.Split(name, ".")); texts != nil {
			c.distinct[name] = distinct(texts, order)
		}
	}
	return c
}

func inPieces(ctx context.Context, record arrow.RecordBatch, order []int32) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		for some := range slices.Chunk(order, recordRows) {
			piece, err := take(ctx, record, some)
			if !yield(piece, err) || err != nil {
				return
			}
			piece.Release()
		}
	}
}

// take copies some rows of a record.
func take(ctx context.Context, record arrow.RecordBatch, rows []int32) (arrow.RecordBatch, error) {
	builder := array.NewInt32Builder(memory.DefaultAllocator)
	defer builder.Release()
	builder.AppendValues(rows, nil)
	indices := builder.NewArray()
	defer indices.Release()
	columns := make([]arrow.Array, record.NumCols())
	for i := range columns {
		taken, err := compute.TakeArray(ctx, record.Column(i), indices)
		if err != nil {
			return nil, fmt.Errorf("copy rows: column %s: %w", record.Schema().Field(i).Name, err)
		}
		defer taken.Release()
		columns[i] = taken
	}
	return array.NewRecordBatch(record.Schema(), columns, int64(len(rows))), nil
}

// dataFile is a file that is durable and that no snapshot names yet.
type dataFile struct {
	iceberg.DataFile
	sha256 string
	path   string
}

// writeFile writes one file.
func (l *Lake) writeFile(ctx context.Context, p partition, c content) (_ dataFile, err error) {
	date := time.Unix(int64(p.day)*86400, 0).UTC().Format(time.DateOnly)
	path := filepath.Join(l.dir, "data", "time_dt_day="+date, fmt.Sprintf("class_uid=%d", p.class), uuid.NewString()+"_"+mark(c.schema)+".parquet")
	f, err := create(path)
	if err != nil {
		return dataFile{}, err
	}
	err = errors.Join(writeParquet(f, c), f.Close())
	if err != nil {
		return dataFile{}, fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(path))) //nolint:gosec // what was just made there
	}
	df, err := table.FileToDataFile(ctx, l.fs(), locationOf(path), l.table.Load().Schema(), l.table.Load().Spec(), 0, l.table.Load().Properties())
	if err != nil {
		return dataFile{}, fmt.Errorf("read back %s: %w", path, err)
	}
	return dataFile{DataFile: df, sha256: f.hash(), path: path}, nil
}

// rowGroup is how many rows are read or skipped at once, at most.
const rowGroup = 100_000

// groupOf is how many rows each group of a file has, so that all are about as large: each has bloom filters for as many values.
func groupOf(rows int64) int64 {
	groups := max(1, (rows+rowGroup-1)/rowGroup)
	return max(1, (rows+groups-1)/groups)
}

// Columns whose values are no dictionary: what goes in steps from row to row is written as steps, and what is different in each row plainly.
var (
	steps  = []string{"time", "time_dt"}
	unique = []string{"metadata.uid", "api.request.uid"}
)

// How often a bloom filter says that a column may hold what it does not. Where each value is another, a filter takes a byte and more of each
// event, so there it may err more often.
const (
	filterFPP = 0.01
	uniqueFPP = 0.05
)

// writeParquet writes content. Bloom filters are as large as their column's distinct values need.
func writeParquet(f *written, c content) error {
	group := groupOf(c.rows)
	options := []parquet.WriterProperty{
		parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(c.level), parquet.WithMaxRowGroupLength(group), parquet.WithCreatedBy("tocsin"),
		parquet.WithBloomFilterFPP(filterFPP), parquet.WithDictionaryPageSizeLimit(1 << 20), parquet.WithDictionaryFor("raw_data", false), parquet.WithStatsFor("raw_data", false),
		parquet.WithDictionaryFor("unmapped", false), parquet.WithStatsFor("unmapped", false),
	}
	for _, name := range steps {
		options = append(options, parquet.WithDictionaryFor(name, false), parquet.WithEncodingFor(name, parquet.Encodings.DeltaBinaryPacked))
	}
	for _, name := range unique {
		options = append(options, parquet.WithDictionaryFor(name, false), parquet.WithEncodingFor(name, parquet.Encodings.DeltaLengthByteArray), parquet.WithBloomFilterFPPFor(name, uniqueFPP))
	}
	options = append(options, parquet.WithDictionaryFor("metadata.original_time", false), parquet.WithEncodingFor("metadata.original_time", parquet.Encodings.DeltaByteArray))
	for _, name := range filtered {
		if n := c.distinct[name]; n > 0 {
			options = append(options, parquet.WithBloomFilterEnabledFor(name, true), parquet.WithBloomFilterNDVFor(name, min(n, group)))
		}
	}
	w, err := pqarrow.NewFileWriter(c.schema, keepOpen{f}, parquet.NewWriterProperties(options...), pqarrow.NewArrowWriterProperties())
	if err != nil {
		return err
	}
	for record, err := range c.records {
		if err == nil {
			err = w.WriteBuffered(record)
		}
		if err != nil {
			return errors.Join(err, w.Close())
		}
	}
	return w.Close()
}

// keepOpen hides Close, as the Parquet writer closes what it writes to and we hash and sync it ourselves.
type keepOpen struct{ f *written }

// Write writes on.
func (k keepOpen) Write(p []byte) (int, error) { return k.f.Write(p) }

func distinct(a *array.String, rows []int32) int64 {
	seen := map[string]struct{}{}
	for _, i := range rows {
		if a.IsValid(int(i)) {
			seen[a.Value(int(i))] = struct{}{}
		}
	}
	return int64(len(seen))
}

// alike are the columns by which rows come to lie beside rows that look like them: the records of one kind of call by one caller repeat each other nearly
// word for word, and what is repeated within a page takes no room.
var alike = []string{"account", "origin", "operation"}

// sorted orders the rows of a record by what makes them alike, then by time and id, so that the same events give the same file content.
func sorted(record arrow.RecordBatch) []int32 {
	schema := record.Schema()
	text := make([]*array.String, len(alike))
	for i, name := range alike {
		text[i] = record.Column(schema.FieldIndices(name)[0]).(*array.String)
	}
	times := record.Column(schema.FieldIndices("time_dt")[0]).(*array.Timestamp)
	id := record.Column(schema.FieldIndices("metadata")[0]).(*array.Struct)
	uid := id.Field(indexOf(id.DataType().(*arrow.StructType), "uid")).(*array.String)
	order := make([]int32, record.NumRows())
	for i := range order {
		order[i] = int32(i) //nolint:gosec // rows of one file
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		x, y := int(a), int(b)
		for _, t := range text {
			if d := cmp.Compare(t.Value(x), t.Value(y)); d != 0 {
				return d
			}
		}
		return cmp.Or(cmp.Compare(times.Value(x), times.Value(y)), cmp.Compare(uid.Value(x), uid.Value(y)))
	})
	return order
}

func indexOf(t *arrow.StructType, name string) int {
	i, ok := t.FieldIdx(name)
	if !ok {
		panic("BUG: schema.tsv lacks metadata." + name)
	}
	return i
}
