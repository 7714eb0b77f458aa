package ledger

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const origin = "ledger.example.org/test"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		appendUntilKilled(dir)
	}
	settleTime = 200 * time.Millisecond // most tests change a lake whose ledger they hold open
	goleak.VerifyTestMain(m)
}

// start is the time that stands in the leaves of tests.
var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func openLedger(t testing.TB, dir string) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir, Origin: origin, Now: func() time.Time { return start }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func mustAppend(t testing.TB, l *Ledger, leaves ...Leaf) []uint64 {
	t.Helper()
	indexes, err := l.Append(t.Context(), leaves...)
	if err != nil {
		t.Fatal(err)
	}
	if len(indexes) != len(leaves) {
		t.Fatalf("%d indexes for %d leaves", len(indexes), len(leaves))
	}
	return indexes
}

func verify(t testing.TB, l *Ledger, files FileSource) Report {
	t.Helper()
	r, err := Verify(t.Context(), l.dir, l.PublicKey(), files, time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantClean(t testing.TB, r Report) {
	t.Helper()
	for _, p := range r.Problems {
		t.Errorf("unexpected problem: %s", p)
	}
}

// wantProblem asks for a problem of a kind, with a path, whose text holds a part.
func wantProblem(t testing.TB, r Report, kind ProblemKind, path, part string) Problem {
	t.Helper()
	for _, p := range r.Problems {
		if p.Kind == kind && p.Path == path && strings.Contains(p.String(), part) {
			return p
		}
	}
	t.Fatalf("no problem %s %q with %q among %q", kind, path, part, r.Problems)
	return Problem{}
}

// lake is a folder of data files. A line of a file is one event: the hash written beside it, a space, its raw bytes.
type lake struct{ dir string }

var _ EventSource = lake{}

func (l lake) write(t testing.TB, path string, events ...string) FileEvents {
	t.Helper()
	var b bytes.Buffer
	f := FileEvents{}
	for _, event := range events {
		h := sha256.Sum256([]byte(event))
		f.Events = append(f.Events, h)
		fmt.Fprintf(&b, "%x %s\n", h, event)
	}
	l.put(t, path, b.String())
	f.File = File{Path: path, SHA256: sha256.Sum256(b.Bytes()), Rows: int64(len(events)), Root: EventRoot(f.Events)}
	return f
}

func (l lake) put(t testing.TB, path, text string) {
	t.Helper()
	full := filepath.Join(l.dir, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func (l lake) edit(t testing.TB, path, old, replacement string) {
	t.Helper()
	edit(t, filepath.Join(l.dir, path), old, replacement)
}

func (l lake) remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(filepath.Join(l.dir, path)); err != nil {
		t.Fatal(err)
	}
}

func (l lake) Paths(context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		_ = fs.WalkDir(os.DirFS(l.dir), ".", func(path string, d fs.DirEntry, err error) error {
			if (err != nil || !d.IsDir()) && !yield(path, err) {
				return fs.SkipAll
			}
			return nil
		})
	}
}

func (l lake) Open(_ context.Context, path string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(l.dir, path))
}

func (l lake) EventHashes(ctx context.Context, path string) ([]EventHash, error) {
	f, err := l.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []EventHash
	for lines := bufio.NewScanner(f); lines.Scan(); {
		written, raw, _ := strings.Cut(lines.Text(), " ")
		e := EventHash{Now: sha256.Sum256([]byte(raw))}
		if n, err := hex.Decode(e.Written[:], []byte(written)); err != nil || n != 32 {
			return nil, fmt.Errorf("row %d is broken", len(out))
		}
		out = append(out, e)
	}
	return out, nil
}

// edit changes a part of a file that stands there once or more, keeping its length where the parts have the same.
func edit(t testing.TB, path, old, replacement string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(old)) {
		t.Fatalf("%s does not hold %q", path, old)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte(old), []byte(replacement)), 0o600); err != nil {
		t.Fatal(err)
	}
}
