package lake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
)

// Committed says what a commit did.
type Committed struct {
	Snapshot int64
	Files    int
	Rows     int64
	Bytes    int64 // on disk
	Took     time.Duration
}

// filesKey is where a snapshot's summary names the files that it added, with their hashes as they were written.
const filesKey = "tocsin.files"

// replacedKey is where the summary of a compaction names the files that it put others in the place of.
const replacedKey = "tocsin.replaced"

// addedFile is one entry under filesKey.
type addedFile struct {
	Path   string `json:"path"` // below the lake's folder
	SHA256 string `json:"sha256"`
	Rows   int64  `json:"rows"`
}

// Commit writes what was gathered and makes it one snapshot, together with the marks that are thereby reached. With
// nothing gathered and no mark it does nothing. On ErrConflict the files are gone and so is what was gathered: the
// caller reads again from Positions.
func (w *Writer) Commit(ctx context.Context, marks Marks) (Committed, error) {
	start := time.Now()
	files, err := w.flush(ctx)
	if err != nil {
		return Committed{}, errors.Join(err, remove(files))
	}
	if len(files) == 0 && len(marks.Positions)+len(marks.Totals) == 0 {
		return Committed{}, nil
	}
	l := w.lake
	props, err := l.summary(files, nil, marks)
	if err != nil {
		return Committed{}, err
	}
	if len(files) == 0 {
		return Committed{Took: time.Since(start)}, l.commitMarks(ctx, props)
	}
	tx := l.table.Load().NewTransaction()
	list := make([]iceberg.DataFile, len(files))
	out := Committed{Files: len(files)}
	for i, f := range files {
		list[i] = f.DataFile
		out.Rows += f.Count()
		out.Bytes += f.FileSizeBytes()
	}
	if err := tx.AddDataFiles(ctx, list, props, table.WithoutAutoNameMapping(), table.WithoutDuplicateCheck()); err != nil {
		return Committed{}, errors.Join(fmt.Errorf("stage commit: %w", err), remove(files))
	}
	if err := l.commit(ctx, tx); err != nil {
		if errors.Is(err, ErrConflict) {
			err = errors.Join(err, remove(files))
		}
		return Committed{}, err
	}
	if s := l.table.Load().CurrentSnapshot(); s != nil {
		out.Snapshot = s.SnapshotID
	}
	out.Took = time.Since(start)
	return out, nil
}

// commitMarks keeps marks that come without rows. Iceberg makes no snapshot of nothing, so they stand in the table's properties, together with
// the snapshot that they follow: they count until there is another, which carries them on in its summary.
func (l *Lake) commitMarks(ctx context.Context, props iceberg.Properties) error {
	delete(props, filesKey)
	props[afterKey] = strconv.FormatInt(l.current(), 10)
	tx := l.table.Load().NewTransaction()
	if err := tx.SetProperties(props); err != nil {
		return fmt.Errorf("stage marks: %w", err)
	}
	return l.commit(ctx, tx)
}

// current is the id of the current snapshot, 0 where there is none.
func (l *Lake) current() int64 {
	if s := l.table.Load().CurrentSnapshot(); s != nil {
		return s.SnapshotID
	}
	return 0
}

// commit hands a transaction to the catalog. Unless it says ErrConflict, a failed commit may have taken hold: its files stay.
func (l *Lake) commit(ctx context.Context, tx *table.Transaction) error {
	t, err := tx.Commit(ctx)
	// What a commit requires of the table is checked before anything is written.
	if errors.Is(err, table.ErrCommitFailed) || err != nil && strings.Contains(err.Error(), "requirement failed") {
		return fmt.Errorf("%w: %w", ErrConflict, err)
	}
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	l.table.Store(t)
	return nil
}

// summary is what a snapshot carries beside its files.
func (l *Lake) summary(files []dataFile, replaced []iceberg.DataFile, marks Marks) (iceberg.Properties, error) {
	props := iceberg.Properties{}
	for _, m := range []Marks{l.Marks(), marks} {
		for name, n := range m.Positions {
			props[positionKey+name] = strconv.FormatUint(n, 10)
		}
		for name, n := range m.Totals {
			props[totalKey+name] = strconv.FormatUint(n, 10)
		}
	}
	if len(replaced) > 0 {
		paths := make([]string, len(replaced))
		for i, f := range replaced {
			rel, err := l.below(pathOf(f.FilePath()))
			if err != nil {
				return nil, err
			}
			paths[i] = rel
		}
		text, err := json.Marshal(paths)
		if err != nil {
			return nil, fmt.Errorf("summary: %w", err)
		}
		props[replacedKey] = string(text)
	}
	added := make([]addedFile, len(files))
	for i, f := range files {
		rel, err := l.below(f.path)
		if err != nil {
			return nil, err
		}
		added[i] = addedFile{Path: rel, SHA256: f.sha256, Rows: f.Count()}
	}
	text, err := json.Marshal(added)
	if err != nil {
		return nil, fmt.Errorf("summary: %w", err)
	}
	props[filesKey] = string(text)
	return props, nil
}

// below is a path as it is seen from the lake's folder.
func (l *Lake) below(path string) (string, error) {
	rel, err := filepath.Rel(l.dir, path)
	if err != nil {
		return "", fmt.Errorf("file outside the lake: %w", err)
	}
	return filepath.ToSlash(rel), nil
}

func remove(files []dataFile) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, os.Remove(f.path))
	}
	return errors.Join(errs...)
}
