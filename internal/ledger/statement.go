package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
)

// Statement carries some leaves with all that proves them to the holder of the first public key: it needs no ledger. It outlives
// the folder, and whoever checks it trusts the key alone.
type Statement struct {
	Checkpoint string     `json:"checkpoint"` // the signed note, as published
	Keys       []Included `json:"keys"`       // the leaves of kind key-rotated up to the checkpoint, in order
	Leaves     []Included `json:"leaves"`
}

// Included is a leaf with its proof of inclusion under the checkpoint (RFC 6962, section 2.1.1).
type Included struct {
	Index uint64 `json:"index"`
	Line  string `json:"line"` // as it stands in the log
	Path  []Hash `json:"path"` // from the leaf upwards
}

// maxRotations bounds the changes of key that a Statement follows.
const maxRotations = 1000

// State makes the Statement of leaves, by their indexes, under the last checkpoint.
func (l *Ledger) State(ctx context.Context, indexes ...uint64) (Statement, error) {
	cp, err := l.Checkpoint()
	if err != nil {
		return Statement{}, err
	}
	s, err := l.state(ctx, cp, indexes)
	if err != nil {
		return Statement{}, fmt.Errorf("prove leaves: %w", err)
	}
	return s, nil
}

func (l *Ledger) state(ctx context.Context, cp Checkpoint, indexes []uint64) (s Statement, err error) {
	s.Checkpoint = string(cp.Note)
	rotations, err := l.rotations(ctx, cp.Size)
	if err != nil {
		return s, err
	}
	if s.Keys, err = l.include(ctx, cp.Size, rotations); err != nil {
		return s, err
	}
	s.Leaves, err = l.include(ctx, cp.Size, indexes)
	return s, err
}

func (l *Ledger) include(ctx context.Context, size uint64, indexes []uint64) ([]Included, error) {
	files := client.FileFetcher{Root: l.dir}
	out := []Included{}
	if len(indexes) == 0 {
		return out, nil
	}
	builder, err := client.NewProofBuilder(ctx, size, files.ReadTile)
	if err != nil {
		return nil, err
	}
	for _, index := range slices.Compact(slices.Sorted(slices.Values(indexes))) {
		if index >= size {
			return nil, fmt.Errorf("leaf %d is not among %d", index, size)
		}
		path, err := builder.InclusionProof(ctx, index)
		if err != nil {
			return nil, err
		}
		in := Included{Index: index, Path: make([]Hash, len(path))}
		for i := range path {
			if copy(in.Path[i][:], path[i]) != len(in.Path[i]) {
				return nil, fmt.Errorf("leaf %d: a node of %d bytes", index, len(path[i]))
			}
		}
		for r := range layout.Range(index, 1, size) {
			leaves, err := bundle(ctx, files, r)
			if err != nil {
				return nil, err
			}
			in.Line = string(leaves[0])
		}
		out = append(out, in)
	}
	return out, nil
}

// rotations finds the changes of key. The folder's current key is the first one where there was none, and then nothing is read.
func (l *Ledger) rotations(ctx context.Context, size uint64) ([]uint64, error) {
	if l.gate.current().public == l.first {
		return nil, nil
	}
	var out []uint64
	err := l.backwards(ctx, size, func(index uint64, raw []byte) bool {
		if bytes.Contains(raw, []byte(`"kind":"`+string(KindKeyRotated)+`"`)) {
			if _, leaf, err := decode(raw); err == nil && leaf.Kind() == KindKeyRotated {
				out = append(out, index)
			}
		}
		return len(out) < maxRotations
	})
	slices.Reverse(out)
	return out, err
}

// backwards shows the leaves of a log of a size, the last first, until see returns false.
func (l *Ledger) backwards(ctx context.Context, size uint64, see func(index uint64, raw []byte) bool) error {
	files := client.FileFetcher{Root: l.dir}
	for end := size; end > 0; {
		start := (end - 1) / layout.EntryBundleWidth * layout.EntryBundleWidth
		if err := ctx.Err(); err != nil {
			return err
		}
		for r := range layout.Range(start, end-start, size) {
			leaves, err := bundle(ctx, files, r)
			if err != nil {
				return err
			}
			for i, raw := range slices.Backward(leaves) {
				if !see(start+uint64(i), raw) { //nolint:gosec // below 256
					return nil
				}
			}
		}
		end = start
	}
	return nil
}

// FileLeaves finds for each path the last leaf that says what the file holds. A path that no leaf names is left out.
func (l *Ledger) FileLeaves(ctx context.Context, paths ...string) (map[string]uint64, error) {
	out := map[string]uint64{}
	cp, err := l.Checkpoint()
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, p := range paths {
		wanted[p] = true
	}
	err = l.backwards(ctx, cp.Size, func(index uint64, raw []byte) bool {
		for path := range wanted {
			if !bytes.Contains(raw, []byte(path)) {
				continue
			}
			if _, held := fileOf(raw, path); held {
				out[path] = index
				delete(wanted, path)
			}
		}
		return len(wanted) > 0
	})
	if err != nil {
		return nil, fmt.Errorf("find the leaves of files: %w", err)
	}
	return out, nil
}

// fileOf reads what a leaf says of the file at a path.
func fileOf(raw []byte, path string) (File, bool) {
	_, leaf, err := decode(raw)
	if err != nil {
		return File{}, false
	}
	switch l := leaf.(type) {
	case FileAdded:
		return l.File, l.File.Path == path
	case FilesReplaced:
		for _, f := range l.New {
			if f.Path == path {
				return f, true
			}
		}
	}
	return File{}, false
}

// Proven is what a Statement proves.
type Proven struct {
	Checkpoint Checkpoint
	leaves     map[uint64][]byte
}

// File is what the leaf of an index says of the file at a path.
func (p *Proven) File(index uint64, path string) (File, bool) { return fileOf(p.leaves[index], path) }

// Evidence finds the leaf that says that a package of a hash was made.
func (p *Proven) Evidence(sum Hash) (Evidence, bool) {
	for _, raw := range p.leaves {
		if _, leaf, err := decode(raw); err == nil {
			if e, ok := leaf.(Evidence); ok && e.SHA256 == sum {
				return e, true
			}
		}
	}
	return Evidence{}, false
}

// Prove checks a Statement with the first public key alone.
func (s *Statement) Prove(firstPublicKey string) (*Proven, error) {
	keys, err := newChain(strings.TrimSpace(firstPublicKey))
	if err != nil {
		return nil, err
	}
	cp, err := parseCheckpoint([]byte(s.Checkpoint))
	if err != nil {
		return nil, err
	}
	for _, in := range s.Keys {
		_, leaf, err := decode([]byte(in.Line))
		if err != nil {
			return nil, err
		}
		rotated, ok := leaf.(KeyRotated)
		if !ok {
			return nil, errors.New("a leaf that is given for a change of key is none")
		}
		if err := keys.follow(in.Index, rotated); err != nil {
			return nil, fmt.Errorf("change of key at leaf %d: %w", in.Index, err)
		}
	}
	if err := keys.signed(cp); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	p := &Proven{Checkpoint: cp, leaves: map[uint64][]byte{}}
	for _, in := range slices.Concat(s.Keys, s.Leaves) {
		if err := in.under(cp); err != nil {
			return nil, err
		}
		p.leaves[in.Index] = []byte(in.Line)
	}
	return p, nil
}

// under checks that the leaf is in the tree that a checkpoint signs.
func (in *Included) under(cp Checkpoint) error {
	path := make([][]byte, len(in.Path))
	for i := range in.Path {
		path[i] = in.Path[i][:]
	}
	leaf := rfc6962.DefaultHasher.HashLeaf([]byte(in.Line))
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, in.Index, cp.Size, leaf, path, cp.Root[:]); err != nil {
		return fmt.Errorf("leaf %d is not in the signed log: %w", in.Index, err)
	}
	return nil
}
