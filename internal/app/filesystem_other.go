//go:build !linux

package app

func fileSystem(string) string { return "a local file system" }

func freeBytes(string) (free int64, ok bool) { return 0, false }
