package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
)

// Rotate makes a new key and hands the log over to it. Life of a rotation:
//
//  1. The new key is written to ledger.key.next.
//  2. A leaf that names both keys, signed by the old, is appended; the checkpoint over it is signed by the old key.
//  3. ledger.key.next becomes ledger.key: the old private key is gone. The next checkpoint is signed by the new key.
//
// A kill between these steps is settled when the ledger is opened again: forwards if the leaf is in the log, else backwards. After an
// error the ledger must be opened again for the same reason.
func (l *Ledger) Rotate(ctx context.Context) error {
	l.turn.Lock()
	defer l.turn.Unlock()
	if l.broken != nil {
		return fmt.Errorf("rotate ledger key: %w", l.broken)
	}
	if err := l.rotate(ctx); err != nil {
		l.broken = fmt.Errorf("a rotation of its key failed, open it again: %w", err)
		return fmt.Errorf("rotate ledger key: %w", err)
	}
	return nil
}

func (l *Ledger) rotate(ctx context.Context) error {
	old := l.gate.current()
	next, err := newKey(old.signer.Name())
	if err != nil {
		return err
	}
	if err := next.save(filepath.Join(l.dir, nextKeyFile)); err != nil {
		return err
	}
	leaf, err := handOver(old, next)
	if err != nil {
		return err
	}
	if _, err := l.write(ctx, []Leaf{leaf}); err != nil {
		return err
	}
	return l.promote(next)
}

func (l *Ledger) promote(next key) error {
	if err := renameDurably(filepath.Join(l.dir, nextKeyFile), filepath.Join(l.dir, keyFile)); err != nil {
		return err
	}
	l.gate.change(next)
	return nil
}

// settle publishes what a killed writer left behind its last checkpoint, and ends a rotation that was cut short. Rotate lets nothing
// be appended behind its leaf before the key has changed, so the leaf, if it is in the log, is the last.
func (l *Ledger) settle(ctx context.Context) error {
	size, err := l.reader.IntegratedSize(ctx)
	if err != nil {
		return err
	}
	if err := l.published(ctx, size); err != nil {
		return err
	}
	path := filepath.Join(l.dir, nextKeyFile)
	next, err := loadKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	cp, err := l.Checkpoint()
	if err != nil {
		return err
	}
	last, err := lastLeaf(ctx, l.dir, cp.Size)
	if err != nil {
		return err
	}
	if r, ok := last.(KeyRotated); ok && r.New == next.public {
		return l.promote(next)
	}
	return os.Remove(path)
}

// handOver makes the leaf that old signs for next.
func handOver(old, next key) (KeyRotated, error) {
	leaf := KeyRotated{Old: old.public, New: next.public}
	text := leaf.statement(old.signer.Name())
	signed, err := note.Sign(&note.Note{Text: text}, old.signer)
	if err != nil {
		return KeyRotated{}, err
	}
	leaf.Signature = string(signed[len(text)+1:]) // behind the text and the empty line
	return leaf, nil
}

// statement is the text that the old key signs.
func (l KeyRotated) statement(origin string) string {
	return "tocsin ledger key rotation\n" + origin + "\n" + l.Old + "\n" + l.New + "\n"
}

// signed checks that the old key signed the leaf.
func (l KeyRotated) signed(origin string) error {
	_, err := openNote([]byte(l.statement(origin)+"\n"+l.Signature), l.Old)
	return err
}
