package ocsf

import (
	"bytes"
	"slices"
)

// maxSniffed is how many objects of a stream's beginning Sniff looks at.
const maxSniffed = 16

// Sniff calls yield with the names of the outermost members of each of the first JSON objects in head, as far as head
// goes, until yield returns true, and reports whether it did. Formats recognise themselves by these names: unlike any text deeper
// in, they are not in the hand of whoever caused the record. Names that hold escapes are left out.
func Sniff(head []byte, yield func(names [][]byte) bool) bool {
	for range maxSniffed {
		start := bytes.IndexByte(head, '{')
		if start < 0 {
			return false
		}
		head = head[start:]
		names, size := outermost(head)
		if yield(names) {
			return true
		}
		if size == 0 {
			return false
		}
		head = head[size:]
	}
	return false
}

// outermost lists the member names of the object at b[0] and returns its size, 0 where b ends before it does.
func outermost(b []byte) (names [][]byte, size int) {
	depth, named := 0, false
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			end := stringEnd(b, i+1)
			if end < 0 {
				return names, 0
			}
			if name := b[i+1 : end]; depth == 1 && !named && bytes.IndexByte(name, '\\') < 0 {
				names = append(names, name)
			}
			i = end
		case ':':
			named = named || depth == 1
		case ',':
			named = named && depth != 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return names, i + 1
			}
		}
	}
	return names, 0
}

// stringEnd returns the index of the quote that ends the string whose text begins at i, or -1.
func stringEnd(b []byte, i int) int {
	for ; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// packs are the members that hold a record as text, or records in an array, for Peel.
var packs = [...]string{"Message", "message", "body", "Body", "invokingEvent", "Records", "logEvents", "Findings", "findings", "configurationItems", "items"}

// Peel takes the envelopes off the beginning of a stream as far as it shows and returns what the first of them holds: the text of a
// notification, the first item of a list. What is no envelope comes back as it is. A format that is delivered in envelopes
// recognises itself in what is left.
func Peel(head []byte) []byte {
	for range maxWraps {
		inner := peel(head)
		if inner == nil {
			break
		}
		head = inner
	}
	return head
}

func peel(head []byte) []byte {
	start := bytes.IndexByte(head, '{')
	if start < 0 {
		return nil
	}
	var values [len(packs)][]byte
	membersAt(head[start:], packs[:], values[:])
	for _, value := range values {
		value = bytes.TrimLeft(value, " \t\r\n")
		switch {
		case len(value) == 0:
		case value[0] == '[' && bytes.HasPrefix(bytes.TrimLeft(value[1:], " \t\r\n"), []byte("{")):
			return value[1:]
		case value[0] == '"':
			if text := unquoted(value[1:]); bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
				return text
			}
		}
	}
	return nil
}

// memberAt returns what follows the colon of a member of the object at b[0], its value and all after it; nil where the
// object has none as far as b shows.
func memberAt(b []byte, name string) []byte {
	var value [1][]byte
	membersAt(b, []string{name}, value[:])
	return value[0]
}

// membersAt does so for several members in one pass; values are in the order of names, and nil before.
func membersAt(b []byte, names []string, values [][]byte) {
	depth, named, left := 0, false, len(names)
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			end := stringEnd(b, i+1)
			if end < 0 {
				return
			}
			if depth == 1 && !named {
				if at := slices.Index(names, string(b[i+1:end])); at >= 0 && values[at] == nil {
					values[at] = afterColon(b[end+1:])
					if left--; left == 0 {
						return
					}
				}
			}
			i = end
		case ':':
			named = named || depth == 1
		case ',':
			named = named && depth != 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return
			}
		}
	}
}

// afterColon is what follows the colon that b begins with, nil where it begins with none.
func afterColon(b []byte) []byte {
	rest := bytes.TrimLeft(b, " \t\r\n")
	if len(rest) == 0 || rest[0] != ':' {
		return nil
	}
	return rest[1:]
}

// unquoted undoes the escapes of JSON text up to its end or the end of b; \u and the like stay as they are, which is enough to
// see the names of members.
func unquoted(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b) && b[i] != '"'; i++ {
		if b[i] == '\\' && i+1 < len(b) && (b[i+1] == '"' || b[i+1] == '\\' || b[i+1] == '/') {
			i++
		}
		out = append(out, b[i])
	}
	return out
}

// DetailType is the detail-type of the EventBridge event that a stream begins with, "" where it begins with none.
func DetailType(head []byte) string {
	if start := bytes.IndexByte(head, '{'); start < 0 || memberAt(head[start:], "detail") == nil {
		return ""
	}
	return TextAt(head, "detail-type")
}

// TextAt is the text of a member of the object that a stream begins with, "" where it has none as far as head shows.
func TextAt(head []byte, name string) string {
	start := bytes.IndexByte(head, '{')
	if start < 0 {
		return ""
	}
	value := bytes.TrimLeft(memberAt(head[start:], name), " \t\r\n")
	if len(value) == 0 || value[0] != '"' {
		return ""
	}
	return string(unquoted(value[1:]))
}
