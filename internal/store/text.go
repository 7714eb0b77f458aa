package store

import (
	"strings"
	"unicode/utf8"
)

// Text makes what came from outside fit for a column of text: valid UTF-8, without the character 0, which PostgreSQL refuses, and of at
// most so many bytes. It cuts between runes; 0 bytes means without a bound.
func Text(s string, maxBytes int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if maxBytes <= 0 || len(s) <= maxBytes {
		return s
	}
	for maxBytes > 0 && !utf8.RuneStart(s[maxBytes]) {
		maxBytes--
	}
	return s[:maxBytes]
}
