package collect

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
)

// headSize is how much of a stream tells what it is: a tar shows itself in its first block.
const headSize = 512

// form is what a stream proves to be.
type form struct {
	name  string
	magic string
	open  func(*opening, layer) error // nil: known, not supported
}

// forms are told by their first bytes. The sources are the specifications of each: RFC 1952 (gzip), RFC 8878 (zstd),
// APPNOTE.TXT (zip), and the magic lines of file(1) for the others.
func forms() []form {
	return []form{
		{"gzip", "\x1f\x8b", (*opening).gzip},
		{"zstd", "\x28\xb5\x2f\xfd", (*opening).zstd},
		{"zip", "PK\x03\x04", (*opening).zip},
		{"zip", "PK\x05\x06", (*opening).zip}, // without members
		{"bzip2", "BZh", (*opening).bzip2},
		{"xz", "\xfd7zXZ\x00", nil},
		{"7z", "7z\xbc\xaf\x27\x1c", nil},
		{"rar", "Rar!\x1a\x07", nil},
		{"lz4", "\x04\x22\x4d\x18", nil},
		{"compress (.Z)", "\x1f\x9d", nil},
		{"snappy", "\xff\x06\x00\x00sNaPpY", nil},
	}
}

// recognise tells the form of a stream by its head; ok is false for what is content.
func recognise(head []byte) (f form, ok bool) {
	if len(head) < 2 || head[0] == '{' || head[0] == '[' {
		return form{}, false
	}
	for _, f := range forms() {
		if bytes.HasPrefix(head, []byte(f.magic)) && (f.name != "bzip2" || isBzip2(head)) {
			return f, true
		}
	}
	if isZstdSkippable(head) {
		return form{name: "zstd", open: (*opening).zstd}, true
	}
	if isTar(head) {
		return form{name: "tar", open: (*opening).tar}, true
	}
	return form{}, false
}

// isBzip2 looks past the magic, which is text: a block size and the first block's own magic, or that of the end.
func isBzip2(head []byte) bool {
	return len(head) >= 10 && head[3] >= '1' && head[3] <= '9' &&
		(string(head[4:10]) == "\x31\x41\x59\x26\x53\x59" || string(head[4:10]) == "\x17\x72\x45\x38\x50\x90")
}

// isZstdSkippable tells a skippable frame (RFC 8878, 3.1.2), as pzstd writes one first.
func isZstdSkippable(head []byte) bool {
	return len(head) >= 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18"
}

// isTar checks the sum of the first header, which old archives without a magic have too.
func isTar(head []byte) bool {
	if len(head) < 512 || head[0] == 0 {
		return false
	}
	want, err := strconv.ParseInt(strings.Trim(string(head[148:156]), " \x00"), 8, 32)
	if err != nil {
		return false
	}
	sum := int64(8 * ' ')
	for i, b := range head[:512] {
		if i < 148 || i >= 156 {
			sum += int64(b)
		}
	}
	return sum == want
}

// open goes into what a stream proves to be, down to its members.
func (o *opening) open(l layer) error {
	head, err := l.in.Peek(headSize)
	if len(head) == 0 && err != nil && !errors.Is(err, io.EOF) {
		return o.stopped(l)
	}
	f, ok := recognise(head)
	switch {
	case !ok:
		return o.give(l)
	case f.open == nil:
		_ = o.report(l.name, l.from.offset(), ReasonUnsupported, f.name+": unpack it first")
		return nil
	case l.depth >= o.limits.Depth:
		_ = o.report(l.name, l.from.offset(), ReasonNested, "more than "+strconv.Itoa(o.limits.Depth)+" layers of compression and archives")
		return nil
	}
	return f.open(o, l)
}

// stopped is what follows from a stream that failed: nothing, unless all must end.
func (o *opening) stopped(l layer) error {
	var reported *Problem
	if cause := l.below.failure(); cause != nil && !errors.As(cause, &reported) {
		return cause
	}
	return nil
}

// inner opens what a decoder gives. The name stays: compression adds no level to it.
func (o *opening) inner(l layer, name string, g *guard) error {
	in := o.reader.stores.buffer(g)
	defer o.reader.stores.giveBack(in)
	return o.open(layer{name: name, in: in, from: l.from, below: g, depth: l.depth + 1})
}
