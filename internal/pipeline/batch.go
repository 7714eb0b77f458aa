package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// Status is how a worker does. Its counters may be read at any time.
type Status struct {
	Batches, Received, Stored, Duplicate, Dead atomic.Int64 // since the start of the process
	Commits, Files, Rows, Bytes                atomic.Int64
	CommitNanos, ConcludeNanos                 atomic.Int64 // of the last
	Rebuilds, Remembered, Incidents, Failed    atomic.Int64
	Lost, Damaged                              atomic.Int64 // batches that the stream's disk lost; readings of data files that failed
	Unproven                                   atomic.Int64 // 1 while the ledger waits before a snapshot that cannot be proven
	Known, Unknown                             atomic.Int64 // ids that are held to tell duplicates, and ids that were let go
	Since                                      atomic.Int64 // what detection reaches back to, epoch milliseconds
	Shortened, NotLearned                      atomic.Int64 // days forgotten before their time; what came beyond a hard bound
	Position                                   atomic.Uint64
	LastEvent                                  atomic.Int64 // when the last batch was received, epoch milliseconds
}

func (s *Status) committed(c lake.Committed) {
	s.Commits.Add(1)
	s.Files.Add(int64(c.Files))
	s.Rows.Add(c.Rows)
	s.Bytes.Add(c.Bytes)
	s.CommitNanos.Store(int64(c.Took))
}

// decoding holds what the goroutines of a worker decode with.
type decoding struct{ lanes []map[string]*ocsf.Decoder }

func newDecoding(workers int) *decoding {
	d := &decoding{}
	for range max(1, workers) + 1 { // one judges, the others make rows
		lane := map[string]*ocsf.Decoder{}
		for _, f := range format.All() {
			lane[f.Name] = ocsf.NewDecoder(f.Shape(), records.Limits{})
		}
		d.lanes = append(d.lanes, lane)
	}
	return d
}

// item is one record of a batch that is a new event.
type item struct {
	raw  []byte
	at   ocsf.Position
	id   detect.EventID
	late bool
}

// batch takes one batch in.
func (w *Worker) batch(ctx context.Context, a arrival, x *trial) error {
	b := &a.batch
	w.live.Arrived = b.Received
	w.hourly.open(a.seq, b)
	var fresh []item
	ordinal := b.First
	for line, err := range b.All() {
		if err != nil && !errors.Is(err, stream.ErrDamaged) {
			return fmt.Errorf("position %d: %w", a.seq, err)
		}
		if err != nil || ordinal >= b.First+b.Records {
			w.lost(b, a.seq, ordinal, err)
			break
		}
		at := ocsf.Position{Source: b.Object, Record: ordinal}
		ordinal++
		w.count(b, "received", &w.Status.Received)
		if len(line) == 0 || line[0] == faultRecord {
			w.deadLetter(b, at, faultOf(line))
			continue
		}
		ok, err := x.record(ctx, at.Record)
		if err != nil {
			return err
		}
		if !ok {
			w.deadLetter(b, at, fault{Reason: ReasonPoison, Detail: fmt.Sprintf("tried alone %d times", aloneTries), Raw: line[1:]})
			continue
		}
		w.at(StepRecord, line[1:])
		f, err := w.learn(ctx, b, line[1:], at)
		if err != nil {
			return err
		}
		if f != nil {
			fresh = append(fresh, *f)
		}
		if x.alone() {
			if err := w.judge(ctx, b, fresh); err != nil {
				return err
			}
			fresh = fresh[:0]
		}
	}
	if err := w.judge(ctx, b, fresh); err != nil {
		return err
	}
	w.tides.turn()
	w.read = a.seq
	w.Status.Position.Store(a.seq)
	w.Status.Batches.Add(1)
	w.Status.LastEvent.Store(b.Received.UnixMilli())
	return nil
}

func faultOf(line []byte) fault {
	var f fault
	if len(line) == 0 || json.Unmarshal(line[1:], &f) != nil || f.Reason == "" {
		return fault{Reason: ReasonUnknownFormat, Detail: "an empty or unknown record in the stream", Raw: line}
	}
	return f
}

// count adds to a total of the batch's source. Totals reach the lake with the rows that they speak of.
func (w *Worker) count(b *stream.Batch, what string, status *atomic.Int64) {
	w.totals[b.Source+"/"+what]++
	status.Add(1)
}

func (w *Worker) deadLetter(b *stream.Batch, at ocsf.Position, f fault) {
	w.count(b, "dead", &w.Status.Dead)
	w.hourly.dead()
	w.dead = append(w.dead, desk.DeadLetter{
		ID: deadID(b.Source, b.Object, b.ETag, b.Format, at.Record), Source: b.Source, Object: b.Object, Record: at.Record, Offset: f.Offset, Format: b.Format,
		Reason: f.Reason, Detail: f.Detail, Raw: f.Raw, ReceivedAt: b.Received,
	})
}

// deadID is the same for the same record of the same object.
func deadID(source, object, etag, format string, record int) string {
	sum := sha256.Sum256([]byte(source + "\x00" + object + "\x00" + etag + "\x00" + format + "\x00" + strconv.Itoa(record)))
	return hex.EncodeToString(sum[:16])
}

// learn reads a record for what it says about others, and returns it if it is a new event.
func (w *Worker) learn(ctx context.Context, b *stream.Batch, raw []byte, at ocsf.Position) (out *item, err error) {
	defer func() {
		if r := recover(); r != nil {
			w.Log.Error("a record could not be read", "object", at.Source, "record", at.Record, "panic", r, "stack", string(debug.Stack()))
			w.deadLetter(b, at, fault{ReasonFailed, fmt.Sprint(r), 0, raw})
			out, err = nil, nil
		}
	}()
	d := w.decoded.lanes[0][b.Format]
	if d == nil {
		w.deadLetter(b, at, fault{Reason: ReasonUnknownFormat, Detail: "format " + b.Format + " is not in this version", Raw: raw})
		return nil, nil
	}
	err = d.Record(raw, "", at, ocsf.Sink{
		Event: func(e *ocsf.Event) error {
			id := idOf(e)
			isNew, err := w.known.add(ctx, e.Time(), id)
			if err != nil {
				return err
			}
			w.hourly.event(e, isNew)
			if !isNew {
				w.count(b, "duplicate", &w.Status.Duplicate)
				return nil
			}
			w.count(b, "stored", &w.Status.Stored)
			w.live.Learn(e)
			if at := e.Time(); b.Source != audit.Source && at.After(w.newest) && at.Before(b.Received.Add(24*time.Hour)) { // not a clock of the far future
				w.newest = at
			}
			out = &item{raw, at, id, w.tides.see(b, e)}
			return nil
		},
		Unreadable: func(u ocsf.Unreadable) error {
			w.deadLetter(b, at, fault{u.Reason, u.Detail, u.At.Offset, raw})
			return nil
		},
	})
	return out, err
}

// judge judges new events, and makes rows of them beside that.
func (w *Worker) judge(ctx context.Context, b *stream.Batch, fresh []item) error {
	if len(fresh) == 0 {
		return nil
	}
	group, _ := errgroup.WithContext(ctx)
	lanes := w.decoded.lanes[1:]
	rows := rowMaker{w: w, b: b, judge: w.live.judge, now: w.Now()}
	for n, lane := range lanes {
		group.Go(func() error {
			for i := n; i < len(fresh); i += len(lanes) {
				if err := rows.make(lane[b.Format], &fresh[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		d := w.decoded.lanes[0][b.Format]
		for i := range fresh {
			if err := w.detect(d, &fresh[i]); err != nil {
				return err
			}
		}
		return nil
	})
	err := group.Wait()
	for _, f := range rows.failed {
		w.totals[b.Source+"/stored"]--
		w.Status.Stored.Add(-1)
		w.hourly.failed()
		w.deadLetter(b, f.at, fault{ReasonFailed, "making its row failed; see the log", 0, f.raw})
	}
	return err
}

// ReasonFailed is why a record is a dead letter on which this program failed.
const ReasonFailed = "Tocsin failed on this record (please report it)"

// rowMaker makes rows of a batch, in several goroutines.
type rowMaker struct {
	w     *Worker
	b     *stream.Batch
	judge *enrich.Judge
	now   time.Time

	mu     sync.Mutex
	failed []*item
}

func (m *rowMaker) make(d *ocsf.Decoder, f *item) (err error) {
	defer func() {
		if r := recover(); r != nil {
			m.w.Log.Error("a record made no row", "object", f.at.Source, "record", f.at.Record, "panic", r, "stack", string(debug.Stack()))
			m.mu.Lock()
			m.failed = append(m.failed, f)
			m.mu.Unlock()
		}
	}()
	return d.Record(f.raw, "", f.at, eventSink(func(e *ocsf.Event) {
		var facts enrich.Facts
		facts.Reset(m.judge, e)
		row := rowOf(e, &facts)
		row.SourceID, row.BatchID, row.Lane, row.Received = m.b.Source, m.b.Object, m.b.Lane, m.b.Received
		p := lake.Prepare(&row, m.now)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.w.writer.Append(p)
	}))
}

// detect judges one new event. One that cannot be judged is stored all the same.
func (w *Worker) detect(d *ocsf.Decoder, f *item) error {
	defer func() {
		if r := recover(); r != nil {
			w.Status.Failed.Add(1)
			w.Log.Error("a record was not judged", "object", f.at.Source, "record", f.at.Record, "panic", r, "stack", string(debug.Stack()))
		}
	}()
	return d.Record(f.raw, "", f.at, eventSink(func(e *ocsf.Event) {
		if w.live.Judge(e, f.id) && f.late {
			w.tides.late[f.id] = struct{}{}
		}
	}))
}

func eventSink(do func(e *ocsf.Event)) ocsf.Sink {
	return ocsf.Sink{
		Event:      func(e *ocsf.Event) error { do(e); return nil },
		Unreadable: func(ocsf.Unreadable) error { return nil }, // it was readable when it was learned from
	}
}

// Received says when an event came in that the last conclusion needed; zero where that is not known.
func (l *Live) Received(account, uid string) time.Time {
	return l.kept.open[detect.IDOf(account, uid)].came
}
