package hostile

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"

	"github.com/klauspost/compress/zstd"
)

// lines are n records from the number on, a line each.
func lines(from, n int) []byte {
	var b bytes.Buffer
	for i := range n {
		b.Write(Record(from+i, nil))
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// noise cannot be packed, so that a cut or a changed byte in it is where it seems to be.
func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b)
	for i := range b {
		b[i] = "0123456789abcdef"[b[i]&15]
	}
	return b
}

// padded is a record that does not pack well.
func padded(n int) []byte {
	return append(Record(n, map[string]any{"requestParameters": map[string]any{"userName": string(noise(8 << 10))}}), '\n')
}

func zst(content []byte) []byte {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic("BUG: a zstd encoder without options: " + err.Error())
	}
	defer z.Close() //nolint:errcheck // nothing open
	return z.EncodeAll(content, nil)
}

// member is one file of a zip or tar that is made here.
type member struct {
	name    string
	content []byte
}

func zipOf(members ...member) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		f, _ := z.Create(m.name)
		_, _ = f.Write(m.content)
	}
	_ = z.Close()
	return b.Bytes()
}

func tarOf(members ...member) []byte {
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	for _, m := range members {
		_ = t.WriteHeader(&tar.Header{Name: m.name, Mode: 0o600, Size: int64(len(m.content)), Format: tar.FormatUSTAR})
		_, _ = t.Write(m.content)
	}
	_ = t.Close()
	return b.Bytes()
}

// cutOff are archives that end too early. What stands before the cut must come.
func (w *writer) cutOff() {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(lines(200, 2))
	_ = z.Flush()
	_, _ = z.Write(padded(202))
	_ = z.Close()
	w.file("cut.json.gz", "truncated gzip", 2, b.Bytes()[:b.Len()-2000])
	w.file("header-only.gz", "truncated gzip", 0, b.Bytes()[:12])
	w.file("no-sum.gz", "truncated gzip", 3, b.Bytes()[:b.Len()-5])
	frames := append(zst(lines(205, 2)), zst(padded(207))...)
	w.file("cut.json.zst", "truncated zstd", 2, frames[:len(frames)-2000])
	members := zipOf(member{"a.json", lines(210, 1)}, member{"b.json", lines(211, 1)}, member{"c.json", padded(212)})
	w.file("cut.zip", "truncated zip", 2, members[:bytes.LastIndex(members, []byte("PK\x03\x04"))+2000])
	w.file("no-directory.zip", "truncated zip", 3, members[:bytes.Index(members, []byte("PK\x01\x02"))+9])
	w.file("cut.tar", "truncated tar", 1, tarOf(member{"a.json", lines(215, 1)}, member{"b.json", noise(8 << 10)})[:4000])
	w.file("cut.tar.gz", "truncated gzip", 1, cutTarGz())
	w.file("zip-of-cut.zip", "truncated gzip", 3, zipOf(member{"a.json.gz", b.Bytes()[:b.Len()-2000]}, member{"b.json", lines(218, 1)}))
}

func cutTarGz() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	content := tarOf(member{"a.json", lines(217, 1)}, member{"b.json", padded(219)})
	_, _ = z.Write(content[:2048])
	_ = z.Flush()
	_, _ = z.Write(content[2048:])
	_ = z.Close()
	return b.Bytes()[:b.Len()-3000]
}

// damaged are archives with changed bytes.
func (w *writer) damaged() {
	sum := gz(lines(220, 2))
	sum[len(sum)-8] ^= 1
	w.file("sum.json.gz", "gzip checksum error", 2, sum)
	middle := append(gz(lines(222, 1)), gz(padded(223))...)
	copy(middle[len(middle)-4000:], bytes.Repeat([]byte{0xff}, 64))
	w.file("middle.json.gz", "corrupt gzip", 1, middle)
	second := append(gz(lines(225, 1)), 0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9)
	w.file("second-header.gz", "corrupt gzip", 1, second)
	w.file("padded-with-zeros.gz", "", 1, append(gz(lines(226, 1)), make([]byte, 700)...))
	z := zipOf(member{"a.json", lines(227, 1)}, member{"b.json", lines(228, 1)})
	central := bytes.Index(z, []byte("PK\x01\x02"))
	z[central+16] ^= 1
	w.file("sum.zip", "zip checksum error", 2, z)
	w.file("prefixed.zip", "", 1, zipOf(member{"\x1b[2Jname\u202egnp.json", lines(229, 1)}))
}

// bombs unpack to far more than they are, in ways that a single ratio does not see.
func (w *writer) bombs() {
	zeros := zst(bytes.Repeat([]byte{' '}, 64<<20))
	w.file("bomb.zst", "unpacks beyond the limit", 1, append(zst(lines(230, 1)), bytes.Repeat(zeros, 16)...))
	packed := append(gz(lines(234, 1)), bytes.Repeat(gz(bytes.Repeat([]byte{' '}, 64<<20)), 8)...)
	w.file("bomb.zip", "unpacks beyond the limit", 3, zipOf(member{"a.json", lines(231, 1)}, member{"bomb.json.gz", packed}, member{"z.json", lines(232, 1)}))
	w.file("overlap.zip", "unpacks beyond the limit", 1, overlapping(append(lines(235, 1), bytes.Repeat([]byte{' '}, 1<<20)...), 2000))
	w.file("window.zst", "unpacks beyond the limit", 0, []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00})
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	_ = t.WriteHeader(&tar.Header{Name: "a.json", Mode: 0o600, Size: int64(len(lines(233, 1)))})
	_, _ = t.Write(lines(233, 1))
	_ = t.Close()
	w.file("holes.tar", "compression that is not supported", 1, append(sparse(), b.Bytes()...))
}

// overlapping is a zip of many directory entries that all name the same packed bytes.
func overlapping(plain []byte, entries int) []byte {
	le := binary.LittleEndian
	packed := gz(plain)
	raw := packed[10 : len(packed)-8] // without gzip's header, sum and size
	head := func(mark uint32, extra int) []byte {
		h := le.AppendUint32(nil, mark)
		h = append(h, make([]byte, extra)...)
		h = append(h, 20, 0, 0, 0, 8, 0, 0, 0, 0, 0)
		h = le.AppendUint32(h, crc32.ChecksumIEEE(plain))
		h = le.AppendUint32(h, uint32(len(raw)))   //nolint:gosec // small
		h = le.AppendUint32(h, uint32(len(plain))) //nolint:gosec // small
		return le.AppendUint32(h, 1)               // one letter of name, no extra field
	}
	out := append(append(head(0x04034b50, 0), 'x'), raw...)
	start := len(out)
	for range entries {
		h := head(0x02014b50, 2)
		h = append(h, make([]byte, 46-len(h))...)
		out = append(append(out, h...), 'x')
	}
	size := len(out) - start
	out = append(le.AppendUint32(out, 0x06054b50), 0, 0, 0, 0)
	out = le.AppendUint16(le.AppendUint16(out, uint16(entries)), uint16(entries)) //nolint:gosec // small
	out = le.AppendUint32(le.AppendUint32(out, uint32(size)), uint32(start))      //nolint:gosec // small
	return append(out, 0, 0)
}

// sparse is the header of a GNU sparse member: a terabyte that is one hole (GNU tar manual, "Old GNU Format").
func sparse() []byte {
	h := make([]byte, 512)
	copy(h, "holes.json")
	copy(h[100:], "0000600\x000000000\x000000000\x00")
	copy(h[124:], "00000000000\x00")
	copy(h[136:], "00000000000\x00        S")
	copy(h[257:], "ustar  \x00")
	copy(h[386:], "00000000000\x0000000000000\x00") // one piece, empty, at 0
	h[483] = 0x80                                   // real size, base 256
	binary.BigEndian.PutUint64(h[487:], 1<<40)
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:], []byte{'0' + byte(sum>>15&7), '0' + byte(sum>>12&7), '0' + byte(sum>>9&7), '0' + byte(sum>>6&7), '0' + byte(sum>>3&7), '0' + byte(sum&7), 0, ' '})
	return h
}

// refused are archives that are known and not opened.
func (w *writer) refused() {
	w.file("packed.xz", "compression that is not supported", 0, []byte("\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4F"))
	z := zipOf(member{"secret.json", lines(240, 1)}, member{"open.json", lines(241, 1)})
	z[6] |= 1
	z[bytes.Index(z, []byte("PK\x01\x02"))+8] |= 1
	w.file("encrypted.zip", "encrypted archive member", 1, z)
	layers := lines(242, 1)
	for range 4 {
		layers = zipOf(member{"in.zip", layers})
	}
	w.file("four-zips.zip", "", 1, layers)
	w.file("all-kinds.zip", "", 4, zipOf(member{"a.tar.gz", gz(tarOf(member{"b.json.zst", zst(lines(243, 1))}, member{"c.zip", zipOf(member{"d.json", lines(244, 1)})}))}, member{"e.json", lines(245, 2)}))
}
