package ocsf

import "bytes"

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
