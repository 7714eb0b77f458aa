package stream

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/nats-io/nats.go"
)

// FuzzFrames: each framing is of one list of records, and nothing else is taken for one.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{})
	f.Add(appendFrame(nil, []byte("one")))
	f.Add(appendFrame(appendFrame(nil, nil), bytes.Repeat([]byte("x"), 200)))
	f.Add([]byte{0x80, 0x00})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var again []byte
		for rest := raw; len(rest) > 0; {
			record, after, err := nextFrame(rest)
			if err != nil {
				return
			}
			if len(after) >= len(rest) || frameSize(len(record)) != len(rest)-len(after) {
				t.Fatalf("a frame of %d bytes took %d", len(record), len(rest)-len(after))
			}
			again, rest = appendFrame(again, record), after
		}
		if !bytes.Equal(again, raw) {
			t.Fatalf("%q is read as the records of %q", raw, again)
		}
	})
}

// FuzzHeader: what is read as a batch is written as the same, and anything else is an error, never a panic.
func FuzzHeader(f *testing.F) {
	for _, b := range []Batch{
		{Source: "s", Object: "o", Part: 1, Parts: 1, Records: 1, Received: noon, Payload: []byte("x")},
		{Source: "s", Format: "f", Account: "a", Region: "r", Lane: "l", Object: "o/ü\n", ETag: "%zz", Part: 2, Parts: 3, First: 4, Records: 5, Received: noon, Payload: []byte("x")},
	} {
		var text bytes.Buffer
		if err := http.Header(b.header(b.ID())).Write(&text); err != nil {
			f.Fatal(err)
		}
		f.Add(append([]byte("NATS/1.0\r\n"), append(text.Bytes(), "\r\n"...)...), b.Payload)
	}
	f.Add([]byte("NATS/1.0\r\nTocsin-Part: 9999999999999999999\r\n\r\n"), []byte{})
	f.Fuzz(func(t *testing.T, raw, payload []byte) {
		h, err := nats.DecodeHeadersMsg(raw)
		if err != nil {
			return
		}
		b, err := fromMessage(h, payload)
		if err != nil {
			return
		}
		again, err := fromMessage(b.header(b.ID()), payload)
		if err != nil || again.ID() != b.ID() || !again.Received.Equal(b.Received) {
			t.Fatalf("%+v is written as %+v (%v)", b, again, err)
		}
	})
}

// FuzzPayload: damaged payloads end in an error and never give more records than the header says.
func FuzzPayload(f *testing.F) {
	zip, err := newPacker()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = zip.Close() })
	f.Add(zip.EncodeAll(appendFrame(appendFrame(nil, []byte("one")), []byte("two")), nil), 2)
	f.Add([]byte("no zstd"), 1)
	f.Fuzz(func(t *testing.T, payload []byte, records int) {
		n, failed := 0, false
		for _, err := range (Batch{Object: "o", Payload: payload, Records: records}).All() {
			if err != nil {
				failed = true
				break
			}
			n++
		}
		if !failed && n != records {
			t.Fatalf("%d records without an error, the header says %d", n, records)
		}
	})
}
