package lake

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/cespare/xxhash/v2"
	"golang.org/x/sync/errgroup"
)

// Holder is a data file that may hold a value, and the columns in which it may: of Filtered, in that order.
type Holder struct {
	File
	Columns []string
}

// Holders lists the files of a time range that may hold a text as the whole value of a column that has a bloom filter, the newest day
// first. No file that holds it is left out. Files that cannot be read are listed with all columns: whoever reads them says why.
func (l *Lake) Holders(ctx context.Context, from, to time.Time, value string) ([]Holder, error) {
	files, err := l.Plan(ctx, from, to)
	if err != nil {
		return nil, err
	}
	hash, held := xxhash.Sum64String(value), make([][]string, len(files))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range files {
		group.Go(func() error {
			if ctx.Err() == nil {
				held[i] = l.holds(&files[i], value, hash)
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("look for a value: %w", err)
	}
	var out []Holder
	for i, columns := range held {
		if len(columns) > 0 {
			out = append(out, Holder{files[i], columns})
		}
	}
	return out, nil
}

// holds lists the columns in which a file may hold a value.
func (l *Lake) holds(f *File, value string, hash uint64) []string {
	if !f.Today { // only the ids of its columns say which they are
		return filtered
	}
	chunks, err := l.filters.of(f.Path)
	if err != nil {
		return filtered
	}
	data, err := os.Open(filepath.Clean(f.Path))
	if err != nil {
		return filtered
	}
	defer data.Close() //nolint:errcheck // only read
	var out []string
	for _, c := range chunks {
		if n := len(out); (n == 0 || out[n-1] != filtered[c.column]) && c.may(data, value, hash) {
			out = append(out, filtered[c.column])
		}
	}
	return out
}

// chunk is a column in a row group of a file that has values there.
type chunk struct {
	column      int   // of filtered
	offset      int64 // of the blocks of its bloom filter; 0: there is none
	blocks      uint64
	least, most string // where there is no filter; "" and "": not known
}

// may reports whether a value may be in a chunk. Source: the split-block bloom filter of the Parquet format (BloomFilter.md).
func (c *chunk) may(file io.ReaderAt, value string, hash uint64) bool {
	if c.offset == 0 {
		return c.least == "" && c.most == "" || c.least <= value && value <= c.most
	}
	at, _ := bits.Mul64(hash>>32<<32, c.blocks) // the upper half of the hash, scaled to the blocks
	var block [32]byte
	if _, err := file.ReadAt(block[:], c.offset+int64(at)*32); err != nil { //nolint:gosec // below the length of a file
		return true
	}
	for i, salt := range [8]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31} {
		word := binary.LittleEndian.Uint32(block[4*i:])
		if word>>(uint32(hash)*salt>>27)&1 == 0 { //nolint:gosec // the lower half of the hash
			return false
		}
	}
	return true
}

// filters remembers where the bloom filters of data files are. Data files never change. The zero value is ready for use.
type filters struct {
	mu    sync.Mutex
	files map[string][]chunk
}

// rememberedFiles bounds the files that are remembered, at a few KiB each.
const rememberedFiles = 20_000

func (f *filters) of(path string) ([]chunk, error) {
	f.mu.Lock()
	chunks, known := f.files[path]
	f.mu.Unlock()
	if known {
		return chunks, nil
	}
	chunks, err := chunksOf(path)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.files == nil || len(f.files) >= rememberedFiles {
		f.files = map[string][]chunk{}
	}
	f.files[path] = chunks
	return chunks, nil
}

// chunksOf reads where a file has which filters, column by column.
func chunksOf(path string) ([]chunk, error) {
	data, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	defer data.Close() //nolint:errcheck // only read
	r, err := file.NewParquetReader(data)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // only read
	var out []chunk
	for column, name := range filtered {
		i := r.MetaData().Schema.ColumnIndexByName(name)
		if i < 0 {
			continue
		}
		for g := range r.NumRowGroups() {
			m, err := r.MetaData().RowGroup(g).ColumnChunk(i)
			if err != nil {
				return nil, err
			}
			c := chunk{column: column}
			if err := c.find(data, m); err != nil {
				return nil, err
			}
			if c.blocks != 0 {
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// find reads where the filter of a column is, or between what its values are. Blocks of 0 say that it has no values.
func (c *chunk) find(data io.ReaderAt, m *metadata.ColumnChunkMetaData) error {
	stats, err := m.Statistics()
	if err != nil {
		return err
	}
	if stats != nil && stats.HasNullCount() && stats.NullCount() == m.NumValues() {
		return nil
	}
	c.blocks = 1
	if stats != nil && stats.HasMinMax() {
		c.least, c.most = string(stats.EncodeMin()), string(stats.EncodeMax())
	}
	length := int64(m.BloomFilterLength())
	if m.BloomFilterOffset() <= 0 || length < 32 {
		return nil
	}
	// The header says first how long the filter is, a signed varint of Thrift's compact protocol in field 1; the filter is what stands last.
	head := make([]byte, min(16, length))
	if _, err := data.ReadAt(head, m.BloomFilterOffset()); err != nil {
		return err
	}
	size, n := binary.Varint(head[1:])
	if head[0] != 0x15 || n <= 0 || size <= 0 || size%32 != 0 || size >= length {
		return nil // not as the format has it: the values are between least and most
	}
	c.offset, c.blocks, c.least, c.most = m.BloomFilterOffset()+length-size, uint64(size)/32, "", "" //nolint:gosec // above 0
	return nil
}
