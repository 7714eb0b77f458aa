package intel

import "github.com/tocsin-security/tocsin/internal/ocsf"

// Side is which end of a contact a field speaks of.
type Side uint8

// The sides.
const (
	Sender   Side = iota + 1 // who began
	Receiver                 // who was asked for, or answered
	Content                  // what passed: a file
)

// look is how a field's text is looked up.
type look uint8

const (
	asAddress look = iota + 1
	asName
	asURL
	asHash
	asAnswers // JSON with addresses and names in it
)

// Field is one field of events that is looked up.
type Field struct {
	Path string // of OCSF
	Side Side
	look look
	id   ocsf.FieldID
}

// table lists the fields: a new one is one line. Names that only services of AWS or our own hosts have (src_endpoint.domain, tls.sni) are
// left out. A path that no mapping fills yet is passed over.
var table = []Field{
	{Path: "dst_endpoint.ip", Side: Receiver, look: asAddress},
	{Path: "query.hostname", Side: Receiver, look: asName},
	{Path: "answers", Side: Receiver, look: asAnswers},
	{Path: "http_request.url.url_string", Side: Receiver, look: asURL},
	{Path: "http_request.url.hostname", Side: Receiver, look: asName},
	{Path: "file.hashes.value", Side: Content, look: asHash},
	{Path: "process.file.hashes.value", Side: Content, look: asHash},
	{Path: "src_endpoint.ip", Side: Sender, look: asAddress},
}

// Fields lists the fields that mappings fill today.
func Fields() []Field { return known }

var known = func() []Field {
	var out []Field
	for _, f := range table {
		if id, ok := ocsf.FieldByPath(f.Path); ok {
			f.id = id
			out = append(out, f)
		}
	}
	return out
}()
