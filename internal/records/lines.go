package records

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Lines cuts a stream of text into lines. It has one owner.
type Lines struct {
	src   *bufio.Reader
	limit int
	at    int64
	long  []byte // a line that the buffer cannot hold
}

// NewLines returns a Lines over r.
func NewLines(r *bufio.Reader, limits Limits) *Lines {
	if limits.Record <= 0 {
		limits.Record = DefaultRecord
	}
	return &Lines{src: r, limit: limits.Record}
}

// Next returns the next line without its end, valid until the call after, and its offset. At the end it returns io.EOF; a
// *Fault is not the end: call again. A last line without an end is a line.
func (l *Lines) Next() (line []byte, offset int64, err error) {
	offset = l.at
	line, err = l.src.ReadSlice('\n')
	l.at += int64(len(line))
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = l.rest(line)
	}
	if err != nil {
		var fault *Fault
		switch {
		case errors.As(err, &fault):
			fault.Offset = offset
			return nil, offset, fault
		case !errors.Is(err, io.EOF), len(line) == 0:
			return nil, offset, err
		}
	}
	return bytes.TrimRight(line, "\r\n"), offset, nil
}

// rest reads on in a line that is longer than the buffer, up to the limit.
func (l *Lines) rest(begin []byte) ([]byte, error) {
	l.long = append(l.long[:0], begin...)
	size := len(begin)
	for {
		more, err := l.src.ReadSlice('\n')
		l.at += int64(len(more))
		if size += len(more); size <= l.limit {
			l.long = append(l.long, more...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case size > l.limit && (err == nil || errors.Is(err, io.EOF)):
			return nil, &Fault{Reason: ReasonTooLong, Detail: fmt.Sprintf("a line of %d bytes (limit %d)", size, l.limit)}
		default:
			return l.long, err
		}
	}
}
