package pipeline

import (
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// clockSkew is how far a source's clock may be ahead of ours. A record from the year 2099 must not make all that follow late.
const clockSkew = 5 * time.Minute

// maxTides bounds the watermarks: accounts and Regions come out of logs. Above it those of a source and lane share one.
const maxTides = 10_000

// tide is what a watermark belongs to.
type tide struct{ source, account, region, lane string }

// tides are the watermarks: how far, by the time of events, each source has delivered of each account, Region and lane. One batch is
// judged against what the batches before it reached, so that the order within a batch decides nothing.
type tides struct {
	reached map[tide]time.Time
	next    map[tide]time.Time // what the batch under way reaches
	late    map[detect.EventID]struct{}
}

func newTides(kept []desk.Watermark) *tides {
	t := &tides{reached: map[tide]time.Time{}, next: map[tide]time.Time{}, late: map[detect.EventID]struct{}{}}
	for _, k := range kept {
		t.reached[tide{k.Source, k.Account, k.Region, k.Lane}] = k.At
	}
	return t
}

// see takes an event's time in and reports whether it comes late.
func (t *tides) see(b *stream.Batch, e *ocsf.Event) bool {
	key := tide{b.Source, e.Str(ocsf.CloudAccountUID), e.Str(ocsf.CloudRegion), b.Lane}
	reached, known := t.reached[key]
	if !known && len(t.reached)+len(t.next) >= maxTides {
		key.account, key.region = "", ""
		reached, known = t.reached[key]
	}
	at := e.Time()
	if most := b.Received.Add(clockSkew); at.After(most) {
		at = most
	}
	if at.After(reached) {
		if next, is := t.next[key]; !is {
			key.account, key.region = strings.Clone(key.account), strings.Clone(key.region)
			t.next[key] = at
		} else if at.After(next) {
			t.next[key] = at
		}
	}
	return known && at.Before(reached.Add(-format.Lateness(b.Format)))
}

// turn makes what a batch reached count for the next.
func (t *tides) turn() {
	for key, at := range t.next {
		if at.After(t.reached[key]) {
			t.reached[key] = at
		}
	}
	clear(t.next)
}

// marks lists the watermarks, for the desk.
func (t *tides) marks() []desk.Watermark {
	out := make([]desk.Watermark, 0, len(t.reached))
	for k, at := range t.reached {
		out = append(out, desk.Watermark{Source: k.source, Account: k.account, Region: k.region, Lane: k.lane, At: at})
	}
	return out
}

// lateEvent reports whether a matched event came late.
func (t *tides) lateEvent(account, uid string) bool {
	_, is := t.late[detect.IDOf(account, uid)]
	return is
}
