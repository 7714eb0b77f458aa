package evidence

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ledger"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// inFile is an event with its place in a data file.
type inFile struct {
	lake.FoundEvent
	path  string
	proof ledger.Proof
	root  [32]byte
	rows  int64
}

// find reads events from the lake.
func (s *Store) find(ctx context.Context, scope access.Scope, r *Request) ([]inFile, error) {
	if len(r.Events) == 0 || s.o.Lake == nil {
		return nil, nil
	}
	ids := map[string]bool{}
	for _, uid := range r.Events {
		ids[uid] = true
	}
	var out []inFile
	seen := map[string]bool{} // an event that stands in several files is one
	err := s.o.Lake.Find(ctx, scope, r.From, r.To, ids, func(f *lake.Found) error {
		root := ledger.EventRoot(f.Hashes)
		for _, e := range f.Events {
			key := e.Account + "\x00" + e.ID + "\x00" + string(e.Raw)
			if seen[key] {
				continue
			}
			seen[key] = true
			if len(out) == MaxEvents {
				return MistakeError(fmt.Sprintf("these are more than %d events: capture them in several steps", MaxEvents))
			}
			p, err := ledger.EventProof(f.Hashes, f.Hashes[e.Row])
			if err != nil {
				return err
			}
			out = append(out, inFile{e, f.Path, p, root, int64(len(f.Hashes))})
		}
		return nil
	})
	return out, err
}

// prove looks for the leaves of the events' files and notes the files that the ledger does not know as they are.
func (s *Store) prove(ctx context.Context, m *Manifest, list []inFile) (leaves map[string]uint64, err error) {
	var paths []string
	for i := range list {
		paths = append(paths, list[i].path)
	}
	paths = slices.Compact(slices.Sorted(slices.Values(paths)))
	if len(paths) == 0 {
		return nil, nil
	}
	if leaves, err = s.o.Ledger.FileLeaves(ctx, paths...); err != nil {
		return nil, err
	}
	indexes := make([]uint64, 0, len(leaves))
	for _, index := range leaves {
		indexes = append(indexes, index)
	}
	if len(indexes) == 0 {
		return leaves, nil
	}
	statement, err := s.o.Ledger.State(ctx, indexes...)
	if err != nil {
		return nil, err
	}
	proven, err := statement.Prove(s.o.Ledger.PublicKey())
	if err != nil {
		return nil, err
	}
	for i := range list {
		index, known := leaves[list[i].path]
		if !known {
			continue
		}
		if f, ok := proven.File(index, list[i].path); !ok || f.Root != list[i].root || f.Rows != list[i].rows {
			m.Notes = append(m.Notes, fmt.Sprintf("data file %s does not hold what the ledger says: its events are captured without a proof (tocsin ledger verify tells more)", list[i].path))
			delete(leaves, list[i].path)
		}
	}
	m.Lake = &statement
	return leaves, nil
}

// gather puts events into the vault and makes items of them, the earliest first.
func (s *Store) gather(ctx context.Context, scope access.Scope, m *Manifest, r *Request) error {
	list, err := s.find(ctx, scope, r)
	if err != nil {
		return err
	}
	leaves, err := s.prove(ctx, m, list)
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for i := range list {
		f := &list[i]
		have[f.ID] = true
		e := &Event{UID: f.ID, Account: f.Account, Format: f.Format, Received: f.Received, Source: f.Source, Object: f.Object}
		if leaf, known := leaves[f.path]; known {
			e.Proof = &Proof{File: f.path, Leaf: leaf, Index: f.proof.Index, Path: f.proof.Path}
		}
		if err := s.event(ctx, m, e, f.Raw); err != nil {
			return err
		}
	}
	for i := range r.Copies {
		c := &r.Copies[i]
		if have[c.UID] || !scope.Sees(c.Account) {
			continue
		}
		have[c.UID] = true
		if err := s.event(ctx, m, &Event{UID: c.UID, Account: c.Account, Time: c.Time, Source: c.Source}, c.Raw); err != nil {
			return err
		}
	}
	missing, unproven := 0, 0
	for _, uid := range slices.Compact(slices.Sorted(slices.Values(r.Events))) {
		if !have[uid] {
			missing++
		}
	}
	for i := range m.Items {
		if m.Items[i].Event != nil && m.Items[i].Event.Proof == nil {
			unproven++
		}
	}
	if missing > 0 {
		m.Notes = append(m.Notes, fmt.Sprintf("%d of the events that were asked for are not in the lake, or not yet, or may not be seen", missing))
	}
	if unproven > 0 {
		m.Notes = append(m.Notes, fmt.Sprintf("%d events are captured without a proof from the ledger, which did not know their data file at that time: their bytes are sealed as of the capture only", unproven))
	}
	slices.SortStableFunc(m.Items, func(a, b Item) int { return timeOfItem(&a).Compare(timeOfItem(&b)) })
	return nil
}

func timeOfItem(it *Item) time.Time {
	if it.Event == nil {
		return time.Time{}
	}
	return it.Event.Time
}

// event keeps the bytes of an event, and what it is in OCSF.
func (s *Store) event(ctx context.Context, m *Manifest, e *Event, raw []byte) error {
	sum, err := s.vault.put(raw)
	if err != nil {
		return err
	}
	object, at := toOCSF(ctx, e, raw)
	if object != nil {
		o, err := s.vault.put(object)
		if err != nil {
			return err
		}
		e.OCSF = &o
	}
	if e.Time.IsZero() {
		e.Time = at
	}
	m.Items = append(m.Items, Item{Kind: KindEvent, Name: e.UID, Media: "application/octet-stream", SHA256: sum, Bytes: int64(len(raw)), Event: e})
	return ctx.Err()
}

// toOCSF reads a record again. nil is one that cannot be read by itself.
func toOCSF(_ context.Context, e *Event, raw []byte) (object []byte, at time.Time) {
	for _, f := range format.All() {
		if f.Name != e.Format && (e.Format != "" || !f.Recognise(raw[:min(len(raw), format.HeadSize)])) {
			continue
		}
		_ = ocsf.NewDecoder(f.Shape(), records.Limits{}).Record(raw, e.UID, ocsf.Position{}, ocsf.Sink{
			Event: func(ev *ocsf.Event) error {
				object, at = ev.Object(), time.UnixMilli(ev.Millis).UTC()
				return nil
			},
			Unreadable: func(ocsf.Unreadable) error { return nil },
		})
		return object, at
	}
	return nil, time.Time{}
}

// hashOf is the SHA-256 of bytes.
func hashOf(content []byte) ledger.Hash { return sha256.Sum256(content) }
