package evidence

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/ledger"
)

// The bounds of a capture.
const (
	MaxEvents    = 10_000   // of one capture
	MaxDocument  = 64 << 20 // bytes of one document or file
	MaxSetItems  = 50_000   // of all captures of a set
	MaxSetBytes  = 4 << 30  // likewise
	maxDocuments = 1000
	maxWords     = 4096 // bytes of a title, a reason or a name
)

// Request is what to capture.
type Request struct {
	Set       string // a set to add to; "" makes a new one
	Title     string // of a new set; "" is made up
	Incident  string // uid that a new set is about; "" for none
	Why       string // required
	Events    []string
	From, To  time.Time // when the events occurred, as far as that is known: the fewer days, the faster
	Copies    []Copy    // what findings kept of events, for those that the lake does not hold
	Documents []Document
	Accounts  []string // that documents tell of
}

// Copy is an event as a finding kept it.
type Copy struct {
	UID, Account, Source string
	Time                 time.Time
	Raw                  []byte
}

// Document is a thing to keep beside the events.
type Document struct {
	Kind  string // incident, entity, screenshot, file
	Name  string
	Media string // "" is application/octet-stream
	Body  []byte
	From  io.Reader // read in place of Body, once, into the vault
	taken *taken
}

const errTooLarge = MistakeError("a file has at most 64 MiB: split it, or keep it elsewhere and add a file with its SHA-256")

func (r *Request) check() error {
	switch {
	case strings.TrimSpace(r.Why) == "":
		return MistakeError("say why this is captured: the chain of custody asks for it")
	case len(r.Why) > maxWords || len(r.Title) > maxWords:
		return MistakeError("a title or reason has at most 4,096 bytes")
	case len(r.Events) > MaxEvents || len(r.Documents) > maxDocuments:
		return MistakeError(fmt.Sprintf("at most %d events and %d documents are captured at once: take several steps", MaxEvents, maxDocuments))
	case len(r.Events)+len(r.Documents)+len(r.Copies) == 0:
		return MistakeError("there is nothing to capture: name an incident, events or a file")
	}
	for i := range r.Documents {
		d := &r.Documents[i]
		switch {
		case len(d.Body) == 0 && d.From == nil:
			return MistakeError("the file " + strconv.Quote(d.Name) + " is empty")
		case len(d.Body) > MaxDocument:
			return errTooLarge
		case strings.TrimSpace(d.Name) == "" || len(d.Name) > maxWords:
			return MistakeError("name the file, in at most 4,096 bytes")
		case !slices.Contains([]string{KindIncident, KindEntity, KindScreenshot, KindFile}, d.Kind):
			return MistakeError("a document is an incident, an entity, a screenshot or a file")
		}
	}
	return nil
}

// Capture freezes what a Request names, of what the Scope sees, and returns the set's id. Once it returns, bytes and rows are on disk
// and a signed checkpoint of the ledger commits to them. What could not be had is in the manifest's notes.
func (s *Store) Capture(ctx context.Context, scope access.Scope, by By, r *Request) (string, error) {
	if s.o.Ledger == nil {
		return "", ErrNoLedger
	}
	if err := r.check(); err != nil {
		return "", err
	}
	if err := s.receive(ctx, scope, r); err != nil {
		return "", err
	}
	id, n, err := s.keep(ctx, scope, by, r)
	if err != nil {
		return "", errors.Join(err, r.drop())
	}
	return id, s.seal(ctx, id, n)
}

// receive reads what comes from elsewhere, however slowly, before anything is locked; of who does not see the set nothing is read.
func (s *Store) receive(ctx context.Context, scope access.Scope, r *Request) (err error) {
	if r.Set != "" {
		if _, err := s.set(ctx, scope, r.Set); err != nil {
			return err
		}
	}
	for i := range r.Documents {
		if d := &r.Documents[i]; d.From != nil {
			if d.taken, err = s.vault.take(d.From, MaxDocument); err != nil {
				return errors.Join(err, r.drop())
			}
		}
	}
	return nil
}

func (r *Request) drop() (err error) {
	for i := range r.Documents {
		if t := r.Documents[i].taken; t != nil {
			err = errors.Join(err, t.drop())
		}
	}
	return err
}

// keepDocument puts a document into the vault.
func (s *Store) keepDocument(d *Document) (Item, error) {
	media := d.Media
	if media == "" {
		media = "application/octet-stream"
	}
	it := Item{Kind: d.Kind, Name: text(d.Name), Media: text(media), Bytes: int64(len(d.Body))}
	if d.taken != nil {
		it.SHA256, it.Bytes = d.taken.sum, d.taken.size
		return it, s.vault.place(d.taken)
	}
	var err error
	it.SHA256, err = s.vault.put(d.Body)
	return it, err
}

// keep writes files and rows.
func (s *Store) keep(ctx context.Context, scope access.Scope, by By, r *Request) (id string, n int, err error) {
	s.turn.RLock()
	defer s.turn.RUnlock()
	m, err := s.begin(ctx, scope, by, r)
	if err != nil {
		return "", 0, err
	}
	if err := s.gather(ctx, scope, m, r); err != nil {
		return "", 0, err
	}
	for i := range r.Documents {
		it, err := s.keepDocument(&r.Documents[i])
		if err != nil {
			return "", 0, err
		}
		m.Items = append(m.Items, it)
	}
	if len(m.Items) == 0 {
		return "", 0, fmt.Errorf("%w: none of the events is in the lake (an event is there about a minute after it came in), or none may be seen", ErrNotFound)
	}
	for i := range m.Items {
		if e := m.Items[i].Event; e != nil {
			m.Accounts = append(m.Accounts, e.Account)
		}
	}
	if slices.ContainsFunc(r.Documents, func(d Document) bool { return d.Kind == KindEntity }) {
		m.Accounts = append(m.Accounts, whole(scope)...)
	}
	if m.Accounts = slices.Compact(slices.Sorted(slices.Values(m.Accounts))); len(m.Accounts) == 0 {
		m.Accounts = whole(scope)
	}
	line, err := encode(m)
	if err != nil {
		return "", 0, fmt.Errorf("write the manifest: %w", err)
	}
	sum, err := s.vault.put(line)
	if err != nil {
		return "", 0, err
	}
	return m.Set, m.Capture, s.insert(ctx, m, sum, r.Set == "")
}

// whole are the accounts that something tells of which may hold all that a Scope sees, as an entity's state: who does not see them all
// does not see it either. "" is what only Everything sees.
func whole(scope access.Scope) []string {
	if list := scope.List(); !scope.All() && len(list) > 0 {
		return list
	}
	return []string{""}
}

// begin starts the manifest of a new set, or of the next capture of one that the Scope sees.
func (s *Store) begin(ctx context.Context, scope access.Scope, by By, r *Request) (*Manifest, error) {
	m := &Manifest{
		Format: captureFormat, Set: r.Set, Capture: 1, Title: text(r.Title), Incident: text(r.Incident), Accounts: slices.Clone(r.Accounts), At: s.o.Now().UTC().Truncate(time.Millisecond),
		By: by, Why: text(r.Why), Items: []Item{}, Notes: []string{},
	}
	if r.Set != "" {
		set, err := s.set(ctx, scope, r.Set)
		if err != nil {
			return nil, err
		}
		if !set.Deleted.IsZero() {
			return nil, MistakeError("this set was deleted: make a new one")
		}
		m.Title, m.Incident, m.Accounts = set.Title, set.Incident, append(m.Accounts, set.Accounts...)
		err = s.o.DB.QueryRowContext(ctx, `SELECT n, manifest FROM evidence_captures WHERE set_id = $1 ORDER BY n DESC LIMIT 1`, r.Set).Scan(&m.Capture, &m.Previous)
		if err != nil {
			return nil, fmt.Errorf("read evidence %s: %w", r.Set, err)
		}
		m.Capture++
		return m, nil
	}
	if m.Title == "" {
		m.Title = "Evidence of " + m.At.Format("2006-01-02 15:04Z")
	}
	m.Set = strings.ToLower(rand.Text()[:16])
	return m, nil
}

// insert writes the rows of a capture, the set's with the first.
func (s *Store) insert(ctx context.Context, m *Manifest, sum ledger.Hash, fresh bool) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	needs, total := m.needs(), int64(0)
	for _, n := range needs {
		total += n
	}
	err := s.o.DB.Tx(ctx, func(tx *sql.Tx) error {
		err := s.fits(ctx, tx, m, total)
		if err != nil {
			return err
		}
		if fresh {
			_, err = tx.ExecContext(ctx, `INSERT INTO evidence_sets (id, title, incident, accounts, created_at, created_by, held_by, held_why, problem) VALUES ($1, $2, $3, $4, $5, $6, '', '', '')`,
				m.Set, m.Title, m.Incident, joinAccounts(m.Accounts), m.At.UnixMilli(), text(m.By.Name))
		} else {
			_, err = tx.ExecContext(ctx, `UPDATE evidence_sets SET accounts = $1 WHERE id = $2`, joinAccounts(m.Accounts), m.Set)
		}
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO evidence_captures (set_id, n, manifest, at, items, bytes, seal) VALUES ($1, $2, $3, $4, $5, $6, '')`,
			m.Set, m.Capture, sum.String(), m.At.UnixMilli(), len(m.Items), total); err != nil {
			return err
		}
		for need, size := range needs {
			if _, err := tx.ExecContext(ctx, `INSERT INTO evidence_blobs (set_id, n, sha256, bytes) VALUES ($1, $2, $3, $4)`, m.Set, m.Capture, need.String(), size); err != nil {
				return err
			}
		}
		return write(ctx, tx, m.Set, Deed{At: m.At, By: m.By, Action: "captured", Object: sum.String(), Detail: m.Why})
	})
	if err != nil {
		return fmt.Errorf("keep evidence: %w", err)
	}
	return nil
}

// fits says where a set would be more than one can look through, verify and export.
func (s *Store) fits(ctx context.Context, tx *sql.Tx, m *Manifest, more int64) error {
	var items, total int64
	if err := tx.QueryRowContext(ctx, `SELECT coalesce(sum(items), 0), coalesce(sum(bytes), 0) FROM evidence_captures WHERE set_id = $1`, m.Set).Scan(&items, &total); err != nil {
		return err
	}
	items, total = items+int64(len(m.Items)), total+more
	if items <= s.o.MaxItems && total <= s.o.MaxBytes {
		return nil
	}
	return MistakeError(fmt.Sprintf("with this the set would hold %d items of %d bytes in all, and a set holds at most %d items and %d bytes: capture less, or make a new set for the rest", items, total, s.o.MaxItems, s.o.MaxBytes))
}

// seal puts the leaf of a capture into the ledger and keeps its proof. Repeating it is harmless.
func (s *Store) seal(ctx context.Context, id string, n int) error {
	m, sum, err := s.manifest(ctx, id, n)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, size := range m.needs() {
		total += size
	}
	leaf := ledger.Evidence{ID: leafID(id, strconv.Itoa(n)), Incident: m.Incident, Bytes: total, SHA256: sum}
	index, statement, err := s.append(ctx, leaf)
	if err != nil {
		return err
	}
	seal, err := encode(statement)
	if err != nil {
		return err
	}
	if _, err := s.o.DB.ExecContext(ctx, `UPDATE evidence_captures SET leaf = $1, seal = $2 WHERE set_id = $3 AND n = $4`, int64(index), string(seal), id, n); err != nil { //nolint:gosec // a position
		return fmt.Errorf("keep the seal of evidence %s: %w", id, err)
	}
	return nil
}

func (s *Store) append(ctx context.Context, leaf ledger.Evidence) (uint64, ledger.Statement, error) {
	indexes, err := s.o.Ledger.Append(ctx, leaf)
	if err != nil {
		return 0, ledger.Statement{}, fmt.Errorf("seal evidence %s: %w", leaf.ID, err)
	}
	statement, err := s.o.Ledger.State(ctx, indexes...)
	return indexes[0], statement, err
}

// leafID is how the ledger calls a capture or an export.
func leafID(set, which string) string { return "evidence/" + set + "/" + which }

// settle seals what a kill left unsealed.
func (s *Store) settle(ctx context.Context) error {
	rows, err := s.o.DB.QueryContext(ctx, `SELECT c.set_id, c.n FROM evidence_captures c JOIN evidence_sets s ON s.id = c.set_id WHERE c.seal = '' AND s.deleted_at IS NULL ORDER BY c.at, c.set_id, c.n`)
	if err != nil {
		return fmt.Errorf("settle evidence: %w", err)
	}
	type which struct {
		id string
		n  int
	}
	var open []which
	for rows.Next() {
		var w which
		if err = rows.Scan(&w.id, &w.n); err != nil {
			break
		}
		open = append(open, w)
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("settle evidence: %w", err)
	}
	for _, w := range open {
		altered := new(AlteredError)
		if err := s.seal(ctx, w.id, w.n); err != nil && !errors.As(err, &altered) { // what is altered shows at the next verification
			return err
		}
	}
	return nil
}

// manifest reads a capture's manifest from the vault.
func (s *Store) manifest(ctx context.Context, id string, n int) (*Manifest, ledger.Hash, error) {
	var name string
	var sum ledger.Hash
	err := s.o.DB.QueryRowContext(ctx, `SELECT manifest FROM evidence_captures WHERE set_id = $1 AND n = $2`, id, n).Scan(&name)
	if err == nil {
		err = sum.UnmarshalText([]byte(name))
	}
	if err != nil {
		return nil, sum, fmt.Errorf("read evidence %s: %w", id, err)
	}
	line, err := s.vault.get(sum)
	if err != nil {
		return nil, sum, err
	}
	var m Manifest
	if err := json.Unmarshal(line, &m); err != nil {
		return nil, sum, fmt.Errorf("read the manifest of evidence %s: %w", id, err)
	}
	return &m, sum, nil
}
