package api

import (
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/audit"
)

// TestNobodyTakesAName lets an admin of one account choose the name of another: a token's, a revoked one's, a person's.
func TestNobodyTakesAName(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.settle()
	narrow := s.tokens["admin own"]
	for _, name := range []string{"owner", "Analyst ALL", "revoked", "ann", "ANN", "system"} {
		a := s.tell("POST", "/api/v1/tokens", narrow, `{"name":"`+name+`","role":"admin","accounts":["`+own+`"]}`)
		if a.status != 422 || strings.Contains(a.body, "tocsin_") {
			t.Errorf("a token called %s: %v", name, a)
		}
	}
	a := s.tell("POST", "/api/v1/invitations", narrow, `{"role":"admin","accounts":["`+own+`"]}`)
	_, rest, _ := strings.Cut(a.body, `"secret":"`)
	secret, _, _ := strings.Cut(rest, `"`)
	for _, name := range []string{"Owner", "ANN"} {
		if a := s.tell("POST", "/api/v1/invitations/accept", "", `{"secret":"`+secret+`","name":"`+name+`","password":"`+sentence+`"}`); a.status != 422 {
			t.Errorf("a person called %s: %v", name, a)
		}
	}
}

// TestOwnAuditIsOfOnesOwnKind has an entry of a person that is called as a token was before names were one's own.
func TestOwnAuditIsOfOnesOwnKind(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	if err := s.server.Audit.Add(t.Context(), audit.Entry{At: time.Now(), Actor: "admin own", Kind: "person", Action: "hunt", Detail: "a secret question", Outcome: audit.Success}); err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]bool{"admin own": false, "owner": true} {
		if a := s.ask("GET", "/api/v1/audit", s.tokens[token], nil); a.status != 200 || strings.Contains(a.body, "a secret question") != want {
			t.Errorf("%s: %v", token, a)
		}
	}
}

// TestALinkOutlivesNoToken invites with tokens that are revoked, or end: their links are none any more.
func TestALinkOutlivesNoToken(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.settle()
	accept := func(secret, name string) int {
		return s.tell("POST", "/api/v1/invitations/accept", "", `{"secret":"`+secret+`","name":"`+name+`","password":"`+sentence+`"}`).status
	}
	invite := func(token string) string {
		t.Helper()
		a := s.tell("POST", "/api/v1/invitations", s.tokens[token], `{"role":"admin","accounts":["`+own+`"]}`)
		_, rest, _ := strings.Cut(a.body, `"secret":"`)
		secret, _, _ := strings.Cut(rest, `"`)
		if a.status != 200 || secret == "" {
			t.Fatal(a)
		}
		return secret
	}
	good, revoked, ended := invite("owner"), invite("admin own"), invite("scoped")
	if a := s.tell("DELETE", "/api/v1/tokens/admin%20own", s.tokens["owner"], ""); a.status != 204 {
		t.Fatal(a)
	}
	if _, err := s.desk.Store().ExecContext(t.Context(), `UPDATE tokens SET expires_at = 1 WHERE name = 'scoped'`); err != nil {
		t.Fatal(err)
	}
	if a, b, c := accept(revoked, "bob"), accept(ended, "cid"), accept(good, "dan"); a != 404 || b != 404 || c != 200 {
		t.Errorf("of a revoked token %d, of one that ended %d, of one that is valid %d", a, b, c)
	}
}
