package records

import (
	"bytes"
	"fmt"
	"io"
)

// special marks the bytes that the scanner stops at outside strings.
var special = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

// value scans one object, array or string at pos and returns its bytes. A value over the limits is scanned to its
// end without being kept. Outside containers a line that begins with "{" where no value can begin ends the one before it.
func (s *Splitter) value() ([]byte, int64, error) {
	start := s.base + int64(s.pos)
	scan := scanner{}
	kept, length := true, 0
	for {
		chunk, atLine := s.line(length)
		n, done := scan.run(chunk, s.limits.Depth)
		length += n
		if done {
			break
		}
		scan.note(chunk[:n])
		if atLine && scan.cannotGoOn() {
			s.pos += length
			return nil, start, &Fault{start, ReasonTruncated, "the line ends before the record does"}
		}
		if length > s.limits.Record {
			kept = false
		}
		if !kept { // drop what was scanned, keep scanning
			s.pos += length
			length = 0
		}
		if atLine {
			s.lineAt = -1
			length++
			continue
		}
		if err := s.fill(); err != nil {
			if s.end > s.pos+length { // the last byte was kept back, see line
				continue
			}
			s.pos += length
			s.depthKind = s.depthKind[:0]
			if err == io.EOF && !kept { //nolint:errorlint // fill returns io.EOF itself
				return nil, start, &Fault{start, ReasonTooLong, fmt.Sprintf("more than %d bytes (limit for one record), and the input ends in it", s.limits.Record)}
			}
			if err != io.EOF { //nolint:errorlint // fill returns io.EOF itself
				return nil, start, err
			}
			return nil, start, &Fault{start, ReasonTruncated, "the input ends before the record does"}
		}
	}
	raw := s.buf[s.pos : s.pos+length]
	s.pos += length
	switch {
	case !kept || len(raw) > s.limits.Record:
		return nil, start, &Fault{start, ReasonTooLong, fmt.Sprintf("more than %d bytes (limit for one record)", s.limits.Record)}
	case scan.tooDeep:
		return nil, start, &Fault{start, ReasonTooDeep, fmt.Sprintf("more than %d levels (limit for one record)", s.limits.Depth)}
	case scan.mismatch:
		return nil, start, &Fault{start, ReasonNotJSON, "brackets do not match"}
	}
	return raw, start, nil
}

// line returns what is buffered from length on, up to the next line that begins with "{"; atLine says that there is one.
// Inside containers lines mean nothing.
func (s *Splitter) line(length int) (chunk []byte, atLine bool) {
	chunk = s.buf[s.pos+length : s.end]
	if len(s.depthKind) > 0 {
		return chunk, false
	}
	from := s.base + int64(s.pos+length)
	if s.lineAt < from {
		search := max(from, s.searched)
		i := bytes.Index(s.buf[search-s.base:s.end], []byte("\n{"))
		if i < 0 {
			s.searched = max(search, s.base+int64(s.end)-1) // the newline may be the last byte
			if n := len(chunk); n > 0 && chunk[n-1] == '\n' && s.srcErr == nil {
				chunk = chunk[:n-1]
			}
			return chunk, false
		}
		s.lineAt = search + int64(i)
		s.searched = s.lineAt + 1
	}
	return chunk[:s.lineAt-from], true
}

// scanner walks over one JSON value across buffer refills. Of brackets it keeps kinds up to 64 levels, to notice a
// mismatch, and only counts below.
type scanner struct {
	depth    int
	kinds    uint64 // bit d: level d is an object
	inString bool
	escaped  bool
	tooDeep  bool
	mismatch bool
	last     byte // last byte outside white space
}

// note remembers the last byte that says what may come next.
func (c *scanner) note(b []byte) {
	for i := len(b) - 1; i >= 0; i-- {
		if !isSpace(b[i]) {
			c.last = b[i]
			return
		}
	}
}

// cannotGoOn reports whether a new line with an object cannot be part of the value: JSON has no line break in a string, and
// an object only after a bracket, a colon or, in an array, a comma.
func (c *scanner) cannotGoOn() bool {
	if c.inString {
		return true
	}
	inObject := c.depth > 0 && c.depth <= 64 && c.kinds>>(c.depth-1)&1 == 1
	switch c.last {
	case '[', ':':
		return false
	case ',':
		return inObject
	}
	return true
}

// run consumes b and returns how much, and whether the value is complete.
func (c *scanner) run(b []byte, maxDepth int) (n int, done bool) {
	i := 0
	for i < len(b) {
		if c.inString {
			i += c.string(b[i:])
			if !c.inString && c.depth == 0 {
				return i, true
			}
			continue
		}
		for i < len(b) && !special[b[i]] {
			i++
		}
		if i == len(b) {
			break
		}
		ch := b[i]
		i++
		if ch == '"' {
			c.inString = true
			continue
		}
		if c.bracket(ch, maxDepth) {
			return i, true
		}
	}
	return i, false
}

// string consumes b up to the end of the string or of b.
func (c *scanner) string(b []byte) int {
	i := 0
	if c.escaped && len(b) > 0 {
		c.escaped = false
		i = 1
	}
	for i < len(b) {
		q := bytes.IndexByte(b[i:], '"')
		stretch := b[i:]
		if q >= 0 {
			stretch = b[i : i+q]
		}
		slashes := 0
		for slashes < len(stretch) && stretch[len(stretch)-1-slashes] == '\\' {
			slashes++
		}
		odd := slashes%2 == 1
		switch {
		case q < 0:
			c.escaped = odd
			return len(b)
		case !odd:
			c.inString = false
			return i + q + 1
		}
		i += q + 1
	}
	return len(b)
}

// bracket takes one bracket in and reports whether it ends the value.
func (c *scanner) bracket(ch byte, maxDepth int) bool {
	switch ch {
	case '{', '[':
		if c.depth < 64 {
			c.kinds &^= 1 << c.depth
			if ch == '{' {
				c.kinds |= 1 << c.depth
			}
		}
		c.depth++
		c.tooDeep = c.tooDeep || c.depth > maxDepth
		return false
	}
	c.depth--
	if c.depth < 64 && c.depth >= 0 && (c.kinds>>c.depth&1 == 1) != (ch == '}') {
		c.mismatch = true
	}
	return c.depth <= 0
}

// scanString returns the length of the string at b[0], or -1.
func scanString(b []byte) int {
	c := scanner{inString: true}
	n := c.string(b[1:])
	if c.inString {
		return -1
	}
	return n + 1
}

// scanValue returns the length of the value at b[0], or -1 where it does not end within b.
func scanValue(b []byte) int {
	if b[0] == '"' || b[0] == '{' || b[0] == '[' {
		var c scanner
		n, done := c.run(b, DefaultDepth)
		if !done {
			return -1
		}
		return n
	}
	if i := bytes.IndexAny(b, ",}]"); i > 0 {
		return i
	}
	return -1
}

func spaces(b []byte) int {
	i := 0
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// skipSpace moves to the next byte that is no white space (a byte order mark counts as such) and returns it.
func (s *Splitter) skipSpace() (byte, error) {
	for {
		for s.pos < s.end {
			c := s.buf[s.pos]
			if !isSpace(c) && (c != 0xEF && c != 0xBB && c != 0xBF || s.base+int64(s.pos) > 2) {
				return c, nil
			}
			s.pos++
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

// fillTo tries to have n bytes at pos.
func (s *Splitter) fillTo(n int) {
	for s.end-s.pos < n && s.fill() == nil {
	}
}

// fill reads more, moving what is unread to the front and growing the buffer where it is full.
func (s *Splitter) fill() error {
	if s.srcErr != nil {
		return s.srcErr
	}
	if s.pos > 0 && (s.pos == s.end || s.end == len(s.buf)) {
		copy(s.buf, s.buf[s.pos:s.end])
		s.base += int64(s.pos)
		s.end -= s.pos
		s.pos = 0
	}
	if s.end == len(s.buf) {
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for range 100 {
		n, err := s.src.Read(s.buf[s.end:])
		s.end += n
		if err != nil {
			s.srcErr = err
		}
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	s.srcErr = io.ErrNoProgress
	return s.srcErr
}

// Member returns the bytes of a member's value in the object raw, or nil. It looks at the outermost level only.
func Member(raw []byte, name string) []byte {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	at := 1
	for {
		for at < len(raw) && (isSpace(raw[at]) || raw[at] == ',') {
			at++
		}
		if at >= len(raw) || raw[at] != '"' {
			return nil
		}
		length := scanString(raw[at:])
		if length < 0 {
			return nil
		}
		key := raw[at+1 : at+length-1]
		at += length + spaces(raw[at+length:])
		if at >= len(raw) || raw[at] != ':' {
			return nil
		}
		at++
		at += spaces(raw[at:])
		if at >= len(raw) {
			return nil
		}
		size := scanValue(raw[at:])
		if size < 0 {
			return nil
		}
		if string(key) == name {
			return raw[at : at+size]
		}
		at += size
	}
}
