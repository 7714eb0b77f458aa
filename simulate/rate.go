package simulate

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate is how fast the past is delivered: so many events a second, or so many times as fast as it was. The zero Rate says nothing.
type Rate struct{ Events, Times float64 }

// ParseRate reads 500 or 500/s as events a second, and 60x as a multiple of time.
func ParseRate(text string) (Rate, error) {
	var r Rate
	if text == "" {
		return r, nil
	}
	number, times := strings.CutSuffix(text, "x")
	x, err := strconv.ParseFloat(strings.TrimSuffix(number, "/s"), 64)
	if err != nil || x <= 0 || x > 1e9 || times && x < 1 {
		return r, fmt.Errorf("simulate: the rate %q is neither events a second (500/s) nor a multiple of time, 1 or more (60x)", text)
	}
	if times {
		return Rate{Times: x}, nil
	}
	return Rate{Events: x}, nil
}

// over says how long a past takes.
func (r Rate) over(events int, span, catchUp time.Duration) string {
	switch {
	case r.Events > 0:
		span = time.Duration(float64(events) / r.Events * float64(time.Second))
	case r.Times > 0:
		span = time.Duration(float64(span) / r.Times)
	default:
		span = catchUp
	}
	return ", within " + span.Round(time.Second).String()
}

// pace says when each object is due. It has one owner, and is asked in the order of time.
type pace struct {
	Rate
	catchUp     time.Duration
	begin, from time.Time // of the delivery, and of what is delivered
	started     bool
	events      int // before the one that is asked for
}

// due is when an object is delivered: never before its time. What was delivered already is not asked for, so that the pace begins with the first that is.
func (p *pace) due(at time.Time, events int) time.Time {
	if !p.started {
		p.started = true
		if at.Before(p.begin) {
			p.from = at
		}
	}
	before := p.events
	p.events += events
	past, passed := p.begin.Sub(p.from), at.Sub(p.from)
	due := p.begin
	switch {
	case p.Events > 0:
		due = due.Add(time.Duration(float64(before) / p.Events * float64(time.Second)))
	case p.Times > 0:
		due = due.Add(time.Duration(float64(passed) / p.Times))
	case past > 0 && !at.After(p.begin):
		due = due.Add(time.Duration(float64(p.catchUp) * (float64(passed) / float64(past))))
	}
	if due.Before(at) {
		return at
	}
	return due
}
