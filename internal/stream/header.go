package stream

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The headers of a batch on the bus. Text is percent-encoded: an object's key may hold any byte, a header may not.
const (
	headerSource   = "Tocsin-Source"
	headerFormat   = "Tocsin-Format"
	headerAccount  = "Tocsin-Account"
	headerRegion   = "Tocsin-Region"
	headerLane     = "Tocsin-Lane"
	headerObject   = "Tocsin-Object"
	headerETag     = "Tocsin-Etag"
	headerReceived = "Tocsin-Received"
	headerPart     = "Tocsin-Part"
	headerParts    = "Tocsin-Parts"
	headerFirst    = "Tocsin-First"
	headerRecords  = "Tocsin-Records"
	headerHash     = "Tocsin-Large-Sha256"
	headerBytes    = "Tocsin-Large-Bytes"
)

func (b *Batch) texts() map[string]*string {
	return map[string]*string{
		headerSource: &b.Source, headerFormat: &b.Format, headerAccount: &b.Account, headerRegion: &b.Region,
		headerLane: &b.Lane, headerObject: &b.Object, headerETag: &b.ETag,
	}
}

func (b *Batch) numbers() map[string]*int {
	return map[string]*int{headerPart: &b.Part, headerParts: &b.Parts, headerFirst: &b.First, headerRecords: &b.Records}
}

// header writes all of a batch but its payload.
func (b Batch) header(id string) nats.Header {
	h := nats.Header{jetstream.MsgIDHeader: {id}, headerReceived: {b.Received.UTC().Format(time.RFC3339Nano)}}
	for name, s := range b.texts() {
		if *s != "" {
			h[name] = []string{url.QueryEscape(*s)}
		}
	}
	for name, n := range b.numbers() {
		h[name] = []string{strconv.Itoa(*n)}
	}
	if b.Large.Bytes > 0 {
		h[headerHash] = []string{b.Large.SHA256}
		h[headerBytes] = []string{strconv.FormatInt(b.Large.Bytes, 10)}
	}
	return h
}

// fromMessage reads a batch back. It keeps data.
func fromMessage(h nats.Header, data []byte) (b Batch, err error) {
	keep := func(name string, e error) {
		if e != nil && err == nil {
			err = fmt.Errorf("%w: header %s: %w", ErrDamaged, name, e)
		}
	}
	var e error
	for name, s := range b.texts() {
		*s, e = url.QueryUnescape(h.Get(name))
		keep(name, e)
	}
	for name, n := range b.numbers() {
		*n, e = strconv.Atoi(h.Get(name))
		keep(name, e)
	}
	b.Received, e = time.Parse(time.RFC3339Nano, h.Get(headerReceived))
	keep(headerReceived, e)
	if size := h.Get(headerBytes); size != "" {
		b.Large.SHA256 = h.Get(headerHash)
		b.Large.Bytes, e = strconv.ParseInt(size, 10, 64)
		keep(headerBytes, e)
	}
	if len(data) > 0 {
		b.Payload = data
	}
	if err != nil {
		return b, err
	}
	if e := b.check(); e != nil {
		return b, fmt.Errorf("%w: %w", ErrDamaged, e)
	}
	if id := b.ID(); id != h.Get(jetstream.MsgIDHeader) {
		return b, fmt.Errorf("%w: names hash to %s, the batch is called %q", ErrDamaged, id, h.Get(jetstream.MsgIDHeader))
	}
	return b, nil
}
