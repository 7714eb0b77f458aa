package collect

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLabel bounds the bytes of one name in a label: a tar may name a member with a megabyte.
const maxLabel = 1024

// label makes a name printable: what a terminal, a page or a reader could take for something else (control and
// reordering characters, bytes that are no UTF-8) is written as an escape. Names are shown and never opened again, so nothing
// depends on the way back.
func label(name string) string {
	if len(name) <= maxLabel && isPlain(name) {
		return name
	}
	var b strings.Builder
	for i, r := range name {
		if b.Len() >= maxLabel {
			b.WriteString("…")
			break
		}
		switch {
		case r == utf8.RuneError && name[i] != "\uFFFD"[0]:
			b.WriteString(`\x` + strconv.FormatUint(uint64(name[i])|0x100, 16)[1:])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

func isPlain(name string) bool {
	for i := range len(name) {
		if name[i] < 0x20 || name[i] >= 0x7f {
			return false
		}
	}
	return true
}
