package ocsf

import "github.com/valyala/fastjson"

// Position says where a record was read, for messages and for evidence.
type Position struct {
	// Source names the file, with archive members after "!": "logs.zip!a/b.json.gz".
	Source string
	// Record is the record's ordinal in its source, from 0.
	Record int
	// Offset is the byte offset of the record's first byte in the decompressed source, or -1 where the
	// record was wrapped (a string inside another document) and has no place of its own.
	Offset int64
}

// Event is one record: its bytes, parsed once and read lazily through its format's Mapping. No stage builds a
// whole OCSF object. An Event and every Value read from it are valid until the batch it came from is released.
type Event struct {
	Raw     []byte          // the vendor record, exactly as received
	Doc     *fastjson.Value // Raw, parsed
	Mapping *Mapping        // the table that reads Doc
	At      Position
}

// Kind is the JSON kind of a Value.
type Kind uint8

// The kinds of a Value. A Value of kind JSON holds an object's or array's text.
const (
	Missing Kind = iota
	Null
	String
	Number
	Bool
	JSON
)

// Value is one leaf of an event. Str is the unescaped text of a String, the literal of a Number or Bool and the
// compact text of a JSON value; it may point into the event's memory and is valid only as long as the event.
type Value struct {
	Kind Kind
	Str  string
}
