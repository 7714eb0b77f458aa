package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/evidence"
)

var update = flag.Bool("update", false, "write web/openapi.json")

// TestTheConsoleKnowsTheAPI compares the document that the console's types are made of with the one that this code serves.
func TestTheConsoleKnowsTheAPI(t *testing.T) {
	t.Parallel()
	const file = "../../web/openapi.json"
	s := &Server{ // with all parts: what is missing is not described
		Version: "dev", People: &access.People{}, Audit: &audit.Log{}, Evidence: &evidence.Store{}, Proof: &Proof{}, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/openapi.json", nil))
	served := w.Body.Bytes()
	if *update {
		var b bytes.Buffer
		if err := json.Indent(&b, served, "", " "); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(bytes.TrimSpace(b.Bytes()), '\n'), 0o644); err != nil { //nolint:gosec // a file of the sources
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := json.Unmarshal(served, &want); err != nil {
		t.Fatalf("%v: %s", err, served)
	}
	if err := json.Unmarshal(kept, &got); err != nil {
		t.Fatalf("%s: %v; make both files again with: make types", file, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s is not what the code serves; make it and the console's types again with: make types\n%.4000s", file, diff)
	}
}
