package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/desk"
)

// from asks the handler itself, as from an address.
func (s *site) from(address, method, path string, headers ...string) answered {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, nil)
	r.RemoteAddr = address
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.Config.Handler.ServeHTTP(w, r)
	return answered{w.Code, w.Header(), w.Body.String()}
}

// withClock is a site whose time is told.
func withClock(t *testing.T) (s *site, set func(time.Time)) {
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	s = newSite(t, func(s *Server, _ *http.Server) { s.Now = func() time.Time { return time.Unix(0, now.Load()) } })
	return s, func(at time.Time) { now.Store(at.UnixNano()) }
}

// TestATokenEndsToTheMillisecond asks just before a token ends, and when it does, at each door.
func TestATokenEndsToTheMillisecond(t *testing.T) {
	t.Parallel()
	s, set := withClock(t)
	end := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	s.token("ends", desk.Token{Role: "viewer", Accounts: []string{own}, Expires: end})
	s.token("pushes", desk.Token{Source: "apps", Expires: end})
	for at, want := range map[time.Time]int{end.Add(-time.Millisecond): 200, end: 401, end.Add(time.Hour): 401} {
		set(at)
		if got := s.ask("GET", "/api/v1/session", s.tokens["ends"], nil); got.status != want {
			t.Errorf("%s of its end: %d, not %d", at.Sub(end), got.status, want)
		}
		if got := s.ask("POST", "/api/v1/ingest/apps", s.tokens["pushes"], strings.NewReader(event("x"))); got.status != want {
			t.Errorf("a push %s of its end: %d, not %d", at.Sub(end), got.status, want)
		}
		if got := s.ask("POST", assistantPath, s.tokens["ends"], strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`), "Content-Type", jsonBody, "Accept", "application/json, text/event-stream"); got.status != want {
			t.Errorf("an assistant %s of its end: %d, not %d", at.Sub(end), got.status, want)
		}
	}
}

// TestASessionEndsToTheMillisecond asks with a cookie around its last moment, without use and in all.
func TestASessionEndsToTheMillisecond(t *testing.T) {
	t.Parallel()
	s, set := withClock(t)
	begun := time.Now().Truncate(time.Millisecond)
	set(begun)
	s.person(access.Person{Name: "ann", Role: access.Viewer, Accounts: []string{own}})
	cookie := cookieOf(s.tell("POST", "/api/v1/session", "", `{"name":"ann","password":"`+sentence+`"}`))
	is := func(at time.Time, want int) {
		t.Helper()
		set(at)
		if got := s.ask("GET", "/api/v1/session", "", nil, "Cookie", cookie); got.status != want {
			t.Errorf("after %s: %d, not %d", at.Sub(begun), got.status, want)
		}
	}
	is(begun.Add(access.SessionIdle), 401)
	at := begun
	for ; at.Before(begun.Add(access.SessionMost)); at = at.Add(access.SessionIdle - time.Millisecond) {
		is(at, 200)
	}
	is(begun.Add(access.SessionMost-time.Millisecond), 200)
	is(begun.Add(access.SessionMost), 401)
}

// TestRefusedTokensAreTold brings an expired, a revoked, and another installation's token: each gets the same answer, and an entry in the
// audit log that says which it was; many of them fill no log.
func TestRefusedTokensAreTold(t *testing.T) {
	t.Parallel()
	s, set := withClock(t)
	start := time.Now()
	set(start)
	other := newSite(t, nil)
	kinds := map[string]string{"expired": s.tokens["expired"], "revoked": s.tokens["revoked"], "foreign": other.tokens["owner"]}
	want := map[string]audit.Entry{"expired": {Actor: "expired", Detail: "it expired"}, "revoked": {Actor: "revoked", Detail: "it was revoked"}, "foreign": {Detail: "no token of this installation"}}
	first := ""
	for kind, secret := range kinds {
		for _, path := range []string{"GET /api/v1/alerts", "POST /api/v1/ingest/apps", "POST /api/v1/mcp"} {
			method, path, _ := strings.Cut(path, " ")
			a := s.ask(method, path, secret, nil)
			if a.status != 401 || a.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s at %s: %d", kind, path, a.status)
			}
			if path == "/api/v1/alerts" {
				if first == "" {
					first = a.body
				}
				if a.body != first {
					t.Errorf("%s is answered with %s, another with %s", kind, a.body, first)
				}
			}
		}
	}
	set(start.Add(2 * time.Minute))
	s.ask("GET", "/api/v1/alerts", kinds["revoked"], nil)
	list, err := s.server.Audit.List(t.Context(), audit.Query{Action: "token.refused"})
	if err != nil || len(list) != 4 || list[0].Detail != "it was revoked; 2 more since the last entry" {
		t.Errorf("%+v, %v", list, err)
	}
	for kind, w := range want {
		if !slices.ContainsFunc(list, func(e audit.Entry) bool {
			return e.Actor == w.Actor && e.Detail == w.Detail && e.Address == "127.0.0.1" && e.Outcome == audit.Failure && e.Kind == "token"
		}) {
			t.Errorf("%s is not in the log: %+v", kind, list)
		}
	}
	for n := range 3 * maxStrangers {
		s.server.strangers.tell(start, "network", strings.Repeat("x", n%2000))
	}
	if n := len(s.server.strangers.seen); n > maxStrangers {
		t.Errorf("%d strangers are remembered", n)
	}
}

// TestRefusedTokensTakeAsLong compares how long the answer to each kind of token that is none takes, the median of many, in turns.
func TestRefusedTokensTakeAsLong(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	secrets := map[string]string{"expired": s.tokens["expired"], "revoked": s.tokens["revoked"], "foreign": "tocsin_" + strings.Repeat("0", 64), "short": "x"}
	took := map[string][]time.Duration{}
	for range 60 {
		for kind, secret := range secrets {
			begun := time.Now()
			if a := s.from("192.0.2.1:1", "GET", "/api/v1/alerts", "Authorization", "Bearer "+secret); a.status != 401 {
				t.Fatal(kind, a)
			}
			took[kind] = append(took[kind], time.Since(begun))
		}
	}
	least, most := time.Hour, time.Duration(0)
	for kind, list := range took {
		slices.Sort(list)
		median := list[len(list)/2]
		t.Log(kind, median)
		least, most = min(least, median), max(most, median)
	}
	if most > 4*least+time.Millisecond { // a hash of a password takes 20 ms
		t.Errorf("the medians lie between %s and %s", least, most)
	}
}

// TestAStolenSessionIsSeen uses a cookie from elsewhere: the list names where, the audit log too, once, and its owner ends it.
func TestAStolenSessionIsSeen(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	mine := s.settle()
	stolen := s.session("ann") // began at 127.0.0.1
	for _, address := range []string{"203.0.113.66:5000", "203.0.113.66:5001", "[2001:db8:1:2::9]:1", "[2001:db8:1:2:ffff::1]:1", "127.0.0.1:1"} {
		if a := s.from(address, "GET", "/api/v1/session", "Cookie", stolen); a.status != 200 {
			t.Fatal(address, a)
		}
	}
	var me struct{ Session string }
	if err := json.Unmarshal([]byte(s.from("127.0.0.1:1", "GET", "/api/v1/session", "Cookie", stolen).body), &me); err != nil {
		t.Fatal(err)
	}
	var list []access.Session
	if err := json.Unmarshal([]byte(s.ask("GET", "/api/v1/sessions", "", nil, "Cookie", mine).body), &list); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(x access.Session) bool { return x.ID == me.Session })
	if i < 0 || !slices.Equal(list[i].Also, []string{"2001:db8:1:2::/64", "203.0.113.66"}) {
		t.Fatalf("the list has %+v", list)
	}
	entries, err := s.server.Audit.List(t.Context(), audit.Query{Action: "session.moved", Object: me.Session})
	if err != nil || len(entries) != 2 || entries[1].Address != "203.0.113.66" || entries[1].Actor != "ann" {
		t.Errorf("the audit log has %+v, %v", entries, err)
	}
	if a := s.tell("DELETE", "/api/v1/sessions/"+me.Session, "", "", "Cookie", mine); a.status != 204 {
		t.Error(a)
	}
	if a := s.from("203.0.113.66:5000", "GET", "/api/v1/session", "Cookie", stolen); a.status != 401 {
		t.Errorf("it is open still: %v", a)
	}
}
