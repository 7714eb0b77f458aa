package snapshot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// magic begins every file.
const magic = "tocsin memory 1\n"

// Head says what a memory depends on: names and values of the caller's choice.
type Head map[string]string

// ErrOther says that a file is of another Head; ErrDamaged that it is not what was written.
var (
	ErrOther   = errors.New("it is of another time or another set-up")
	ErrDamaged = errors.New("it is damaged")
)

// Save writes a memory in the place of the one before.
func Save(path string, head Head, write func(e *Encoder)) (err error) {
	next := path + ".next"
	f, err := os.OpenFile(next, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) //nolint:gosec // in the data folder
	if err != nil {
		return fmt.Errorf("keep memory: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("keep memory: %w", errors.Join(err, f.Close(), os.Remove(next)))
		}
	}()
	sum := sha256.New()
	b := bufio.NewWriterSize(io.MultiWriter(f, sum), 1<<20)
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	e := &Encoder{w: b}
	_, _ = b.WriteString(magic) // its error is that of Flush
	e.Bytes(text)
	write(e)
	if err := b.Flush(); err != nil {
		return err
	}
	if _, err := f.Write(sum.Sum(nil)); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := errors.Join(f.Close(), os.Rename(next, path)); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the data folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Load reads a memory. Where there is no file the error is fs.ErrNotExist. The whole file is checked before read is called.
func Load(path string, want Head, read func(d *Decoder) error) error {
	f, err := os.Open(path) //nolint:gosec // in the data folder
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	length, err := check(f)
	if err != nil {
		return err
	}
	d := &Decoder{r: bufio.NewReaderSize(io.NewSectionReader(f, int64(len(magic)), length-int64(len(magic))), 1<<20), left: length}
	var head Head
	if err := json.Unmarshal(d.Bytes(), &head); err != nil || d.err != nil {
		return fmt.Errorf("%w: its head cannot be read", ErrDamaged)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if head[name] != want[name] {
			return fmt.Errorf("%w: %s was %q and is %q", ErrOther, name, head[name], want[name])
		}
	}
	if err := read(d); err != nil {
		return err
	}
	if d.err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, d.err)
	}
	if _, err := d.r.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: there is more in it than was read", ErrDamaged)
	}
	return nil
}

// check compares a file with its hash and returns how long it is without that.
func check(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	length := info.Size() - sha256.Size
	if length < int64(len(magic)) {
		return 0, fmt.Errorf("%w: it is cut off", ErrDamaged)
	}
	begin := make([]byte, len(magic))
	if _, err := f.ReadAt(begin, 0); err != nil || string(begin) != magic {
		return 0, fmt.Errorf("%w: it does not begin as a memory does", ErrOther)
	}
	sum, kept := sha256.New(), make([]byte, sha256.Size)
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, length)); err != nil {
		return 0, err
	}
	if _, err := f.ReadAt(kept, length); err != nil {
		return 0, err
	}
	if !bytes.Equal(kept, sum.Sum(nil)) {
		return 0, fmt.Errorf("%w: its hash is another", ErrDamaged)
	}
	return length, nil
}
