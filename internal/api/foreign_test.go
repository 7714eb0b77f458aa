package api

import (
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/hunt"
)

// TestAForeignAccountWithValidBodies writes what is right in itself, about what the caller does not see: it is refused as that, not as a mistake.
func TestAForeignAccountWithValidBodies(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.server.Hunts = hunt.Folder{Dir: t.TempDir()}
	theirs, mine, end := "i"+foreign, "i"+own, time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339)
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/api/v1/hunts/h/rule/accept", `{"rule":"title: x","tests":"x"}`, 403},
		{"POST", "/api/v1/rules/r/tuning/accept", `{"id":"x","owner":"ann","expires":"` + end + `"}`, 403},
		{"POST", "/api/v1/incidents/" + theirs + "/tasks", `{"title":"x"}`, 404},
		{"POST", "/api/v1/incidents/" + theirs + "/links", `{"url":"https://example.com/x","title":"x"}`, 404},
		{"POST", "/api/v1/incidents/" + theirs + "/merge", `{"incident":"` + mine + `"}`, 404},
		{"POST", "/api/v1/incidents/" + mine + "/merge", `{"incident":"` + theirs + `"}`, 404},
		{"POST", "/api/v1/incidents/" + theirs + "/split", `{"alerts":["a` + foreign + `"]}`, 404},
		{"PATCH", "/api/v1/incidents/" + theirs + "/decision", `{"status":"closed"}`, 404},
		{"PATCH", "/api/v1/alerts/a" + foreign + "/decision", `{"comment":"x"}`, 404},
	} {
		if a := s.tell(c.method, c.path, s.tokens["admin own"], c.body); a.status != c.want {
			t.Errorf("%s %s: %d, not %d: %s", c.method, c.path, a.status, c.want, a.body)
		}
	}
	for _, path := range []string{"/tasks", "/links"} { // the bodies are right
		if a := s.tell("POST", "/api/v1/incidents/"+mine+path, s.tokens["admin own"], map[string]string{"/tasks": `{"title":"x"}`, "/links": `{"url":"https://example.com/x","title":"x"}`}[path]); a.status >= 300 {
			t.Errorf("%s of one's own: %v", path, a)
		}
	}
}
