package collect

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// Marks, sizes and flags of APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.16 and 4.4.4.
const (
	zipLocal         = 0x04034b50
	zipCentral       = 0x02014b50
	zipDescriptor    = 0x08074b50
	zipEnd           = 0x06054b50
	zip64End         = 0x06064b50
	zip64Locator     = 0x07064b50
	zipLocalSize     = 30
	zipCentralSize   = 46
	zipEndSize       = 22
	zip64LocatorSize = 20
	zip64EndSize     = 56
	zipEncrypted     = 1 << 0
	zipStreamed      = 1 << 3 // sizes and sum follow the data
)

// zipDirectory says where the directory of a zip lies.
type zipDirectory struct {
	base    int64 // what was put before the zip
	offset  int64
	size    int64
	entries uint64
}

var errNoDirectory = errors.New("the directory at its end is missing")

// findDirectory reads the end of a zip.
func findDirectory(at io.ReaderAt, size int64) (zipDirectory, error) {
	tail := make([]byte, min(size, zipEndSize+1<<16))
	if _, err := at.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return zipDirectory{}, err
	}
	i := findEnd(tail)
	if i < 0 {
		return zipDirectory{}, errNoDirectory
	}
	end := tail[i:]
	le := binary.LittleEndian
	d := zipDirectory{entries: uint64(le.Uint16(end[10:])), size: int64(le.Uint32(end[12:])), offset: int64(le.Uint32(end[16:]))}
	endAt := size - int64(len(tail)) + int64(i)
	if d.entries == 0xffff || d.size == 0xffffffff || d.offset == 0xffffffff {
		if wide, wideAt, ok := findWide(at, endAt); ok {
			d, endAt = wide, wideAt
		}
	}
	if d.size < 0 || d.offset < 0 || d.size > endAt || d.offset > endAt-d.size {
		return zipDirectory{}, errNoDirectory
	}
	d.base = endAt - d.size - d.offset
	var mark [4]byte
	if _, err := at.ReadAt(mark[:], d.offset); d.base > 0 && err == nil && le.Uint32(mark[:]) == zipCentral {
		d.base = 0 // something stands between directory and end instead
	}
	return d, nil
}

// findEnd returns where the end record stands in the tail of a zip, or -1. A comment may follow it.
func findEnd(tail []byte) int {
	for i := len(tail) - zipEndSize; i >= 0; i-- {
		i = bytes.LastIndex(tail[:i+4], []byte("PK\x05\x06"))
		if i < 0 {
			return -1
		}
		if int(binary.LittleEndian.Uint16(tail[i+20:]))+i+zipEndSize <= len(tail) {
			return i
		}
	}
	return -1
}

// findWide reads the end record of a zip64, which a locator before the plain end record points at.
func findWide(at io.ReaderAt, endAt int64) (d zipDirectory, wideAt int64, ok bool) {
	le := binary.LittleEndian
	var loc [zip64LocatorSize]byte
	if endAt < zip64LocatorSize {
		return d, 0, false
	}
	if _, err := at.ReadAt(loc[:], endAt-zip64LocatorSize); err != nil || le.Uint32(loc[:]) != zip64Locator {
		return d, 0, false
	}
	wideAt = int64(le.Uint64(loc[8:])) //nolint:gosec // checked below
	var end [zip64EndSize]byte
	if wideAt < 0 || wideAt > endAt {
		return d, 0, false
	}
	if _, err := at.ReadAt(end[:], wideAt); err != nil || le.Uint32(end[:]) != zip64End {
		return d, 0, false
	}
	d = zipDirectory{entries: le.Uint64(end[32:]), size: int64(le.Uint64(end[40:])), offset: int64(le.Uint64(end[48:]))} //nolint:gosec // checked by findDirectory
	return d, wideAt, true
}

// zipEntry is one member, as the directory or its own header has it.
type zipEntry struct {
	name             string
	flags, method    uint16
	crc              uint32
	packed, unpacked int64
	offset           int64 // of the local header
}

func (e *zipEntry) isFolder() bool { return strings.HasSuffix(e.name, "/") }

var errNoEntry = errors.New("no entry of a directory")

// readEntry reads the next entry of the directory; io.EOF is its end.
func readEntry(r *bufio.Reader) (*zipEntry, error) {
	var h [zipCentralSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	if le.Uint32(h[:]) != zipCentral {
		return nil, errNoEntry
	}
	e := &zipEntry{flags: le.Uint16(h[8:]), method: le.Uint16(h[10:]), crc: le.Uint32(h[16:]), packed: int64(le.Uint32(h[20:])), unpacked: int64(le.Uint32(h[24:])), offset: int64(le.Uint32(h[42:]))}
	rest := make([]byte, int(le.Uint16(h[28:]))+int(le.Uint16(h[30:])))
	if _, err := io.ReadFull(r, rest); err != nil {
		return nil, errNoEntry
	}
	if _, err := r.Discard(int(le.Uint16(h[32:]))); err != nil {
		return nil, errNoEntry
	}
	nameLen := int(le.Uint16(h[28:]))
	e.name = string(rest[:nameLen])
	e.widen(rest[nameLen:])
	if e.packed < 0 || e.unpacked < 0 || e.offset < 0 {
		return nil, errNoEntry
	}
	return e, nil
}

// widen takes sizes that did not fit from the zip64 extra field, in the order of section 4.5.3.
func (e *zipEntry) widen(extra []byte) {
	le := binary.LittleEndian
	for len(extra) >= 4 {
		id, size := le.Uint16(extra), int(le.Uint16(extra[2:]))
		extra = extra[4:]
		if size > len(extra) {
			return
		}
		field := extra[:size]
		extra = extra[size:]
		if id != 1 {
			continue
		}
		for _, v := range []*int64{&e.unpacked, &e.packed, &e.offset} {
			if *v == 0xffffffff && len(field) >= 8 {
				*v = int64(le.Uint64(field)) //nolint:gosec // checked by readEntry
				field = field[8:]
			}
		}
	}
}
