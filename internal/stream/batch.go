package stream

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// The bounds of a batch. A Cutter stays within the first two; Publish refuses what is above the third.
const (
	MaxRaw        = 8 << 20        // bytes of framed records before compression
	MaxCompressed = 1 << 20        // bytes of a payload that a Cutter makes
	MaxPayload    = 8<<20 - 64<<10 // bytes of a payload that the bus carries: its 8 MiB message without the headers
	maxNames      = 16 << 10       // bytes of all text fields together
)

// Batch holds records of one format from one source. Object and ETag name what they came from; together with Source
// they must tell apart all that was ever received.
type Batch struct {
	Source, Format, Account, Region, Lane string

	Received time.Time
	Object   string // an object's key, a file, or whatever a source calls one delivery
	ETag     string

	Part, Parts int // this is part 1…Parts of the object
	First       int // ordinal in the object of the first record, from 0
	Records     int // how many there are

	Payload []byte // framed records, zstd; empty where Large is set
	Large   Large

	path string // of the large record's file
}

// Large points to the only record of a batch when that lies in a file beside the stream.
type Large struct {
	SHA256 string // of the record, in hex
	Bytes  int64  // 0: the batch has its records in Payload
}

// ID names the batch: a hash of source, object, etag, part and the range of records in it. The range is part of it so that
// an object which an older version cut in other places, and which was half published then, loses nothing.
func (b Batch) ID() string {
	h := sha256.New()
	var n [8]byte
	number := func(v int) {
		binary.BigEndian.PutUint64(n[:], uint64(v)) //nolint:gosec // bits, not a quantity
		h.Write(n[:])
	}
	for _, s := range []string{b.Source, b.Object, b.ETag} {
		number(len(s))
		h.Write([]byte(s))
	}
	for _, v := range []int{b.Part, b.First, b.Records} {
		number(v)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// bytes is what the batch takes on the bus and beside it, without its names.
func (b Batch) bytes() int64 { return int64(len(b.Payload)) + b.Large.Bytes }

// check refuses what cannot be told apart, read back or carried.
func (b Batch) check() error {
	names := len(b.Source) + len(b.Format) + len(b.Account) + len(b.Region) + len(b.Lane) + len(b.Object) + len(b.ETag)
	switch {
	case b.Source == "" || b.Object == "":
		return fmt.Errorf("a batch needs a source and an object, by which a repeated one is known (source %q, object %q)", b.Source, b.Object)
	case b.Part < 1 || b.Parts < b.Part || b.First < 0 || b.Records < 1:
		return fmt.Errorf("part %d of %d with %d records from %d on is not possible", b.Part, b.Parts, b.Records, b.First)
	case b.Large.Bytes < 0 || (b.Large.Bytes > 0) == (len(b.Payload) > 0):
		return fmt.Errorf("a batch holds either a payload or a pointer (%d and %d bytes)", len(b.Payload), b.Large.Bytes)
	case b.Large.Bytes > 0 && (b.Records != 1 || !isHash(b.Large.SHA256)):
		return fmt.Errorf("a pointer is to one record by its SHA-256 (%d records, %q)", b.Records, b.Large.SHA256)
	case b.Received.UTC().Year() < 0 || b.Received.UTC().Year() > 9999:
		return fmt.Errorf("a batch received in the year %d cannot be written down (RFC 3339)", b.Received.UTC().Year())
	case len(b.Payload) > MaxPayload:
		return fmt.Errorf("%w: payload of %d bytes (limit %d)", ErrTooLarge, len(b.Payload), MaxPayload)
	case names > maxNames:
		return fmt.Errorf("%w: names of %d bytes (limit %d)", ErrTooLarge, names, maxNames)
	}
	return nil
}

func isHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}
