package store

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTextFitsEveryColumn(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "plain", "a\x00b", "\xff\xfe", "öäü", "日本語", "\U0001F600", strings.Repeat("é", 100), "\xf0\x9f"} {
		for n := range 12 {
			got := Text(s, n)
			if !utf8.ValidString(got) || strings.Contains(got, "\x00") || n > 0 && len(got) > n {
				t.Errorf("Text(%q, %d) = %q", s, n, got)
			}
		}
	}
	if got := Text("日本語", 7); got != "日本" {
		t.Errorf("it cuts at %q", got)
	}
}
