package app

import (
	"fmt"
	"os"
	"testing"

	"github.com/tocsin-security/tocsin/internal/lake/duck"
)

func TestMain(m *testing.M) {
	if os.Getenv("TOCSIN_QUERY_CHILD") != "" { // duck.Ask starts this binary
		if err := duck.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if dir := os.Getenv(killedChild); dir != "" {
		serveUntilKilled(dir)
	}
	if spec := os.Getenv(backupChild); spec != "" {
		backUpUntilKilled(spec)
	}
	if dir := os.Getenv(replayChild); dir != "" {
		compareUntilKilled(dir)
	}
	if spec := os.Getenv(loadChild); spec != "" {
		pushUntilDone(spec)
	}
	os.Exit(m.Run())
}
