package lake

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// Sift calls each with the records of a data file for which a text column could be a hit, and passes over the others without reading
// them. It over-approximates: where the file does not have a column, or not as text, all of its records are given.
func Sift(ctx context.Context, path string, columns []string, could func(column int, text string) bool, each func(Kept) error) error {
	rows, all, err := candidates(ctx, path, columns, could)
	if err != nil {
		return fmt.Errorf("sift %s: %w", path, err)
	}
	if !all && len(rows) == 0 {
		return nil
	}
	row := int64(0)
	return Records(ctx, path, func(k Kept) error {
		at := row
		row++
		if !all && !rows[at] {
			return nil
		}
		return each(k)
	})
}

// candidates reads the columns only. all says that every row is one.
func candidates(ctx context.Context, path string, columns []string, could func(column int, text string) bool) (rows map[int64]bool, all bool, err error) {
	r, err := file.OpenParquetFile(filepath.Clean(path), false)
	if err != nil {
		return nil, false, err
	}
	defer r.Close() //nolint:errcheck // read only
	reader, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{BatchSize: 16 << 10}, memory.DefaultAllocator)
	if err != nil {
		return nil, false, err
	}
	var wanted []int
	for _, c := range columns {
		i := r.MetaData().Schema.ColumnIndexByName(c)
		if i < 0 {
			return nil, true, nil
		}
		wanted = append(wanted, i)
	}
	batches, err := reader.GetRecordReader(ctx, wanted, nil)
	if err != nil {
		return nil, false, err
	}
	defer batches.Release()
	rows = map[int64]bool{}
	base := int64(0)
	for batches.Next() {
		b := batches.RecordBatch()
		for i, c := range columns {
			texts := textColumn(b, strings.Split(c, "."))
			if texts == nil {
				return nil, true, nil
			}
			for k := range texts.Len() {
				if texts.IsValid(k) && could(i, texts.Value(k)) {
					rows[base+int64(k)] = true
				}
			}
		}
		base += b.NumRows()
	}
	return rows, false, batches.Err()
}

// textColumn finds a column of text by its path; nil where it is none.
func textColumn(b arrow.RecordBatch, path []string) *array.String {
	at := b.Schema().FieldIndices(path[0])
	if len(at) == 0 {
		return nil
	}
	column := b.Column(at[0])
	for _, name := range path[1:] {
		s, ok := column.(*array.Struct)
		if !ok {
			return nil
		}
		i, ok := s.DataType().(*arrow.StructType).FieldIdx(name)
		if !ok {
			return nil
		}
		column = s.Field(i)
	}
	texts, _ := column.(*array.String)
	return texts
}

// receivedOf reads when a row was received; zero where the file does not say.
func receivedOf(b arrow.RecordBatch, row int) time.Time {
	at := b.Schema().FieldIndices("received")
	if len(at) == 0 {
		return time.Time{}
	}
	stamps, ok := b.Column(at[0]).(*array.Timestamp)
	if !ok || stamps.IsNull(row) {
		return time.Time{}
	}
	return time.UnixMicro(int64(stamps.Value(row))).UTC()
}
