package api

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
)

const sentence = "a long enough sentence for ann"

// tell sends JSON.
func (s *site) tell(method, path, token, body string, headers ...string) answered {
	s.t.Helper()
	return s.ask(method, path, token, strings.NewReader(body), append([]string{"Content-Type", "application/json"}, headers...)...)
}

func cookieOf(a answered) string {
	c, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	return c
}

// settle makes the first account and returns its cookie.
func (s *site) settle() string {
	s.t.Helper()
	secret, err := s.server.People.SetUp(s.t.Context(), time.Now())
	if err != nil || secret == "" {
		s.t.Fatal(secret, err)
	}
	a := s.tell("POST", "/api/v1/invitations/accept", "", `{"secret":"`+secret+`","name":"ann","password":"`+sentence+`"}`)
	if a.status != 200 || cookieOf(a) == "" {
		s.t.Fatal(a)
	}
	return cookieOf(a)
}

// TestTheFirstAccount makes it, with two links at once and one twice: one account comes of it, and the link is dead.
func TestTheFirstAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	if a := s.ask("GET", "/api/v1/setup", "", nil); !strings.Contains(a.body, "true") {
		t.Error(a.body)
	}
	old, _ := s.server.People.SetUp(t.Context(), time.Now())
	secret, err := s.server.People.SetUp(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	got := map[int]int{}
	for _, name := range []string{"ann", "bob", "cid", "dan"} {
		for _, secret := range []string{secret, old} {
			all.Go(func() {
				a := s.tell("POST", "/api/v1/invitations/accept", "", `{"secret":"`+secret+`","name":"`+name+`","password":"`+sentence+`"}`)
				mu.Lock()
				defer mu.Unlock()
				got[a.status]++
			})
		}
	}
	all.Wait()
	if n, err := s.server.People.Count(t.Context()); n != 1 || err != nil || got[200] != 1 || got[404] != 7 {
		t.Errorf("%d accounts, answers %v (%v)", n, got, err)
	}
	if again, err := s.server.People.SetUp(t.Context(), time.Now()); again != "" || err != nil {
		t.Errorf("a second set-up: %q, %v", again, err)
	}
	if a := s.ask("GET", "/api/v1/setup", "", nil); !strings.Contains(a.body, "false") {
		t.Error(a.body)
	}
}

// TestASession signs in, looks, and is ended by another session: the cookie opens nothing any more.
func TestASession(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	first := s.settle()
	a := s.tell("POST", "/api/v1/session", "", `{"name":"ann","password":"`+sentence+`"}`)
	second := cookieOf(a)
	if c := a.header.Get("Set-Cookie"); !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Strict") || second == first {
		t.Errorf("the cookie is %q", c)
	}
	var me struct{ Session, Role string }
	if err := json.Unmarshal([]byte(s.ask("GET", "/api/v1/session", "", nil, "Cookie", second).body), &me); err != nil || me.Role != "admin" || me.Session == "" {
		t.Fatal(me, err)
	}
	if got := s.ask("GET", "/api/v1/sessions", "", nil, "Cookie", first); strings.Count(got.body, `"id"`) != 2 || strings.Contains(got.body, strings.TrimPrefix(second, "tocsin_session=")) {
		t.Error(got.body)
	}
	if got := s.tell("DELETE", "/api/v1/sessions/"+me.Session, "", "", "Cookie", first); got.status != 204 {
		t.Error(got)
	}
	if got := s.ask("GET", "/api/v1/session", "", nil, "Cookie", second); got.status != 401 {
		t.Error(got)
	}
	for name, headers := range map[string][]string{"site": {"Sec-Fetch-Site", "cross-site"}, "origin": {"Origin", "https://evil.example"}} {
		if got := s.tell("DELETE", "/api/v1/session", "", "", append(headers, "Cookie", first)...); got.status != 403 {
			t.Errorf("%s: a page of another site signs out: %d", name, got.status)
		}
	}
	if got := s.tell("PUT", "/api/v1/session/password", "", `{"old":"`+sentence+`","new":"another long enough sentence"}`, "Cookie", first); got.status != 204 {
		t.Error(got)
	}
	if got := s.ask("GET", "/api/v1/session", "", nil, "Cookie", first); got.status != 401 {
		t.Errorf("a session outlives the password: %v", got)
	}
}

// TestGuessing tries passwords, many at once: few are looked at, the typed name is written nowhere, and another address may sign in.
func TestGuessing(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.settle()
	var mu sync.Mutex
	var all sync.WaitGroup
	got := map[int]int{}
	for range 30 {
		all.Go(func() {
			a := s.tell("POST", "/api/v1/session", "", `{"name":"my-secret-typed-as-name","password":"wrong wrong wrong wrong"}`)
			mu.Lock()
			defer mu.Unlock()
			got[a.status]++
		})
	}
	all.Wait()
	if got[401] != freeFromHere || got[429] != 30-freeFromHere {
		t.Errorf("%v", got)
	}
	list, err := s.server.Audit.List(t.Context(), audit.Query{Action: "signin"})
	failures := 0
	for _, e := range list {
		if e.Outcome == audit.Failure {
			failures++
		}
		if text, _ := json.Marshal(e); strings.Contains(string(text), "typed") {
			t.Errorf("the name is kept: %s", text)
		}
	}
	if err != nil || failures != freeFromHere {
		t.Errorf("%d failures are kept (%v)", failures, err)
	}
	if a := s.tell("POST", "/api/v1/session", "", `{"name":"ann","password":"`+sentence+`"}`); a.status != 200 {
		t.Errorf("another name is kept out: %v", a)
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	if strings.Contains(s.log.b.String(), "typed") {
		t.Error("the name is logged")
	}
}

// TestNobodyGrantsMoreThanTheyHave lets an admin of one account try to reach another: by invitation, by token, by changing people.
func TestNobodyGrantsMoreThanTheyHave(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.settle()
	narrow := s.tokens["admin own"]
	for _, accounts := range []string{`["*"]`, `["` + foreign + `"]`, `["` + own + `","` + foreign + `"]`, `["` + own + `","*"]`} {
		for path, body := range map[string]string{"/api/v1/invitations": `{"role":"viewer","accounts":` + accounts + `}`, "/api/v1/tokens": `{"name":"more","role":"viewer","accounts":` + accounts + `}`} {
			if a := s.tell("POST", path, narrow, body); a.status != 403 {
				t.Errorf("%s %s: %d %s", path, body, a.status, a.body)
			}
		}
	}
	for method, body := range map[string]string{"PUT": `{"role":"viewer","accounts":["` + own + `"]}`, "DELETE": ""} {
		if a := s.tell(method, "/api/v1/people/ann", narrow, body); a.status != 403 {
			t.Errorf("%s: an admin of one account ends one of all: %d %s", method, a.status, a.body)
		}
	}
	if a := s.tell("POST", "/api/v1/tokens", narrow, `{"name":"door","source":"apps"}`); a.status != 403 {
		t.Errorf("a token for a source of all accounts: %d", a.status)
	}
	if a := s.tell("DELETE", "/api/v1/tokens/owner", narrow, ""); a.status != 404 {
		t.Errorf("a wide token is revoked: %d", a.status)
	}
	if a := s.ask("GET", "/api/v1/tokens", narrow, nil); strings.Contains(a.body, "owner") || strings.Contains(a.body, `"*"`) {
		t.Errorf("%s", a.body)
	}
	if a := s.ask("GET", "/api/v1/people", narrow, nil); a.body != "[]\n" {
		t.Errorf("%s", a.body)
	}
	if a := s.tell("POST", "/api/v1/invitations", narrow, `{"role":"analyst","accounts":["`+own+`"]}`); a.status != 200 {
		t.Errorf("what is one's own cannot be granted: %v", a)
	}
	if a := s.tell("DELETE", "/api/v1/people/ann", s.tokens["owner"], ""); a.status != 422 {
		t.Errorf("the last admin is ended: %v", a)
	}
}

// TestALiveStreamIsOneOfFew opens as many streams as one token may, and one more; when one ends there is room again, and others are not concerned.
func TestALiveStreamIsOneOfFew(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	open := func(who string) (status int, end func()) {
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/v1/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.tokens[who])
		resp, err := http.DefaultClient.Do(req) //nolint:bodyclose // end closes it
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, func() { cancel(); _ = resp.Body.Close() }
	}
	var ends []func()
	defer func() {
		for _, end := range ends {
			end()
		}
	}()
	for n := range mostListening {
		status, end := open("viewer own")
		if ends = append(ends, end); status != http.StatusOK {
			t.Fatalf("stream %d: %d", n, status)
		}
	}
	for who, want := range map[string]int{"viewer own": http.StatusTooManyRequests, "owner": http.StatusOK} {
		status, end := open(who)
		if end(); status != want {
			t.Errorf("one more stream of %s: %d, want %d", who, status, want)
		}
	}
	ends[0]()
	for deadline := time.Now().Add(20 * time.Second); ; { // the server hears of it in its time
		status, end := open("viewer own")
		if end(); status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("when one has ended: %d", status)
		}
	}
}

// TestALiveStreamEnds follows changes, comes back with the last id, and ends with its token.
func TestALiveStreamEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	comment := func(uid, text string) {
		t.Helper()
		if a := s.tell("PATCH", "/api/v1/alerts/"+uid+"/decision", s.tokens["owner"], `{"comment":"`+text+`"}`); a.status != 200 {
			t.Fatal(a)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	follow := func(last string) (lines *bufio.Scanner, close func() error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/v1/live?incident=i"+own, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.tokens["viewer own"])
		if last != "" {
			req.Header.Set("Last-Event-ID", last)
		}
		resp, err := http.DefaultClient.Do(req) //nolint:bodyclose // the caller closes it
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		return bufio.NewScanner(resp.Body), resp.Body.Close
	}
	until := func(lines *bufio.Scanner, want string) (last string) {
		t.Helper()
		for lines.Scan() {
			line := lines.Text()
			if id, is := strings.CutPrefix(line, "id: "); is {
				last = id
			}
			if strings.Contains(line, foreign) {
				t.Errorf("another account's finding is told: %s", line)
			}
			if strings.Contains(line, want) {
				return last
			}
		}
		t.Fatalf("it ended before %q: %v", want, lines.Err())
		return ""
	}
	lines, done := follow("")
	until(lines, `"names":["viewer own"]`)
	comment("a"+foreign, "x")
	comment("a"+own, "x")
	until(lines, `"uid":"a`+own+`"`)
	last := until(lines, "") // the end of the event
	_ = done()
	comment("a"+own, "while away")
	if last == "" {
		last = "1"
	}
	lines, done = follow(last)
	defer done() //nolint:errcheck // only read
	until(lines, `"version":2`)
	if _, err := s.desk.RevokeTokens(t.Context(), "viewer own", time.Now()); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // it ends, or the context does
	}
	if ctx.Err() != nil {
		t.Error("the stream goes on without its token")
	}
}

// TestAWriteIsDoneOnce repeats writes with a key.
func TestAWriteIsDoneOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	path, key := "/api/v1/alerts/a"+own+"/decision", []string{"Idempotency-Key", "k1"}
	var mu sync.Mutex
	var all sync.WaitGroup
	got := map[int]int{}
	for range 8 {
		all.Go(func() {
			a := s.tell("PATCH", path, s.tokens["owner"], `{"comment":"once"}`, key...)
			mu.Lock()
			defer mu.Unlock()
			got[a.status]++
		})
	}
	all.Wait()
	again := s.tell("PATCH", path, s.tokens["owner"], `{"comment":"once"}`, key...)
	if got[200]+got[409] != 8 || got[200] == 0 || again.status != 200 || again.header.Get("ETag") != `"1"` || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%v, then %v", got, again)
	}
	if a := s.ask("GET", path, s.tokens["owner"], nil); strings.Count(a.body, `"comment":"once"`) != 1 {
		t.Errorf("it was done several times: %s", a.body)
	}
	if a := s.tell("PATCH", path, s.tokens["owner"], `{"comment":"other"}`, key...); a.status != 422 {
		t.Errorf("another request with its key: %v", a)
	}
	if a := s.tell("PATCH", path, s.tokens["analyst all"], `{"comment":"mine"}`, key...); a.status != 200 || a.header.Get("ETag") != `"2"` {
		t.Errorf("another's key: %v", a)
	}
	first := s.tell("POST", "/api/v1/tokens", s.tokens["owner"], `{"name":"n","accounts":["*"]}`, "Idempotency-Key", "k2")
	second := s.tell("POST", "/api/v1/tokens", s.tokens["owner"], `{"name":"n","accounts":["*"]}`, "Idempotency-Key", "k2")
	if first.status != 200 || second.status != 409 || strings.Contains(second.body, "tocsin_") {
		t.Errorf("%v, %v", first, second)
	}
}

// TestTwoPeopleEdit lets two decide with the same ETag.
func TestTwoPeopleEdit(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	path := "/api/v1/incidents/i" + own + "/decision"
	tag := s.ask("GET", path, s.tokens["owner"], nil).header.Get("ETag")
	one := s.tell("PATCH", path, s.tokens["analyst all"], `{"status":"in_progress"}`, "If-Match", tag)
	two := s.tell("PATCH", path, s.tokens["owner"], `{"status":"closed"}`, "If-Match", tag)
	if one.status != 200 || two.status != 412 || one.header.Get("Tocsin-Change") == "" {
		t.Errorf("%v\n%v", one, two)
	}
	if a := s.tell("POST", "/api/v1/decisions/"+one.header.Get("Tocsin-Change")+"/undo", s.tokens["analyst all"], ""); a.status != 200 || !strings.Contains(a.body, `"i`+own) {
		t.Errorf("undo: %v", a)
	}
}

// TestEveryRoleIsInTheTable keeps the rights of roles from growing unseen.
func TestEveryRoleIsInTheTable(t *testing.T) {
	t.Parallel()
	want := map[access.Role]int{access.Viewer: 3, access.Analyst: 4, access.Responder: 5, access.Engineer: 6, access.Admin: 8}
	for _, role := range access.Roles() {
		n := 0
		for _, right := range access.Rights() {
			if role.May(right) {
				n++
			}
		}
		if n != want[role] {
			t.Errorf("%s has %d rights", role, n)
		}
	}
}

// TestTwoAdminsEditOne lets two change a person whom both have read: the second is told, sees the newer state, and does not lock the last
// admin out. What was done is in the audit log.
func TestTwoAdminsEditOne(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.settle()
	const ann = "/api/v1/people/ann"
	tag := s.ask("GET", ann, s.tokens["owner"], nil).header.Get("ETag")
	one := s.tell("PUT", ann, s.tokens["owner"], `{"role":"admin","accounts":["*","`+own+`"]}`, "If-Match", tag)
	two := s.tell("PUT", ann, s.tokens["owner"], `{"role":"viewer","accounts":["*"]}`, "If-Match", tag)
	if one.status != 200 || two.status != 412 || !strings.Contains(two.body, "newer state") {
		t.Fatalf("%v; %v", one, two)
	}
	now := s.ask("GET", ann, s.tokens["owner"], nil)
	if now.header.Get("ETag") != one.header.Get("ETag") || !strings.Contains(now.body, own) {
		t.Errorf("%v", now)
	}
	if a := s.tell("PUT", ann, s.tokens["owner"], `{"role":"viewer","accounts":["*"]}`, "If-Match", now.header.Get("ETag")); a.status != 422 || !strings.Contains(a.body, "no admin") {
		t.Errorf("the last admin is locked out: %v", a)
	}
	for path, narrow := range map[string]int{"/link": 403, "/enable": 404} {
		if a := s.tell("POST", ann+path, s.tokens["admin own"], ""); a.status != narrow {
			t.Errorf("%s by an admin of one account: %v", path, a)
		}
	}
	if a := s.tell("DELETE", ann+"/sessions", s.tokens["admin own"], ""); a.status != 403 {
		t.Errorf("sessions ended by an admin of one account: %v", a)
	}
	if a := s.tell("POST", ann+"/link", s.tokens["owner"], ""); a.status != 200 || !strings.Contains(a.body, "secret") {
		t.Errorf("%v", a)
	}
	if a := s.tell("DELETE", ann+"/sessions", s.tokens["owner"], ""); a.status != 200 {
		t.Errorf("%v", a)
	}
	log := s.ask("GET", "/api/v1/audit?object=ann", s.tokens["owner"], nil).body
	for _, action := range []string{"person.change", "person.link", "person.sessions.end"} {
		if !strings.Contains(log, `"`+action+`"`) {
			t.Errorf("the audit log lacks %s: %s", action, log)
		}
	}
}
