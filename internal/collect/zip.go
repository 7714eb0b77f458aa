package collect

import (
	"bufio"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// zip opens the members of a zip in the order of its directory. It reads the directory entry by entry, as one of a
// million entries would not fit in memory. A zip within another archive is kept first, as its directory stands at its end.
func (o *opening) zip(l layer) error {
	if l.at == nil {
		k := &keep{}
		defer k.Close() //nolint:errcheck // temporary
		if err := o.keepNested(l, k); err != nil {
			return err
		}
		l.at, l.size = k, k.size
	}
	dir, err := findDirectory(l.at, l.size)
	if err != nil {
		if l.below.failure() == nil { // else the cause is told
			_ = o.report(l.name, l.size, "truncated zip", err.Error()+"; members before the break are read")
		}
		return o.salvage(l)
	}
	entries := bufio.NewReaderSize(io.NewSectionReader(l.at, dir.base+dir.offset, dir.size), 64<<10)
	for listed := uint64(0); ; listed++ {
		if err := o.ctx.Err(); err != nil {
			return err
		}
		e, err := readEntry(entries)
		if errors.Is(err, io.EOF) && listed&0xffff >= dir.entries&0xffff { // writers without zip64 keep the low bits only
			return nil
		}
		if err != nil {
			_ = o.report(l.name, dir.base+dir.offset, "corrupt zip", "its directory breaks off after "+decimal(int64(listed))+" members, which are read") //nolint:gosec // at most the file's size
			return nil
		}
		if e.isFolder() {
			continue
		}
		e.offset += dir.base
		if err := o.another(l.name, e.offset); err != nil {
			return err
		}
		if err := o.zipMember(l, e); err != nil {
			return err
		}
	}
}

// keepNested copies a zip out of the archive around it.
func (o *opening) keepNested(l layer, k *keep) error {
	_, err := io.Copy(k, io.LimitReader(l.in, o.limits.Nested))
	var reported *Problem
	switch {
	case k.failed != nil:
		_ = o.report(l.name, l.from.offset(), ReasonKeep, "a zip within an archive must be kept (TMPDIR says where): "+plain(k.failed))
	case errors.As(err, &reported): // what came before the break may hold members
	case err != nil:
		return err
	case k.size == o.limits.Nested:
		_ = o.report(l.name, l.from.offset(), ReasonKeep, "a zip within an archive has more than "+decimal(o.limits.Nested)+" bytes")
	}
	return o.ctx.Err()
}

// zipMember opens one member by its directory entry.
func (o *opening) zipMember(l layer, e *zipEntry) error {
	name := l.name + "!" + label(e.name)
	if e.flags&zipEncrypted != 0 {
		_ = o.report(name, e.offset, ReasonEncrypted, "unpack it first, with its password")
		return nil
	}
	var local [zipLocalSize]byte
	if _, err := l.at.ReadAt(local[:], e.offset); err != nil || binary.LittleEndian.Uint32(local[:]) != zipLocal {
		_ = o.report(name, e.offset, "corrupt zip", "no member begins where the directory says")
		return nil
	}
	start := e.offset + zipLocalSize + int64(binary.LittleEndian.Uint16(local[26:])) + int64(binary.LittleEndian.Uint16(local[28:]))
	there := min(e.packed, max(l.size-start, 0)) // a directory may promise more than the archive has
	src := &origin{o: o, name: name, src: io.NewSectionReader(l.at, start, there), base: start, size: there, onDisk: l.depth == 0}
	src.buf = o.reader.stores.buffer(src)
	defer o.reader.stores.giveBack(src.buf)
	return o.unzip(layer{name: name, in: src.buf, from: src, below: src, depth: l.depth}, e, true)
}

// unzip decodes the data of a member, which begins at l.in.
func (o *opening) unzip(l layer, e *zipEntry, sumKnown bool) error {
	var src io.Reader
	switch e.method {
	case 0:
		src = io.LimitReader(l.in, e.packed)
	case 8:
		z, giveBack := o.reader.stores.inflate(l.in)
		defer giveBack()
		src = z
	case 12:
		src = bzip2.NewReader(l.in)
	default:
		_ = o.report(l.name, l.from.offset(), ReasonUnsupported, fmt.Sprintf("zip method %d: unpack it first", e.method))
		return nil
	}
	if sumKnown {
		src = &checked{src: src, crc: e.crc, size: e.unpacked}
	}
	return o.inner(l, l.name, o.guarded(l, l.name, "zip", src, true))
}
