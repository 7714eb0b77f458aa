package lake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
)

// compactRows bounds the rows of one compacted file, and with them the memory of a compaction: 2 to 3 KB for each row, once.
const compactRows = 200_000

// Compacted says what a compaction did.
type Compacted struct {
	Before, After int // files
	Rows          int64
	BytesBefore   int64
	BytesAfter    int64
}

// Compact makes few files of many, day by day and class by class, for the days that ended before. Each partition is a
// snapshot of its own, so an interrupt keeps what is done. The old files stay until no snapshot names them (Sweep).
func (l *Lake) Compact(ctx context.Context, before time.Time) (Compacted, error) {
	tasks, err := l.tasks(ctx, time.Time{}, before)
	if err != nil {
		return Compacted{}, err
	}
	last := dayOf(before.UnixMilli())
	return l.compact(ctx, tasks, 2, func(f iceberg.DataFile) (group, bool) {
		p := partitionOf(f)
		return group{p, 0}, p.day < last && f.Count() < compactRows
	})
}

// tier is how many files of about one size wait to be made one in a day that is not over.
const tier = 16

// CompactOpen makes one file of every sixteen of about the same size, also in days that are not over: an event is written anew
// once for each time that sixteenfold.
func (l *Lake) CompactOpen(ctx context.Context) (Compacted, error) {
	tasks, err := l.tasks(ctx, time.Time{}, time.Time{})
	if err != nil {
		return Compacted{}, err
	}
	return l.compact(ctx, tasks, tier, func(f iceberg.DataFile) (group, bool) {
		return group{partitionOf(f), bits.Len64(uint64(f.Count())) / 4}, f.Count() < compactRows //nolint:gosec // rows
	})
}

// group is what is made one file of.
type group struct {
	partition
	size int
}

// compact replaces each group of at least some files.
func (l *Lake) compact(ctx context.Context, tasks []table.FileScanTask, least int, groupOf func(iceberg.DataFile) (group, bool)) (Compacted, error) {
	groups := map[group][]iceberg.DataFile{}
	for _, t := range tasks {
		if g, ok := groupOf(t.File); ok {
			groups[g] = append(groups[g], t.File)
		}
	}
	order := make([]group, 0, len(groups))
	for g, files := range groups {
		if len(files) >= least {
			order = append(order, g)
		}
	}
	slices.SortFunc(order, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.class, b.class), cmp.Compare(a.size, b.size))
	})
	var out Compacted
	var damaged []error
	for _, g := range order {
		for _, files := range batches(groups[g]) {
			err := l.replace(ctx, g.partition, files, &out)
			if d := new(DamagedError); errors.As(err, &d) {
				damaged = append(damaged, err) // its group stays as it is; the others do not wait for it
				continue
			}
			if err != nil {
				return out, err
			}
		}
	}
	return out, errors.Join(damaged...)
}

// batches cuts a partition's files into groups that are worth one file each.
func batches(files []iceberg.DataFile) [][]iceberg.DataFile {
	slices.SortFunc(files, func(a, b iceberg.DataFile) int { return compareText(a.FilePath(), b.FilePath()) })
	var out [][]iceberg.DataFile
	var group []iceberg.DataFile
	rows := int64(0)
	for _, f := range files {
		if rows+f.Count() > compactRows && len(group) > 0 {
			out, group, rows = append(out, group), nil, 0
		}
		group = append(group, f)
		rows += f.Count()
	}
	out = append(out, group)
	return slices.DeleteFunc(out, func(g []iceberg.DataFile) bool { return len(g) < 2 })
}

// replace writes a group anew as one file and swaps it in.
func (l *Lake) replace(ctx context.Context, p partition, old []iceberg.DataFile, out *Compacted) error {
	record, err := l.readAll(ctx, old)
	if err != nil {
		for _, f := range old {
			path := pathOf(f.FilePath())
			if broken := identities(ctx, path, func(time.Time, string, string) {}); broken != nil {
				return broken
			}
		}
		return err
	}
	defer record.Release()
	fresh, err := l.writeFile(ctx, p, contentOf(ctx, record, sorted(record)))
	if err != nil {
		return err
	}
	want := int64(0)
	for _, f := range old {
		want += f.Count()
		out.BytesBefore += f.FileSizeBytes()
	}
	if fresh.Count() != want {
		return errors.Join(fmt.Errorf("compaction of %d rows gave %d; nothing is changed", want, fresh.Count()), remove([]dataFile{fresh}))
	}
	props, err := l.summary([]dataFile{fresh}, old, Marks{})
	if err != nil {
		return err
	}
	tx := l.table.Load().NewTransaction()
	if err := tx.ReplaceDataFilesWithDataFiles(ctx, old, []iceberg.DataFile{fresh.DataFile}, props, table.WithoutAutoNameMapping()); err != nil {
		return errors.Join(fmt.Errorf("stage compaction: %w", err), remove([]dataFile{fresh}))
	}
	if err := l.commit(ctx, tx); err != nil {
		if errors.Is(err, ErrConflict) {
			err = errors.Join(err, remove([]dataFile{fresh}))
		}
		return err
	}
	out.Before += len(old)
	out.After++
	out.Rows += want
	out.BytesAfter += fresh.FileSizeBytes()
	return nil
}

// readAll reads files as one record of today's schema: a column that a file lacks is null.
func (l *Lake) readAll(ctx context.Context, files []iceberg.DataFile) (arrow.RecordBatch, error) {
	scan := l.table.Load().Scan()
	tasks := make([]table.FileScanTask, len(files))
	for i, f := range files {
		tasks[i] = table.FileScanTask{File: f, Length: f.FileSizeBytes()}
	}
	schema, err := table.SchemaToArrowSchema(l.table.Load().Schema(), nil, true, false)
	if err != nil {
		return nil, fmt.Errorf("lake schema: %w", err)
	}
	_, batches, err := scan.ReadTasks(ctx, tasks)
	if err != nil {
		return nil, fmt.Errorf("read files: %w", err)
	}
	parts := make([][]arrow.Array, schema.NumFields()) // by column, so that one after the other can go
	release := func(i int) {
		for _, a := range parts[i] {
			a.Release()
		}
		parts[i] = nil
	}
	defer func() {
		for i := range parts {
			release(i)
		}
	}()
	rows := int64(0)
	for b, err := range batches {
		if err != nil {
			return nil, fmt.Errorf("read files: %w", err)
		}
		for i := range parts {
			b.Column(i).Retain()
			parts[i] = append(parts[i], b.Column(i))
		}
		rows += b.NumRows()
	}
	columns := make([]arrow.Array, schema.NumFields())
	for i := range columns {
		whole, err := array.Concatenate(parts[i], memory.DefaultAllocator)
		if err != nil {
			return nil, fmt.Errorf("join column %s: %w", schema.Field(i).Name, err)
		}
		defer whole.Release()
		columns[i] = whole
		release(i)
	}
	return array.NewRecordBatch(schema, columns, rows), nil
}
