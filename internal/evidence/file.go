package evidence

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/tocsin-security/tocsin/internal/ledger"
)

// Spooled is an export in a file that nobody else finds. Close lets go of it.
type Spooled struct {
	*os.File
	Size int64
}

// Close closes the file and removes it.
func (s *Spooled) Close() error { return errors.Join(s.File.Close(), os.Remove(s.Name())) }

// Spool writes the export into a file beside the vault's, so that who asked hears whether it came out whole before the first byte is sent,
// and no memory holds it. What a kill leaves goes with Sweep.
func (e *Export) Spool() (*Spooled, error) {
	f, err := os.CreateTemp(e.vault.dir, "*"+part)
	if err != nil {
		return nil, fmt.Errorf("write the export: %w", err)
	}
	s := &Spooled{File: f}
	b := bufio.NewWriterSize(f, 256<<10)
	err = errors.Join(e.Write(b), b.Flush())
	if err == nil {
		s.Size, err = f.Seek(0, io.SeekCurrent)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Write writes the export.
func (e *Export) Write(w io.Writer) error {
	if e.format == FormatHTML {
		return e.page(w)
	}
	return e.zip(w)
}

// zip writes a zip whose comment, the last bytes of the file, is the SHA-256 of all before it: no byte can change unseen.
func (e *Export) zip(w io.Writer) error {
	tail := &tailed{w: w, h: sha256.New()}
	z := zip.NewWriter(tail)
	if err := z.SetComment(noSum); err != nil {
		return err
	}
	put := func(name string, content []byte) error {
		f, err := z.Create(name)
		if err != nil {
			return err
		}
		_, err = f.Write(content)
		return err
	}
	line, err := encode(e.bundle)
	if err != nil {
		return err
	}
	if err := errors.Join(put("README.txt", []byte(readMe)), put(bundleFile, line)); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	for _, sum := range e.blobs {
		f, err := z.Create(blobFolder + sum.String())
		if err != nil {
			return fmt.Errorf("write the export: %w", err)
		}
		if err := e.vault.copy(f, sum); err != nil {
			return err
		}
	}
	if err := errors.Join(z.Close(), tail.end()); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

const readMe = `Evidence, exported by Tocsin.

bundle.json   the export's note, the manifest of each capture with its proof from the ledger, the chain of custody
blobs/        the items, each under its SHA-256

Verify it with the ledger's first public key, from a copy that did not come with this file:

  tocsin evidence verify FILE --key ledger.pub
`

// tailed holds back the last bytes, which are the place of the hash over all before them.
type tailed struct {
	w    io.Writer
	h    hash.Hash
	kept []byte
}

func (t *tailed) Write(b []byte) (int, error) {
	t.kept = append(t.kept, b...)
	n := len(t.kept) - len(noSum)
	if n <= 0 {
		return len(b), nil
	}
	_, err := io.MultiWriter(t.w, t.h).Write(t.kept[:n])
	t.kept = append(t.kept[:0], t.kept[n:]...)
	return len(b), err
}

func (t *tailed) end() error {
	_, err := io.WriteString(t.w, hex.EncodeToString(t.h.Sum(nil)))
	return err
}

// zipIntact checks the zip's hash of itself. Like that of the page, it finds accidents: the seal finds the rest.
func zipIntact(f io.ReaderAt, size int64) error {
	body, h := size-int64(len(noSum)), sha256.New()
	if body < 0 {
		return errors.New("it is too short")
	}
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, body)); err != nil {
		return err
	}
	said, err := io.ReadAll(io.NewSectionReader(f, body, int64(len(noSum))))
	if err == nil && string(said) != hex.EncodeToString(h.Sum(nil)) {
		err = errors.New("the file is not as it was written: something in it was changed, or it ends too early")
	}
	return err
}

// MaxExport is the most bytes that VerifyFile unpacks or reads.
const MaxExport = 16 << 30

// VerifyFile checks an exported file, zip or page, with the first public key alone. What is wrong with it is in the Report; an error
// means that it is no export, or cannot be read.
func VerifyFile(path, firstPublicKey string) (*Report, error) {
	f, err := os.Open(path) //nolint:gosec // the user names it
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	head := make([]byte, 4)
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, fmt.Errorf("%s is no exported evidence: it is too short", path)
	}
	var b *Bundle
	var blob func(ledger.Hash) ([]byte, error)
	if bytes.HasPrefix(head, []byte("PK")) {
		if err = zipIntact(f, info.Size()); err == nil {
			b, blob, err = openZip(f, info.Size())
		}
	} else {
		b, blob, err = openPage(io.MultiReader(bytes.NewReader(head), f))
	}
	if err != nil {
		return nil, fmt.Errorf("%s is no exported evidence, or it was changed: %w", path, err)
	}
	return b.check(firstPublicKey, blob), nil
}

func openZip(f io.ReaderAt, size int64) (*Bundle, func(ledger.Hash) ([]byte, error), error) {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return nil, nil, err
	}
	files := map[string]*zip.File{}
	total := uint64(0)
	for _, m := range z.File {
		total += m.UncompressedSize64
		if files[m.Name] != nil || total > MaxExport {
			return nil, nil, fmt.Errorf("member %q stands in it twice, or it is too large", m.Name)
		}
		files[m.Name] = m
	}
	read := func(name string) ([]byte, error) {
		m := files[name]
		if m == nil {
			return nil, errors.New("it is not in the file")
		}
		r, err := m.Open()
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(io.LimitReader(r, int64(min(m.UncompressedSize64, MaxExport))+1)) //nolint:gosec // bounded
		return content, errors.Join(err, r.Close())
	}
	line, err := read(bundleFile)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", bundleFile, err)
	}
	b, err := readBundle(line)
	return b, func(sum ledger.Hash) ([]byte, error) { return read(blobFolder + sum.String()) }, err
}
