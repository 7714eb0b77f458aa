package access

import (
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// TestANameIsOnes takes names, in other letters, at once, reserved and bad ones: each has one holder.
func TestANameIsOnes(t *testing.T) {
	onEach(t, func(t *testing.T, p *People) {
		take := func(name, holder string) error {
			return p.Tx(t.Context(), func(tx *sql.Tx) error { return TakeName(t.Context(), tx, name, holder) })
		}
		add(t, p, "ann", Admin, "*")
		for _, name := range []string{"door", "Änne", "a person"} {
			if err := take(name, "token"); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(take("feed", "source/apps"), take("Feed", "source/apps")); err != nil {
			t.Errorf("tokens of one source: %v", err)
		}
		for _, name := range []string{"ann", "ANN", "door", "Door", "änne", "A  Person", "feed", "", " x", "x\x00", "x\u202e", "x\xff", "set-up", "System", "TOCSIN", "nobody"} {
			var mistake MistakeError
			if err := take(name, "token"); !errors.As(err, &mistake) {
				t.Errorf("%q: %v", name, err)
			}
		}
		if err := take("feed", "source/other"); err == nil {
			t.Error("another source's token has the name")
		}
		n, err := p.Prepare(t.Context(), Person{Name: "Door", Role: Viewer, Accounts: []string{own}, Created: noon}, sentence)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Tx(t.Context(), func(tx *sql.Tx) error { return p.Add(t.Context(), tx, n) }); err == nil {
			t.Error("a person has a token's name")
		}
		var all sync.WaitGroup
		var got atomic.Int32
		for _, name := range []string{"one", "One", "oNe", "ONE"} {
			all.Go(func() {
				if take(name, "token") == nil {
					got.Add(1)
				}
			})
		}
		all.Wait()
		if got.Load() != 1 {
			t.Errorf("%d took one name", got.Load())
		}
	})
}

// TestALinkOutlivesNoRight takes rights from who invited: the link is none any more, and stays none when they come back.
func TestALinkOutlivesNoRight(t *testing.T) {
	onEach(t, func(t *testing.T, p *People) {
		add(t, p, "ann", Admin, "*")
		for i, less := range []Person{{Role: Viewer, Accounts: []string{"*"}}, {Role: Admin, Accounts: []string{own}}, {Role: Admin, Accounts: []string{"*"}, Ended: noon}} {
			less.Name = string(rune('a'+i)) + "-admin"
			add(t, p, less.Name, Admin, "*")
			invite := func() (secret string) {
				t.Helper()
				if err := p.Tx(t.Context(), func(tx *sql.Tx) (err error) {
					secret, err = p.Invite(t.Context(), tx, Everything(), Invitation{Role: Admin, Accounts: []string{foreign}, By: less.Name, Created: noon})
					return err
				}); err != nil {
					t.Fatal(err)
				}
				return secret
			}
			change := func(who Person) {
				t.Helper()
				if err := p.Tx(t.Context(), func(tx *sql.Tx) error { return p.Change(t.Context(), tx, Everything(), who) }); err != nil {
					t.Fatal(err)
				}
			}
			refused := func(secret string) {
				t.Helper()
				if _, err := p.Accept(t.Context(), secret, "new", sentence, noon, func(*sql.Tx, Person) error { return nil }); !errors.Is(err, ErrNobody) {
					t.Errorf("%+v: %v", less, err)
				}
			}
			before := invite()
			change(less)
			refused(before)
			refused(invite()) // made while the right was taken: whoever is asked later says no too
			if less.Ended.IsZero() {
				change(Person{Name: less.Name, Role: Admin, Accounts: []string{"*"}})
				refused(before)
			}
		}
	})
}
