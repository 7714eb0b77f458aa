package api

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestContract lets schemathesis make requests of all kinds out of the OpenAPI document, as every role: none may be answered with a fault
// of ours (5xx), and each answer is one that the document describes.
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
	s := newSite(t, nil)
	for who, how := range map[string][]string{
		"owner": {"examples,coverage,fuzzing", "10", "20"}, "engineer own": {"fuzzing", "1", "3"}, "responder own": {"fuzzing", "1", "3"}, "analyst own": {"fuzzing", "1", "3"}, "viewer own": {"fuzzing", "1", "3"},
	} {
		t.Run(who, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			c := exec.CommandContext(ctx, program, "run", s.URL+"/openapi.json", "-H", "Authorization: Bearer "+s.tokens[who], "--phases", how[0],
				"--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance", "--max-examples", how[1], "--max-time", how[2], "--seed", "1", "--no-color", "--generation-database", "none")
			c.Dir = t.TempDir()
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s\nlog: %s", err, out, s.log.b.String())
			}
		})
	}
}
