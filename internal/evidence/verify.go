package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// Verify checks all of a set from its bytes up to the signed checkpoints, and keeps what it found.
func (s *Store) Verify(ctx context.Context, scope access.Scope, by By, id string) (*Report, error) {
	x, err := s.set(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	if !x.Deleted.IsZero() {
		return nil, MistakeError("this set was deleted")
	}
	c, err := s.check(ctx, x.ID)
	if err != nil {
		return nil, err
	}
	return c.report, s.verified(ctx, &x, by, c.report)
}

func (s *Store) check(ctx context.Context, id string) (*checking, error) {
	list, err := s.bundled(ctx, id)
	if err != nil {
		return nil, err
	}
	c := newChecking(s.o.Key, s.vault.get)
	for i := range list {
		c.capture(&list[i])
	}
	lines, err := s.lines(ctx, id)
	if err != nil {
		return nil, err
	}
	c.custody(lines)
	return c, nil
}

// bundled reads the captures of a set as they are exported. A manifest that is not as it was is left empty.
func (s *Store) bundled(ctx context.Context, id string) ([]Captured, error) {
	list, err := s.captures(ctx, id)
	if err != nil {
		return nil, err
	}
	out := make([]Captured, len(list))
	for i := range list {
		line, err := s.vault.get(list[i].sum)
		altered := new(AlteredError)
		if err != nil && !errors.As(err, &altered) {
			return nil, err
		}
		out[i].Manifest = string(line)
		if list[i].seal == "" {
			continue
		}
		if err := json.Unmarshal([]byte(list[i].seal), &out[i].Seal); err != nil {
			return nil, fmt.Errorf("read the seal of evidence %s: %w", id, err)
		}
	}
	return out, nil
}

// verified keeps the outcome of a verification.
func (s *Store) verified(ctx context.Context, x *Set, by By, r *Report) error {
	problem, deed := "", Deed{By: by, Action: "verified", Detail: fmt.Sprintf("%d items, %d of %d events proven by the ledger", r.Items, r.Proven, r.Events)}
	if !r.Clean() {
		problem = strings.Join(r.Problems[:min(len(r.Problems), 5)], "; ")
		if n := len(r.Problems) - 5; n > 0 {
			problem += fmt.Sprintf("; and %d more", n)
		}
		deed.Action, deed.Detail = "altered", problem
	}
	if _, err := s.o.DB.ExecContext(ctx, `UPDATE evidence_sets SET verified_at = $1, problem = $2 WHERE id = $3`, s.o.Now().UnixMilli(), text(problem), x.ID); err != nil {
		return fmt.Errorf("keep the verification of evidence %s: %w", x.ID, err)
	}
	if r.Clean() && by.Kind == "system" && x.Problem == "" {
		return nil // that nothing changed, day after day, is the time of the last verification
	}
	return s.note(ctx, x.ID, deed)
}

// Altered lists the sets whose last verification or reading found a problem.
func (s *Store) Altered(ctx context.Context) ([]Set, error) {
	rows, err := s.o.DB.QueryContext(ctx, `SELECT `+setColumns+` FROM evidence_sets s WHERE s.problem <> '' AND s.deleted_at IS NULL ORDER BY s.created_at, s.id`)
	if err != nil {
		return nil, fmt.Errorf("list evidence: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	var out []Set
	for rows.Next() {
		x, err := scanSet(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("list evidence: %w", err)
		}
		out = append(out, x)
	}
	return out, rows.Err()
}

// VerifyAll checks every set that was not deleted and not verified since a time (zero is all), and returns a report for each. A set that
// cannot be checked is a report with that problem.
func (s *Store) VerifyAll(ctx context.Context, by By, since time.Time) ([]Report, error) {
	out := []Report{}
	for after := ""; ; {
		list, next, err := s.Sets(ctx, access.Everything(), Query{After: after})
		if err != nil {
			return out, err
		}
		for i := range list {
			if !since.IsZero() && list[i].Verified.After(since) {
				continue
			}
			r, err := s.Verify(ctx, access.Everything(), by, list[i].ID)
			if err != nil && ctx.Err() != nil {
				return out, ctx.Err()
			}
			if err != nil {
				r = &Report{Set: list[i].ID, Title: list[i].Title, Problems: []string{"it could not be checked: " + err.Error()}}
			}
			out = append(out, *r)
		}
		if after = next; next == "" {
			return out, nil
		}
	}
}
