package ledger

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

// TestAStatementNeedsTheKeyAlone proves leaves of a log that changed its key twice, and none of them after any change of the statement.
func TestAStatementNeedsTheKeyAlone(t *testing.T) {
	t.Parallel()
	l := openLedger(t, t.TempDir())
	file := File{Path: "data/a.parquet", Rows: 3, Root: sha256.Sum256([]byte("root"))}
	expired := func(n int) {
		var leaves []Leaf
		for i := range n {
			leaves = append(leaves, FileExpired{Path: fmt.Sprint("old", i), Policy: "p"})
		}
		mustAppend(t, l, leaves...)
	}
	expired(270)
	mustAppend(t, l, FileAdded{File: file, Snapshot: 1})
	for range 2 {
		expired(30)
		if err := l.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha256.Sum256([]byte("package"))
	at := mustAppend(t, l, Evidence{ID: "e1", SHA256: sum})
	found, err := l.FileLeaves(t.Context(), file.Path, "data/none.parquet")
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	s, err := l.State(t.Context(), at[0], found[file.Path])
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Prove(l.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	if f, ok := p.File(found[file.Path], file.Path); !ok || f != file {
		t.Errorf("the file is %v, %v", f, ok)
	}
	if e, ok := p.Evidence(sum); !ok || e.ID != "e1" {
		t.Errorf("the evidence is %v, %v", e, ok)
	}
	if _, ok := p.Evidence(sha256.Sum256(nil)); ok {
		t.Error("what is not in the log is proven")
	}
	other := openLedger(t, t.TempDir())
	for name, change := range map[string]func(s *Statement) string{
		"another key":        func(*Statement) string { return other.PublicKey() },
		"a leaf's line":      func(s *Statement) string { s.Leaves[1].Line += " "; return l.PublicKey() },
		"a leaf's index":     func(s *Statement) string { s.Leaves[0].Index++; return l.PublicKey() },
		"a path":             func(s *Statement) string { s.Leaves[0].Path[0][5] ^= 1; return l.PublicKey() },
		"the checkpoint":     func(s *Statement) string { s.Checkpoint = "x" + s.Checkpoint; return l.PublicKey() },
		"a change of key":    func(s *Statement) string { s.Keys = s.Keys[1:]; return l.PublicKey() },
		"no change of key":   func(s *Statement) string { s.Keys = nil; return l.PublicKey() },
		"no key's signature": func(s *Statement) string { s.Keys[0].Line = s.Keys[1].Line; return l.PublicKey() },
	} {
		forged, err := l.State(t.Context(), at[0], found[file.Path])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := forged.Prove(change(&forged)); err == nil {
			t.Errorf("%s: the statement is believed", name)
		}
	}
}
