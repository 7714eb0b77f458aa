package cloudwatch

import (
	"bytes"
	"errors"
	"io"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// The bounds of a look: how many messages, and how many bytes of what awslogs.data packs.
const (
	maxLooked = 16
	maxOpened = 64 << 10
)

// Messages calls yield with the first messages of the envelopes in head, as far as head goes, until yield returns true, and
// reports whether it did. isEnvelope says whether head begins with an envelope at all; an empty one and a health probe hold no message.
func Messages(head []byte, yield func(text []byte) bool) (found, isEnvelope bool) {
	packed, isEnvelope := look(head)
	if !isEnvelope {
		return false, false
	}
	if packed {
		head = unpacked(head)
	}
	var s records.Splitter
	s.Reset(bytes.NewReader(head), records.Limits{}, List)
	var p fastjson.Parser
	for range maxLooked {
		raw, _, err := s.Next()
		var fault *records.Fault
		if errors.As(err, &fault) {
			continue
		}
		if err != nil {
			break
		}
		doc, err := p.ParseBytes(raw)
		if err != nil {
			continue
		}
		text := bytes.TrimSpace(doc.GetStringBytes("message"))
		if len(text) > 0 && !isProbe(text) && yield(text) {
			return true, true
		}
	}
	return false, true
}

// Opened is what head begins with, once less packed where it is an envelope of awslogs.data; else head itself.
func Opened(head []byte) []byte {
	if packed, _ := look(head); !packed {
		return head
	}
	return unpacked(head)
}

// look reports whether head begins with an envelope, and whether that is packed.
func look(head []byte) (packed, ok bool) {
	ocsf.Sniff(head, func(names [][]byte) bool {
		for _, name := range names {
			switch string(name) {
			case "awslogs":
				packed, ok = true, true
			case List:
				ok = true
			}
		}
		return true // the first object decides
	})
	return packed, ok
}

// unpacked opens as much of awslogs.data as stands in head, up to maxOpened.
func unpacked(head []byte) []byte {
	_, data, _ := bytes.Cut(head, []byte(`"data"`))
	_, data, _ = bytes.Cut(data, []byte(`"`))
	if end := bytes.IndexByte(data, '"'); end >= 0 {
		data = data[:end]
	}
	text, err := io.ReadAll(io.LimitReader(Open(data), maxOpened)) // what could be opened, where it ends early
	if err != nil && len(text) == 0 {
		return nil
	}
	return text
}
