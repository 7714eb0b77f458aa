package snapshot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestOnlyAWholeFileOfTheSameHeadIsRead writes a memory and reads it with each byte changed, cut off at each length, and with another head.
func TestOnlyAWholeFileOfTheSameHeadIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "memory")
	head := Head{"position": "7", "rules": "abc"}
	if err := Load(path, head, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	err := Save(path, head, func(e *Encoder) {
		e.Int(-5)
		e.Text("text")
		e.Bytes([]byte{1, 2, 3})
		e.Bool(true)
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func(head Head) error {
		return Load(path, head, func(d *Decoder) error {
			n, s, b, is := d.Int(), d.Text(), d.Bytes(), d.Bool()
			if n != -5 || s != "text" || string(b) != "\x01\x02\x03" || !is {
				t.Errorf("read %d %q %v %v", n, s, b, is)
			}
			return d.Err()
		})
	}
	if err := read(head); err != nil {
		t.Error(err)
	}
	if err := read(Head{"position": "8", "rules": "abc"}); !errors.Is(err, ErrOther) {
		t.Errorf("another position: %v", err)
	}
	whole, err := os.ReadFile(path) //nolint:gosec // of this test
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		changed := append([]byte(nil), whole...)
		changed[i] ^= 0x40
		for _, content := range [][]byte{changed, whole[:i]} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := read(head); err == nil {
				t.Fatalf("byte %d: a file of %d bytes is read", i, len(content))
			}
		}
	}
}
