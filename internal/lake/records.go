package lake

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// Kept is a record as the lake keeps it. Its bytes are valid until the callback returns.
type Kept struct {
	Raw    []byte
	Format string
	ID     string // metadata.uid: the vendor's, or the one that was made
	Object string // batch_id: what it came in
	Source string
	// Received is when it came in; zero where the file does not say.
	Received time.Time
}

// Records calls each with every record of a data file, in the order of its rows.
func Records(ctx context.Context, path string, each func(Kept) error) error {
	err := eachRow(ctx, path, []string{"raw_data", "format", "batch_id", "source_id", "received"}, func(text func(column string, row int) string, uid *array.String, b arrow.RecordBatch) error {
		for i := range int(b.NumRows()) {
			k := Kept{Raw: []byte(text("raw_data", i)), Format: text("format", i), ID: uid.Value(i), Object: text("batch_id", i), Source: text("source_id", i), Received: receivedOf(b, i)}
			if err := each(k); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// DamagedError names a data file that cannot be read: it is torn, changed or gone.
type DamagedError struct {
	Path string
	Err  error
}

// Error says what to do.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("data file %s cannot be read (put it back from a copy; tocsin ledger verify names all such files): %v", e.Path, e.Err)
}

// Unwrap returns why.
func (e *DamagedError) Unwrap() error { return e.Err }

// eachRow reads columns and the event's id of a data file, batch after batch; text reads the columns of text.
func eachRow(ctx context.Context, path string, columns []string, each func(text func(column string, row int) string, uid *array.String, b arrow.RecordBatch) error) (err error) {
	defer func() {
		if r := recover(); r != nil { // the reader of Parquet does not expect every damage
			err = &DamagedError{path, fmt.Errorf("%v", r)}
		}
	}()
	r, err := file.OpenParquetFile(filepath.Clean(path), false)
	if err != nil {
		return &DamagedError{path, err}
	}
	defer r.Close() //nolint:errcheck // read only
	reader, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{BatchSize: 4 << 10}, memory.DefaultAllocator)
	if err != nil {
		return &DamagedError{path, err}
	}
	schema := r.MetaData().Schema
	wanted := []int{schema.ColumnIndexByName("metadata.uid")}
	for _, c := range columns {
		wanted = append(wanted, schema.ColumnIndexByName(c))
	}
	batches, err := reader.GetRecordReader(ctx, wanted, nil)
	if err != nil {
		return err
	}
	defer batches.Release()
	for batches.Next() {
		b := batches.RecordBatch()
		meta := b.Column(b.Schema().FieldIndices("metadata")[0]).(*array.Struct)
		uid := meta.Field(indexOf(meta.DataType().(*arrow.StructType), "uid")).(*array.String)
		texts := map[string]*array.String{}
		for _, c := range columns {
			if column, ok := b.Column(b.Schema().FieldIndices(c)[0]).(*array.String); ok {
				texts[c] = column
			}
		}
		text := func(column string, row int) string { return texts[column].Value(row) }
		if err := each(text, uid, b); err != nil {
			return err
		}
	}
	if err := batches.Err(); err != nil {
		return &DamagedError{path, err}
	}
	return nil
}
