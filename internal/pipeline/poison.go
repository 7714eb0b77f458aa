package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// A batch can stop the worker, or end the whole process, each time that it is read: poison. So the worker writes down what it is at before it
// takes a batch in, and strikes that out afterwards. What still stands there when a worker begins was not survived. A batch that
// was not survived twice is taken in record by record, each written down on its own; a record that alone was not survived three
// times becomes a dead letter, and the rest goes on. That is finer than halving: one life finds the record, where halving a
// batch of ten thousand takes fourteen. A kill from outside is counted too, and must not condemn a healthy record: a record that has
// been blamed before is tried after a pause in which nothing is written down, and a kill that comes by the clock meets the pause.

const (
	wholeTries = 2 // of a batch as a whole
	aloneTries = 3 // of a record alone

	pause = 500 * time.Millisecond // before a record is tried alone, for each time that it was blamed
)

// ReasonPoison is why a record is a dead letter that the process did not survive.
const ReasonPoison = "Tocsin did not survive this record (please report it)"

// ReasonLost is why records are dead letters that the disk of the stream lost.
const ReasonLost = "the stream lost this record: give its object in again"

// suspect is a batch that was not survived.
type suspect struct {
	Position uint64      `json:"position"`
	Whole    int         `json:"whole"`           // lives that ended in it while it was taken in whole
	Alone    map[int]int `json:"alone,omitempty"` // likewise, by record that was tried alone
}

// trials remembers over restarts what was not survived. The zero value remembers nothing.
type trials struct {
	path     string   // of the suspects; what is tried now stands beside it, in path.now
	now      *os.File // "batch record", of fixed length; empty between batches
	suspects map[string]*suspect
}

// alone is the record of a batch that is tried as a whole.
const notAlone = -1

// openTrials reads what the last life left, and strikes out what the lake has got over.
func openTrials(path string, reached uint64) (*trials, error) {
	t := &trials{path: path, suspects: map[string]*suspect{}}
	if path == "" {
		return t, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // a file of the data folder
	if err == nil {
		err = json.Unmarshal(text, &t.suspects)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.suspects = map[string]*suspect{} // torn by a loss of power: it begins to count anew
	}
	if t.now, err = os.OpenFile(path+".now", os.O_CREATE|os.O_RDWR, 0o600); err != nil { //nolint:gosec // a file of the data folder
		return nil, fmt.Errorf("note what is tried: %w", err)
	}
	before := len(t.suspects)
	for id, s := range t.suspects {
		if s.Position <= reached {
			delete(t.suspects, id)
		}
	}
	blamed := t.blame()
	if blamed || before != len(t.suspects) {
		err = t.save()
	}
	return t, errors.Join(err, t.mark("", 0, 0))
}

// blame counts what stood written down when the last life ended.
func (t *trials) blame() bool {
	var line [markSize]byte
	n, _ := t.now.ReadAt(line[:], 0)
	fields := strings.Fields(string(line[:n]))
	if len(fields) != 3 {
		return false
	}
	position, err := strconv.ParseUint(fields[1], 10, 64)
	record, err2 := strconv.Atoi(fields[2])
	if err != nil || err2 != nil {
		return false
	}
	s := t.suspects[fields[0]]
	if s == nil {
		s = &suspect{Alone: map[int]int{}}
		t.suspects[fields[0]] = s
	}
	s.Position = position
	if record == notAlone {
		s.Whole++
	} else {
		if s.Alone == nil {
			s.Alone = map[int]int{}
		}
		s.Alone[record]++
	}
	return true
}

// save writes the suspects. It is not flushed: a kill of the process loses nothing of it, and a loss of power only begins the count anew.
func (t *trials) save() error {
	text, err := json.Marshal(t.suspects)
	if err != nil {
		return err
	}
	next := t.path + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return fmt.Errorf("note what was not survived: %w", err)
	}
	return os.Rename(next, t.path)
}

// markSize holds a batch's id and two numbers.
const markSize = 128

// mark writes down what is tried; id "" strikes it out.
func (t *trials) mark(id string, position uint64, record int) error {
	if t.now == nil {
		return nil
	}
	line := ""
	if id != "" {
		line = fmt.Sprint(id, " ", position, " ", record)
	}
	if _, err := t.now.WriteAt(fmt.Appendf(nil, "%-*s", markSize, line), 0); err != nil {
		return fmt.Errorf("note what is tried in %s: %w", filepath.Base(t.path), err)
	}
	return nil
}

func (t *trials) close() error {
	if t == nil || t.now == nil {
		return nil
	}
	err := t.now.Close()
	t.now = nil
	return err
}

// end closes it after the last batch; what it holds is written.
func (t *trials) end() { _ = t.close() }

// trial is one batch that is being tried.
type trial struct {
	t        *trials
	id       string
	position uint64
	suspect  *suspect
}

// begin writes down that a batch is tried.
func (t *trials) begin(a *arrival) (*trial, error) {
	x := &trial{t: t, position: a.seq}
	if t.now == nil {
		return x, nil
	}
	x.id = a.batch.ID()
	x.suspect = t.suspects[x.id]
	return x, t.mark(x.id, a.seq, notAlone)
}

// alone says whether its records are to be tried one by one.
func (x *trial) alone() bool { return x.suspect != nil && x.suspect.Whole >= wholeTries }

// record writes down that a record is tried alone. ok is false for one that has been tried often enough.
func (x *trial) record(ctx context.Context, n int) (ok bool, err error) {
	if !x.alone() {
		return true, nil
	}
	blamed := x.suspect.Alone[n]
	if blamed >= aloneTries {
		return false, nil
	}
	if blamed > 0 {
		if err := x.t.mark(x.id, x.position, notAlone); err != nil {
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(time.Duration(blamed) * pause):
		}
	}
	return true, x.t.mark(x.id, x.position, n)
}

// end strikes it out.
func (x *trial) end() error { return x.t.mark("", 0, 0) }

// take takes a batch in. A panic ends the worker, which begins again where its sinks are; so does an error of the lake, which
// is not the batch's fault.
func (w *Worker) take(ctx context.Context, a arrival) (err error) {
	x, err := w.trials.begin(&a)
	if err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			w.Log.Error("a batch could not be taken in", "position", a.seq, "object", a.batch.Object, "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("position %d: part %d of %s: panic: %v", a.seq, a.batch.Part, a.batch.Object, r)
			return
		}
		err = errors.Join(err, x.end())
	}()
	return w.batch(ctx, a, x)
}

// lost counts the records of a batch that cannot be read any more: each is received, and a dead letter that names its place.
func (w *Worker) lost(b *stream.Batch, seq uint64, from int, err error) {
	w.Log.Error("a batch of the stream is damaged", "position", seq, "object", b.Object, "records", b.First+b.Records-from, "error", err)
	for n := from; n < b.First+b.Records; n++ {
		w.count(b, "received", &w.Status.Received)
		w.deadLetter(b, ocsf.Position{Source: b.Object, Record: n}, fault{Reason: ReasonLost, Detail: fmt.Sprintf("position %d: %v", seq, err)})
	}
}
