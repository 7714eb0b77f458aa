package lake

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/apache/iceberg-go/table"
)

// Change is what one snapshot did to the data files. Paths are below the lake's folder, with slashes.
type Change struct {
	Snapshot int64
	At       time.Time
	Added    []Added
	Replaced []string // whose events the added files hold now
	Policy   string   // under which replaced files went whose events the added do not all hold; "" is none
}

// Added is a data file with the hash of its bytes, taken as they were written.
type Added struct {
	Path   string
	SHA256 [32]byte
	Rows   int64
}

// Changes lists what the snapshots after one did, the oldest first; 0 is from the beginning. known is false where that snapshot
// is not remembered any more, and then all that are remembered come.
func (l *Lake) Changes(after int64) (list []Change, known bool, err error) {
	snapshots := slices.Clone(l.table.Load().Metadata().Snapshots())
	slices.SortFunc(snapshots, func(a, b table.Snapshot) int { return cmp.Compare(a.SequenceNumber, b.SequenceNumber) })
	known = after == 0
	for _, s := range snapshots {
		if s.SnapshotID == after {
			list, known = nil, true
			continue
		}
		c, err := changeOf(&s)
		if err != nil {
			return nil, false, fmt.Errorf("snapshot %d: %w", s.SnapshotID, err)
		}
		list = append(list, c)
	}
	return list, known, nil
}

func changeOf(s *table.Snapshot) (Change, error) {
	c := Change{Snapshot: s.SnapshotID, At: time.UnixMilli(s.TimestampMs).UTC()}
	if s.Summary == nil {
		return c, nil
	}
	c.Policy = s.Summary.Properties[policyKey]
	var files []addedFile
	for key, into := range map[string]any{filesKey: &files, replacedKey: &c.Replaced} {
		if text := s.Summary.Properties[key]; text != "" {
			if err := json.Unmarshal([]byte(text), into); err != nil {
				return c, fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	for _, f := range files {
		a := Added{Path: f.Path, Rows: f.Rows}
		if n, err := hex.Decode(a.SHA256[:], []byte(f.SHA256)); err != nil || n != len(a.SHA256) {
			return c, fmt.Errorf("%s: %q is no SHA-256", f.Path, f.SHA256)
		}
		c.Added = append(c.Added, a)
	}
	return c, nil
}

// Path is where a file that Changes names lies.
func (l *Lake) Path(below string) string { return filepath.Join(l.dir, filepath.FromSlash(below)) }
