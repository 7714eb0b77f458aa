package cloudwatch

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// List is the member of an envelope whose array holds the log events.
const List = "logEvents"

// Unwrap takes one envelope off: nil where doc is none.
func Unwrap(raw []byte, doc *fastjson.Value) *ocsf.Wrapped {
	if doc.Type() != fastjson.TypeObject {
		return nil
	}
	if v := doc.Get("message"); v != nil && v.Type() == fastjson.TypeString {
		text := bytes.TrimSpace(v.GetStringBytes())
		if isProbe(text) {
			return &ocsf.Wrapped{Skip: true}
		}
		return &ocsf.Wrapped{Text: text}
	}
	if data := doc.GetStringBytes("awslogs", "data"); data != nil { // subscription to Lambda
		return &ocsf.Wrapped{Stream: Open(data)}
	}
	if list := records.Member(raw, List); len(list) > 0 && list[0] == '[' { // too far in to be seen as an envelope
		return &ocsf.Wrapped{Stream: bytes.NewReader(list)}
	}
	return nil
}

// isProbe tells the message by which CloudWatch Logs tries whether a destination is there.
func isProbe(text []byte) bool { return bytes.HasPrefix(text, []byte("CWL CONTROL MESSAGE")) }

// maxUnpacked bounds what one awslogs.data opens to. CloudWatch Logs packs at most 6 MB for Lambda.
const maxUnpacked = 64 << 20

var errUnpacked = errors.New("awslogs.data opens to more than 64 MiB (limit for one envelope)")

// Open returns a reader of what awslogs.data holds: base64 of gzip, opened on the first read.
func Open(data []byte) io.Reader { return &packed{data: data} }

type packed struct {
	data []byte
	z    *gzip.Reader
	left int
}

// Read opens and reads on. Its error says that it was the envelope that is broken.
func (p *packed) Read(b []byte) (int, error) {
	if p.z == nil {
		z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(p.data)))
		if err != nil {
			return 0, fmt.Errorf("open awslogs.data: %w", err)
		}
		p.z, p.left = z, maxUnpacked
	}
	n, err := p.z.Read(b)
	if p.left -= n; p.left < 0 {
		return n, errUnpacked
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("open awslogs.data: %w", err)
	}
	return n, err
}
