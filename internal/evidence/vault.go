package evidence

import (
	"crypto/sha256"
	"errors"
	"fmt"
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
