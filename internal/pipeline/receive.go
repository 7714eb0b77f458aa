package pipeline

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// Receiver puts what sources deliver into the stream. It may be used by several goroutines.
type Receiver struct {
	Stream *stream.Stream
	Desk   *desk.Desk
	Now    func() time.Time
	// Paused is told why a source has to wait, and "" when it goes on.
	Paused func(source, why string)
}

// Delivery is one object that a source delivers: a file, an object of a bucket, the body of a request.
type Delivery struct {
	Source, Object, ETag string
	Lane                 string
	Received             time.Time
	Inventory            *collect.Inventory // of the object alone
	Patience             time.Duration      // how long to wait for room in a full stream; 0: as long as it takes
}

// Receipt says what of a delivery is in the stream.
type Receipt struct {
	Records    int64 `json:"records"`    // that will be stored, if they are no duplicates
	Unreadable int64 `json:"unreadable"` // that will be dead letters
	Batches    int   `json:"batches"`
	Known      bool  `json:"known"` // it was delivered before
}

// A record of a batch begins with a byte that says what it is.
const (
	wholeRecord = 'r' // the record as received
	faultRecord = 'f' // a fault, as JSON
)

// fault is a stretch of an object that is no event, on its way to the dead letters.
type fault struct {
	Reason string `json:"reason"`
	Detail string `json:"detail"`
	Offset int64  `json:"offset"`
	Raw    []byte `json:"raw,omitempty"`
}

// maxFaultRaw bounds what is kept of an unreadable record.
const maxFaultRaw = 256 << 10

// Receive puts all of a delivery into the stream. When it returns without an error everything is durable, and the source may be
// acknowledged. A full stream makes it wait, and after the delivery's Patience give up with stream.ErrFull: nothing is dropped, and the
// same delivery given in again adds what is missing.
func (r *Receiver) Receive(ctx context.Context, d Delivery) (Receipt, error) {
	known, err := r.Desk.WasDelivered(ctx, d.Source, d.Object, d.ETag)
	if err != nil || known {
		return Receipt{Known: known}, err
	}
	in := &receiving{r: r, d: d, decoders: newDecoders(), head: bufio.NewReaderSize(nil, format.HeadSize)}
	reader := d.Inventory.NewReader(nil, in.problem)
	for i := range d.Inventory.Files {
		f := &d.Inventory.Files[i]
		in.file = f.Name
		err := reader.Each(ctx, f, func(name string, stream io.Reader) error { return in.member(ctx, name, stream) })
		if err == nil {
			err = in.remaining(ctx)
		}
		if err != nil {
			return in.receipt, fmt.Errorf("receive %s: %w", d.Object, err)
		}
	}
	return in.receipt, r.Desk.Delivered(ctx, desk.Delivery{Source: d.Source, Object: d.Object, ETag: d.ETag, Records: in.receipt.Records + in.receipt.Unreadable, Bytes: d.Inventory.Bytes, At: d.Received})
}

// receiving is one delivery under way.
type receiving struct {
	r        *Receiver
	d        Delivery
	decoders []*ocsf.Decoder
	head     *bufio.Reader
	file     string
	problems []collect.Problem // since the last member ended
	receipt  Receipt
}

func (in *receiving) problem(p collect.Problem) { in.problems = append(in.problems, p) }

// object names a member of the delivery.
func (in *receiving) object(name string) string {
	return in.d.Object + strings.TrimPrefix(name, in.file)
}

// member puts one stream of one format into the bus.
func (in *receiving) member(ctx context.Context, name string, stream io.Reader) error {
	which, err := recognise(in.head, stream)
	switch {
	case which == empty:
		return nil
	case err != nil:
		return in.broken(err)
	case which < 0:
		in.problem(collect.Problem{Source: name, Reason: ReasonUnknownFormat, Detail: "its first bytes are of no format that is known"})
		return in.faults(ctx, name, "")
	}
	formatName := format.All()[which].Name
	cutter := in.cut(name, formatName)
	defer cutter.Close() //nolint:errcheck // temporary files
	var line []byte
	err = in.decoders[which].Decode(ctx, in.head, in.object(name), ocsf.Sink{
		Event: func(e *ocsf.Event) error {
			in.receipt.Records++
			line = append(append(line[:0], wholeRecord), e.Raw...)
			return cutter.Add(line)
		},
		Unreadable: func(u ocsf.Unreadable) error {
			return in.addFault(cutter, fault{u.Reason, u.Detail, u.At.Offset, u.Raw[:min(len(u.Raw), maxFaultRaw)]})
		},
	})
	if err = in.broken(err); err != nil {
		return err
	}
	for _, p := range in.problems {
		if err := in.addFault(cutter, fault{Reason: p.Reason, Detail: p.Detail, Offset: p.Offset}); err != nil {
			return err
		}
	}
	in.problems = nil
	return in.publish(ctx, cutter)
}

// broken lets a stream end where it broke off: the reader told of it as a problem.
func (in *receiving) broken(err error) error {
	var p *collect.Problem
	if errors.As(err, &p) {
		return nil
	}
	return err
}

func (in *receiving) addFault(cutter *stream.Cutter, f fault) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	in.receipt.Unreadable++
	return cutter.Add(append([]byte{faultRecord}, text...))
}

// remaining puts the problems of a file into the bus that belong to no member.
func (in *receiving) remaining(ctx context.Context) error {
	for len(in.problems) > 0 {
		if err := in.faults(ctx, in.problems[0].Source, "!"); err != nil {
			return err
		}
	}
	return nil
}

// faults puts the problems of one name into the bus, as an object of its own beside the records of that name.
func (in *receiving) faults(ctx context.Context, name, suffix string) error {
	cutter := in.cut(name+suffix, "")
	defer cutter.Close() //nolint:errcheck // temporary files
	var others []collect.Problem
	for _, p := range in.problems {
		if p.Source != name {
			others = append(others, p)
			continue
		}
		if err := in.addFault(cutter, fault{Reason: p.Reason, Detail: p.Detail, Offset: p.Offset}); err != nil {
			return err
		}
	}
	in.problems = others
	return in.publish(ctx, cutter)
}

func (in *receiving) cut(name, formatName string) *stream.Cutter {
	return in.r.Stream.Cut(stream.Batch{Source: in.d.Source, Format: formatName, Lane: in.d.Lane, Received: in.d.Received, Object: in.object(name), ETag: in.d.ETag})
}

// fullWait is how long a source waits before it asks again whether the stream has room.
const fullWait = time.Second

func (in *receiving) publish(ctx context.Context, cutter *stream.Cutter) error {
	for b, err := range cutter.Batches() {
		if err != nil {
			return err
		}
		for waited := time.Duration(0); ; waited += fullWait {
			_, err := in.r.Stream.Publish(ctx, b)
			if err == nil {
				in.receipt.Batches++
				break
			}
			if !errors.Is(err, stream.ErrFull) || in.d.Patience > 0 && waited >= in.d.Patience {
				return err
			}
			in.r.pause(in.d.Source, err.Error())
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(fullWait):
			}
		}
		in.r.pause(in.d.Source, "")
	}
	return nil
}

func (r *Receiver) pause(source, why string) {
	if r.Paused != nil {
		r.Paused(source, why)
	}
}
