package pipeline

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/health"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// hourly counts what sources deliver, by stream of logs and hour of arrival, for the judgement of their health. The desk keeps the counts
// together with the position that they reach; batches up to there are not counted again. It has one owner.
type hourly struct {
	counted uint64 // position up to which the desk has the counts
	skip    bool   // of the batch at hand
	aside   bool   // the batch at hand is of a lane that is counted for the double entry alone
	hours   map[hourKey]*health.Hour
	streams map[health.Key]bool
	crowd   map[string]int // streams by source

	batch *stream.Batch
	whole *health.Hour // of the batch at hand
	last  *health.Hour // of the event before, which is most often that of the next
}

type hourKey struct {
	health.Key
	start time.Time
}

func newHourly(ctx context.Context, d *desk.Desk, partition string) (*hourly, error) {
	t := &hourly{hours: map[hourKey]*health.Hour{}, streams: map[health.Key]bool{}, crowd: map[string]int{}}
	var err error
	if t.counted, err = d.Tallied(ctx, partition); err != nil {
		return nil, err
	}
	return t, d.Streams(ctx, func(k health.Key) {
		t.streams[k] = true
		if k != k.Whole() && !k.IsAside() {
			t.crowd[k.Source]++
		}
	})
}

// open begins a batch.
func (t *hourly) open(seq uint64, b *stream.Batch) {
	t.batch, t.last = b, nil
	if t.skip = seq <= t.counted; t.skip {
		return
	}
	key := health.Key{Source: b.Source}
	if t.aside = b.Lane != "" && b.Lane != lake.LaneLive; t.aside {
		key = health.Aside(b.Source, b.Lane)
	}
	t.whole = t.hour(key)
	t.whole.Arrived(b.Received)
}

// event counts a record that could be read.
func (t *hourly) event(e *ocsf.Event, isNew bool) {
	if t.skip {
		return
	}
	if !t.aside {
		if h := t.stream(e); h != nil {
			count(h, e, t.batch.Received, isNew)
		}
	}
	count(t.whole, e, t.batch.Received, isNew)
}

func count(h *health.Hour, e *ocsf.Event, received time.Time, isNew bool) {
	h.Counts.Received++
	h.Bytes += int64(len(e.Raw))
	if !isNew {
		h.Counts.Duplicate++
		return
	}
	h.Counts.Stored++
	occurred := e.Time()
	h.Lags.Add(received.Sub(occurred))
	if occurred.After(h.LastOccurred) {
		h.LastOccurred = occurred
	}
}

// dead counts a record that could not be read.
func (t *hourly) dead() {
	if !t.skip {
		t.whole.Counts.Received++
		t.whole.Counts.Dead++
	}
}

// failed says that a record which was counted as stored is a dead letter, and was counted as that as well.
func (t *hourly) failed() {
	if !t.skip {
		t.whole.Counts.Received--
		t.whole.Counts.Stored--
	}
}

// maxName bounds the names that a record may bring to the counts.
const maxName = 64

// stream is the hour of an event's stream; nil where there are too many streams, and then the event counts for its source only.
func (t *hourly) stream(e *ocsf.Event) *health.Hour {
	account, region := e.Str(ocsf.CloudAccountUID), e.Str(ocsf.CloudRegion)
	if t.last != nil && t.last.Account == account && t.last.Region == region {
		return t.last
	}
	if len(account) > maxName || len(region) > maxName {
		return nil
	}
	k := health.Key{Source: t.batch.Source, Format: t.batch.Format, Account: account, Region: region}
	if !t.streams[k] {
		if t.crowd[k.Source] >= health.MaxStreams {
			return nil
		}
		k.Account, k.Region = string([]byte(account)), string([]byte(region)) // the event's own memory goes
		t.streams[k] = true
		t.crowd[k.Source]++
	}
	t.last = t.hour(k)
	t.last.Arrived(t.batch.Received)
	return t.last
}

func (t *hourly) hour(k health.Key) *health.Hour {
	id := hourKey{k, health.HourOf(t.batch.Received)}
	h := t.hours[id]
	if h == nil {
		id.Account, id.Region = string([]byte(k.Account)), string([]byte(k.Region))
		h = &health.Hour{Key: id.Key, Start: id.start}
		t.hours[id] = h
	}
	return h
}

// take hands over what was counted since the last time, up to a position.
func (t *hourly) take(position uint64) *desk.Tally {
	out := &desk.Tally{Position: position, Hours: make([]health.Hour, 0, len(t.hours))}
	for _, h := range t.hours {
		out.Hours = append(out.Hours, *h)
	}
	slices.SortFunc(out.Hours, func(a, b health.Hour) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Format, b.Format), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	clear(t.hours)
	t.last, t.whole = nil, nil
	t.counted = max(t.counted, position)
	return out
}
