package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
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
		"/api/v1/entity?kind=planet&value=x": 422, "/api/v1/entity?kind=ip": 422, "/api/v1/graph?kind=ip&value=" + url.QueryEscape("' OR 1=1 --"): 200, "/api/v1/graph?kind=ip&value=x&depth=9": 422, "/api/v1/entity/kinds": 200,
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
