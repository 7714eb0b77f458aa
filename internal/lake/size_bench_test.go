package lake

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/iceberg-go/table"

	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
	"github.com/tocsin-security/tocsin/simulate"
)

// simulatedDay is a busy day of the simulated organisation as rows, with the bytes of its records as JSON and as delivered (gzip).
func simulatedDay(b *testing.B) (rows []Prepared, json, packed int64) {
	b.Helper()
	dir := b.TempDir()
	if _, err := simulate.WriteTree(b.Context(), dir, simulate.Config{Seed: 11, Start: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC), Days: 1, Scale: 40}, nil); err != nil {
		b.Fatal(err)
	}
	judge := enrich.NewJudge(&enrich.Survey{}, nil, nil)
	d := ocsf.NewDecoder(cloudtrail.Shape(), records.Limits{})
	err := filepath.WalkDir(filepath.Join(dir, "logs"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		packed += info.Size()
		text, err := unzipped(path)
		if err != nil {
			return err
		}
		json += int64(len(text))
		return d.Decode(b.Context(), strings.NewReader(text), filepath.Base(path), ocsf.Sink{
			Event: func(e *ocsf.Event) error {
				rows = append(rows, Prepare(simulatedRow(e, judge, filepath.Base(path)), noon))
				return nil
			},
			Unreadable: func(u ocsf.Unreadable) error { return fmt.Errorf("%s: %s", path, u.Reason) },
		})
	})
	if err != nil {
		b.Fatal(err)
	}
	return rows, json, packed
}

// simulatedRow is the row that a worker makes.
func simulatedRow(e *ocsf.Event, judge *enrich.Judge, batch string) *Row {
	delivered, _ := time.Parse("20060102T1504Z", strings.Split(batch, "_")[3]) // all that came in one file was received at once
	received := delivered.Add(time.Duration(crc32.ChecksumIEEE([]byte(batch))) * 10 * time.Nanosecond)
	var f enrich.Facts
	f.Reset(judge, e)
	r := &Row{
		Event: e, Format: "cloudtrail", Principal: e.Str(ocsf.ActorUserUID), Origin: f.Actor().Origin, AccessKey: e.Str(ocsf.ActorUserCredentialUID),
		SrcIP: e.Str(ocsf.SrcIP), Operation: e.Str(ocsf.APIOperation), SourceID: "trail", BatchID: batch, Lane: LaneLive, Received: received,
	}
	if strings.Contains(r.Principal, ":assumed-role/") {
		r.Session = r.Principal
	}
	if list := f.Resources(); len(list) > 0 {
		r.Resource = list[0].ID
	}
	return r
}

func unzipped(path string) (string, error) {
	f, err := os.Open(path) //nolint:gosec // of this test
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	z, err := gzip.NewReader(f)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(z)
	return string(text), err
}

// BenchmarkSize writes a simulated day in one file per class, in the order that compaction leaves at each level of zstd that the writer tells apart, and in
// that of a commit.
// TOCSIN_BENCH_COLUMNS lists what the columns take.
func BenchmarkSize(b *testing.B) {
	rows, json, packed := simulatedDay(b)
	want, err := schemaOf(schemaText)
	if err != nil {
		b.Fatal(err)
	}
	schema, err := table.SchemaToArrowSchema(want, nil, true, false)
	if err != nil {
		b.Fatal(err)
	}
	byClass := map[int32][]Prepared{}
	for _, r := range rows {
		byClass[r.part.class] = append(byClass[r.part.class], r)
	}
	records := map[int32]arrow.RecordBatch{}
	for class, some := range byClass {
		sortRows(some)
		if records[class], err = inOrder(schema, some); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		level     int
		compacted bool
	}{{1, true}, {3, true}, {6, true}, {12, true}, {6, false}} {
		name := "as-committed"
		if c.compacted {
			name = "compacted"
		}
		b.Run(fmt.Sprintf("%s/zstd-%d", name, c.level), func(b *testing.B) {
			for b.Loop() {
				sizes, total, start := map[string]int64{}, int64(0), time.Now()
				for _, record := range records {
					order := sorted(record)
					if !c.compacted {
						slices.Sort(order)
					}
					of := contentOf(b.Context(), record, order)
					of.level = c.level
					total += sizeOf(b, of, sizes)
				}
				n := float64(len(rows))
				b.ReportMetric(float64(time.Since(start).Microseconds())/n, "encode-µs/event")
				b.ReportMetric(float64(total)/n, "B/event")
				b.ReportMetric(float64(json)/float64(total), "times-smaller-than-JSON")
				b.ReportMetric(float64(packed)/float64(total), "times-smaller-than-gzip")
				tellColumns(b, sizes, len(rows))
			}
		})
	}
	b.Logf("%d events: %.0f B each as JSON, %.0f as delivered", len(rows), float64(json)/float64(len(rows)), float64(packed)/float64(len(rows)))
}

// sizeOf writes a file, adds up what its columns take and returns its size.
func sizeOf(b *testing.B, c content, columns map[string]int64) int64 {
	b.Helper()
	f, err := create(filepath.Join(b.TempDir(), "f.parquet"))
	if err == nil {
		err = writeParquet(f, c)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	r, err := file.OpenParquetFile(f.Name(), false)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // only read
	rest := f.size
	for g := range r.NumRowGroups() {
		meta := r.MetaData().RowGroup(g)
		for i := range meta.NumColumns() {
			column, err := meta.ColumnChunk(i)
			if err != nil {
				b.Fatal(err)
			}
			columns[column.PathInSchema().String()] += column.TotalCompressedSize()
			rest -= column.TotalCompressedSize()
		}
	}
	columns["(bloom filters and footers)"] += rest
	return f.size
}

func tellColumns(b *testing.B, sizes map[string]int64, rows int) {
	b.Helper()
	if os.Getenv("TOCSIN_BENCH_COLUMNS") == "" {
		return
	}
	names := make([]string, 0, len(sizes))
	for name := range sizes {
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y string) int { return cmp.Compare(sizes[y], sizes[x]) })
	for _, name := range names[:min(25, len(names))] {
		fmt.Fprintf(os.Stderr, "%7.2f B/event %s\n", float64(sizes[name])/float64(rows), name)
	}
}
