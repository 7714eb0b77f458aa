package access

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/store"
	"github.com/tocsin-security/tocsin/internal/store/storetest"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

const (
	own      = "111111111111"
	foreign  = "222222222222"
	sentence = "a sentence that is long enough"
)

func onEach(t *testing.T, test func(t *testing.T, p *People)) {
	t.Helper()
	t.Parallel()
	for name, address := range map[string]func(t *testing.T) string{
		"SQLite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "desk.db") },
		"PostgreSQL": storetest.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := store.Open(t.Context(), address(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			p, err := OpenPeople(t.Context(), db)
			if err != nil {
				t.Fatal(err)
			}
			test(t, p)
		})
	}
}

func add(t *testing.T, p *People, name string, role Role, accounts ...string) {
	t.Helper()
	n, err := p.Prepare(t.Context(), Person{Name: name, Role: role, Accounts: accounts, Created: noon}, sentence)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Tx(t.Context(), func(tx *sql.Tx) error { return p.Add(t.Context(), tx, n) }); err != nil {
		t.Fatal(err)
	}
}

// TestThereStaysAnAdmin lets admins take each other's role at the same time, again and again: one who sees all accounts stays.
func TestThereStaysAnAdmin(t *testing.T) {
	onEach(t, func(t *testing.T, p *People) {
		names := []string{"ann", "bob", "cid", "dan"}
		for _, n := range names {
			add(t, p, n, Admin, "*")
		}
		var all sync.WaitGroup
		for i, n := range names {
			all.Go(func() {
				who := Person{Name: n, Role: Admin, Accounts: []string{own}}
				if i%2 == 0 {
					who = Person{Name: n, Role: Viewer, Accounts: []string{"*"}}
				}
				err := p.Tx(t.Context(), func(tx *sql.Tx) error { return p.Change(t.Context(), tx, Everything(), who) })
				var mistake MistakeError
				if err != nil && !errors.As(err, &mistake) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		list, err := p.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wide := 0
		for _, w := range list {
			if w.Role == Admin && ScopeOf(w.Accounts).All() {
				wide++
			}
		}
		if wide != 1 {
			t.Errorf("%d admins who see all are left: %+v", wide, list)
		}
	})
}

// TestNothingIsGrantedBeyondTheScope changes, ends and invites across accounts.
func TestNothingIsGrantedBeyondTheScope(t *testing.T) {
	onEach(t, func(t *testing.T, p *People) {
		add(t, p, "ann", Admin, "*")
		add(t, p, "bob", Viewer, own)
		add(t, p, "eve", Viewer, own, foreign)
		narrow := Accounts(own)
		for name, who := range map[string]Person{
			"all": {Name: "bob", Role: Viewer, Accounts: []string{"*"}}, "another": {Name: "bob", Role: Viewer, Accounts: []string{own, foreign}},
			"one who sees more": {Name: "eve", Role: Viewer, Accounts: []string{own}}, "an admin of all": {Name: "ann", Role: Viewer, Accounts: []string{own}, Ended: noon},
		} {
			if err := p.Tx(t.Context(), func(tx *sql.Tx) error { return p.Change(t.Context(), tx, narrow, who) }); !errors.Is(err, ErrBeyond) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := p.Tx(t.Context(), func(tx *sql.Tx) error {
			return p.Change(t.Context(), tx, narrow, Person{Name: "bob", Role: Analyst, Accounts: []string{own}})
		}); err != nil {
			t.Errorf("one's own: %v", err)
		}
		for _, accounts := range [][]string{{"*"}, {foreign}, {own, foreign}} {
			err := p.Tx(t.Context(), func(tx *sql.Tx) error {
				_, err := p.Invite(t.Context(), tx, narrow, Invitation{Role: Viewer, Accounts: accounts, By: "x", Created: noon})
				return err
			})
			if !errors.Is(err, ErrBeyond) {
				t.Errorf("invited to %v: %v", accounts, err)
			}
		}
	})
}

// TestInvitationsEnd uses links that are too old, used, of the set-up, or of one who was ended.
func TestInvitationsEnd(t *testing.T) {
	onEach(t, func(t *testing.T, p *People) {
		none := func(*sql.Tx, Person) error { return nil }
		setup, err := p.SetUp(t.Context(), noon)
		if err != nil {
			t.Fatal(err)
		}
		add(t, p, "ann", Admin, "*")
		add(t, p, "bob", Admin, "*")
		invite := func(by string) string {
			var secret string
			if err := p.Tx(t.Context(), func(tx *sql.Tx) (err error) {
				secret, err = p.Invite(t.Context(), tx, Everything(), Invitation{Role: Viewer, Accounts: []string{own}, By: by, Created: noon})
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return secret
		}
		old, ended, good := invite("ann"), invite("bob"), invite("ann")
		if err := p.Tx(t.Context(), func(tx *sql.Tx) error {
			return p.Change(t.Context(), tx, Everything(), Person{Name: "bob", Role: Admin, Accounts: []string{"*"}, Ended: noon})
		}); err != nil {
			t.Fatal(err)
		}
		for what, c := range map[string]struct {
			secret string
			at     time.Time
		}{"set-up": {setup, noon}, "old": {old, noon.Add(InvitationLasts)}, "of one who is gone": {ended, noon}, "none": {"", noon}, "unknown": {strings.Repeat("0", 64), noon}} {
			if _, err := p.Accept(t.Context(), c.secret, "new", sentence, c.at, none); !errors.Is(err, ErrNobody) {
				t.Errorf("%s: %v", what, err)
			}
		}
		failed := errors.New("no")
		if _, err := p.Accept(t.Context(), good, "new", sentence, noon, func(*sql.Tx, Person) error { return failed }); !errors.Is(err, failed) {
			t.Error(err)
		}
		if who, err := p.Accept(t.Context(), good, "new", sentence, noon, none); err != nil || who.Role != Viewer || len(who.Accounts) != 1 {
			t.Errorf("%+v, %v", who, err)
		}
		if _, err := p.Accept(t.Context(), good, "newer", sentence, noon, none); !errors.Is(err, ErrNobody) {
			t.Errorf("used twice: %v", err)
		}
	})
}

// TestSessionsEnd walks the ways in which a session ends.
func TestSessionsEnd(t *testing.T) {
	onEach(t, func(t *testing.T, p *People) {
		add(t, p, "ann", Admin, "*")
		add(t, p, "bob", Viewer, own)
		begin := func(name string) string {
			t.Helper()
			var secret string
			if err := p.Tx(t.Context(), func(tx *sql.Tx) (err error) {
				secret, err = p.Begin(t.Context(), tx, Session{Person: name, Address: "\x00\xff", Client: strings.Repeat("é", 400), Created: noon})
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return secret
		}
		open := func(secret string, at time.Time) bool {
			_, _, err := p.Of(t.Context(), secret, at)
			if err != nil && !errors.Is(err, ErrNobody) {
				t.Error(err)
			}
			return err == nil
		}
		s := begin("bob")
		if !open(s, noon) || open(s+"0", noon) || open("", noon) || open(s, noon.Add(SessionIdle)) {
			t.Error("a session is open when it is not, or the other way round")
		}
		for at := noon; at.Before(noon.Add(SessionMost)); at = at.Add(SessionIdle / 2) {
			if !open(s, at) {
				t.Fatalf("it ended at %s", at)
			}
		}
		if open(s, noon.Add(SessionMost)) {
			t.Error("it lasts for ever")
		}
		byPassword := begin("bob")
		if err := p.SetPassword(t.Context(), "bob", "another sentence, long enough", noon, func(*sql.Tx) error { return nil }); err != nil || open(byPassword, noon) {
			t.Errorf("a session outlives its password: %v", err)
		}
		if p.Check(t.Context(), "bob", sentence) == nil || p.Check(t.Context(), "bob", "another sentence, long enough") != nil || p.Check(t.Context(), "nobody", sentence) == nil {
			t.Error("a password is taken when it is wrong, or the other way round")
		}
		byEnd := begin("bob")
		if err := p.Tx(t.Context(), func(tx *sql.Tx) error {
			return p.Change(t.Context(), tx, Everything(), Person{Name: "bob", Role: Viewer, Accounts: []string{own}, Ended: noon})
		}); err != nil || open(byEnd, noon) {
			t.Errorf("a session outlives its person: %v", err)
		}
	})
}

// TestASessionRemembersWhereItIsUsed uses one from more networks than are kept.
func TestASessionRemembersWhereItIsUsed(t *testing.T) {
	onEach(t, func(t *testing.T, p *People) {
		add(t, p, "ann", Admin, "*")
		var secret string
		if err := p.Tx(t.Context(), func(tx *sql.Tx) (err error) {
			secret, err = p.Begin(t.Context(), tx, Session{Person: "ann", Address: "192.0.2.1", Created: noon})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		use := func(address string) bool {
			t.Helper()
			_, s, err := p.Of(t.Context(), secret, noon)
			if err != nil {
				t.Fatal(err)
			}
			moved, err := p.Moved(t.Context(), &s, address)
			if err != nil {
				t.Fatal(err)
			}
			return moved
		}
		if use("192.0.2.1") || !use("2001:db8::1") || use("2001:db8::2") || use("a b") {
			t.Error("what is new is taken for known, or the other way round")
		}
		for n := range 12 {
			use("198.51.100." + strings.Repeat("1", n%3+1) + string(rune('0'+n%10)))
		}
		list, err := p.Sessions(t.Context(), "ann", noon)
		if err != nil || len(list) != 1 || len(list[0].Also) != maxAlso || list[0].Address != "192.0.2.1" {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

// TestAttempts counts attempts that come at once, and keeps its memory bounded.
func TestAttempts(t *testing.T) {
	t.Parallel()
	var a Attempts
	free := map[string]int{"x": 3}
	got := []time.Duration{}
	for i := range 6 {
		got = append(got, a.Try(noon.Add(time.Duration(i)*time.Millisecond), free))
	}
	if got[0] != 0 || got[2] != 0 || got[3] <= 0 || got[5] <= 0 {
		t.Errorf("waits: %v", got)
	}
	at, wait := noon, time.Duration(0)
	for range 40 {
		for wait = a.Try(at, free); wait == 0; wait = a.Try(at, free) {
		}
		at = at.Add(wait)
	}
	if wait != MaxWait {
		t.Errorf("after 40 attempts one waits %s", wait)
	}
	a.Succeeded(free)
	if a.Try(at, free) != 0 {
		t.Error("one who succeeded waits")
	}
	for i := range 3 * maxTraced {
		a.Try(noon, map[string]int{fmt.Sprint(i): 3})
	}
	if len(a.who) > maxTraced {
		t.Errorf("%d keys are remembered", len(a.who))
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scope    Scope
		accounts []string
		want     bool
	}{
		"all of all": {Everything(), []string{"*"}, true}, "none of all": {Everything(), nil, true}, "own": {Accounts(own), []string{own}, true}, "all of one": {Accounts(own), []string{"*"}, false},
		"more": {Accounts(own), []string{own, foreign}, false}, "nothing": {Accounts(own), nil, false}, "star as an account": {Accounts("*"), []string{"*"}, false}, "zero": {Scope{}, []string{own}, false},
	} {
		if got := c.scope.Covers(c.accounts); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
