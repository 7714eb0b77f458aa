package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/baseline"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/snapshot"
)

// stateVersion is raised whenever what Live keeps, or what it concludes from it, changes.
const stateVersion = 3

// The bounds of what live detection remembers. When one is met the oldest day is forgotten (Forget), and so on; what lies on the
// desk from then stays as it is.
const (
	maxMatches = 4_000_000 // named matches and first uses: 64 bytes each
	maxHits    = 4_000_000 // hits of correlations: 48 bytes each
	maxHandles = 1_000_000 // credentials: 300 bytes each
)

// full says which bound is met, or "".
func (l *Live) full() string {
	matches, hits := l.detector.Held()
	for _, b := range []struct {
		what       string
		have, most int
	}{
		{"matches", matches, maxMatches},
		{"hits of correlations", hits, maxHits},
		{"credentials", len(l.handles), maxHandles},
		{"sessions", l.survey.Sessions(), enrich.MaxSessions},
		{"habits", l.history.Uses(), baseline.MaxUses},
	} {
		if b.have >= b.most {
			return fmt.Sprintf("%d %s", b.have, b.what)
		}
	}
	return ""
}

// Forget drops what comes from before a day.
func (l *Live) Forget(before time.Time) {
	at := before.UTC().Truncate(24 * time.Hour).UnixMilli()
	l.detector.Forget(at)
	l.survey.Forget(at)
	l.history.Forget(at)
	for name, h := range l.handles {
		if h.last < at {
			delete(l.handles, name)
		}
	}
	l.kept.forget(at)
}

// head says what the memory of live detection depends on.
func (o *Options) head(position uint64) snapshot.Head {
	var formats []string
	for _, f := range format.All() {
		formats = append(formats, f.Name)
	}
	program := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		program = info.Main.Version + " " + info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
				program += " " + s.Value
			}
		}
	}
	return snapshot.Head{
		"state": strconv.Itoa(stateVersion), "position": strconv.FormatUint(position, 10), "rules": o.Rules.Hash(), "environment": hashOf(o.Environment),
		"formats": strings.Join(formats, " "), "places": strconv.FormatBool(o.Places != nil), "program": program, "feeds": feedsOf(o.Intel),
	}
}

// feedsOf names the feeds of a set with their versions.
func feedsOf(set *intel.Set) string {
	if set == nil {
		return ""
	}
	out := strconv.Itoa(set.Size())
	for i := range set.Sources {
		out += " " + set.Sources[i].Name + "@" + set.Sources[i].Version
	}
	return out
}

// hashOf names what is in an environment.yaml.
func hashOf(env *enrich.Environment) string {
	text, err := json.Marshal(env)
	if err != nil {
		panic("BUG: an environment of plain values does not encode: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// encode writes all that live detection remembers.
func (l *Live) encode(e *snapshot.Encoder) error {
	l.survey.Encode(e)
	l.history.Encode(e)
	if err := l.detector.Encode(e); err != nil {
		return err
	}
	e.Len(len(l.handles))
	for name, h := range l.handles {
		e.Text(name)
		e.Text(h.origin)
		e.Int(h.last)
	}
	e.Len(l.kept.len())
	for id, k := range l.kept.each() {
		e.Bytes(id[:])
		e.Bytes(k.raw)
		e.Text(k.format)
		e.Text(k.id)
		e.Text(k.at.Source)
		e.Int(int64(k.at.Record))
		e.Int(k.at.Offset)
		e.Int(k.millis)
		e.Bool(!k.came.IsZero())
		e.Int(k.came.UnixNano())
	}
	e.Bool(l.kept.gone.many)
	e.Len(len(l.kept.gone.accounts))
	for account := range l.kept.gone.accounts {
		e.Int(account)
	}
	e.Bool(l.Stale())
	return nil
}

// decode takes in what encode wrote, in the place of all that is remembered. After an error nothing has changed.
func (l *Live) decode(d *snapshot.Decoder) error {
	learned, err := enrich.DecodeSurvey(d)
	if err != nil {
		return err
	}
	history, err := baseline.DecodeHistory(d)
	if err != nil {
		return err
	}
	detector, err := detect.DecodeDetector(l.o.Rules, history, l.o.Intel, d)
	if err != nil {
		return err
	}
	handles := map[string]*handle{}
	for range d.Len() {
		name := d.Text()
		handles[name] = &handle{origin: d.Text(), last: d.Int()}
	}
	kept := newKept(l.o.Rules)
	for range d.Len() {
		var id detect.EventID
		d.Fill(id[:])
		k := keptRecord{raw: d.Bytes(), format: d.Text(), id: d.Text(), at: ocsf.Position{Source: d.Text(), Record: int(d.Int()), Offset: d.Int()}, millis: d.Int()}
		known, came := d.Bool(), time.Unix(0, d.Int()).UTC()
		if known {
			k.came = came
		}
		kept.put(id, k)
		if kept.openBytes > 2*openMost {
			kept.pack(nil)
		}
	}
	kept.gone.many = d.Bool()
	for range d.Len() {
		kept.gone.put(d.Int())
	}
	stale := d.Bool()
	if err := d.Err(); err != nil {
		return err
	}
	l.reset(&survey{enrich: learned, history: history})
	for name, h := range handles {
		h.selfMade = l.judge.SelfMade(name, h.last)
	}
	l.detector, l.handles, l.kept, l.stale, l.news, l.recounted = detector, handles, kept, stale, true, true
	return nil
}

// remember takes up what the last run of a worker left, and reports whether it could. Otherwise the lake is judged again.
func (w *Worker) remember(ctx context.Context) bool {
	if w.Memory == "" {
		return false
	}
	start := time.Now()
	head, err := w.head(ctx)
	if err == nil {
		err = snapshot.Load(w.Memory, head, func(d *snapshot.Decoder) error {
			since, newest := time.UnixMilli(d.Int()).UTC(), time.UnixMilli(d.Int()).UTC()
			if err := w.live.decode(d); err != nil {
				return err
			}
			w.since, w.newest = since, newest
			return nil
		})
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false
	case err != nil:
		w.live = NewLive(w.Judging)
		w.Log.Warn("what detection remembered is not taken up; the lake is judged again", "file", w.Memory, "because", err)
		return false
	}
	w.Status.Remembered.Add(1)
	w.Log.Info("took up what detection remembered", "file", w.Memory, "took", time.Since(start))
	return true
}

// head is what the memory depends on: beside the rules the position that is reached, and the rows of the lake, which others may add to.
func (w *Worker) head(ctx context.Context) (snapshot.Head, error) {
	files, err := w.Lake.Plan(ctx, time.Time{}, time.Time{})
	if err != nil {
		return nil, err
	}
	rows, _ := w.writer.Pending()
	for _, f := range files {
		rows += f.Rows
	}
	head := w.live.o.head(w.read)
	head["stream"] = w.partition
	head["rows"], head["window"] = strconv.FormatInt(rows, 10), w.Timing.Window.String()
	return head, nil
}

// memoryEvery is how often the memory is kept while a worker runs, for the case that it is killed: then the next start takes it up
// if no commit came after it.
const memoryEvery = 10 * time.Minute

// keepMemory keeps what detection remembers as of this moment, when it is time to or at the end. Not to have it costs time at the next
// start and nothing else, so a failure is only logged.
func (w *Worker) keepMemory(ctx context.Context, now bool) {
	if w.Memory == "" || !now && since(w.Now(), w.last.memory) < max(memoryEvery, 100*w.cost.memory) {
		return
	}
	start := time.Now()
	w.last.memory = w.Now()
	head, err := w.head(ctx)
	if err == nil {
		var failed error
		err = snapshot.Save(w.Memory, head, func(e *snapshot.Encoder) {
			e.Int(w.since.UnixMilli())
			e.Int(w.newest.UnixMilli())
			failed = w.live.encode(e)
		})
		err = errors.Join(err, failed)
	}
	w.cost.memory = time.Since(start)
	if err != nil {
		w.Log.Warn("what detection remembers could not be kept; the next start judges the lake again", "file", w.Memory, "error", err)
	}
}

// window is where the window begins that ends with the newest event, and whether that is a day or more after where it began until now.
func (w *Worker) window() (from time.Time, moves bool) {
	if w.newest.IsZero() {
		return w.since, false
	}
	from = w.newest.UTC().Truncate(24 * time.Hour).Add(24*time.Hour - w.Timing.Window)
	return from, from.Sub(w.since) >= 24*time.Hour
}

// bound forgets what is older than the window, and more where there is more than may be remembered.
func (w *Worker) bound() {
	if w.newest.IsZero() {
		return
	}
	if from, moves := w.window(); moves {
		w.live.Forget(from)
		w.since = from
	}
	day := w.newest.UTC().Truncate(24 * time.Hour)
	for why := w.live.full(); why != "" && w.since.Before(day); why = w.live.full() {
		w.since = w.since.Truncate(24 * time.Hour).Add(24 * time.Hour)
		w.live.Forget(w.since)
		w.Status.Shortened.Add(1)
		w.Log.Warn("detection remembers as much as it may; what is older than this day is not judged any more, and stays on the desk as it is", "day", w.since.Format(time.DateOnly), "because", why)
	}
	w.Status.Since.Store(w.since.UnixMilli())
	w.Status.NotLearned.Store(w.live.survey.Overflow() + w.live.history.Overflow() + w.live.detector.Overflow())
}
