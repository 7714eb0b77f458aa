package evidence

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ledger"
)

func TestACaptureHoldsBytesAndProof(t *testing.T) {
	onEach(t, func(t *testing.T, s *site) {
		id := s.whole(t)
		r := s.verify(t, id)
		if !r.Clean() || r.Captures != 2 || r.Items != 9 || r.Events != 5 || r.Proven != 5 {
			t.Fatalf("%+v", r)
		}
		d, err := s.Set(t.Context(), all, By{Name: "bob", Kind: "person"}, id)
		if err != nil {
			t.Fatal(err)
		}
		if !d.Sealed || d.Items != 9 || d.Problem != "" || d.Verified.IsZero() || strings.Join(d.Accounts, ",") != ","+own || d.Manifests[1].Manifest.Previous != d.Manifests[0].SHA256 {
			t.Errorf("%+v", d.Set)
		}
		var raw, object []byte
		for _, it := range d.Manifests[0].Manifest.Items {
			if it.Event == nil || it.Event.UID != uid(3) {
				continue
			}
			if raw, err = s.Item(t.Context(), all, ann, id, it.SHA256.String()); err != nil {
				t.Fatal(err)
			}
			if object, err = s.Item(t.Context(), all, ann, id, it.Event.OCSF.String()); err != nil {
				t.Fatal(err)
			}
			if !it.Event.Time.Equal(noon.Add(3*time.Second)) || it.Event.Source != "trail" || it.Event.Object != "object-1" {
				t.Errorf("%+v", it.Event)
			}
		}
		if string(raw) != record(3, own) || !bytes.Contains(object, []byte(`"class_uid"`)) {
			t.Errorf("raw %s\nocsf %s", raw, object)
		}
		d, err = s.Set(t.Context(), all, ann, id)
		if err != nil || d.Broken != "" {
			t.Fatal(err, d.Broken)
		}
		var deeds []string
		for _, line := range d.Custody {
			deeds = append(deeds, line.By.Name+" "+line.Action)
		}
		if got := strings.Join(deeds, ", "); got != "ann captured, ann captured, ann verified, bob viewed, ann read, ann read, ann viewed" {
			t.Errorf("the chain of custody says %s", got)
		}
	})
}

// TestAnEntitysStateIsSeenByWhoSeesAllThatItWasMadeOf captures the state of an entity beside an event of one account, and adds one later.
func TestAnEntitysStateIsSeenByWhoSeesAllThatItWasMadeOf(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), "")
	if err := s.fill(t.Context(), false, record(1, own)); err != nil {
		t.Fatal(err)
	}
	state := []Document{{Kind: KindEntity, Name: "user alice", Body: []byte(`{"accounts":["` + foreign + `"]}`)}}
	narrow, wide := access.Accounts(own), access.Accounts(own, foreign)
	for _, c := range []struct {
		name  string
		by    access.Scope
		later bool
		sees  []access.Scope
		not   []access.Scope
	}{
		{"by who sees all", all, false, []access.Scope{all}, []access.Scope{narrow, wide}},
		{"by who sees two", wide, false, []access.Scope{all, wide}, []access.Scope{narrow}},
		{"by who sees one", narrow, false, []access.Scope{all, wide, narrow}, nil},
		{"added later", all, true, []access.Scope{all}, []access.Scope{narrow, wide}},
	} {
		r := &Request{Why: "w", Events: []string{uid(1)}, Accounts: []string{own}}
		if !c.later {
			r.Documents = state
		}
		id, err := s.Capture(t.Context(), c.by, ann, r)
		if err == nil && c.later {
			_, err = s.Capture(t.Context(), c.by, ann, &Request{Set: id, Why: "w", Documents: state})
		}
		if err != nil {
			t.Fatal(c.name, err)
		}
		for _, scope := range c.sees {
			if _, err := s.Set(t.Context(), scope, ann, id); err != nil {
				t.Errorf("%s: %v does not see it: %v", c.name, scope, err)
			}
		}
		for _, scope := range c.not {
			if _, err := s.Set(t.Context(), scope, ann, id); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: %v sees it: %v", c.name, scope, err)
			}
		}
	}
}

// TestEvidenceOutlivesItsFile lets the lake's retention take the events, and the ledger's folder go.
func TestEvidenceOutlivesItsFile(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), "")
	id := s.whole(t)
	r, err := s.lake.Retain(t.Context(), lake.Retention{Otherwise: 1}, noon.AddDate(0, 0, 30))
	if err != nil || r.Rows != 6 {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := s.follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Capture(t.Context(), all, ann, &Request{Events: []string{uid(1)}, Why: "again"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("the lake still has them: %v", err)
	}
	key := s.ledger.PublicKey()
	if err := errors.Join(s.close(), os.RemoveAll(s.dir+"/lake"), os.RemoveAll(s.dir+"/ledger")); err != nil {
		t.Fatal(err)
	}
	alone := &site{dir: s.dir}
	if alone.db, err = openDB(t, s.dir); err != nil {
		t.Fatal(err)
	}
	if alone.Store, err = Open(t.Context(), Options{DB: alone.db, Dir: s.dir + "/evidence", Key: key}); err != nil {
		t.Fatal(err)
	}
	if r := alone.verify(t, id); !r.Clean() || r.Proven != 5 {
		t.Errorf("%+v", r)
	}
	if _, err := alone.Capture(t.Context(), all, ann, &Request{Events: []string{"x"}, Why: "y"}); !errors.Is(err, ErrNoLedger) {
		t.Error(err)
	}
}

func TestWhatChangedIsFoundAndNotGivenOut(t *testing.T) {
	onEach(t, func(t *testing.T, s *site) {
		id := s.whole(t)
		d, err := s.Set(t.Context(), all, ann, id)
		if err != nil {
			t.Fatal(err)
		}
		it := d.Manifests[0].Manifest.Items[0]
		path := s.vault.path(it.SHA256)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		content[10] ^= 1
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		altered := new(AlteredError)
		if b, err := s.Item(t.Context(), all, ann, id, it.SHA256.String()); !errors.As(err, &altered) || b != nil {
			t.Errorf("changed bytes are given out: %v", err)
		}
		list, err := s.VerifyAll(t.Context(), By{Name: "schedule", Kind: "system"}, time.Time{})
		if err != nil || len(list) != 1 || list[0].Clean() || !strings.Contains(list[0].Problems[0], it.Name) {
			t.Errorf("%+v, %v", list, err)
		}
		if d, err = s.Set(t.Context(), all, ann, id); err != nil || d.Problem == "" {
			t.Errorf("the set shows no problem: %v", err)
		}
		if _, err := s.Export(t.Context(), all, ann, id, FormatZip, "court"); err == nil {
			t.Error("it is exported")
		}
		content[10] ^= 1
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := s.verify(t, id); !r.Clean() {
			t.Errorf("put back, it still has %v", r.Problems)
		}
		for change, query := range map[string]string{
			"a line of custody": `UPDATE evidence_custody SET line = replace(line, 'ann', 'eve') WHERE n = 1`, "a missing line": `DELETE FROM evidence_custody WHERE n = 2`,
		} {
			if _, err := s.db.ExecContext(t.Context(), query); err != nil {
				t.Fatal(err)
			}
			if r := s.verify(t, id); r.Clean() || !strings.Contains(strings.Join(r.Problems, " "), "custody") {
				t.Errorf("%s: %v", change, r.Problems)
			}
		}
	})
}

func TestAHeldSetCannotBeDeleted(t *testing.T) {
	onEach(t, func(t *testing.T, s *site) {
		ctx := t.Context()
		id, other := s.whole(t), s.capture(t, &Request{Events: []string{uid(1)}})
		if err := s.Hold(ctx, all, ann, id, ""); err == nil {
			t.Error("held without a reason")
		}
		if err := s.Hold(ctx, all, ann, id, "matter 17"); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(ctx, all, ann, id, "old"); !errors.Is(err, ErrHeld) {
			t.Fatalf("a held set: %v", err)
		}
		if r := s.verify(t, id); !r.Clean() {
			t.Error(r.Problems)
		}
		if err := s.Release(ctx, all, ann, id, "matter closed"); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(ctx, all, ann, id, "old"); err != nil {
			t.Fatal(err)
		}
		s.now = time.Now().Add(2 * sweepAfter) // files have the times of the disk
		if n, err := s.Sweep(ctx); err != nil || n == 0 {
			t.Errorf("%d swept, %v", n, err)
		}
		if r := s.verify(t, other); !r.Clean() || r.Proven != 1 {
			t.Errorf("the sweep took what another set needs: %v", r.Problems)
		}
		d, err := s.Set(ctx, all, ann, id)
		if err != nil || d.Deleted.IsZero() || len(d.Manifests) != 2 {
			t.Errorf("%+v, %v", d, err)
		}
		if list, _, err := s.Sets(ctx, all, Query{}); err != nil || len(list) != 1 {
			t.Errorf("%v, %v", list, err)
		}
		for name, err := range map[string]error{"hold": s.Hold(ctx, all, ann, id, "x"), "add": func() error {
			_, err := s.Capture(ctx, all, ann, &Request{Set: id, Why: "x", Events: []string{uid(1)}})
			return err
		}()} {
			if mistake := MistakeError(""); !errors.As(err, &mistake) {
				t.Errorf("%s of a deleted set: %v", name, err)
			}
		}
	})
}

// TestScopeHoldsOnEveryRead asks as somebody who sees one account.
func TestScopeHoldsOnEveryRead(t *testing.T) {
	onEach(t, func(t *testing.T, s *site) {
		ctx := t.Context()
		s.events(t, 3)
		ours, theirs := s.capture(t, &Request{Events: []string{uid(0)}}), s.capture(t, &Request{Events: []string{uid(900)}})
		both := s.capture(t, &Request{Events: []string{uid(1), uid(900)}})
		none := s.capture(t, &Request{Documents: []Document{{Kind: KindFile, Name: "x", Body: []byte("x")}}})
		d, err := s.Set(ctx, all, ann, theirs)
		if err != nil {
			t.Fatal(err)
		}
		sum := d.Manifests[0].Manifest.Items[0].SHA256.String()
		for name, c := range map[string]struct {
			scope access.Scope
			sees  []string
		}{
			"ours": {access.Accounts(own), []string{ours}}, "theirs": {access.Accounts(foreign), []string{theirs}}, "both": {access.Accounts(own, foreign), []string{ours, theirs, both}},
			"nothing": {access.Scope{}, nil}, "everything": {all, []string{ours, theirs, both, none}},
		} {
			see := map[string]bool{}
			for _, id := range c.sees {
				see[id] = true
			}
			list, _, err := s.Sets(ctx, c.scope, Query{})
			if err != nil || len(list) != len(c.sees) {
				t.Errorf("%s: %d sets, %v", name, len(list), err)
			}
			for _, id := range []string{ours, theirs, both, none} {
				_, e1 := s.Set(ctx, c.scope, ann, id)
				_, e2 := s.Verify(ctx, c.scope, ann, id)
				_, e3 := s.Export(ctx, c.scope, ann, id, FormatZip, "why")
				e4 := s.Hold(ctx, c.scope, ann, id, "why")
				e5 := s.Release(ctx, c.scope, ann, id, "why")
				_, e6 := s.Capture(ctx, c.scope, ann, &Request{Set: id, Why: "why", Documents: []Document{{Kind: KindFile, Name: "y", Body: []byte("y")}}})
				for i, err := range []error{e1, e2, e3, e4, e5, e6} {
					if see[id] != (err == nil) || err != nil && !errors.Is(err, ErrNotFound) {
						t.Errorf("%s: operation %d on %s: %v", name, i+1, id, err)
					}
				}
				if !see[id] && !errors.Is(s.Delete(ctx, c.scope, ann, id, "why"), ErrNotFound) {
					t.Errorf("%s deletes %s", name, id)
				}
			}
			if _, err := s.Item(ctx, c.scope, ann, theirs, sum); see[theirs] != (err == nil) {
				t.Errorf("%s: item %v", name, err)
			}
		}
		if _, err := s.Item(ctx, access.Accounts(own), ann, ours, sum); !errors.Is(err, ErrNotFound) {
			t.Errorf("an item of another set through one's own: %v", err)
		}
		// What may not be seen cannot be captured either, nor told from what is not there.
		_, e1 := s.Capture(ctx, access.Accounts(own), ann, &Request{Events: []string{uid(900)}, Why: "x"})
		_, e2 := s.Capture(ctx, access.Accounts(own), ann, &Request{Events: []string{"no such event"}, Why: "x"})
		if !errors.Is(e1, ErrNotFound) || e1.Error() != e2.Error() {
			t.Errorf("%v; %v", e1, e2)
		}
		_, e3 := s.Capture(ctx, access.Accounts(own), ann, &Request{Copies: []Copy{{UID: "c", Account: foreign, Raw: []byte("{}")}}, Why: "x"})
		if !errors.Is(e3, ErrNotFound) {
			t.Errorf("a copy of another account: %v", e3)
		}
	})
}

// TestWhatTheLedgerDoesNotKnowIsSaid captures before the ledger heard of the file, and what only a finding keeps.
func TestWhatTheLedgerDoesNotKnowIsSaid(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), "")
	if err := s.fill(t.Context(), true, record(1, own)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ledger.Append(t.Context(), ledger.RuleVersion{ID: "r", State: ledger.RuleInForce}); err != nil {
		t.Fatal(err)
	}
	id := s.capture(t, &Request{Events: []string{uid(1), uid(2), uid(3)}, Copies: []Copy{{UID: uid(2), Account: own, Time: noon, Raw: []byte(record(2, own))}}})
	r := s.verify(t, id)
	d, err := s.Set(t.Context(), all, ann, id)
	if err != nil || !r.Clean() || r.Events != 2 || r.Proven != 0 || len(d.Manifests[0].Manifest.Notes) != 2 || d.Manifests[0].Manifest.Items[1].Event.OCSF == nil {
		t.Errorf("%+v, %v, %v", r, d.Manifests[0].Manifest, err)
	}
}

func TestMistakesAreSaid(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), "")
	doc := func(d Document) *Request { return &Request{Why: "w", Documents: []Document{d}} }
	for name, r := range map[string]*Request{
		"no reason": {Events: []string{"x"}}, "nothing": {Why: "w"}, "too many": {Why: "w", Events: make([]string, MaxEvents+1)}, "empty file": doc(Document{Kind: KindFile, Name: "n"}),
		"large file": doc(Document{Kind: KindFile, Name: "n", Body: make([]byte, MaxDocument+1)}), "no name": doc(Document{Kind: KindFile, Body: []byte("x")}), "odd kind": doc(Document{Kind: "x", Name: "n", Body: []byte("x")}),
	} {
		_, err := s.Capture(t.Context(), all, ann, r)
		if mistake := MistakeError(""); !errors.As(err, &mistake) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
