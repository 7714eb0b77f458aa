package snapshot

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// Encoder writes values one after the other. An error of the file shows when it is closed.
type Encoder struct {
	w   *bufio.Writer
	few [binary.MaxVarintLen64]byte
}

// Int writes a number.
func (e *Encoder) Int(n int64) {
	_, _ = e.w.Write(binary.AppendVarint(e.few[:0], n)) // its error is that of Flush
}

// Len writes how many there are of what follows.
func (e *Encoder) Len(n int) { e.Int(int64(n)) }

// Bool writes yes or no.
func (e *Encoder) Bool(b bool) {
	n := int64(0)
	if b {
		n = 1
	}
	e.Int(n)
}

// Bytes writes bytes.
func (e *Encoder) Bytes(b []byte) {
	e.Len(len(b))
	_, _ = e.w.Write(b) // likewise
}

// Text writes a text.
func (e *Encoder) Text(s string) {
	e.Len(len(s))
	_, _ = e.w.WriteString(s) // likewise
}

// Decoder reads values in the order in which they were written. After the first error it gives zero values.
type Decoder struct {
	r    *bufio.Reader
	left int64 // bytes that there can be at most
	err  error
}

var errLong = errors.New("a length is more than the file has")

// Int reads a number.
func (d *Decoder) Int() int64 {
	if d.err != nil {
		return 0
	}
	n, err := binary.ReadVarint(d.r)
	if err != nil {
		d.err = err
		return 0
	}
	return n
}

// Len reads how many there are of what follows; each takes at least a byte.
func (d *Decoder) Len() int {
	n := d.Int()
	if d.err == nil && (n < 0 || n > d.left) {
		d.err = errLong
	}
	if d.err != nil {
		return 0
	}
	return int(n)
}

// Bool reads yes or no.
func (d *Decoder) Bool() bool { return d.Int() == 1 }

// Bytes reads bytes, which are the caller's own.
func (d *Decoder) Bytes() []byte {
	b := make([]byte, d.Len())
	if d.err == nil {
		_, d.err = io.ReadFull(d.r, b)
	}
	return b
}

// Fill reads bytes into b, whose length is known.
func (d *Decoder) Fill(b []byte) {
	if got := d.Bytes(); len(got) == len(b) {
		copy(b, got)
	} else if d.err == nil {
		d.err = errLong
	}
}

// Text reads a text.
func (d *Decoder) Text() string { return string(d.Bytes()) }

// Err is the first error.
func (d *Decoder) Err() error { return d.err }
