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
