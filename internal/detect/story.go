package detect

import (
	"fmt"
	"strings"
)

// story is a rule's sentence, compiled: text with placeholders.
type story struct{ parts []storyPart }

// storyPart is text, or a placeholder {path|name|or:TEXT}.
type storyPart struct {
	text  string // literal, or the fallback of a placeholder
	path  string // field path or special name; "" for a literal
	short bool   // |name: the last part of an ARN or path
}

// notRecorded stands for a field that the record does not have.
const notRecorded = "(not recorded)"

// compileStory reads a story template. It fails with the column of what is wrong.
func compileStory(template string) (story, error) {
	var s story
	rest := template
	for rest != "" {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			s.parts = append(s.parts, storyPart{text: rest})
			break
		}
		if open > 0 {
			s.parts = append(s.parts, storyPart{text: rest[:open]})
		}
		length := strings.IndexByte(rest[open:], '}')
		if length < 0 {
			return story{}, fmt.Errorf("story: the { at column %d has no }", len(template)-len(rest)+open+1)
		}
		part, err := compilePlaceholder(rest[open+1 : open+length])
		if err != nil {
			return story{}, fmt.Errorf("story: column %d: %w", len(template)-len(rest)+open+1, err)
		}
		s.parts = append(s.parts, part)
		rest = rest[open+length+1:]
	}
	return s, nil
}

func compilePlaceholder(inside string) (storyPart, error) {
	fields := strings.Split(inside, "|")
	p := storyPart{path: strings.TrimSpace(fields[0]), text: notRecorded}
	if p.path == "" {
		return p, fmt.Errorf("{%s} names no field", inside)
	}
	for _, f := range fields[1:] {
		switch text, isOr := strings.CutPrefix(f, "or:"); {
		case isOr:
			p.text = text
		case f == "name":
			p.short = true
		default:
			return p, fmt.Errorf("{%s}: %q is neither name nor or:TEXT", inside, f)
		}
	}
	return p, nil
}

// maxStoryValue bounds what one field may put into a sentence, in bytes.
const maxStoryValue = 160

// render fills the sentence in. text returns the values of a path, none when it is absent.
func (s story) render(text func(path string) []string) string {
	var b strings.Builder
	for _, p := range s.parts {
		if p.path == "" {
			b.WriteString(p.text)
			continue
		}
		b.WriteString(p.fill(text(p.path)))
	}
	return b.String()
}

func (p storyPart) fill(values []string) string {
	const most = 3
	if len(values) == 0 || (len(values) == 1 && values[0] == "") {
		return p.text
	}
	shown := make([]string, 0, most)
	for _, v := range values[:min(most, len(values))] {
		if p.short {
			v = lastPart(v)
		}
		shown = append(shown, shorten(v))
	}
	out := strings.Join(shown, ", ")
	if more := len(values) - most; more > 0 {
		out += fmt.Sprintf(" and %d more", more)
	}
	return out
}

// lastPart returns what follows the last slash or colon of an ARN or path.
func lastPart(v string) string {
	v = strings.TrimRight(v, "/")
	if i := strings.LastIndexAny(v, "/:"); i >= 0 {
		return v[i+1:]
	}
	return v
}

// shorten cuts at a rune border and says so.
func shorten(v string) string {
	if len(v) <= maxStoryValue {
		return v
	}
	cut := maxStoryValue
	for cut > 0 && v[cut]&0xC0 == 0x80 {
		cut--
	}
	return v[:cut] + "…"
}
