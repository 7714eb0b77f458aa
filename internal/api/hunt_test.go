package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/hunt"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
)

const jsonBody = "application/json"

// TestHuntsAreKeptAndSeenWithinScope keeps hunts as two people, and looks at what each sees of the other's.
func TestHuntsAreKeptAndSeenWithinScope(t *testing.T) {
	t.Parallel()
	var folder hunt.Folder
	s := newSite(t, func(s *Server, _ *http.Server) {
		folder = hunt.Folder{Dir: filepath.Join(t.TempDir(), "hunts")}
		s.Hunts = folder
	})
	put := func(who, name, more string) answered {
		return s.ask("PUT", "/api/v1/hunts/"+name, s.tokens[who], strings.NewReader(`{"name":"`+name+`","title":"A","question":"B?","query":{"filter":"operation = 'x'"}`+more+`}`), "Content-Type", jsonBody)
	}
	for _, c := range []struct {
		who, name, more string
		want            int
	}{
		{"analyst all", "wide", "", 200},
		{"analyst own", "narrow", "", 200},
		{"analyst own", "wide", "", 404},                   // somebody else's
		{"analyst own", "timed", `,"every":"1h"`, 403},     // it would look into all accounts
		{"viewer all", "none", "", 403},                    // a viewer keeps nothing
		{"analyst all", "..%2fescape", "", 422},            // no way out of the folder
		{"analyst all", "often", `,"every":"1s"`, 422},     // too often
		{"analyst all", "timed", `,"every":"1h"`, 200},     // right
		{"analyst all", "twice", `,"notify":"pager"`, 422}, // no such thing
	} {
		if got := put(c.who, c.name, c.more); got.status != c.want {
			t.Errorf("%s keeps %s%s: %d, not %d: %s", c.who, c.name, c.more, got.status, c.want, got.body)
		}
	}
	if err := folder.Keep("narrow", hunt.Kept{At: time.Now(), By: "x", Hits: 7, Accounts: map[string]int64{own: 2, foreign: 5}}); err != nil {
		t.Fatal(err)
	}
	var list []hunt.File
	got := s.ask("GET", "/api/v1/hunts", s.tokens["analyst own"], nil)
	if err := json.Unmarshal([]byte(got.body), &list); err != nil {
		t.Fatal(err, got.body)
	}
	if len(list) != 1 || list[0].Name != "narrow" || list[0].Result.Hits != 2 || list[0].Result.Accounts[foreign] != 0 {
		t.Errorf("who sees one account sees %s", got.body)
	}
	if got := s.ask("GET", "/api/v1/hunts/wide", s.tokens["analyst own"], nil); got.status != 404 {
		t.Errorf("a hunt of somebody else: %d %s", got.status, got.body)
	}
	if got := s.ask("GET", "/api/v1/hunts", s.tokens["analyst all"], nil); strings.Count(got.body, `"name"`) != 3 {
		t.Errorf("who sees all sees %s", got.body)
	}
}

// TestAHuntThatDoesNotReadIsNotTaken lets somebody else write under the name of a hunt whose file is damaged or too long.
func TestAHuntThatDoesNotReadIsNotTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newSite(t, func(s *Server, _ *http.Server) { s.Hunts = hunt.Folder{Dir: dir} })
	for name, content := range map[string]string{"torn": "title: A\nowner: somebody\nque", "long": "title: A\nowner: somebody\nquestion: B?\nquery: {filter: 'true'}\nnotes: " + strings.Repeat("x", 300<<10)} {
		path := filepath.Join(dir, name+".yaml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got := s.ask("PUT", "/api/v1/hunts/"+name, s.tokens["analyst own"], strings.NewReader(`{"name":"x","title":"A","question":"B?","query":{"filter":"true"}}`), "Content-Type", jsonBody)
		if raw, err := os.ReadFile(path); got.status != 422 || err != nil || string(raw) != content { //nolint:gosec // a test's own
			t.Errorf("%s: %d %s, %v", name, got.status, got.body, err)
		}
	}
	long := `{"name":"x","title":"A","question":"B?","query":{"filter":"true"},"notes":"` + strings.Repeat("x", 300<<10) + `"}`
	if got := s.ask("PUT", "/api/v1/hunts/new", s.tokens["analyst own"], strings.NewReader(long), "Content-Type", jsonBody); got.status != 422 {
		t.Errorf("a hunt that could not be read again: %d %s", got.status, got.body)
	}
}

// TestWhatHuntsAskIsInTheAuditLog keeps and runs hunts, and makes rules of them: the question is in the log, or its SHA-256.
func TestWhatHuntsAskIsInTheAuditLog(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *Server, _ *http.Server) { s.Hunts = hunt.Folder{Dir: t.TempDir()} })
	long := "operation = '" + strings.Repeat("x", audit.MaxDetail) + "'"
	sum := sha256.Sum256([]byte(long))
	for name, q := range map[string][2]string{"short": {"operation = 'secret'", "operation = 'secret'"}, "long": {long, hex.EncodeToString(sum[:])}} {
		given, err := json.Marshal(hunt.File{Name: name, Title: "A", Question: "B?", Query: hunt.Query{Filter: q[0]}})
		if err != nil {
			t.Fatal(err)
		}
		for action, path := range map[string]string{"hunt.keep": "", "hunt.run": "/run", "hunt.rule": "/rule"} {
			if action == "hunt.keep" {
				if got := s.ask("PUT", "/api/v1/hunts/"+name, s.tokens["analyst own"], bytes.NewReader(given), "Content-Type", jsonBody); got.status != 200 {
					t.Fatal(got.status, got.body)
				}
			} else {
				if err := s.server.Hunts.Save(hunt.File{Name: name, Title: "A", Question: "B?", Owner: "analyst own", Query: hunt.Query{Filter: q[0]}}); err != nil {
					t.Fatal(err)
				}
				s.ask("POST", "/api/v1/hunts/"+name+path, s.tokens["analyst own"], nil) // what is asked in vain is noted as well
			}
			list, err := s.server.Audit.List(t.Context(), audit.Query{Action: action, Object: name})
			if err != nil || len(list) != 1 || !strings.Contains(list[0].Detail, q[1]) {
				t.Errorf("%s of %s: %+v, %v", action, name, list, err)
			}
		}
	}
}

// TestEntitiesByTheAPI asks about an entity whose alerts lie in two accounts.
func TestEntitiesByTheAPI(t *testing.T) {
	t.Parallel()
	if !duck.Available {
		t.Skip("this build has no search engine: build it with a C compiler")
	}
	s := newSite(t, nil)
	rows, err := s.desk.Mentions(t.Context(), access.Everything(), own, 10)
	if err != nil || len(rows) == 0 {
		t.Fatalf("no alert names the account: %v", err)
	}
	for who, want := range map[string]int{"analyst all": 200, "analyst own": 200, "none": 401} {
		got := s.ask("GET", "/api/v1/entity?kind=account&value="+foreign, s.tokens[who], nil)
		if got.status != want {
			t.Errorf("%s: %d %s", who, got.status, got.body)
		}
		if who == "analyst own" {
			var p hunt.Profile
			if err := json.Unmarshal([]byte(got.body), &p); err != nil || len(p.Risk.Findings) > 0 {
				t.Errorf("findings of another account are told: %v, %s", err, got.body)
			}
		}
	}
	for path, want := range map[string]int{
		"/api/v1/entity?kind=planet&value=x": 422, "/api/v1/entity?kind=ip&value=x&from=0001-01-02T00:00:00Z&to=9999-12-31T00:00:00Z": 422, "/api/v1/entity?kind=ip&value=x&from=0001-01-02T00:00:00Z": 422, "/api/v1/entity?kind=ip": 422, "/api/v1/graph?kind=ip&value=" + url.QueryEscape("' OR 1=1 --"): 200, "/api/v1/graph?kind=ip&value=x&depth=9": 422, "/api/v1/entity/kinds": 200,
	} {
		if got := s.ask("GET", path, s.tokens["viewer own"], nil); got.status != want {
			t.Errorf("%s: %d, not %d: %s", path, got.status, want, got.body)
		}
	}
	long, err := json.Marshal(map[string]string{"value": strings.Repeat("\x00'", 500_000)})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.ask("POST", "/api/v1/pivot", s.tokens["viewer own"], strings.NewReader(string(long)), "Content-Type", jsonBody); got.status != 200 {
		t.Errorf("a pivot on 1 MB: %d %s", got.status, got.body[:min(len(got.body), 300)])
	}
	if got := s.ask("POST", "/api/v1/pivot", s.tokens["viewer all"], strings.NewReader(`{"value":"`+own+`"}`), "Content-Type", jsonBody); !strings.Contains(got.body, `"alert":{`) {
		t.Errorf("a pivot shows no alert: %s", got.body)
	}
	if got := s.ask("POST", "/api/v1/pivot", s.tokens["viewer own"], strings.NewReader(`{"value":"`+foreign+`"}`), "Content-Type", jsonBody); strings.Contains(got.body, `"alert":{`) {
		t.Errorf("a pivot shows an alert of another account: %s", got.body)
	}
}

// TestAnAcceptedRuleIsTakenIn accepts drafts: one is judged by at once; where the rules cannot be taken in, the file is kept and the answer says so.
func TestAnAcceptedRuleIsTakenIn(t *testing.T) {
	t.Parallel()
	var fault error
	dir, taken := t.TempDir(), 0
	s := newSite(t, func(s *Server, _ *http.Server) {
		s.RulesDir = dir
		s.TakeRules = func(context.Context) error { taken++; return fault }
	})
	event := func(name string) string {
		return `{"eventVersion":"1.08","eventTime":"2026-03-01T10:00:00Z","eventSource":"cloudtrail.amazonaws.com","eventName":"` + name + `","awsRegion":"eu-west-1","eventID":"e","recipientAccountId":"111122223333","userIdentity":{"type":"Root"}}`
	}
	draft, err := json.Marshal(map[string]string{
		"rule":  "title: Trail stopped\nid: 11111111-2222-4333-8444-555555555555\nlogsource: {product: aws, service: cloudtrail}\ndetection: {a: {eventName: StopLogging}, condition: a}\nlevel: medium\n",
		"tests": "- {name: hit, fires: true, event: " + event("StopLogging") + "}\n- {name: other, fires: false, event: " + event("StartLogging") + "}\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, says string
		fault      error
		taken      int
	}{
		{"good", "it judges what comes from now on", nil, 1},
		{"good", "there is a rule already", nil, 1},
		{"later", "does not judge yet", errors.New("no ledger"), 2},
	} {
		fault = c.fault
		a := s.tell("POST", "/api/v1/hunts/"+c.name+"/rule/accept", s.tokens["engineer all"], string(draft))
		if !strings.Contains(a.body, c.says) || taken != c.taken {
			t.Errorf("%s: taken in %d times, %d %s", c.name, taken, a.status, a.body)
		}
		if _, err := os.Stat(filepath.Join(dir, c.name+".yml")); err != nil {
			t.Error(err)
		}
	}
	if n := strings.Count(s.ask("GET", "/api/v1/audit", s.tokens["admin all"], nil).body, `"rule.accept"`); n != 2 {
		t.Errorf("%d entries in the audit log of two rules", n)
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	if !strings.Contains(s.log.b.String(), "no ledger") {
		t.Error("the log does not say why the rules are not taken in")
	}
}
