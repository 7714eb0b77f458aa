package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/hunt"
)

// TestContract lets schemathesis make requests of all kinds out of the OpenAPI document, as every role, as a source and as nobody: none may be
// answered with a fault of ours (5xx), each answer is one that the document describes, and none tells who sees one account of another.
// A few seconds for each; TOCSIN_CONTRACT=n (make contract) takes n seconds, for all accounts and for one, and follows links too.
func TestContract(t *testing.T) {
	t.Parallel()
	program, err := filepath.Abs("../../.cache/test-venv/bin/schemathesis")
	if err == nil {
		_, err = os.Stat(program)
	}
	switch {
	case err != nil && os.Getenv("CI") != "true":
		t.Skip("schemathesis is not installed; install it with: build/test-setup.sh")
	case err != nil:
		t.Fatal("schemathesis is not installed; install it with: build/test-setup.sh")
	}
	s := withEvidence(t)
	s.server.Hunts, s.server.RulesDir = hunt.Folder{Dir: filepath.Join(s.dir, "hunts")}, filepath.Join(s.dir, "rules")
	s.captureOf(own)
	s.captureOf(foreign)
	contracted := []contract{{"owner", "examples,coverage,fuzzing", "10", 15}, {"none", "fuzzing", "1", 1}, {"apps", "fuzzing", "1", 1}}
	for _, role := range access.Roles() {
		contracted = append(contracted, contract{string(role) + " own", "fuzzing", "1", 2})
	}
	if seconds, err := strconv.Atoi(os.Getenv("TOCSIN_CONTRACT")); err == nil && seconds > 0 {
		contracted = contracted[1:]
		for _, role := range access.Roles() {
			contracted = append(contracted, contract{who: string(role) + " all"})
		}
		for i := range contracted {
			contracted[i].phases, contracted[i].examples, contracted[i].seconds = "examples,coverage,fuzzing,stateful", "200", seconds
		}
	}
	for _, c := range contracted {
		t.Run(c.who, func(t *testing.T) { s.holds(t, program, c) })
	}
}

// contract is how long somebody asks, and how.
type contract struct {
	who, phases, examples string
	seconds               int
}

// holds lets schemathesis ask as somebody.
func (s *site) holds(t *testing.T, program string, c contract) {
	ear := &listener{narrow: strings.HasSuffix(c.who, " own"), next: s.Config.Handler, answers: map[int]int{}}
	front := httptest.NewServer(ear)
	defer front.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(3*c.seconds)*time.Second+3*time.Minute)
	defer cancel()
	args := []string{
		"run", front.URL + "/openapi.json", "--phases", c.phases, "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
		"--max-examples", c.examples, "--max-time", strconv.Itoa(c.seconds), "--seed", "1", "--no-color", "--generation-database", "none",
	}
	if secret := s.tokens[c.who]; secret != "" {
		args = append(args, "-H", "Authorization: Bearer "+secret)
	}
	run := exec.CommandContext(ctx, program, args...) //nolint:gosec // the program of the set-up
	run.Dir = t.TempDir()
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\nlog: %s", err, out, s.log.b.String())
	}
	ear.mu.Lock()
	defer ear.mu.Unlock()
	for _, leak := range ear.leaks {
		t.Errorf("as %s: %s", c.who, leak)
	}
	t.Logf("%s: answers by status %v", c.who, ear.answers)
}

// listener hears what is answered, and looks for what is another account's in answers to who sees one.
type listener struct {
	narrow  bool
	next    http.Handler
	mu      sync.Mutex
	answers map[int]int
	leaks   []string
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 32<<20))
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(asked))
	if strings.HasPrefix(r.URL.Path, "/api/v1/live") { // it would not end
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		r = r.WithContext(ctx)
	}
	heard := &heard{ResponseWriter: w, status: http.StatusOK}
	l.next.ServeHTTP(heard, r)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers[heard.status]++
	told := fmt.Sprint(w.Header()) + heard.body.String()
	if l.narrow && strings.Contains(told, foreign) && !strings.Contains(fmt.Sprint(r.URL, r.Header)+string(asked), foreign) && r.URL.Path != "/openapi.json" {
		l.leaks = append(l.leaks, fmt.Sprintf("%s %s %.200s tells of another account: %.500s", r.Method, r.URL, asked, told))
	}
}

// heard keeps what is answered.
type heard struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (h *heard) WriteHeader(status int) {
	h.status = status
	h.ResponseWriter.WriteHeader(status)
}

func (h *heard) Write(b []byte) (int, error) {
	h.body.Write(b)
	return h.ResponseWriter.Write(b)
}

// Unwrap lets a stream find what flushes.
func (h *heard) Unwrap() http.ResponseWriter { return h.ResponseWriter }
