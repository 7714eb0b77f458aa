//go:build !linux

package source

import "testing"

func giveUpRights(*testing.T, int) {}
