// Package hostile writes inputs that a scan must survive: for tests only.
//
// In: a folder. Out: files in it, and for each a Case that says what must be reported and how many records must still
// be read. Everything is generated; nothing in it is taken from anywhere.
package hostile

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Case is one hostile input.
type Case struct {
	Name    string // of the file or folder
	Path    string // where it was written
	Want    string // how the reason that must be given begins; "" where nothing is amiss
	Records int    // records that must still be judged; -1 where that depends on the reading of the format
}

// Record is one plain CloudTrail record as JSON, with members replaced or added.
func Record(n int, with map[string]any) []byte {
	r := map[string]any{
		"eventVersion": "1.11", "eventTime": fmt.Sprintf("2026-03-10T10:%02d:%02dZ", n/60%60, n%60), "eventSource": "iam.amazonaws.com", "eventName": "ListUsers", "awsRegion": "eu-west-1",
		"sourceIPAddress": "198.51.100.7", "userAgent": "aws-cli/2.31.0", "eventID": fmt.Sprintf("00000000-0000-4000-8000-%012d", n), "eventType": "AwsApiCall", "recipientAccountId": "111122223333", "readOnly": true,
		"userIdentity": map[string]any{"type": "IAMUser", "userName": "alice", "arn": "arn:aws:iam::111122223333:user/alice", "accountId": "111122223333", "accessKeyId": "AKIAEXAMPLEALICE0001"},
	}
	for k, v := range with {
		r[k] = v
	}
	raw, err := json.Marshal(r)
	if err != nil {
		panic("BUG: a record of plain values does not encode: " + err.Error())
	}
	return raw
}

// Texts are strings that attack whoever shows them.
var Texts = []string{
	"<script>alert(1)</script>", "\x1b[2J\x1b]0;owned\x07", "=HYPERLINK(\"http://evil.example\")", "+1+cmd|' /C calc'!A0", "\u202egnp.exe", "zero\u200bwidth", "line\nbreak\r\n", "\x00nul", "| pipe | [link](javascript:alert(1))",
	"'\"><img src=x onerror=alert(1)>", "{{.}}${7*7}", strings.Repeat("long", 5000),
}

type writer struct {
	dir   string
	cases []Case
	err   error
}

// Write writes all cases into dir.
func Write(dir string) ([]Case, error) {
	w := &writer{dir: dir}
	w.broken()
	w.packed()
	w.cutOff()
	w.damaged()
	w.bombs()
	w.refused()
	w.fields()
	w.filesystem()
	return w.cases, w.err
}

func (w *writer) add(name, want string, records int) {
	w.cases = append(w.cases, Case{name, filepath.Join(w.dir, name), want, records})
}

func (w *writer) file(name, want string, records int, content []byte) {
	w.add(name, want, records)
	if w.err == nil {
		w.err = os.WriteFile(filepath.Join(w.dir, name), content, 0o600)
	}
}

func delivered(records ...[]byte) []byte {
	return append(append([]byte(`{"Records":[`), bytes.Join(records, []byte(","))...), "]}"...)
}

func gz(content []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(content)
	_ = z.Close()
	return b.Bytes()
}

// broken are documents that are not what they seem.
func (w *writer) broken() {
	deep := strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)
	w.file("deep.json", "record nested too deep", 1, delivered(Record(1, nil), []byte(deep)))
	w.file("cut.json", "cut off inside a record", 1, delivered(Record(2, nil), Record(3, nil))[:700])
	w.file("nul.json", "not JSON", 2, bytes.Join([][]byte{Record(4, nil), []byte("\x00\x00\x00{\"eventSource\""), Record(5, nil)}, []byte("\n")))
	w.file("utf8.json", "", 1, bytes.Replace(Record(15, nil), []byte("ListUsers"), []byte("List\xff\xfeUsers"), 1))
	w.file("duplicate-keys.json", "", 1, append([]byte(`{"eventName":"First","eventName":"Second",`), Record(6, nil)[1:]...))
	w.file("binary.gz", "not a log that Tocsin knows", 0, bytes.Repeat([]byte{0x7f, 'E', 'L', 'F', 1, 2, 3}, 500))
	w.file("prose.log", "not a log that Tocsin knows", 0, []byte("Dear diary, nothing happened.\n"))
	w.file("forgiven.json", "", 1, bytes.Replace(Record(14, map[string]any{"eventName": "CreateAccessKey", "requestParameters": map[string]any{"userName": "bob"}, "readOnly": false}), []byte("aws-cli/2.31.0"), []byte("a\\x41\x01b\xff"), 1))
	w.file("empty.json", "", 0, nil)
	w.file("times.json", "CloudTrail record without a usable time", 1, delivered(Record(7, map[string]any{"eventTime": "2999-01-01T00:00:00Z"}), Record(8, map[string]any{"eventTime": "0001-01-01T00:00:00Z"}), Record(9, map[string]any{"eventTime": "soon"}), Record(10, map[string]any{"eventTime": 5}), Record(11, nil)))
	w.file("lines.json", "not JSON", 2, bytes.Join([][]byte{Record(12, nil), []byte("Traceback (most recent call last):"), Record(13, nil)}, []byte("\n")))
}

// packed are archives.
func (w *writer) packed() {
	w.file("garbage-after.json.gz", "garbage after gzip", 2, append(gz(delivered(Record(22, nil), Record(23, nil))), "trailing garbage"...))
	w.file("two-members.gz", "", 2, append(gz(Record(24, nil)), gz(Record(25, nil))...))
	w.stream("bomb.gz", "unpacks beyond the limit", 1, Record(26, nil), 1<<30)
	w.stream("long-line.gz", "record too long", 1, append(Record(27, nil), `{"eventSource":"`...), 200<<20)
	var z bytes.Buffer
	zw := zip.NewWriter(&z)
	for name, content := range map[string][]byte{"../../escape.json": Record(28, nil), "a/b.json.gz": gz(Record(29, nil))} {
		f, _ := zw.Create(name)
		_, _ = f.Write(content)
	}
	_ = zw.Close()
	w.file("nested.zip", "", 2, z.Bytes())
	var t bytes.Buffer
	tw := tar.NewWriter(&t)
	content := Record(30, nil)
	_ = tw.WriteHeader(&tar.Header{Name: "x.json", Mode: 0o600, Size: int64(len(content)), Format: tar.FormatUSTAR})
	_, _ = tw.Write(content)
	_ = tw.Close()
	w.file("nested.tar.gz", "", 1, gz(t.Bytes()))
	layers := Record(31, nil)
	for range 9 {
		layers = gz(layers)
	}
	w.file("onion.gz", "archives nested too deep", 0, layers)
}

// stream writes gzip of a head and size bytes of one letter.
func (w *writer) stream(name, want string, records int, head []byte, size int64) {
	w.add(name, want, records)
	if w.err != nil {
		return
	}
	f, err := os.Create(filepath.Join(w.dir, name))
	if err != nil {
		w.err = err
		return
	}
	defer f.Close()
	z := gzip.NewWriter(f)
	_, _ = z.Write(head)
	_, w.err = io.CopyN(z, same('x'), size)
	_ = z.Close()
}

type same byte

func (s same) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(s)
	}
	return len(p), nil
}

// fields are records with a wrong type or a hostile text in every member.
func (w *writer) fields() {
	members := []string{"eventVersion", "awsRegion", "sourceIPAddress", "userAgent", "eventID", "eventType", "recipientAccountId", "readOnly", "userIdentity", "requestParameters", "responseElements", "errorCode", "errorMessage", "additionalEventData", "resources", "tlsDetails", "eventCategory", "managementEvent", "sharedEventID"}
	var types, texts [][]byte
	n := 100
	for _, m := range members {
		for _, v := range []any{nil, 7, -1.5e300, true, []any{1, "a", nil}, map[string]any{"": map[string]any{}}, "text"} {
			n++
			types = append(types, Record(n, map[string]any{m: v}))
		}
		for _, v := range Texts {
			n++
			texts = append(texts, Record(n, map[string]any{m: v, "eventName": "CreateAccessKey", "readOnly": false, "requestParameters": map[string]any{"userName": v}}))
		}
	}
	w.file("wrong-types.json", "", -1, delivered(types...)) // records without an id of their own may be one event
	w.file("hostile-texts.json", "", -1, delivered(texts...))
}

// filesystem are things that are no files.
func (w *writer) filesystem() {
	if w.err != nil {
		return
	}
	loop := filepath.Join(w.dir, "loop.json.gz")
	w.add("loop.json.gz", "", 1)
	w.add("pipe", "not a regular file", 0)
	steps := []func() error{
		func() error { return os.MkdirAll(filepath.Join(loop, "inner"), 0o750) },
		func() error { return os.WriteFile(filepath.Join(loop, "a.json"), Record(40, nil), 0o600) },
		func() error { return os.Symlink(loop, filepath.Join(loop, "inner", "again")) },
		func() error { return syscall.Mkfifo(filepath.Join(w.dir, "pipe"), 0o600) },
	}
	for _, s := range steps {
		if w.err == nil {
			w.err = s()
		}
	}
	if os.Getuid() != 0 { // root may read everything
		w.file("secret.json", "not allowed to read", 0, Record(41, nil))
		if w.err == nil {
			w.err = os.Chmod(filepath.Join(w.dir, "secret.json"), 0)
		}
	}
}
