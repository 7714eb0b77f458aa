package lake

import (
	"bytes"
	"context"
	"encoding/binary"
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
	all, err := l.files(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]File, 0, len(all))
	for _, f := range all {
		if (from.IsZero() || f.most >= from.UnixMicro()) && (to.IsZero() || f.least < to.UnixMicro()) {
			out = append(out, f.File)
		}
	}
	return out, nil
}

// timed is a File with the times of its first and last event, in microseconds.
type timed struct {
	File
	least, most int64
}

// listing is what a table's manifests list. To read them takes longer than many a question, and a table that is loaded does not change.
type listing struct {
	of    *table.Table
	files []timed
}

// files lists all files of the table as it is loaded, the newest day first.
func (l *Lake) files(ctx context.Context) ([]timed, error) {
	now := l.table.Load()
	if known := l.listed.Load(); known != nil && known.of == now {
		return known.files, nil
	}
	tasks, err := tasksOf(ctx, now, time.Time{}, time.Time{})
	if err != nil {
		return nil, err
	}
	today, err := markOf(now)
	if err != nil {
		return nil, err
	}
	source, _ := now.Schema().FindFieldByName("source_id")
	at, _ := now.Schema().FindFieldByName("time_dt")
	out := make([]timed, 0, len(tasks))
	for _, t := range tasks {
		p := partitionOf(t.File)
		day := time.Unix(int64(p.day)*86400, 0).UTC()
		f := timed{File: File{Path: pathOf(t.File.FilePath()), Rows: t.File.Count(), Bytes: t.File.FileSizeBytes(), Class: int(p.class), Day: day, Source: only(t.File, source.ID)}}
		f.Today = hasMark(f.Path, today)
		f.least = micros(t.File.LowerBoundValues()[at.ID], day)
		f.most = micros(t.File.UpperBoundValues()[at.ID], day.AddDate(0, 0, 1))
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b timed) int {
		if c := b.Day.Compare(a.Day); c != 0 {
			return c
		}
		return compareText(a.Path, b.Path)
	})
	l.listed.Store(&listing{now, out})
	return out, nil
}

// micros reads a bound of a column of timestamps.
func micros(bound []byte, otherwise time.Time) int64 {
	if len(bound) != 8 {
		return otherwise.UnixMicro()
	}
	return int64(binary.LittleEndian.Uint64(bound)) //nolint:gosec // Iceberg writes a long so
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
	return tasksOf(ctx, l.table.Load(), from, to)
}

func tasksOf(ctx context.Context, t *table.Table, from, to time.Time) ([]table.FileScanTask, error) {
	if t.CurrentSnapshot() == nil {
		return nil, nil
	}
	var filter iceberg.BooleanExpression = iceberg.AlwaysTrue{}
	if !from.IsZero() {
		filter = iceberg.NewAnd(filter, iceberg.GreaterThanEqual(iceberg.Reference("time_dt"), iceberg.Timestamp(from.UnixMicro())))
	}
	if !to.IsZero() {
		filter = iceberg.NewAnd(filter, iceberg.LessThan(iceberg.Reference("time_dt"), iceberg.Timestamp(to.UnixMicro())))
	}
	scan := t.Scan(table.WithRowFilter(filter))
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
