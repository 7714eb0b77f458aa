package ledger

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// chain is the row of keys that signed the log, from the first public key on.
type chain struct {
	origin string
	keys   []link
}

// link is a key and the size of the smallest tree that it may sign: all leaves up to the one that names it.
type link struct {
	public string
	from   uint64
}

func newChain(first string) (*chain, error) {
	verifier, err := note.NewVerifier(first)
	if err != nil {
		return nil, fmt.Errorf("first public key %q: %w", first, err)
	}
	return &chain{origin: verifier.Name(), keys: []link{{public: first}}}, nil
}

// follow takes a key-rotated leaf. A repeated one changes nothing.
func (c *chain) follow(index uint64, leaf KeyRotated) error {
	last := c.keys[len(c.keys)-1]
	for i := 1; i < len(c.keys); i++ {
		if c.keys[i-1].public == leaf.Old && c.keys[i].public == leaf.New {
			return nil
		}
	}
	if leaf.Old != last.public {
		return errors.New("the key that hands over is not the one that held the log")
	}
	next, err := note.NewVerifier(leaf.New)
	if err != nil {
		return fmt.Errorf("new key %q: %w", leaf.New, err)
	}
	if next.Name() != c.origin {
		return fmt.Errorf("the new key is for origin %q, not %q", next.Name(), c.origin)
	}
	if err := leaf.signed(c.origin); err != nil {
		return fmt.Errorf("the old key did not sign it: %w", err)
	}
	c.keys = append(c.keys, link{leaf.New, index + 1})
	return nil
}

// signed checks that a checkpoint carries the signature of the key whose turn it was. Where one key hands over to the next, both may sign.
func (c *chain) signed(cp Checkpoint) error {
	if cp.Origin != c.origin {
		return fmt.Errorf("its origin is %q, that of the first public key %q", cp.Origin, c.origin)
	}
	for i, k := range c.keys {
		if _, err := openNote(cp.Note, k.public); err != nil {
			continue
		}
		if cp.Size < k.from || (i+1 < len(c.keys) && cp.Size > c.keys[i+1].from) {
			return fmt.Errorf("it is signed by key %d of %d, whose turn a tree of %d leaves is not", i+1, len(c.keys), cp.Size)
		}
		return nil
	}
	return fmt.Errorf("none of the %d keys that follow from the first public key signed it", len(c.keys))
}
