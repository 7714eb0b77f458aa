package evidence

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/ledger"
)

// vault is a folder of files that are named by the SHA-256 of what is in them: ab/ab12….
type vault struct{ dir string }

// AlteredError names an item whose bytes are not those of its hash any more, or not there.
type AlteredError struct {
	SHA256 ledger.Hash
	Detail string
}

// Error says what to do.
func (e *AlteredError) Error() string {
	return fmt.Sprintf("evidence %s is not as it was captured: %s (put it back from a copy or from an export)", e.SHA256, e.Detail)
}

// part is how a file is called while it is written.
const part = ".part"

func (v vault) path(sum ledger.Hash) string {
	name := sum.String()
	return filepath.Join(v.dir, name[:2], name)
}

// put keeps bytes. When it returns, file and folder are on disk.
func (v vault) put(content []byte) (ledger.Hash, error) {
	sum := ledger.Hash(sha256.Sum256(content))
	path := v.path(sum)
	if _, err := v.get(sum); err == nil {
		return sum, nil
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return sum, fmt.Errorf("keep evidence: %w", err)
	}
	f, err := os.CreateTemp(folder, "*"+part)
	if err != nil {
		return sum, fmt.Errorf("keep evidence: %w", err)
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return sum, errors.Join(fmt.Errorf("keep evidence: %w", err), os.Remove(f.Name()))
	}
	return sum, errors.Join(flush(folder), flush(v.dir))
}

// taken is a file of the vault that has no name there yet. Sweep takes it where nobody does.
type taken struct {
	path string
	sum  ledger.Hash
	size int64
}

// take reads bytes into a file beside the others, without holding them in memory. More than most of them is a MistakeError.
func (v vault) take(from io.Reader, most int64) (_ *taken, err error) {
	f, err := os.CreateTemp(v.dir, "*"+part)
	if err != nil {
		return nil, fmt.Errorf("keep evidence: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(from, most+1))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("read the file that is added: %w", err)
	}
	switch {
	case n == 0:
		return nil, MistakeError("the file is empty")
	case n > most:
		return nil, errTooLarge
	}
	return &taken{f.Name(), ledger.Hash(h.Sum(nil)), n}, nil
}

// place gives what was taken its name.
func (v vault) place(t *taken) error {
	if err := v.copy(io.Discard, t.sum); err == nil {
		return os.Remove(t.path)
	}
	path := v.path(t.sum)
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("keep evidence: %w", err)
	}
	if err := os.Rename(t.path, path); err != nil {
		return fmt.Errorf("keep evidence: %w", err)
	}
	return errors.Join(flush(folder), flush(v.dir))
}

// drop lets go of what was taken and not placed.
func (t *taken) drop() error {
	if err := os.Remove(t.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func flush(folder string) error {
	f, err := os.Open(filepath.Clean(folder)) //nolint:gosec // the vault's own, or the one that the user names
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// get reads bytes whole, and refuses them with an AlteredError where they do not have their hash.
func (v vault) get(sum ledger.Hash) ([]byte, error) {
	content, err := os.ReadFile(v.path(sum)) //nolint:gosec // a name of hexadecimal digits below the vault
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &AlteredError{sum, "its file is gone"}
	}
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	if now := ledger.Hash(sha256.Sum256(content)); now != sum {
		return nil, &AlteredError{sum, "its bytes hash to " + now.String()}
	}
	return content, nil
}

// copy writes bytes as they are read. Where they do not have their hash it says so at the end, with an AlteredError: what was written then
// is not the evidence.
func (v vault) copy(w io.Writer, sum ledger.Hash) error {
	f, err := os.Open(v.path(sum))
	if errors.Is(err, fs.ErrNotExist) {
		return &AlteredError{sum, "its file is gone"}
	}
	if err != nil {
		return fmt.Errorf("read evidence: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, h), f); err != nil {
		return fmt.Errorf("read evidence: %w", err)
	}
	if now := ledger.Hash(h.Sum(nil)); now != sum {
		return &AlteredError{sum, "its bytes hash to " + now.String()}
	}
	return nil
}

// sweep removes files that are older than a time and not needed.
func (v vault) sweep(before time.Time, needed func(name string) bool) (int, error) {
	var old []string
	err := filepath.WalkDir(v.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if !info.ModTime().Before(before) || !strings.HasSuffix(path, part) && needed(e.Name()) {
			return nil
		}
		old = append(old, path)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("sweep evidence: %w", err)
	}
	for n, path := range old {
		if err := os.Remove(path); err != nil {
			return n, fmt.Errorf("sweep evidence: %w", err)
		}
	}
	return len(old), nil
}
