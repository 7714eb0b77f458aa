package s3access

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// The reasons for which a line is not an access log record.
const (
	ReasonNoRecord = "not an S3 access log record"
	ReasonBadTime  = "S3 access log record without a usable time"
)

// Shape is how access logs are packed and recognised.
func Shape() ocsf.Shape {
	return ocsf.Shape{Mapping: Mapping, Check: check, Lines: func() ocsf.Lines { return &lines{} }}
}

// Recognise reports whether the first line of a stream is an access log record.
func Recognise(head []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n"), []byte("\n"))
	cells := ocsf.Cells(line, nil)
	if len(cells) < operation+1 || !isOperation(cells[operation]) {
		return false
	}
	_, ok := parseTime(string(cells[timeCell]))
	return ok && bytes.IndexByte(line, '[') > 0
}

// isOperation tells REST.GET.OBJECT, SOAP.CreateBucket, WEBSITE.GET.OBJECT, BATCH.DELETE.OBJECT, S3.EXPIRE.OBJECT.
func isOperation(c []byte) bool {
	for _, family := range []string{"REST.", "SOAP.", "WEBSITE.", "BATCH.", "S3."} {
		if bytes.HasPrefix(c, []byte(family)) {
			return true
		}
	}
	return false
}

var (
	when      = ocsf.ParsePath("time")
	requestID = ocsf.ParsePath("request_id")
)

func check(e *ocsf.Event) *ocsf.Unreadable {
	if e.Doc.Type() != fastjson.TypeObject || e.Doc.Get("operation") == nil || e.Doc.Get("bucket_owner") == nil && e.Doc.Get("bucket") == nil {
		return &ocsf.Unreadable{Reason: ReasonNoRecord, Detail: "it names no operation or no bucket"}
	}
	at := e.Text(when)
	millis, ok := parseTime(at)
	if !ok {
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: strconv.Quote(at) + " is no time such as 06/Feb/2019:00:00:38 +0000"}
	}
	e.Millis = millis
	e.ID = identity(e)
	return nil
}

// identity tells records of one request apart, as a batch of deletions has one a key; "" where S3 gave the request no id.
func identity(e *ocsf.Event) string {
	id := e.Text(requestID)
	if id == "" {
		return ""
	}
	h := sha256.New()
	for _, member := range []string{"bucket", "operation", "key", "version_id"} {
		h.Write(e.Doc.GetStringBytes(member))
		h.Write([]byte{0})
	}
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	var text [16]byte
	hex.Encode(text[:], sum[:8])
	return e.Prefixed(id+"-", string(text[:])).Str
}
