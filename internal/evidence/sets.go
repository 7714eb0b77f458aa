package evidence

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/ledger"
)

// Set is a set as lists show it.
type Set struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Incident  string    `json:"incident,omitempty"`
	Accounts  []string  `json:"accounts"`
	Created   time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	Captures  int       `json:"captures"`
	Items     int       `json:"items"`
	Bytes     int64     `json:"bytes"`
	Sealed    bool      `json:"sealed"` // the ledger holds every capture
	Held      time.Time `json:"held_at,omitzero"`
	HeldBy    string    `json:"held_by,omitempty"`
	HeldWhy   string    `json:"held_why,omitempty"`
	Deleted   time.Time `json:"deleted_at,omitzero"`
	Verified  time.Time `json:"verified_at,omitzero"` // last
	Problem   string    `json:"problem,omitempty"`    // that the last verification found
}

// Detail is a set with all that it holds but the bytes.
type Detail struct {
	Set
	Manifests []Sealed `json:"manifests"`
	Custody   []Deed   `json:"custody"`
	Broken    string   `json:"custody_problem,omitempty"` // where the chain of custody does not hold
}

// Sealed is a capture with its place in the ledger.
type Sealed struct {
	SHA256   string    `json:"sha256"`
	Leaf     *uint64   `json:"leaf"` // index in the ledger; null while it is not sealed
	Manifest *Manifest `json:"manifest"`
}

// Query narrows a list.
type Query struct {
	Incident string
	Deleted  bool // also what was deleted
	After    string
	Limit    int // 0: 100
}

const setColumns = `s.id, s.title, s.incident, s.accounts, s.created_at, s.created_by, s.held_at, s.held_by, s.held_why, s.deleted_at, s.verified_at, s.problem,
	(SELECT count(*) FROM evidence_captures c WHERE c.set_id = s.id), (SELECT coalesce(sum(c.items), 0) FROM evidence_captures c WHERE c.set_id = s.id),
	(SELECT coalesce(sum(c.bytes), 0) FROM evidence_captures c WHERE c.set_id = s.id), (SELECT count(*) FROM evidence_captures c WHERE c.set_id = s.id AND c.seal = '')`

func scanSet(scan func(...any) error) (Set, error) {
	var x Set
	var accounts string
	var created int64
	var open int
	var held, deleted, verified sql.NullInt64
	err := scan(&x.ID, &x.Title, &x.Incident, &accounts, &created, &x.CreatedBy, &held, &x.HeldBy, &x.HeldWhy, &deleted, &verified, &x.Problem, &x.Captures, &x.Items, &x.Bytes, &open)
	x.Accounts, x.Created, x.Sealed = splitAccounts(accounts), time.UnixMilli(created).UTC(), open == 0
	x.Held, x.Deleted, x.Verified = timeOf(held), timeOf(deleted), timeOf(verified)
	return x, err
}

func timeOf(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}

// Sets lists sets, the newest first. next names the page that follows; "" is none.
func (s *Store) Sets(ctx context.Context, scope access.Scope, q Query) (list []Set, next string, err error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	before, id, err := cursor(q.After)
	if err != nil {
		return nil, "", err
	}
	deleted := 0
	if q.Deleted {
		deleted = 1
	}
	rows, err := s.o.DB.QueryContext(ctx, `SELECT `+setColumns+` FROM evidence_sets s WHERE ($1 = '' OR s.incident = $1) AND ($2 = 1 OR s.deleted_at IS NULL)
		AND (s.created_at < $3 OR s.created_at = $3 AND s.id > $4) ORDER BY s.created_at DESC, s.id`, text(q.Incident), deleted, before, id)
	if err != nil {
		return nil, "", fmt.Errorf("list evidence: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	list = []Set{}
	for rows.Next() {
		x, err := scanSet(rows.Scan)
		if err != nil {
			return nil, "", fmt.Errorf("list evidence: %w", err)
		}
		if !sees(scope, x.Accounts) {
			continue
		}
		if len(list) == q.Limit {
			last := list[len(list)-1]
			return list, strconv.FormatInt(last.Created.UnixMilli(), 10) + "_" + last.ID, nil
		}
		list = append(list, x)
	}
	return list, "", rows.Err()
}

func cursor(after string) (before int64, id string, err error) {
	if after == "" {
		return 1 << 62, "", nil
	}
	millis, id, ok := strings.Cut(after, "_")
	before, err = strconv.ParseInt(millis, 10, 64)
	if !ok || err != nil {
		return 0, "", MistakeError("after: give what the page before named as next")
	}
	return before, text(id), nil
}

// set reads a set that the Scope sees.
func (s *Store) set(ctx context.Context, scope access.Scope, id string) (Set, error) {
	x, err := scanSet(s.o.DB.QueryRowContext(ctx, `SELECT `+setColumns+` FROM evidence_sets s WHERE s.id = $1`, text(id)).Scan)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !sees(scope, x.Accounts) {
		return Set{}, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Set{}, fmt.Errorf("read evidence %s: %w", id, err)
	}
	return x, nil
}

// Set shows a set with its manifests and its chain of custody, which notes that it was viewed.
func (s *Store) Set(ctx context.Context, scope access.Scope, by By, id string) (*Detail, error) {
	x, err := s.set(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	if err := s.note(ctx, x.ID, Deed{By: by, Action: "viewed"}); err != nil {
		return nil, err
	}
	out := &Detail{Set: x, Manifests: []Sealed{}}
	if out.Manifests, err = s.manifests(ctx, x.ID); err != nil {
		return nil, s.altered(ctx, x.ID, by, err)
	}
	lines, err := s.lines(ctx, x.ID)
	if err != nil {
		return nil, err
	}
	if out.Custody, err = readChain(lines); err != nil {
		out.Broken = err.Error()
	}
	return out, nil
}

func (s *Store) manifests(ctx context.Context, id string) ([]Sealed, error) {
	list, err := s.captures(ctx, id)
	if err != nil {
		return nil, err
	}
	out := make([]Sealed, 0, len(list))
	for i := range list {
		line, err := s.vault.get(list[i].sum)
		if err != nil {
			return nil, err
		}
		x := Sealed{SHA256: list[i].sum.String(), Leaf: list[i].leaf, Manifest: &Manifest{}}
		if err := json.Unmarshal(line, x.Manifest); err != nil {
			return nil, fmt.Errorf("read the manifest of evidence %s: %w", id, err)
		}
		out = append(out, x)
	}
	return out, nil
}

// capture is the row of one.
type capture struct {
	n    int
	sum  ledger.Hash
	leaf *uint64
	seal string
}

func (s *Store) captures(ctx context.Context, id string) ([]capture, error) {
	rows, err := s.o.DB.QueryContext(ctx, `SELECT n, manifest, leaf, seal FROM evidence_captures WHERE set_id = $1 ORDER BY n`, id)
	if err != nil {
		return nil, fmt.Errorf("read evidence %s: %w", id, err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var out []capture
	for rows.Next() {
		var c capture
		var name string
		var leaf sql.NullInt64
		if err := rows.Scan(&c.n, &name, &leaf, &c.seal); err != nil {
			return nil, fmt.Errorf("read evidence %s: %w", id, err)
		}
		if err := c.sum.UnmarshalText([]byte(name)); err != nil {
			return nil, fmt.Errorf("read evidence %s: %w", id, err)
		}
		if leaf.Valid {
			index := uint64(leaf.Int64) //nolint:gosec // a position
			c.leaf = &index
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// Item reads the bytes of an item, or of its OCSF, and notes who read them. Bytes that changed are not given out: the error is then an AlteredError.
func (s *Store) Item(ctx context.Context, scope access.Scope, by By, id, sum string) ([]byte, error) {
	x, err := s.set(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	var hash ledger.Hash
	var n int
	if err := hash.UnmarshalText([]byte(sum)); err != nil {
		return nil, fmt.Errorf("%s: %w", sum, ErrNotFound)
	}
	if err := s.o.DB.QueryRowContext(ctx, `SELECT count(*) FROM evidence_blobs WHERE set_id = $1 AND sha256 = $2`, x.ID, hash.String()).Scan(&n); err != nil {
		return nil, fmt.Errorf("read evidence %s: %w", id, err)
	}
	if n == 0 {
		return nil, fmt.Errorf("%s: %w", sum, ErrNotFound)
	}
	content, err := s.vault.get(hash)
	if err != nil {
		return nil, s.altered(ctx, x.ID, by, err)
	}
	return content, s.note(ctx, x.ID, Deed{By: by, Action: "read", Object: hash.String()})
}

// altered keeps that a reading found changed bytes, and passes its error on.
func (s *Store) altered(ctx context.Context, id string, by By, err error) error {
	a := new(AlteredError)
	if !errors.As(err, &a) {
		return err
	}
	_, err2 := s.o.DB.ExecContext(ctx, `UPDATE evidence_sets SET problem = $1 WHERE id = $2`, text(a.Error()), id)
	return errors.Join(err, err2, s.note(ctx, id, Deed{By: by, Action: "altered", Object: a.SHA256.String(), Detail: a.Detail}))
}

// Hold puts a set on legal hold, or notes another reason for it.
func (s *Store) Hold(ctx context.Context, scope access.Scope, by By, id, why string) error {
	return s.change(ctx, scope, id, why, Deed{By: by, Action: "held", Detail: why}, func(tx *sql.Tx, x *Set) error {
		_, err := tx.ExecContext(ctx, `UPDATE evidence_sets SET held_at = $1, held_by = $2, held_why = $3 WHERE id = $4 AND deleted_at IS NULL`, s.o.Now().UnixMilli(), text(by.Name), text(why), x.ID)
		return err
	})
}

// Release ends a hold.
func (s *Store) Release(ctx context.Context, scope access.Scope, by By, id, why string) error {
	return s.change(ctx, scope, id, why, Deed{By: by, Action: "released", Detail: why}, func(tx *sql.Tx, x *Set) error {
		_, err := tx.ExecContext(ctx, `UPDATE evidence_sets SET held_at = NULL, held_by = '', held_why = '' WHERE id = $1`, x.ID)
		return err
	})
}

// Delete lets go of a set's bytes. What it was, who deleted it and its chain of custody stay, and the ledger is told. A set on hold
// is ErrHeld.
func (s *Store) Delete(ctx context.Context, scope access.Scope, by By, id, why string) error {
	if s.o.Ledger == nil {
		return ErrNoLedger
	}
	return s.change(ctx, scope, id, why, Deed{By: by, Action: "deleted", Detail: why}, func(tx *sql.Tx, x *Set) error {
		done, err := tx.ExecContext(ctx, `UPDATE evidence_sets SET deleted_at = $1, problem = '' WHERE id = $2 AND held_at IS NULL AND deleted_at IS NULL`, s.o.Now().UnixMilli(), x.ID)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, ErrHeld)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM evidence_blobs WHERE set_id = $1`, x.ID); err != nil {
			return err
		}
		// The leaf before the commit: a deletion that is in no log must not be.
		_, err = s.o.Ledger.Append(ctx, ledger.Action{Action: "evidence.delete", Run: x.ID, Phase: "done", Target: leafID(x.ID, ""), Approver: text(by.Name), Journal: hashOf([]byte(why))})
		return err
	})
}

// change makes a change to a set with its line of custody, in one transaction.
func (s *Store) change(ctx context.Context, scope access.Scope, id, why string, d Deed, do func(tx *sql.Tx, x *Set) error) error {
	x, err := s.set(ctx, scope, id)
	if err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(why) == "" || len(why) > maxWords:
		return MistakeError("say why, in at most 4,096 bytes: the chain of custody asks for it")
	case !x.Deleted.IsZero():
		return MistakeError("this set was deleted")
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	d.At = s.o.Now()
	err = s.o.DB.Tx(ctx, func(tx *sql.Tx) error {
		if err := do(tx, &x); err != nil {
			return err
		}
		return write(ctx, tx, x.ID, d)
	})
	if err != nil {
		return fmt.Errorf("evidence %s: %w", id, err)
	}
	return nil
}
