package app

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver of the databases that are copied

	"github.com/tocsin-security/tocsin/internal/evidence"
	"github.com/tocsin-security/tocsin/internal/ledger"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

// manifestName is the file of a backup that lists all others.
const manifestName = "backup.json"

// manifest is what a backup holds.
type manifest struct {
	Made   time.Time `json:"made_at"`
	Data   string    `json:"data"`                 // where the data folder was: the lake names its files by their place
	Desk   string    `json:"desk"`                 // "SQLite", or "PostgreSQL", which is not in the backup
	Leaves uint64    `json:"ledger_leaves"`        // under the checkpoint
	Root   string    `json:"ledger_root"`          // hex
	Key    string    `json:"ledger_first_key"`     // public
	Files  []copied  `json:"files"`                // in order of path
	Size   int64     `json:"bytes"`                // of all files
	Note   string    `json:"note,omitempty"`       // what else is to be done
	Digest string    `json:"sha256_of_all_hashes"` // of the hashes of all files, in order
}

type copied struct {
	Path   string `json:"path"` // below the data folder, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Backup copies the data folder, desk, lake, ledger and keys, into a folder that is not there yet or empty, while no tocsin serve runs on
// it: so all parts are of the same moment.
func Backup(ctx context.Context, c *Config, to string, streams Streams) error {
	if err := free(to); err != nil {
		return err
	}
	held, err := ledger.Open(ctx, ledger.Options{Dir: c.ledgerDir(), Origin: c.Origin})
	if errors.Is(err, ledger.ErrInUse) {
		return UsageError{Err: err, Hint: "stop tocsin serve for the backup: so desk, lake and ledger are of the same moment"}
	}
	if err != nil {
		return err
	}
	head, err := held.Checkpoint()
	m := manifest{Made: time.Now().UTC(), Desk: "SQLite", Leaves: head.Size, Root: hex.EncodeToString(head.Root[:]), Key: held.PublicKey()}
	if err = errors.Join(err, held.Close()); err != nil {
		return err
	}
	if m.Data, err = filepath.Abs(c.Data); err != nil {
		return err
	}
	if strings.HasPrefix(c.Desk, "postgres") {
		m.Desk, m.Note = "PostgreSQL", "the desk is in PostgreSQL: copy it with pg_dump before tocsin serve starts again"
	} else if desk, err := filepath.Abs(c.Desk); err != nil || desk != filepath.Join(m.Data, "desk.db") {
		return UsageError{Err: fmt.Errorf("the desk %s is not in the data folder", c.Desk), Hint: "copy it with its own tool, and leave out desk: for a backup of the rest"}
	}
	if err := m.copyAll(ctx, m.Data, to); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(&m, "", "  ")
	if err != nil {
		return err
	}
	if err := placeDurably(filepath.Join(to, manifestName), raw); err != nil { // last, and whole: without it the folder is no backup
		return err
	}
	fmt.Fprintf(streams.Out, "%d files (%s) are in %s; ledger of %d leaves, root %s\n", len(m.Files), binaryBytes(m.Size), to, m.Leaves, m.Root)
	if m.Note != "" {
		fmt.Fprintln(streams.Err, m.Note)
	}
	fmt.Fprintln(streams.Err, "it holds secrets (ledger.key, hashes of passwords): keep it as you keep the data folder, and ledger.pub in a second place")
	return nil
}

// free refuses a folder that holds something.
func free(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return UsageError{Err: err, Hint: "name a folder"}
	}
	if len(entries) > 0 {
		return UsageError{Err: fmt.Errorf("%s is not empty", dir), Hint: "name a folder that is not there yet"}
	}
	return nil
}

// left says what is not copied: what a start makes anew.
func left(path string) bool {
	return path == "spool" || strings.HasPrefix(path, "spool/") || strings.HasSuffix(path, ".lock") || strings.HasSuffix(path, ".db-wal") || strings.HasSuffix(path, ".db-shm") /* of databases that are copied as of one moment */ || path == "memory" || strings.HasPrefix(path, "memory/")
}

func (m *manifest) copyAll(ctx context.Context, from, to string) error {
	all := sha256.New()
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil || rel == "." || !e.Type().IsRegular() || left(filepath.ToSlash(rel)) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if rel := filepath.ToSlash(rel); rel == "desk.db" || rel == "lake/catalog.db" {
			err = copyDatabase(ctx, path, target)
		} else {
			err = copyFile(path, target)
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", path, err)
		}
		one, err := hashFile(target, filepath.ToSlash(rel))
		if err != nil {
			return err
		}
		m.Files, m.Size = append(m.Files, one), m.Size+one.Size
		fmt.Fprintln(all, one.SHA256)
		return nil
	})
	m.Digest = hex.EncodeToString(all.Sum(nil))
	return err
}

// copyDatabase copies a SQLite database as of one moment, whatever another command writes meanwhile.
func copyDatabase(ctx context.Context, from, to string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil { //nolint:gosec // the user names it
		return err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: from}).EscapedPath()+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, `VACUUM INTO $1`, to); err != nil {
		return err
	}
	if err := os.Chmod(to, 0o600); err != nil { //nolint:gosec // the user names it
		return err
	}
	return durably(to)
}

func copyFile(from, to string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil { //nolint:gosec // the user names it
		return err
	}
	in, err := os.Open(from) //nolint:gosec // a file of the folder that is copied
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm()) //nolint:gosec // likewise
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

func durably(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // a file that was just written
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// placeDurably writes a file that is there whole, or not at all.
func placeDurably(path string, content []byte) error {
	return evidence.Place(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

func hashFile(path, name string) (copied, error) {
	f, err := os.Open(path) //nolint:gosec // a file of a backup
	if err != nil {
		return copied{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return copied{name, n, hex.EncodeToString(sum.Sum(nil))}, err
}

// Restore puts a backup into the data folder, which is not there yet or empty. It first compares every file with the backup's list, and
// then proves with the ledger that the lake holds what was written.
func Restore(ctx context.Context, c *Config, from string, streams Streams) error {
	raw, err := os.ReadFile(filepath.Join(from, manifestName)) //nolint:gosec // the user names it
	if err != nil {
		return UsageError{Err: err, Hint: "name a folder that tocsin backup made"}
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return UsageError{Err: fmt.Errorf("%s: %w", manifestName, err), Hint: "this backup is damaged: take another"}
	}
	if err := againFree(c.Data); err != nil {
		return err
	}
	if to, err := filepath.Abs(c.Data); err != nil || to != m.Data {
		return UsageError{Err: fmt.Errorf("this is a backup of %s, and the lake names its files by their place", m.Data), Hint: "restore it there: --data " + m.Data}
	}
	if err := m.check(ctx, from); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	if err := placeDurably(filepath.Join(c.Data, unfinished), []byte("from "+from+"\n")); err != nil {
		return err
	}
	for _, f := range m.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := copyFile(filepath.Join(from, filepath.FromSlash(f.Path)), filepath.Join(c.Data, filepath.FromSlash(f.Path))); err != nil {
			return fmt.Errorf("restore %s: %w", f.Path, err)
		}
	}
	if err := os.Remove(filepath.Join(c.Data, unfinished)); err != nil {
		return err
	}
	r, err := ledger.Verify(ctx, c.ledgerDir(), m.Key, pipeline.DataFiles{Dir: c.lakeDir()}, time.Time{}, time.Time{})
	if err != nil {
		return fmt.Errorf("the restored ledger cannot be verified: %w", err)
	}
	for _, p := range r.Problems {
		fmt.Fprintln(streams.Out, p.String())
	}
	fmt.Fprintf(streams.Out, "%d files (%s) are restored; %d leaves, %d data files hashed, %d problems\n", len(m.Files), binaryBytes(m.Size), r.Size, r.Hashed, len(r.Problems))
	if m.Note != "" {
		fmt.Fprintln(streams.Err, m.Note)
	}
	if !r.Clean() || r.Size != m.Leaves || hex.EncodeToString(r.Root[:]) != m.Root {
		return Outcome(ExitFindings)
	}
	return nil
}

// unfinished is a file of the data folder while a restore fills it: one that was cut off left it there.
const unfinished = "restore.unfinished"

// whole refuses a data folder that a restore was filling when it was cut off.
func (c *Config) whole() error {
	_, err := os.Stat(filepath.Join(c.Data, unfinished))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return UsageError{Err: errors.Join(fmt.Errorf("a restore into %s was cut off: only a part of the backup is there", c.Data), err), Hint: "run tocsin restore again; it begins anew"}
}

// againFree empties a data folder that a restore was filling when it was cut off, and refuses one that holds something else.
func againFree(dir string) error {
	mark := filepath.Join(dir, unfinished)
	if _, err := os.Stat(mark); errors.Is(err, fs.ErrNotExist) {
		return free(dir)
	} else if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if err == nil && e.Name() != unfinished { // the mark goes last: what is cut off again is still no data folder
			err = os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
	if err != nil {
		return err
	}
	return os.Remove(mark)
}

// check compares every file of a backup with its list, before anything is written.
func (m *manifest) check(ctx context.Context, from string) error {
	for _, f := range m.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return UsageError{Err: fmt.Errorf("%s names %q, which is no file of a backup", manifestName, f.Path), Hint: "this backup is damaged: take another"}
		}
		got, err := hashFile(filepath.Join(from, filepath.FromSlash(f.Path)), f.Path)
		if err != nil || got != f {
			return UsageError{Err: errors.Join(fmt.Errorf("%s is not as it was copied", f.Path), err), Hint: "this backup is damaged: take another; nothing was restored"}
		}
	}
	return nil
}
