package ledger

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// Prefixes that tell leaves from nodes (RFC 6962, section 2.1).
const (
	leafPrefix = 0x00
	nodePrefix = 0x01
)

// Proof shows that one event is in a file: its place among the file's sorted event hashes and the audit path (RFC 6962, section
// 2.1.1). It is small enough to travel with the event, and outlives the file.
type Proof struct {
	Index uint64 `json:"index"`
	Path  []Hash `json:"path"` // from the leaf upwards
}

// EventRoot is the RFC 6962 Merkle root over the sorted SHA-256 hashes of events' raw bytes. An event that stands in a file twice
// counts twice. The order of hashes does not matter, and they are left as they are. None gives the hash of the empty string.
func EventRoot(hashes [][32]byte) [32]byte {
	if len(hashes) == 0 {
		return sha256.Sum256(nil)
	}
	row := eventLeaves(hashes)
	for len(row) > 1 {
		row = raise(row)
	}
	return row[0]
}

// EventProof proves that event, the SHA-256 of its raw bytes, is one of hashes.
func EventProof(hashes [][32]byte, event [32]byte) (Proof, error) {
	sorted := slices.Clone(hashes)
	slices.SortFunc(sorted, byBytes)
	at, ok := slices.BinarySearchFunc(sorted, event, byBytes)
	if !ok {
		return Proof{}, fmt.Errorf("prove event %x: it is none of the %d events of this file", event, len(hashes))
	}
	p := Proof{Index: uint64(at)} //nolint:gosec // a position
	for row := eventLeaves(sorted); len(row) > 1; at /= 2 {
		if sibling := at ^ 1; sibling < len(row) {
			p.Path = append(p.Path, row[sibling])
		}
		row = raise(row)
	}
	return p, nil
}

// VerifyEvent checks that event, the SHA-256 of its raw bytes, is in the file that a leaf describes.
func VerifyEvent(file File, event [32]byte, p Proof) error {
	if file.Rows < 0 {
		return errors.New("verify event: file has a negative number of rows")
	}
	path := make([][]byte, len(p.Path))
	for i := range p.Path {
		path[i] = p.Path[i][:]
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(event[:])
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, p.Index, uint64(file.Rows), leaf, path, file.Root[:]); err != nil {
		return fmt.Errorf("verify event %x in %q: %w", event, file.Path, err)
	}
	return nil
}

// eventLeaves gives the tree's lowest row. It works on a copy of its own.
func eventLeaves(hashes [][32]byte) [][32]byte {
	row := slices.Clone(hashes)
	slices.SortFunc(row, byBytes)
	var in [1 + sha256.Size]byte
	in[0] = leafPrefix
	for i := range row {
		copy(in[1:], row[i][:])
		row[i] = sha256.Sum256(in[:])
	}
	return row
}

// raise makes of a row the one above it, in place. A node without a sibling rises as it is: that gives the tree of RFC 6962,
// whose left half is the largest power of two.
func raise(row [][32]byte) [][32]byte {
	var in [1 + 2*sha256.Size]byte
	in[0] = nodePrefix
	for i := 0; i+1 < len(row); i += 2 {
		copy(in[1:], row[i][:])
		copy(in[1+sha256.Size:], row[i+1][:])
		row[i/2] = sha256.Sum256(in[:])
	}
	if len(row)%2 == 1 {
		row[len(row)/2] = row[len(row)-1]
	}
	return row[:(len(row)+1)/2]
}

func byBytes(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) }

// distinct gives the hashes sorted, each once.
func distinct(hashes [][32]byte) [][32]byte {
	out := slices.Clone(hashes)
	slices.SortFunc(out, byBytes)
	return slices.Compact(out)
}
