package evidence

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-security/tocsin/internal/access"
)

// parts are the files of the vault that have no name yet.
func (s *site) parts(t *testing.T) (n int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(s.dir, "evidence"), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, part) {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestAFileIsTakenAsItComes streams a file into a set: it is there by its hash once, and of one that is refused nothing stays behind.
func TestAFileIsTakenAsItComes(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), "")
	add := func(scope access.Scope, set string, from io.Reader) error {
		_, err := s.Capture(t.Context(), scope, ann, &Request{Set: set, Why: "w", Documents: []Document{{Kind: KindFile, Name: "n", From: from}}})
		return err
	}
	if err := s.fill(t.Context(), false, record(1, foreign)); err != nil {
		t.Fatal(err)
	}
	id := s.capture(t, &Request{Events: []string{uid(1)}, Accounts: []string{foreign}})
	for range 2 { // the second is the same file
		if err := add(all, id, bytes.NewReader(pixel)); err != nil {
			t.Fatal(err)
		}
	}
	d, err := s.Set(t.Context(), all, ann, id)
	if err != nil || len(d.Manifests) != 3 || d.Manifests[2].Manifest.Items[0].SHA256 != hashOf(pixel) || d.Manifests[2].Manifest.Items[0].Bytes != int64(len(pixel)) {
		t.Fatalf("%+v, %v", d, err)
	}
	if r := s.verify(t, id); !r.Clean() {
		t.Errorf("%+v", r)
	}
	var mistake MistakeError
	for name, c := range map[string]struct {
		from io.Reader
		is   error
	}{"more than 64 MiB": {zeros{}, errTooLarge}, "an empty one": {strings.NewReader(""), MistakeError("the file is empty")}, "one that breaks off": {broken{}, io.ErrUnexpectedEOF}} {
		if err := add(all, id, c.from); !errors.Is(err, c.is) {
			t.Errorf("%s: %v", name, err)
		}
	}
	unread := strings.NewReader("not for this set")
	if err := add(access.Accounts(own), id, unread); !errors.Is(err, ErrNotFound) || unread.Len() == 0 {
		t.Errorf("who does not see the set: %v, %d bytes are left", err, unread.Len())
	}
	if err := s.Delete(t.Context(), all, ann, id, "w"); err != nil {
		t.Fatal(err)
	}
	if err := add(all, id, bytes.NewReader(pixel)); !errors.As(err, &mistake) {
		t.Errorf("a deleted set: %v", err)
	}
	if n := s.parts(t); n != 0 {
		t.Errorf("%d files stayed behind", n)
	}
}

// TestASetIsBounded fills sets up to their bounds; what goes beyond is refused with the bound, and the set stays as it was.
func TestASetIsBounded(t *testing.T) {
	onEach(t, func(t *testing.T, s *site) {
		file := func(set, content string) (string, error) {
			return s.Capture(t.Context(), all, ann, &Request{Set: set, Why: "w", Documents: []Document{{Kind: KindFile, Name: "n", Body: []byte(content)}}})
		}
		s.o.MaxItems, s.o.MaxBytes = 2, 10
		id, err := file("", "12345")
		if err != nil {
			t.Fatal(err)
		}
		var mistake MistakeError
		if _, err := file(id, "123456"); !errors.As(err, &mistake) || !strings.Contains(mistake.Error(), "at most 2 items and 10 bytes") {
			t.Errorf("too many bytes: %v", err)
		}
		if _, err := file("", "12345678901"); !errors.As(err, &mistake) {
			t.Errorf("too many bytes of a new set: %v", err)
		}
		if _, err := file(id, "12345"); err != nil {
			t.Fatal(err)
		}
		if _, err := file(id, ""); err == nil {
			t.Error("an empty file is taken")
		}
		if _, err := file(id, "1"); !errors.As(err, &mistake) {
			t.Errorf("too many items: %v", err)
		}
		if r := s.verify(t, id); !r.Clean() || r.Items != 2 {
			t.Errorf("%+v", r)
		}
	})
}

// TestAnExportIsSpooledWhole writes both forms into a file, which goes when it is closed; an item whose bytes changed meanwhile spoils it.
func TestAnExportIsSpooledWhole(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), "")
	id := s.whole(t)
	for _, form := range []string{FormatZip, FormatHTML} {
		e, err := s.Export(t.Context(), all, ann, id, form, "w")
		if err != nil {
			t.Fatal(err)
		}
		f, err := e.Spool()
		if err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil || info.Size() != f.Size {
			t.Errorf("%s: it says %d bytes, and has %d (%v)", form, f.Size, info.Size(), err)
		}
		if r, err := VerifyFile(f.Name(), s.ledger.PublicKey()); err != nil || !r.Clean() || r.Items != 9 {
			t.Errorf("%s: %+v, %v", form, r, err)
		}
		if err := f.Close(); err != nil || s.parts(t) != 0 {
			t.Errorf("%s: it stays behind (%v)", form, err)
		}
		path := s.vault.path(hashOf(pixel))
		if err := os.WriteFile(path, []byte("something else"), 0o600); err != nil {
			t.Fatal(err)
		}
		altered := new(AlteredError)
		if _, err := e.Spool(); !errors.As(err, &altered) || s.parts(t) != 0 {
			t.Errorf("%s: bytes that changed are exported: %v", form, err)
		}
		if err := os.WriteFile(path, pixel, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
