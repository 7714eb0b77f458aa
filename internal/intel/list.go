package intel

import "strings"

// list reads one indicator a line. A line may carry more after it (a count, a comment); that is passed over.
func (r *Reading) list(raw []byte) error {
	want, err := ParseKind(r.feed.Kind)
	if err != nil {
		return err
	}
	n := 0
	for line := range strings.Lines(string(raw)) {
		n++
		text := entryOf(line)
		if text != "" {
			r.add(n, text, want, r.plain())
		}
	}
	return nil
}

// entryOf takes the indicator out of a line, "" where there is none.
func entryOf(line string) string {
	line = strings.TrimSpace(line)
	for _, comment := range []string{"#", ";", "//", "!"} {
		if strings.HasPrefix(line, comment) {
			return ""
		}
	}
	for _, comment := range []string{" #", "\t#", " ;", "\t;", " //"} {
		line, _, _ = strings.Cut(line, comment)
	}
	if from, to, ok := strings.Cut(line, " - "); ok { // a range
		return strings.TrimSpace(from) + "-" + strings.TrimSpace(to)
	}
	fields := strings.FieldsFunc(strings.ReplaceAll(line, " dot ", "[dot]"), func(c rune) bool { return c == ' ' || c == '\t' || c == ',' })
	if len(fields) == 0 {
		return ""
	}
	if len(fields) > 1 && (fields[0] == "0.0.0.0" || fields[0] == "127.0.0.1") { // a hosts file
		return fields[1]
	}
	return fields[0]
}
