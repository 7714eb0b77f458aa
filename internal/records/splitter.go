package records

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Limits bound one record. The zero value takes the defaults.
type Limits struct {
	Record int // bytes of one record; default DefaultRecord
	Depth  int // nesting of one record; default DefaultDepth
}

// The defaults. CloudTrail's own cap for one record is 256 KB (1 MB with large fields), its nesting below 20.
const (
	DefaultRecord = 8 << 20
	DefaultDepth  = 256
)

// Fault is a stretch of the stream that holds no record. Reason is short and stable, so that faults can be grouped.
type Fault struct {
	Offset int64
	Reason string
	Detail string
}

// Error gives place, reason and detail.
func (f *Fault) Error() string { return fmt.Sprintf("byte %d: %s: %s", f.Offset, f.Reason, f.Detail) }

// The reasons of a Fault.
const (
	ReasonTruncated = "cut off inside a record"
	ReasonTooLong   = "record too long"
	ReasonTooDeep   = "record nested too deep"
	ReasonNotJSON   = "not JSON"
)

// Splitter reads records from a stream. It has one owner.
type Splitter struct {
	src       io.Reader
	arrays    []string // members whose array holds the records
	limits    Limits
	buf       []byte
	pos, end  int
	base      int64 // offset of buf[0] in the stream
	srcErr    error
	depthKind []byte // open containers around records: '{' or '['
	lineAt    int64  // offset of a line break before "{", or -1
	searched  int64  // how far it was searched for
}

// New returns a Splitter over r. arrays names the members of a top-level object whose array holds the records.
func New(r io.Reader, limits Limits, arrays ...string) *Splitter {
	s := &Splitter{}
	s.Reset(r, limits, arrays...)
	return s
}

// Reset starts over with another stream, keeping the buffer.
func (s *Splitter) Reset(r io.Reader, limits Limits, arrays ...string) {
	if limits.Record <= 0 {
		limits.Record = DefaultRecord
	}
	if limits.Depth <= 0 {
		limits.Depth = DefaultDepth
	}
	if s.buf == nil {
		s.buf = make([]byte, 128<<10)
	}
	*s = Splitter{src: r, arrays: arrays, limits: limits, buf: s.buf, depthKind: s.depthKind[:0], lineAt: -1}
}

// Next returns the next record, valid until the call after, and its offset. At the end it returns io.EOF; a *Fault
// is not the end: call again. Any other error is the source's own.
func (s *Splitter) Next() (raw []byte, offset int64, err error) {
	for {
		c, err := s.skipSpace()
		if err != nil {
			return nil, 0, s.atEnd(err)
		}
		inArray := len(s.depthKind) > 0 && s.depthKind[len(s.depthKind)-1] == '['
		inObject := len(s.depthKind) > 0 && !inArray
		switch {
		case inObject && c == '}', inArray && c == ']':
			s.pos++
			s.depthKind = s.depthKind[:len(s.depthKind)-1]
		case inObject && c == '"':
			if err := s.member(); err != nil {
				return nil, 0, err
			}
		case c == ',' || c == 0x1e:
			s.pos++
		case !inObject && c == '{':
			if len(s.depthKind) == 0 && s.opensEnvelope() {
				s.pos++
				s.depthKind = append(s.depthKind, '{')
				continue
			}
			return s.value()
		case inArray && isScalar(c):
			return nil, 0, s.scalar()
		case len(s.depthKind) == 0 && c == '[':
			s.pos++
			s.depthKind = append(s.depthKind, '[')
		case len(s.depthKind) == 0 && isDigit(c) && s.skipStamp():
		default:
			return nil, 0, s.garbage()
		}
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isScalar reports whether c begins a string, a number or a word.
func isScalar(c byte) bool {
	return c == '"' || c == '-' || isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// scalar passes over an item of an array of records that is none. The items after it still come.
func (s *Splitter) scalar() error {
	at, first := s.base+int64(s.pos), s.buf[s.pos]
	if first == '"' {
		if _, _, err := s.value(); err != nil {
			return err
		}
	} else {
		for s.pos < s.end || s.fill() == nil {
			if c := s.buf[s.pos]; c == ',' || c == ']' || c == '{' || c == '\n' {
				break
			}
			s.pos++
		}
	}
	return &Fault{at, ReasonNotJSON, fmt.Sprintf("an item of the list begins with %q where a record should be", first)}
}

// opensEnvelope looks ahead for an object that begins with members up to one of the arrays: {"Records":[…. Small
// members may stand before it, as in a CloudWatch Logs batch.
func (s *Splitter) opensEnvelope() bool {
	const window = 4 << 10
	s.fillTo(window)
	head := s.buf[s.pos:min(s.end, s.pos+window)]
	at := 1
	for {
		at += spaces(head[at:])
		if at >= len(head) || head[at] != '"' {
			return false
		}
		length := scanString(head[at:])
		if length < 0 {
			return false
		}
		key := head[at+1 : at+length-1]
		at += length
		at += spaces(head[at:])
		if at >= len(head) || head[at] != ':' {
			return false
		}
		at++
		at += spaces(head[at:])
		if at >= len(head) {
			return false
		}
		if head[at] == '[' && s.isArray(key) {
			return true
		}
		skipped := scanValue(head[at:])
		if skipped < 0 {
			return false
		}
		at += skipped
		at += spaces(head[at:])
		if at >= len(head) || head[at] != ',' {
			return false
		}
		at++
	}
}

func (s *Splitter) isArray(key []byte) bool {
	for _, a := range s.arrays {
		if string(key) == a {
			return true
		}
	}
	return false
}

// member reads one member of an envelope: the array of records is entered, any other value is passed over.
func (s *Splitter) member() error {
	key, _, err := s.value()
	if err != nil {
		return err
	}
	isRecords := s.isArray(bytes.Trim(key, `"`))
	c, err := s.skipSpace()
	if err != nil || c != ':' {
		return s.garbage()
	}
	s.pos++
	c, err = s.skipSpace()
	switch {
	case err != nil:
		return s.garbage()
	case isRecords && c == '[':
		s.pos++
		s.depthKind = append(s.depthKind, '[')
		return nil
	case c == '{' || c == '[' || c == '"':
		_, _, err = s.value()
		return err
	}
	for s.pos < s.end || s.fill() == nil {
		if c := s.buf[s.pos]; c == ',' || c == '}' {
			return nil
		}
		s.pos++
	}
	return s.garbage()
}

// skipStamp passes over the time stamp that CloudWatch exports write before each record: "2024-…Z {". It moves only
// when a record follows on the same line.
func (s *Splitter) skipStamp() bool {
	const longest = 64
	s.fillTo(longest)
	head := s.buf[s.pos:min(s.end, s.pos+longest)]
	for i, c := range head {
		switch {
		case c == '{' && i > 0:
			s.pos += i
			return true
		case !isDigit(c) && bytes.IndexByte([]byte("TZ:.+- \t"), c) < 0:
			return false
		}
	}
	return false
}

// garbage reports what is no record and moves to the next line, or to the end where there is none.
func (s *Splitter) garbage() error {
	at := s.base + int64(s.pos)
	first := byte(0)
	if s.pos < s.end {
		first = s.buf[s.pos]
	}
	s.toNextLine()
	return &Fault{at, ReasonNotJSON, fmt.Sprintf("a record cannot begin with %q; skipped to the next line", first)}
}

func (s *Splitter) toNextLine() {
	for {
		if i := bytes.IndexByte(s.buf[s.pos:s.end], '\n'); i >= 0 {
			s.pos += i + 1
			return
		}
		s.pos = s.end
		if s.fill() != nil {
			return
		}
	}
}

// atEnd says whether the end came inside a container.
func (s *Splitter) atEnd(err error) error {
	if errors.Is(err, io.EOF) && len(s.depthKind) > 0 {
		s.depthKind = s.depthKind[:0]
		return &Fault{s.base + int64(s.pos), ReasonTruncated, "the list of records has no end"}
	}
	return err
}
