package collect

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
)

// salvage reads the members of a zip without a directory, one after the other from its beginning, as far as it goes.
func (o *opening) salvage(l layer) error {
	src := &origin{o: o, name: l.name, src: io.NewSectionReader(l.at, 0, l.size), size: l.size, onDisk: l.depth == 0}
	src.buf = o.reader.stores.buffer(src)
	defer o.reader.stores.giveBack(src.buf)
	for {
		offset := src.offset()
		e, ok := readLocal(src.buf)
		if !ok {
			return o.ctx.Err()
		}
		e.offset = offset
		if err := o.another(l.name, offset); err != nil {
			return err
		}
		goesOn, err := o.salvageMember(layer{name: l.name + "!" + label(e.name), in: src.buf, from: src, below: src, depth: l.depth}, e)
		if err != nil || !goesOn {
			return err
		}
	}
}

// salvageMember reads one member and leaves the stream behind it.
func (o *opening) salvageMember(l layer, e *zipEntry) (goesOn bool, err error) {
	streamed := e.flags&zipStreamed != 0
	switch {
	case e.flags&zipEncrypted != 0:
		_ = o.report(l.name, e.offset, ReasonEncrypted, "unpack it first, with its password")
		return !streamed && skip(l.in, e.packed), nil
	case e.method != 8 && streamed:
		_ = o.report(l.name, e.offset, "truncated zip", "without the directory nothing says where this member ends; neither it nor what follows is read")
		return false, nil
	case e.method != 8 && e.method != 0:
		_ = o.report(l.name, e.offset, ReasonUnsupported, "a compression method other than deflate, in a zip without directory")
		return skip(l.in, e.packed), nil
	}
	g := &drained{}
	if err := o.unzipWhole(l, e, !streamed, g); err != nil {
		return false, err
	}
	return g.whole && (!streamed || skipDescriptor(l.in)), o.ctx.Err()
}

// drained tells whether a member was read to its end.
type drained struct{ whole bool }

// unzipWhole is unzip, and reads what the caller left, so that the next member can be found.
func (o *opening) unzipWhole(l layer, e *zipEntry, sumKnown bool, d *drained) error {
	var src io.Reader
	if e.method == 0 {
		src = io.LimitReader(l.in, e.packed)
	} else {
		z, giveBack := o.reader.stores.inflate(l.in)
		defer giveBack()
		src = z
	}
	if sumKnown {
		src = &checked{src: src, crc: e.crc, size: e.unpacked}
	}
	g := o.guarded(l, l.name, "zip", src, true)
	if err := o.inner(l, l.name, g); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, g)
	d.whole = err == nil
	if err != nil {
		return o.stopped(layer{below: g})
	}
	return nil
}

// readLocal reads the header that stands before a member.
func readLocal(r *bufio.Reader) (*zipEntry, bool) {
	var h [zipLocalSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, false
	}
	le := binary.LittleEndian
	if le.Uint32(h[:]) != zipLocal {
		return nil, false
	}
	e := &zipEntry{flags: le.Uint16(h[6:]), method: le.Uint16(h[8:]), crc: le.Uint32(h[14:]), packed: int64(le.Uint32(h[18:])), unpacked: int64(le.Uint32(h[22:]))}
	rest := make([]byte, int(le.Uint16(h[26:]))+int(le.Uint16(h[28:])))
	if _, err := io.ReadFull(r, rest); err != nil {
		return nil, false
	}
	nameLen := int(le.Uint16(h[26:]))
	e.name = string(rest[:nameLen])
	e.widen(rest[nameLen:])
	return e, e.packed >= 0 && e.unpacked >= 0
}

func skip(r *bufio.Reader, n int64) bool {
	_, err := io.CopyN(io.Discard, r, n)
	return err == nil
}

// skipDescriptor passes over the sizes that follow streamed data (section 4.3.9): with or without a mark, in two widths.
// What stands behind tells which.
func skipDescriptor(r *bufio.Reader) bool {
	lengths := []int{12, 20}
	if head, _ := r.Peek(4); bytes.Equal(head, binary.LittleEndian.AppendUint32(nil, zipDescriptor)) {
		lengths = []int{16, 24}
	}
	for _, n := range lengths {
		head, _ := r.Peek(n + 4)
		if len(head) == n+4 && (bytes.HasSuffix(head, []byte("PK\x03\x04")) || bytes.HasSuffix(head, []byte("PK\x01\x02"))) {
			_, err := r.Discard(n)
			return err == nil
		}
	}
	return false
}
