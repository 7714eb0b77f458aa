package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
)

// File is one data file of the current snapshot.
type File struct {
	Path  string
	Rows  int64
	Bytes int64
	Class int
	Day   time.Time
	// Source is where all of its events came from, where they came from one source and the file says so.
	Source string
	Today  bool // it has just the columns that the table has today, in their order; else some may lack, and only their ids tell which they are
}

// Plan lists the files that can hold events of a time range, the newest day first. Zero times are no bound; to is exclusive.
func (l *Lake) Plan(ctx context.Context, from, to time.Time) ([]File, error) {
	tasks, err := l.tasks(ctx, from, to)
	if err != nil {
		return nil, err
	}
	today, err := l.markOfToday()
	if err != nil {
		return nil, err
	}
	source, _ := l.table.Load().Schema().FindFieldByName("source_id")
	out := make([]File, 0, len(tasks))
	for _, t := range tasks {
		f := File{Path: pathOf(t.File.FilePath()), Rows: t.File.Count(), Bytes: t.File.FileSizeBytes()}
		f.Today, f.Source = hasMark(f.Path, today), only(t.File, source.ID)
		p := partitionOf(t.File)
		f.Class, f.Day = int(p.class), time.Unix(int64(p.day)*86400, 0).UTC()
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b File) int {
		if c := b.Day.Compare(a.Day); c != 0 {
			return c
		}
		return compareText(a.Path, b.Path)
	})
	return out, nil
}

// only is the one value of a text column, or "" where there are several or the file does not say.
func only(f iceberg.DataFile, field int) string {
	least, most := f.LowerBoundValues()[field], f.UpperBoundValues()[field]
	if len(least) == 0 || !bytes.Equal(least, most) || f.NullValueCounts()[field] > 0 {
		return ""
	}
	return string(least)
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (l *Lake) tasks(ctx context.Context, from, to time.Time) ([]table.FileScanTask, error) {
	if l.table.Load().CurrentSnapshot() == nil {
		return nil, nil
	}
	var filter iceberg.BooleanExpression = iceberg.AlwaysTrue{}
	if !from.IsZero() {
		filter = iceberg.NewAnd(filter, iceberg.GreaterThanEqual(iceberg.Reference("time_dt"), iceberg.Timestamp(from.UnixMicro())))
	}
	if !to.IsZero() {
		filter = iceberg.NewAnd(filter, iceberg.LessThan(iceberg.Reference("time_dt"), iceberg.Timestamp(to.UnixMicro())))
	}
	scan := l.table.Load().Scan(table.WithRowFilter(filter))
	tasks, err := scan.PlanFiles(ctx)
	if err != nil {
		return nil, fmt.Errorf("plan files: %w", err)
	}
	return tasks, nil
}

// partitionOf reads a file's day and class from its partition values.
func partitionOf(f iceberg.DataFile) (p partition) {
	for id, v := range f.Partition() {
		n := int32(0)
		switch x := v.(type) {
		case int32:
			n = x
		case iceberg.Date:
			n = int32(x)
		case int:
			n = int32(x) //nolint:gosec // days and classes
		}
		switch id {
		case dayField:
			p.day = n
		case classField:
			p.class = n
		}
	}
	return p
}

// Identities calls each with the time, the account and the vendor's id of every event of a time range, widened to whole days. Files that
// cannot be read are passed over, and come at the end as an error that holds a DamagedError for each; any other error ends it.
func (l *Lake) Identities(ctx context.Context, from, to time.Time, each func(at time.Time, account, uid string)) error {
	files, err := l.Plan(ctx, from, to)
	if err != nil {
		return err
	}
	var damaged []error
	for _, f := range files {
		err := identities(ctx, f.Path, each)
		if d := new(DamagedError); errors.As(err, &d) {
			damaged = append(damaged, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", f.Path, err)
		}
	}
	return errors.Join(damaged...)
}

func identities(ctx context.Context, path string, each func(at time.Time, account, uid string)) error {
	return eachRow(ctx, path, []string{"account", "time"}, func(text func(column string, row int) string, uid *array.String, b arrow.RecordBatch) error {
		at := b.Column(b.Schema().FieldIndices("time")[0]).(*array.Int64)
		for i := range int(b.NumRows()) {
			each(time.UnixMilli(at.Value(i)), text("account", i), uid.Value(i))
		}
		return nil
	})
}

// Column is one top-level column as an engine needs it to read files of any age.
type Column struct {
	ID   int
	Name string
	Type string // in the words of SQL: VARCHAR, STRUCT("a" INTEGER), VARCHAR[]
}

// Columns lists the table's columns.
func (l *Lake) Columns() []Column {
	var out []Column
	for _, f := range l.table.Load().Schema().Fields() {
		out = append(out, Column{f.ID, f.Name, sqlType(f.Type)})
	}
	return out
}

func sqlType(t iceberg.Type) string {
	switch x := t.(type) {
	case *iceberg.StructType:
		text := "STRUCT("
		for i, f := range x.FieldList {
			if i > 0 {
				text += ", "
			}
			text += `"` + f.Name + `" ` + sqlType(f.Type)
		}
		return text + ")"
	case *iceberg.ListType:
		return sqlType(x.Element) + "[]"
	}
	switch t.String() {
	case "int":
		return "INTEGER"
	case "long":
		return "BIGINT"
	case "boolean":
		return "BOOLEAN"
	case "timestamp":
		return "TIMESTAMP"
	}
	return "VARCHAR"
}
