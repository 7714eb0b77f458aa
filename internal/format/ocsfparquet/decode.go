package ocsfparquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/tocsin-security/tocsin/internal/format/ocsfjson"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// The bounds of one file. Security Lake writes files of at most 256 MiB a row group; its widest class has some 1,500 columns.
const (
	maxFile   = 8 << 30
	maxFooter = 32 << 20
	maxMemory = 512 << 20 // of what the reader holds at once
	batchRows = 512
)

var magic = []byte("PAR1")

// Shape is ocsfjson's, behind Parquet.
func Shape() ocsf.Shape {
	s := ocsfjson.Shape()
	s.Open = open
	return s
}

// Recognise reports whether the first bytes of a stream are Parquet's.
func Recognise(head []byte) bool { return bytes.HasPrefix(head, magic) }

// open copies a stream to a temporary file and returns its rows as JSON lines.
func open(in io.Reader) (_ io.ReadCloser, err error) {
	spool, err := os.CreateTemp("", "tocsin-parquet-*")
	if err != nil {
		return nil, fmt.Errorf("copy a Parquet file: %w", err)
	}
	r := &rows{spool: spool}
	defer func() {
		if err != nil {
			_ = r.Close()
		}
	}()
	size, err := io.Copy(spool, io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("copy a Parquet file: %w", err)
	}
	if err := checkEnd(spool, size); err != nil {
		return nil, err
	}
	return r, guarded(r.begin)
}

// checkEnd looks at the file's end before a parser does: the size of the footer is what a hostile file would lie about first.
func checkEnd(f *os.File, size int64) error {
	if size > maxFile {
		return errors.New("a Parquet file of more than 8 GiB (limit)")
	}
	var end [8]byte
	if size < 12 {
		return errors.New("a Parquet file that is cut off")
	}
	if _, err := f.ReadAt(end[:], size-8); err != nil {
		return fmt.Errorf("read the end of a Parquet file: %w", err)
	}
	if !bytes.Equal(end[4:], magic) {
		return errors.New("a Parquet file that is cut off or encrypted: it does not end with PAR1")
	}
	footer := int64(end[0]) | int64(end[1])<<8 | int64(end[2])<<16 | int64(end[3])<<24
	if footer > maxFooter || footer > size-12 {
		return fmt.Errorf("a Parquet file whose footer claims %d bytes of %d (limit 32 MiB)", footer, size)
	}
	return nil
}

// rows gives the rows of a Parquet file as JSON lines.
type rows struct {
	spool   *os.File
	reader  *file.Reader
	batches pqarrow.RecordReader
	batch   arrow.RecordBatch
	next    int // row of batch
	given   int64
	line    []byte
	sent    int // of line
}

func (r *rows) begin() error {
	limit := &limited{Allocator: memory.NewGoAllocator()}
	props := parquet.NewReaderProperties(limit)
	props.BufferedStreamEnabled = true
	var err error
	if r.reader, err = file.NewParquetReader(r.spool, file.WithReadProps(props)); err != nil {
		return err
	}
	reader, err := pqarrow.NewFileReader(r.reader, pqarrow.ArrowReadProperties{BatchSize: batchRows}, limit)
	if err != nil {
		return err
	}
	r.batches, err = reader.GetRecordReader(noCancel, nil, nil)
	return err
}

// Read gives the next bytes. An error is a sentence on what is wrong with the file.
func (r *rows) Read(p []byte) (int, error) {
	for r.sent == len(r.line) {
		if err := guarded(r.row); errors.Is(err, errEnd) {
			return 0, io.EOF
		} else if err != nil {
			return 0, err
		}
	}
	n := copy(p, r.line[r.sent:])
	r.sent += n
	return n, nil
}

// row makes the line of the next row.
func (r *rows) row() error {
	for r.batch == nil || r.next >= int(r.batch.NumRows()) {
		if !r.batches.Next() {
			if err := r.batches.Err(); err != nil && err.Error() != io.EOF.Error() {
				return err
			}
			if all := r.reader.NumRows(); r.given != all {
				return fmt.Errorf("it ends after %d of %d rows", r.given, all)
			}
			return errEnd
		}
		r.batch, r.next = r.batches.RecordBatch(), 0
	}
	r.line, r.sent = appendRow(r.line[:0], r.batch, r.next), 0
	r.line = append(r.line, '\n')
	r.next++
	r.given++
	return nil
}

// Close removes the temporary file.
func (r *rows) Close() error {
	_ = guarded(func() error {
		if r.batches != nil {
			r.batches.Release()
		}
		return nil
	})
	return errors.Join(r.spool.Close(), os.Remove(r.spool.Name()))
}

// errEnd is the end of the rows. The reader's own errors may be io.EOF where the file breaks off.
var errEnd = errors.New("end of rows")

// guarded makes a sentence of what the reader fails on: it trusts its input further than we do.
func guarded(do func() error) (err error) {
	defer func() {
		if failed := recover(); failed != nil {
			err = fmt.Errorf("a damaged Parquet file: %v", failed)
		}
	}()
	if err = do(); err != nil && !errors.Is(err, errEnd) {
		return errors.New("a damaged Parquet file: " + err.Error())
	}
	return err
}

// limited refuses to hold more than maxMemory.
type limited struct {
	memory.Allocator
	held int
}

func (l *limited) take(n int) {
	if l.held += n; l.held > maxMemory {
		l.held -= n
		panic(errors.New("it wants more than 512 MiB of memory at once (limit)"))
	}
}

// Allocate counts what is held.
func (l *limited) Allocate(size int) []byte {
	l.take(size)
	return l.Allocator.Allocate(size)
}

// Reallocate counts what is held.
func (l *limited) Reallocate(size int, b []byte) []byte {
	l.take(size - len(b))
	return l.Allocator.Reallocate(size, b)
}

// Free counts what is held.
func (l *limited) Free(b []byte) {
	l.held -= len(b)
	l.Allocator.Free(b)
}
