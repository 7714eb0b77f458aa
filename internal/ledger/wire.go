package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// maxLine is the most bytes that an entry may have: tlog-tiles gives its length two bytes
// (https://c2sp.org/tlog-tiles, Log Entries).
const maxLine = 1<<16 - 1

// entry is a leaf in its place in the log.
type entry struct {
	index uint64
	time  time.Time
	leaf  Leaf
}

// line is an entry as it is written. Its fields stand in the order of their names too.
type line[L any] struct {
	Kind Kind      `json:"kind"`
	Leaf L         `json:"leaf"`
	Time time.Time `json:"time"`
}

// readers reads the leaf of each kind.
var readers = map[Kind]func([]byte) (Leaf, error){
	KindObjectReceived: read[ObjectReceived],
	KindFileAdded:      read[FileAdded],
	KindFilesReplaced:  read[FilesReplaced],
	KindFileExpired:    read[FileExpired],
	KindEvidence:       read[Evidence],
	KindAction:         read[Action],
	KindRuleVersion:    read[RuleVersion],
	KindRuleSet:        read[RuleSet],
	KindDigestVerdict:  read[DigestVerdict],
	KindKeyRotated:     read[KeyRotated],
}

// encode writes a leaf as one line of canonical JSON, without a line end, and refuses one that does not fit an entry.
func encode(at time.Time, leaf Leaf) ([]byte, error) {
	if err := leaf.check(); err != nil {
		return nil, fmt.Errorf("leaf %s %q: %w", leaf.Kind(), leaf.Subject(), err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(line[Leaf]{leaf.Kind(), leaf, at.UTC().Truncate(time.Millisecond)}); err != nil {
		return nil, fmt.Errorf("leaf %s %q: %w", leaf.Kind(), leaf.Subject(), err)
	}
	out := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if len(out) > maxLine {
		return nil, fmt.Errorf("leaf %s %q: %d bytes (limit: %d)", leaf.Kind(), leaf.Subject(), len(out), maxLine)
	}
	// encoding/json writes this escape for bytes that are no UTF-8: two names would become one.
	if bytes.Contains(bytes.ReplaceAll(out, []byte(`\\`), nil), []byte(`\ufffd`)) {
		return nil, fmt.Errorf("leaf %s %q: text is not UTF-8", leaf.Kind(), leaf.Subject())
	}
	return out, nil
}

// decode reads what encode wrote.
func decode(raw []byte) (time.Time, Leaf, error) {
	if !utf8.Valid(raw) {
		return time.Time{}, nil, fmt.Errorf("leaf is not UTF-8")
	}
	var l line[json.RawMessage]
	if err := strict(raw, &l); err != nil {
		return time.Time{}, nil, fmt.Errorf("leaf: %w", err)
	}
	reader, ok := readers[l.Kind]
	if !ok {
		return time.Time{}, nil, fmt.Errorf("leaf of unknown kind %q: a newer version may have written it", l.Kind)
	}
	leaf, err := reader(l.Leaf)
	if err != nil {
		return time.Time{}, nil, fmt.Errorf("leaf %s: %w", l.Kind, err)
	}
	return l.Time, leaf, nil
}

func read[L Leaf](raw []byte) (Leaf, error) {
	var leaf L
	if err := strict(raw, &leaf); err != nil {
		return nil, err
	}
	return leaf, leaf.check()
}

func strict(raw []byte, to any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(to)
}
