package app

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedChild); dir != "" {
		serveUntilKilled(dir)
	}
	if spec := os.Getenv(loadChild); spec != "" {
		pushUntilDone(spec)
	}
	os.Exit(m.Run())
}
