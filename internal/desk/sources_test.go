package desk

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/access"
)

func TestTokens(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		ctx := t.Context()
		give := func(tk Token) string {
			t.Helper()
			tk.Created = noon
			secret, err := d.NewToken(ctx, tk)
			if err != nil || !strings.HasPrefix(secret, "tocsin_") || len(secret) < 60 {
				t.Fatalf("secret %q, %v", secret, err)
			}
			return secret
		}
		door := give(Token{Name: "door", Source: "apps"})
		reader := give(Token{Name: "reader", Accounts: []string{own, foreign}, Expires: noon.Add(time.Hour)})
		twin := give(Token{Name: "door", Source: "apps"})
		got, err := d.TokenOf(ctx, reader, noon)
		if diff := cmp.Diff(Token{Name: "reader", Role: "viewer", Accounts: []string{own, foreign}, Created: noon, Expires: noon.Add(time.Hour)}, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		for _, row := range dump(t, d, "tokens") {
			for name, v := range row {
				for _, secret := range []string{door, reader, twin} {
					if s, ok := v.(string); ok && strings.Contains(s, strings.TrimPrefix(secret, "tocsin_")) {
						t.Errorf("the column %s holds a secret", name)
					}
				}
			}
		}
		refused := func(why, secret string, at time.Time) {
			t.Helper()
			if tk, err := d.TokenOf(ctx, secret, at); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: %+v, %v", why, tk, err)
			}
		}
		refused("expired", reader, noon.Add(time.Hour))
		refused("empty", "", noon)
		refused("cut off", door[:len(door)-1], noon)
		refused("its hash", dump(t, d, "tokens")[0]["hash"].(string), noon)
		if n, err := d.RevokeTokens(ctx, "door", noon); err != nil || n != 2 {
			t.Errorf("revoked %d, %v", n, err)
		}
		refused("revoked", door, noon)
		refused("revoked", twin, noon)
		if n, err := d.RevokeTokens(ctx, "door", noon); err != nil || n != 0 {
			t.Errorf("revoked again %d, %v", n, err)
		}
		list, err := d.Tokens(ctx)
		if err != nil || len(list) != 3 || list[0].Name != "door" || !list[0].Revoked.Equal(noon) || !list[2].Revoked.IsZero() {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

func TestSources(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		ctx := t.Context()
		s := Source{Name: "logs", Kind: "folder", Settings: map[string]string{"path": "/a"}, Created: noon}
		if err := d.AddSource(ctx, s); err != nil {
			t.Fatal(err)
		}
		if err := d.PauseSource(ctx, "logs", true); err != nil {
			t.Fatal(err)
		}
		s.Settings["path"] = "/b"
		if err := d.AddSource(ctx, s); err != nil { // as each start of the program does for those of its configuration
			t.Fatal(err)
		}
		s.Paused = true
		got, err := d.Sources(ctx)
		if diff := cmp.Diff([]Source{s}, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if err := d.AddSource(ctx, Source{Name: "apps", Kind: "http", Created: noon}); err != nil {
			t.Fatal(err)
		}
		if got, err = d.Sources(ctx); err != nil || len(got) != 2 || got[0].Settings == nil {
			t.Errorf("a source without settings has null of them: %+v, %v", got, err)
		}
		for _, name := range []string{"", "Logs", "../up", "a b", strings.Repeat("x", 64), "a/b", "-x"} {
			if err := d.AddSource(ctx, Source{Name: name}); err == nil {
				t.Errorf("a source may be called %q", name)
			}
		}
		if err := d.PauseSource(ctx, "none", true); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		if err := d.RemoveSource(ctx, "logs"); err != nil {
			t.Error(err)
		}
		if err := d.RemoveSource(ctx, "logs"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	})
}

func TestDeliveriesAreKnownByAllOfTheirName(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		ctx := t.Context()
		x := Delivery{Source: "logs", Object: "o", ETag: "e", Records: 3, At: noon}
		for range 2 {
			if err := d.Delivered(ctx, x); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			source, object, etag string
			want                 bool
		}{{"logs", "o", "e", true}, {"other", "o", "e", false}, {"logs", "p", "e", false}, {"logs", "o", "f", false}} {
			if known, err := d.WasDelivered(ctx, c.source, c.object, c.etag); err != nil || known != c.want {
				t.Errorf("%+v: %v, %v", c, known, err)
			}
		}
	})
}

func TestDeadLetters(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		ctx, all := t.Context(), access.Everything()
		first := DeadLetter{ID: "abc1", Source: "logs", Object: "o", Record: 4, Offset: 99, Format: "cloudtrail", Reason: "r", Detail: "d", Raw: []byte{1, 0, 255}, ReceivedAt: noon}
		second := DeadLetter{ID: "abc2", Source: "apps", ReceivedAt: noon.Add(time.Minute)}
		save(t, d, Conclusion{DeadLetters: []DeadLetter{first, second}})
		if err := d.Replayed(ctx, "abc1", noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		save(t, d, Conclusion{DeadLetters: []DeadLetter{first}}) // a redelivery does not forget that it was replayed
		first.ReplayedAt = noon.Add(time.Hour)
		got, err := d.DeadLetter(ctx, all, "abc1")
		if diff := cmp.Diff(first, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		list, err := d.DeadLetters(ctx, all, "", 10)
		if err != nil || len(list) != 2 || list[0].ID != "abc2" {
			t.Errorf("the newest first: %+v, %v", list, err)
		}
		if list, err = d.DeadLetters(ctx, all, "logs", 10); err != nil || len(list) != 1 {
			t.Errorf("of one source: %+v, %v", list, err)
		}
		for id, want := range map[string]error{"abc": ErrAmbiguous, "": ErrNotFound, "x": ErrNotFound, "%": ErrNotFound} {
			if _, err := d.DeadLetter(ctx, all, id); !errors.Is(err, want) {
				t.Errorf("%q: %v, not %v", id, err, want)
			}
		}
	})
}
