package api

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/evidence"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/hunt"
	"github.com/tocsin-security/tocsin/internal/incident"
)

// who asks: a token, or a person with a session.
type who struct {
	name, what string // what: "token viewer all", "person admin own", "token none" …
	role       access.Role
	all        bool
	person     bool
	token      string
}

// thing is what a request is about, as the OpenAPI document does not say it.
type thing struct {
	path map[string]string
	body map[string]any
	raw  string // a body that is no JSON
}

// made counts the things that were made, for names of their own.
type maker struct {
	*site
	n    int
	sets map[string]string // of evidence, by what is done with them and account
}

// freshly makes what a route needs that the caller is to be let at, or kept from: its data are of the account.
func (m *maker) freshly(route string, by who, account string) thing {
	m.t.Helper()
	m.n++
	method, path, _ := strings.Cut(route, " ")
	part := strings.Split(strings.TrimPrefix(path, "/api/v1/"), "/")
	switch part[0] {
	case "incidents":
		return m.anIncident(method, part, account)
	case "alerts":
		return thing{path: map[string]string{"uid": m.finding(account) + "a"}, body: map[string]any{"comment": "x", "uids": []string{m.finding(account) + "a"}, "change": map[string]string{"comment": "x"}}}.only(part)
	case "decisions":
		return m.aDecision(by, account)
	case "evidence":
		return m.someEvidence(part, account)
	case "hunts":
		return m.aHunt(by, account, method)
	case "people", "invitations", "session", "sessions":
		return m.aPerson(route, by, account)
	case "tokens":
		name := fmt.Sprintf("victim %d", m.n)
		if len(part) > 1 {
			m.token(name, desk.Token{Accounts: []string{account}, Role: "viewer"})
		}
		return thing{path: map[string]string{"uid": name}, body: map[string]any{"name": name, "role": "viewer", "accounts": []string{account}}}
	case "tunings":
		id := fmt.Sprintf("f%d", m.n)
		if err := m.desk.AcceptTuning(m.t.Context(), &desk.Tuning{ID: id, Rule: "r", Proof: []byte("{}"), Expires: time.Now().Add(time.Hour)}, desk.By{Name: "ann", At: time.Now()}); err != nil {
			m.t.Fatal(err)
		}
		return thing{path: map[string]string{"id": id}}
	case "rules":
		return thing{path: map[string]string{"uid": m.server.Rules().All[0].Finding.ID}}
	case "deadletters":
		return thing{path: map[string]string{"uid": "dead1"}, raw: event("again")}
	case "ingest":
		return thing{path: map[string]string{"source": "apps"}, raw: event("again")}
	case "intel":
		return thing{path: map[string]string{"value": "198.51.100.7"}}
	case "search", "hunt":
		return thing{body: map[string]any{"sql": "SELECT count(*) FROM events"}}
	case "entity", "graph":
		return thing{path: map[string]string{"kind": "account", "value": account}}
	case "mcp":
		return thing{raw: `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`}
	}
	return thing{path: map[string]string{}}
}

// only leaves of what a finding's routes take what this one does.
func (x thing) only(part []string) thing {
	if part[len(part)-1] == "decisions" {
		delete(x.body, "comment")
	} else {
		delete(x.body, "uids")
		delete(x.body, "change")
	}
	return x
}

// finding saves an incident of two alerts; their uids end in a and b.
func (m *maker) finding(account string) string {
	m.t.Helper()
	m.n++
	now, uid := time.Now(), fmt.Sprintf("x%d-%s", m.n, account)
	in := incident.Incident{UID: uid, Severity: finding.High, First: now, Last: now, Accounts: []string{account}}
	for _, end := range []string{"a", "b"} {
		in.Alerts = append(in.Alerts, finding.Alert{UID: uid + end, Severity: finding.High, First: now, Last: now, Account: account, Signals: []finding.Signal{}})
	}
	if err := m.desk.Save(m.t.Context(), &desk.Conclusion{Partition: uid, Position: 1, Findings: true, Now: now, Since: now.Add(time.Hour), Incidents: []incident.Incident{in}}); err != nil {
		m.t.Fatal(err)
	}
	return uid
}

func (m *maker) anIncident(method string, part []string, account string) thing {
	m.t.Helper()
	uid := m.finding(account)
	out := thing{path: map[string]string{"uid": uid}, body: map[string]any{}}
	switch part[len(part)-1] {
	case "decision":
		out.body["comment"] = "x"
	case "decisions":
		out.body["uids"], out.body["change"] = []string{uid}, map[string]string{"comment": "x"}
	case "foresee":
		out.body["merge"] = m.finding(account)
	case "merge":
		out.body["incident"] = m.finding(account)
	case "split":
		out.body["alerts"] = []string{uid + "a"}
	case "links":
		out.body["url"], out.body["title"] = "https://example.com/x", "x"
	case "{id}":
		out.path["id"] = m.added(uid, part[2])
		if method == "PATCH" {
			out.body["done"] = true
		}
	}
	return out
}

// added adds a task or a link to an incident, and gives its id.
func (m *maker) added(uid, what string) string {
	m.t.Helper()
	a := m.tell("POST", "/api/v1/incidents/"+uid+"/"+what, m.tokens["owner"], `{"title":"x"`+map[string]string{"links": `,"url":"https://example.com/y"`}[what]+`}`)
	var got struct {
		ID    string
		Tasks []struct{ ID string }
		Links []struct{ ID string }
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		m.t.Fatal(a, err)
	}
	for _, x := range append(got.Tasks, got.Links...) {
		got.ID = x.ID
	}
	if got.ID == "" {
		m.t.Fatalf("no id of the %s: %s", what, a.body)
	}
	return got.ID
}

func (m *maker) aDecision(by who, account string) thing {
	m.t.Helper()
	comment, kind := "x", "token"
	if by.person {
		kind = "person"
	}
	done, err := m.desk.Decide(m.t.Context(), access.Everything(), desk.Alerts, []string{m.finding(account) + "a"}, nil, desk.Change{Comment: comment}, desk.By{Name: by.name, Kind: kind, At: time.Now()})
	if err != nil {
		m.t.Fatal(err)
	}
	return thing{path: map[string]string{"uid": done.ID}}
}

func (m *maker) someEvidence(part []string, account string) thing {
	m.t.Helper()
	out := thing{path: map[string]string{}, body: map[string]any{"why": "w"}}
	if len(part) == 1 {
		out.body["incident"] = m.finding(account)
		return out
	}
	last := part[len(part)-1]
	id, is := m.sets[last+account]
	if !is || last == "delete" {
		id = m.captureOf(account)
		m.sets[last+account] = id
	}
	d, err := m.server.Evidence.Set(m.t.Context(), access.Everything(), evidence.By{Name: "test"}, id)
	if err != nil {
		m.t.Fatal(err)
	}
	out.path["uid"], out.path["sha256"] = id, d.Manifests[0].Manifest.Items[0].SHA256.String()
	if last == "files" {
		out.raw, out.body = "bytes", nil
	}
	turned := map[string]func(context.Context, access.Scope, evidence.By, string, string) error{"release": m.server.Evidence.Hold, "hold": m.server.Evidence.Release}[last]
	if held := !d.Held.IsZero(); turned != nil && held == (last == "hold") {
		if err := turned(m.t.Context(), access.Everything(), evidence.By{Name: "test"}, id, "w"); err != nil {
			m.t.Fatal(err)
		}
	}
	return out
}

func (m *maker) aHunt(by who, account, method string) thing {
	m.t.Helper()
	h := hunt.File{Name: fmt.Sprintf("hunt-%d", m.n), Title: "A", Question: "B?", Query: hunt.Query{Filter: "true"}, Owner: by.name}
	if account != own {
		h.Owner = "somebody else"
	}
	if err := m.server.Hunts.Save(h); err != nil {
		m.t.Fatal(err)
	}
	out := thing{path: map[string]string{"uid": h.Name}}
	if method == "PUT" {
		out.body = map[string]any{"title": "C", "question": "D?", "query": h.Query}
	}
	return out
}

func (m *maker) aPerson(route string, by who, account string) thing {
	m.t.Helper()
	name := fmt.Sprintf("p%d", m.n)
	out := thing{path: map[string]string{"uid": name}, body: map[string]any{}}
	switch route {
	case "GET /api/v1/people/{uid}", "PUT /api/v1/people/{uid}", "DELETE /api/v1/people/{uid}", "DELETE /api/v1/people/{uid}/sessions", "POST /api/v1/people/{uid}/enable", "POST /api/v1/people/{uid}/link":
		m.person(access.Person{Name: name, Role: access.Viewer, Accounts: []string{account}})
		out.body["role"], out.body["accounts"] = "analyst", []string{account}
		if strings.HasSuffix(route, "/enable") {
			if a := m.tell("DELETE", "/api/v1/people/"+name, m.tokens["owner"], ""); a.status >= 300 {
				m.t.Fatal(a)
			}
		}
	case "POST /api/v1/invitations":
		out.body["role"], out.body["accounts"] = "viewer", []string{account}
	case "POST /api/v1/invitations/accept":
		m.server.attempts.Succeeded(map[string]int{"accept/127.0.0.1": 0})
		a := m.tell("POST", "/api/v1/invitations", m.tokens["owner"], `{"role":"viewer","accounts":["`+account+`"]}`)
		var got struct{ Secret string }
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 {
			m.t.Fatal(a, err)
		}
		out.body["secret"], out.body["name"], out.body["password"] = got.Secret, name, sentence
	case "POST /api/v1/session":
		out.body["name"], out.body["password"] = "bob", sentence
	case "PUT /api/v1/session/password":
		out.body["old"], out.body["new"] = sentence, sentence
	case "DELETE /api/v1/sessions/{uid}":
		of := "bob"
		if by.person && account == own {
			of = by.name
		}
		m.session(of)
		list, err := m.server.People.Sessions(m.t.Context(), of, time.Now())
		if err != nil || len(list) == 0 {
			m.t.Fatal(list, err)
		}
		out.path["uid"] = list[0].ID
	}
	return out
}

// person makes an account whose password is the sentence.
func (s *site) person(who access.Person) {
	s.t.Helper()
	ctx := s.t.Context()
	who.Created = time.Now()
	n, err := s.server.People.Prepare(ctx, who, sentence)
	if err == nil {
		err = s.server.People.Tx(ctx, func(tx *sql.Tx) error { return s.server.People.Add(ctx, tx, n) })
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// session begins one of a person's, and gives its cookie.
func (s *site) session(name string) (cookie string) {
	s.t.Helper()
	ctx := s.t.Context()
	err := s.server.People.Tx(ctx, func(tx *sql.Tx) (err error) {
		cookie, err = s.server.People.Begin(ctx, tx, access.Session{Person: name, Address: "127.0.0.1", Created: time.Now()})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return sessionCookie + "=" + cookie
}
