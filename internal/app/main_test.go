package app

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedChild); dir != "" {
		serveUntilKilled(dir)
	}
	os.Exit(m.Run())
}
