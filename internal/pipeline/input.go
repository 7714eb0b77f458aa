package pipeline

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// Input is what a run reads, in numbered parts, each as often as the run asks for it.
type Input interface {
	// Parts is how many parts there are.
	Parts() int
	// Reader returns a reader of parts. It has one owner; several may read at once.
	Reader(p *Progress, problem func(collect.Problem)) PartReader
	// Problems lists what could not be made a part of.
	Problems() []collect.Problem
}

// PartReader reads one part at a time.
type PartReader interface {
	Read(ctx context.Context, part int, sink ocsf.Sink) error
}

// Files is the input of a folder, an archive or a stream: its parts are the files of an inventory.
type Files struct{ Inventory *collect.Inventory }

// Parts counts the files.
func (f Files) Parts() int { return len(f.Inventory.Files) }

// Problems lists what the listing could not see.
func (f Files) Problems() []collect.Problem { return f.Inventory.Problems }

// Reader returns a reader of files.
func (f Files) Reader(p *Progress, problem func(collect.Problem)) PartReader {
	return &fileReader{inv: f.Inventory, reader: f.Inventory.NewReader(&p.Bytes, problem), problem: problem, progress: p, decoders: newDecoders(), head: bufio.NewReaderSize(nil, format.HeadSize)}
}

// newDecoders returns a decoder for each format, in the order of format.All.
func newDecoders() []*ocsf.Decoder {
	var out []*ocsf.Decoder
	for _, f := range format.All() {
		out = append(out, ocsf.NewDecoder(f.Shape(), records.Limits{}))
	}
	return out
}

// fileReader reads files of any known format.
type fileReader struct {
	inv      *collect.Inventory
	reader   *collect.Reader
	problem  func(collect.Problem)
	progress *Progress
	decoders []*ocsf.Decoder
	head     *bufio.Reader
}

// ReasonUnknownFormat is given for a file whose content is no known log.
const ReasonUnknownFormat = "not a log that Tocsin knows"

// Read reads one file.
func (r *fileReader) Read(ctx context.Context, part int, sink ocsf.Sink) error {
	defer r.progress.Files.Add(1)
	return r.reader.Each(ctx, &r.inv.Files[part], func(name string, in io.Reader) error {
		which, err := recognise(r.head, in)
		if head, _ := r.head.Peek(format.HeadSize); which >= 0 && cloudtrail.IsDigest(head) {
			return nil // it holds no records; tocsin serve checks it
		}
		switch {
		case err != nil:
			return err
		case which == empty:
			return nil
		case which < 0:
			r.problem(collect.Problem{Source: name, Offset: 0, Reason: ReasonUnknownFormat, Detail: "its first bytes are of none of the formats that 'tocsin version' lists"})
			return nil
		}
		return r.decoders[which].Decode(ctx, r.head, name, sink)
	})
}

// empty is what recognise says of a stream without a byte: it holds no records, and nothing is amiss.
const empty = -2

// recognise points head at a stream and returns the index of its format, -1 where it is none that is known.
func recognise(head *bufio.Reader, in io.Reader) (int, error) {
	head.Reset(in)
	begin, err := head.Peek(format.HeadSize)
	if len(begin) == 0 {
		if errors.Is(err, io.EOF) {
			return empty, nil
		}
		return -1, err
	}
	return format.Detect(begin), nil
}

// History is the input of a replay: its parts are the data files of a lake.
type History struct {
	Lake  *lake.Lake
	Files []lake.File
	// Damaged, where it is set, is told of files that cannot be read, which are then left out; otherwise they end the reading.
	Damaged func(error)
}

// Parts counts the data files.
func (h History) Parts() int { return len(h.Files) }

// Problems is empty: the lake holds what could be read.
func (h History) Problems() []collect.Problem { return nil }

// Reader returns a reader of data files.
func (h History) Reader(p *Progress, _ func(collect.Problem)) PartReader {
	r := &historyReader{files: h.Files, damaged: h.Damaged, progress: p, decoders: map[string]*ocsf.Decoder{}}
	for _, f := range format.All() {
		r.decoders[f.Name] = ocsf.NewDecoder(f.Shape(), records.Limits{})
	}
	return r
}

type historyReader struct {
	files    []lake.File
	damaged  func(error)
	progress *Progress
	decoders map[string]*ocsf.Decoder
}

// Read reads the records of one data file again.
func (r *historyReader) Read(ctx context.Context, part int, sink ocsf.Sink) error {
	f := r.files[part]
	defer func() { r.progress.Bytes.Add(f.Bytes); r.progress.Files.Add(1) }()
	row := 0
	err := lake.Records(ctx, f.Path, func(k lake.Kept) error {
		at := ocsf.Position{Source: k.Object, Record: row, Received: k.Received}
		row++
		d := r.decoders[k.Format]
		if d == nil {
			return sink.Unreadable(ocsf.Unreadable{At: at, Reason: ReasonUnknownFormat, Detail: "format " + k.Format + " is not in this version"})
		}
		return d.Record(k.Raw, k.ID, at, sink)
	})
	if d := new(lake.DamagedError); r.damaged != nil && errors.As(err, &d) {
		r.damaged(err)
		return nil
	}
	return err
}
