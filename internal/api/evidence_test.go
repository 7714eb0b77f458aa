package api

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/evidence"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

// withEvidence is a site that keeps evidence, with a token for each role and of each account.
func withEvidence(t *testing.T) *site {
	t.Helper()
	var err error
	s := newSite(t, func(s *Server, _ *http.Server) {
		s.EntityState = func(_ context.Context, scope access.Scope, kind, id string) (json.RawMessage, error) {
			if !scope.Sees(own) {
				return nil, desk.ErrNotFound
			}
			return json.Marshal(map[string]string{"type": kind, "id": id})
		}
	})
	for _, role := range access.Roles() {
		for what, accounts := range map[string][]string{" all": {"*"}, " own": {own}, " foreign": {foreign}} {
			if s.tokens[string(role)+what], err = s.desk.NewToken(t.Context(), desk.Token{Name: "evidence " + string(role) + what, Role: string(role), Accounts: accounts, Created: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
	}
	now := time.Now()
	var list []incident.Incident
	for _, account := range []string{own, foreign} {
		card := finding.Card{UID: "e" + account, Account: account, Time: now, Raw: json.RawMessage(event("e" + account))}
		a := finding.Alert{UID: "b" + account, Severity: finding.High, First: now, Last: now, Account: account, Signals: []finding.Signal{{UID: "s", Event: card}}, EventUIDs: []string{card.UID, "gone"}}
		list = append(list, incident.Incident{UID: "j" + account, Headline: "alice </script>", Severity: finding.High, First: now, Last: now, Accounts: []string{account}, Alerts: []finding.Alert{a}})
	}
	if err := s.desk.Save(t.Context(), &desk.Conclusion{Partition: "1", Position: 1, Findings: true, Now: now, Incidents: list}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) captureOf(account string) string {
	s.t.Helper()
	a := s.ask("POST", "/api/v1/evidence", s.tokens["admin all"], strings.NewReader(`{"why":"the case","incident":"j`+account+`"}`), "Content-Type", "application/json")
	var got struct{ ID string }
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 {
		s.t.Fatal(a.status, a.body)
	}
	return got.ID
}

// evidenceMatrix is what each role may do with a set that it sees. An operation without an entry fails the test.
var evidenceMatrix = map[string]struct {
	right access.Right
	body  string
}{
	"GET /api/v1/evidence":                      {access.Read, ""},
	"GET /api/v1/evidence/{uid}":                {access.Read, ""},
	"GET /api/v1/evidence/{uid}/items/{sha256}": {access.Read, ""},
	"POST /api/v1/evidence":                     {access.Triage, `{"why":"w","incident":"j{account}","entities":[{"type":"user","id":"alice"}]}`},
	"POST /api/v1/evidence/{uid}/files":         {access.Triage, "bytes"},
	"POST /api/v1/evidence/{uid}/verify":        {access.Triage, ""},
	"POST /api/v1/evidence/{uid}/export":        {access.Triage, `{"format":"zip","why":"w"}`},
	"POST /api/v1/evidence/{uid}/hold":          {access.Triage, `{"why":"w"}`},
	"POST /api/v1/evidence/{uid}/release":       {access.Govern, `{"why":"w"}`},
	"POST /api/v1/evidence/{uid}/delete":        {access.Govern, `{"why":"w"}`},
}

// TestEvidenceByRoleAndScope asks every operation about evidence as every role, of the set's account, of another, and of all.
func TestEvidenceByRoleAndScope(t *testing.T) {
	t.Parallel()
	s := withEvidence(t)
	d, _ := s.described()
	id := s.captureOf(own)
	for path, operations := range d.Paths {
		for method := range operations {
			name := strings.ToUpper(method) + " " + path
			if !strings.HasPrefix(path, "/api/v1/evidence") {
				continue
			}
			m, is := evidenceMatrix[name]
			if !is {
				t.Errorf("%s has no entry in the matrix", name)
				continue
			}
			for _, role := range access.Roles() {
				for _, of := range []string{" all", " own", " foreign"} {
					s.evidenceAsked(id, name, m.right, m.body, role, of)
				}
			}
			if a := s.ask(strings.ToUpper(method), path, "", nil); a.status != 401 {
				t.Errorf("%s without a token: %d", name, a.status)
			}
		}
	}
}

func (s *site) evidenceAsked(id, name string, right access.Right, body string, role access.Role, of string) {
	s.t.Helper()
	if strings.HasSuffix(name, "/delete") {
		id = s.captureOf(own)
	}
	list, err := s.server.Evidence.Set(s.t.Context(), access.Everything(), evidence.By{Name: "test"}, id)
	if err != nil {
		s.t.Fatal(err)
	}
	method, path, _ := strings.Cut(name, " ")
	asked := strings.NewReplacer("{uid}", id, "{sha256}", list.Manifests[0].Manifest.Items[0].SHA256.String()).Replace(path)
	kind := "application/json"
	if body == "bytes" {
		asked, kind = asked+"?name=n&why=w", "application/octet-stream"
	}
	a := s.ask(method, asked, s.tokens[string(role)+of], strings.NewReader(strings.ReplaceAll(body, "{account}", own)), "Content-Type", kind)
	want := []int{200, 204}
	switch {
	case !role.May(right):
		want = []int{403}
	case of == " foreign" && path != "/api/v1/evidence" || of == " foreign" && method == "POST":
		want = []int{404}
	}
	if !slices.Contains(want, a.status) {
		s.t.Errorf("%s as %s%s: %d, not %d: %s", name, role, of, a.status, want, a.body)
	}
	if of == " foreign" && strings.Contains(a.body, id) {
		s.t.Errorf("%s as %s%s tells of the set: %s", name, role, of, a.body)
	}
}

func TestEvidenceOverHTTP(t *testing.T) {
	t.Parallel()
	s := withEvidence(t)
	id := s.captureOf(own)
	ask := func(method, path, body string, want int) answered {
		t.Helper()
		a := s.ask(method, "/api/v1/evidence/"+path, s.tokens["admin all"], strings.NewReader(body), "Content-Type", "application/json")
		if a.status != want {
			t.Fatalf("%s %s: %d: %s", method, path, a.status, a.body)
		}
		return a
	}
	var d evidence.Detail
	if err := json.Unmarshal([]byte(ask("GET", id, "", 200).body), &d); err != nil {
		t.Fatal(err)
	}
	m := d.Manifests[0].Manifest
	if !d.Sealed || len(m.Items) != 2 || m.Items[1].Kind != evidence.KindIncident || m.Items[0].Event == nil || m.Items[0].Event.OCSF == nil || len(m.Notes) != 2 || d.Title != "alice </script>" {
		t.Errorf("%+v", m)
	}
	a := ask("GET", id+"/items/"+m.Items[0].SHA256.String(), "", 200)
	if a.body != event("e"+own) || a.header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%v %s", a.header, a.body)
	}
	ask("POST", id+"/hold", `{"why":"matter 17"}`, 204)
	ask("POST", id+"/delete", `{"why":"old"}`, 409)
	ask("POST", id+"/export", `{"format":"pdf","why":"court"}`, 422)
	ask("POST", id+"/export", `{"format":"zip","why":" "}`, 422)
	ask("GET", "none", "", 404)
	for _, form := range []string{"zip", "html"} {
		a := ask("POST", id+"/export", `{"format":"`+form+`","why":"court"}`, 200)
		file := filepath.Join(t.TempDir(), "e."+form)
		if err := os.WriteFile(file, []byte(a.body), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := evidence.VerifyFile(file, s.key); err != nil || !r.Clean() || r.Items != 2 {
			t.Errorf("%s: %+v, %v", form, r, err)
		}
		if _, err := zip.NewReader(bytes.NewReader([]byte(a.body)), int64(len(a.body))); (err == nil) != (form == "zip") {
			t.Error(err)
		}
	}
	ask("POST", id+"/release", `{"why":"closed"}`, 204)
	ask("POST", id+"/delete", `{"why":"old"}`, 204)
	if a := ask("GET", "../evidence?incident=j"+own, "", 200); strings.Contains(a.body, id) {
		t.Error("a deleted set is listed")
	}
}
