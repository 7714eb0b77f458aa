package ledger

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
)

// tree recomputes a log from its leaves and compares what it gets with the tiles on disk.
type tree struct {
	files  client.FileFetcher
	size   uint64
	spread *compact.Range
	tiles  map[compact.NodeID][]byte // as they should be: level and index of a tile, its hashes so far
	moved  []uint64                  // leaves whose hash is not the one in their tile
	broken []string                  // tiles that do not follow from the leaves
}

func newTree(dir string, size uint64) *tree {
	ranges := &compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	return &tree{
		files: client.FileFetcher{Root: dir}, size: size,
		spread: ranges.NewEmptyRange(0), tiles: map[compact.NodeID][]byte{},
	}
}

// walk gives each leaf's bytes to visit, in order, and returns the root over them. An error means that leaves cannot be read.
func (t *tree) walk(ctx context.Context, visit func(index uint64, raw []byte)) (Hash, error) {
	for r := range layout.Range(0, t.size, t.size) {
		if err := ctx.Err(); err != nil {
			return Hash{}, err
		}
		leaves, err := bundle(ctx, t.files, r)
		if err != nil {
			return Hash{}, err
		}
		for i, raw := range leaves {
			index := r.Index*layout.EntryBundleWidth + uint64(i) //nolint:gosec // below 256
			if err := t.spread.Append(rfc6962.DefaultHasher.HashLeaf(raw), t.keep); err != nil {
				return Hash{}, err
			}
			visit(index, raw)
		}
	}
	t.compare(ctx)
	if t.size == 0 {
		return Hash(rfc6962.DefaultHasher.EmptyRoot()), nil
	}
	root, err := t.spread.GetRootHash(nil)
	if err != nil {
		return Hash{}, err
	}
	return Hash(root), nil
}

// keep collects the hashes that stand in tiles: those of every eighth level.
func (t *tree) keep(id compact.NodeID, hash []byte) {
	if id.Level%layout.TileHeight == 0 {
		tile := compact.NewNodeID(id.Level/layout.TileHeight, id.Index/layout.TileWidth)
		t.tiles[tile] = append(t.tiles[tile], hash...)
	}
}

// compare looks for what the tiles on disk say otherwise.
func (t *tree) compare(ctx context.Context) {
	order := slices.SortedFunc(maps.Keys(t.tiles), func(a, b compact.NodeID) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.Index, b.Index))
	})
	for _, id := range order {
		want := t.tiles[id]
		level := uint64(id.Level)
		partial := layout.PartialTileSize(level, id.Index, t.size)
		have, err := t.files.ReadTile(ctx, level, id.Index, partial)
		if err == nil && len(have) >= len(want) && bytes.Equal(have[:len(want)], want) {
			continue
		}
		t.broken = append(t.broken, layout.TilePath(level, id.Index, partial))
		for i := 0; level == 0 && i < len(want); i += rfc6962.DefaultHasher.Size() {
			end := i + rfc6962.DefaultHasher.Size()
			if end <= len(have) && !bytes.Equal(have[i:end], want[i:end]) {
				t.moved = append(t.moved, id.Index*layout.TileWidth+uint64(i/rfc6962.DefaultHasher.Size())) //nolint:gosec // below 256
			}
		}
	}
}

// bundle reads the leaves of one entry bundle.
func bundle(ctx context.Context, files client.FileFetcher, r layout.RangeInfo) ([][]byte, error) {
	path := layout.EntriesPath(r.Index, r.Partial)
	raw, err := files.ReadEntryBundle(ctx, r.Index, r.Partial)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	var b api.EntryBundle
	if err := b.UnmarshalText(raw); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if uint(len(b.Entries)) < r.First+r.N {
		return nil, fmt.Errorf("read %s: %d leaves (want %d)", path, len(b.Entries), r.First+r.N)
	}
	return b.Entries[r.First : r.First+r.N], nil
}

// lastLeaf reads the last leaf of a log of a size, nil if that is 0.
func lastLeaf(ctx context.Context, dir string, size uint64) (Leaf, error) {
	if size == 0 {
		return nil, nil
	}
	return leafAt(ctx, dir, size-1, size)
}

// leafAt reads one leaf of a log of a size.
func leafAt(ctx context.Context, dir string, index, size uint64) (Leaf, error) {
	for r := range layout.Range(index, 1, size) {
		leaves, err := bundle(ctx, client.FileFetcher{Root: dir}, r)
		if err != nil {
			return nil, err
		}
		_, leaf, err := decode(leaves[0])
		return leaf, err
	}
	return nil, fmt.Errorf("leaf %d is not among %d", index, size)
}
