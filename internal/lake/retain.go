package lake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
)

// Retention says for how many days after its own an event is kept. 0 is forever.
type Retention struct {
	Days      map[string]int // by source
	Otherwise int            // of sources that are not named
}

func (r Retention) of(source string) int {
	if n, named := r.Days[source]; named {
		return n
	}
	return r.Otherwise
}

// String says it as the ledger keeps it: "flow 30 days, others forever".
func (r Retention) String() string {
	term := func(n int) string {
		if n == 0 {
			return "forever"
		}
		return fmt.Sprintf("%d days", n)
	}
	names := make([]string, 0, len(r.Days))
	for name := range r.Days {
		names = append(names, name)
	}
	slices.Sort(names)
	text := "retention: "
	for _, name := range names {
		text += name + " " + term(r.Days[name]) + ", "
	}
	return text + "others " + term(r.Otherwise)
}

// expired reports whether events of a source and day are past their time.
func (r Retention) expired(source string, p partition, today int32) bool {
	n := r.of(source)
	return n > 0 && int64(p.day)+int64(n) < int64(today)
}

// Retained says what a retention let go.
type Retained struct {
	Files int // that are no longer part of the table
	Rows  int64
}

// policyKey is where the summary of a snapshot names the policy that let its replaced files go. What those held and the added files do not
// is past its time.
const policyKey = "tocsin.policy"

// Retain lets go of events that are past their time, partition by partition, each a snapshot of its own. Where a file holds events of other
// sources as well, these are written anew. The old files stay until no snapshot names them (Sweep).
func (l *Lake) Retain(ctx context.Context, r Retention, now time.Time) (Retained, error) {
	var out Retained
	shortest := r.Otherwise
	for _, n := range r.Days {
		if n > 0 && (shortest == 0 || n < shortest) {
			shortest = n
		}
	}
	if shortest == 0 {
		return out, nil
	}
	today := dayOf(now.UnixMilli())
	tasks, err := l.tasks(ctx, time.Time{}, now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -shortest))
	if err != nil {
		return out, err
	}
	l.forgetSources(tasks)
	var damaged []error // they stay as they are; the others do not wait for them
	for _, t := range tasks {
		err := l.retain(ctx, t, r, today, &out)
		if d := new(DamagedError); errors.As(err, &d) {
			damaged = append(damaged, err)
		} else if err != nil {
			return out, err
		}
	}
	return out, errors.Join(damaged...)
}

// nothingExpired reports whether a file is known to hold no source whose events are past their time: it is read once in the life of a process.
func (l *Lake) nothingExpired(t table.FileScanTask, r Retention, p partition, today int32) bool {
	known, is := l.sources.Load(t.File.FilePath())
	return is && !slices.ContainsFunc(known.([]string), func(source string) bool { return r.expired(source, p, today) })
}

// forgetSources drops what is known of files that are no longer among those that are old enough.
func (l *Lake) forgetSources(tasks []table.FileScanTask) {
	there := map[string]bool{}
	for _, t := range tasks {
		there[t.File.FilePath()] = true
	}
	l.sources.Range(func(path, _ any) bool {
		if !there[path.(string)] {
			l.sources.Delete(path)
		}
		return true
	})
}

// retain lets go of what is past its time in one file.
func (l *Lake) retain(ctx context.Context, t table.FileScanTask, r Retention, today int32, out *Retained) error {
	p := partitionOf(t.File)
	if int64(p.day) >= int64(today) {
		return nil
	}
	if l.nothingExpired(t, r, p, today) {
		return nil
	}
	var keep []int32
	row, sources := int32(0), map[string]bool{}
	err := eachRow(ctx, pathOf(t.File.FilePath()), []string{"source_id"}, func(text func(column string, row int) string, _ *array.String, b arrow.RecordBatch) error {
		for i := range int(b.NumRows()) {
			source := text("source_id", i)
			if !sources[source] {
				sources[strings.Clone(source)] = true
			}
			if !r.expired(source, p, today) {
				keep = append(keep, row)
			}
			row++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", t.File.FilePath(), err)
	}
	l.sources.Store(t.File.FilePath(), slices.Sorted(maps.Keys(sources))) // a data file never changes
	if int64(len(keep)) == t.File.Count() {
		return nil
	}
	old := []iceberg.DataFile{t.File}
	var fresh []dataFile
	if len(keep) > 0 {
		f, err := l.rewrite(ctx, p, old, keep)
		if err != nil {
			return err
		}
		fresh = []dataFile{f}
	}
	if err := l.swap(ctx, old, fresh, r.String()); err != nil {
		return err
	}
	out.Files++
	out.Rows += t.File.Count() - int64(len(keep))
	return nil
}

// rewrite writes some rows of files anew.
func (l *Lake) rewrite(ctx context.Context, p partition, old []iceberg.DataFile, keep []int32) (dataFile, error) {
	record, err := l.readAll(ctx, old)
	if err != nil {
		return dataFile{}, err
	}
	defer record.Release()
	return l.writeFile(ctx, p, contentOf(ctx, record, keep))
}

// swap puts files in the place of others, under a policy that may let events go.
func (l *Lake) swap(ctx context.Context, old []iceberg.DataFile, fresh []dataFile, policy string) error {
	props, err := l.summary(fresh, old, Marks{})
	if err != nil {
		return errors.Join(err, remove(fresh))
	}
	props[policyKey] = policy
	list := make([]iceberg.DataFile, len(fresh))
	for i, f := range fresh {
		list[i] = f.DataFile
	}
	tx := l.table.Load().NewTransaction()
	if err := tx.ReplaceDataFilesWithDataFiles(ctx, old, list, props, table.WithoutAutoNameMapping()); err != nil {
		return errors.Join(fmt.Errorf("stage %s: %w", strings.SplitN(policy, ":", 2)[0], err), remove(fresh))
	}
	if err := l.commit(ctx, tx); err != nil {
		if errors.Is(err, ErrConflict) {
			err = errors.Join(err, remove(fresh))
		}
		return err
	}
	return nil
}
