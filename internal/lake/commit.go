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

// addedFile is one entry under filesKey.
type addedFile struct {
	Path   string `json:"path"` // below the lake's folder
	SHA256 string `json:"sha256"`
	Rows   int64  `json:"rows"`
}

// Commit writes what was gathered and makes it one snapshot, together with the positions that are thereby reached. With
// nothing gathered and no position it does nothing. On ErrConflict the files are gone and so is what was gathered: the
// caller reads again from Positions.
func (w *Writer) Commit(ctx context.Context, positions map[string]uint64) (Committed, error) {
	start := time.Now()
	files, err := w.flush(ctx)
	if err != nil {
		return Committed{}, errors.Join(err, remove(files))
	}
	if len(files) == 0 && len(positions) == 0 {
		return Committed{}, nil
	}
	l := w.lake
	props, err := l.summary(files, positions)
	if err != nil {
		return Committed{}, err
	}
	tx := l.table.NewTransaction()
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
	if s := l.table.CurrentSnapshot(); s != nil {
		out.Snapshot = s.SnapshotID
	}
	out.Took = time.Since(start)
	return out, nil
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
	l.table = t
	return nil
}

// summary is what a snapshot carries beside its files. Positions that are not given stay as they were.
func (l *Lake) summary(files []dataFile, positions map[string]uint64) (iceberg.Properties, error) {
	props := iceberg.Properties{}
	for name, n := range l.Positions() {
		props[positionKey+name] = strconv.FormatUint(n, 10)
	}
	for name, n := range positions {
		props[positionKey+name] = strconv.FormatUint(n, 10)
	}
	added := make([]addedFile, len(files))
	for i, f := range files {
		rel, err := filepath.Rel(l.dir, f.path)
		if err != nil {
			return nil, fmt.Errorf("file outside the lake: %w", err)
		}
		added[i] = addedFile{Path: filepath.ToSlash(rel), SHA256: f.sha256, Rows: f.Count()}
	}
	text, err := json.Marshal(added)
	if err != nil {
		return nil, fmt.Errorf("summary: %w", err)
	}
	props[filesKey] = string(text)
	return props, nil
}

func remove(files []dataFile) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, os.Remove(f.path))
	}
	return errors.Join(errs...)
}
