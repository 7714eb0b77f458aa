package health

import (
	"time"
)

// Source is what a caller knows of a source.
type Source struct {
	Name   string
	Paused bool
	Ends   bool      // it lists a stretch of days and is then done: its end is no silence
	From   time.Time // since when it is open without a break
	Totals Counts    // since ever, as the lake says
}

// Stream is how one stream does.
type Stream struct {
	Key
	State          State     `json:"state"`
	LastSeen       time.Time `json:"last_seen,omitzero"`     // arrival
	LastOccurred   time.Time `json:"last_occurred,omitzero"` // of the newest event
	SilentSeconds  float64   `json:"silent_seconds"`         // since the last arrival, while something could come
	AllowedSeconds float64   `json:"allowed_seconds"`        // from which on silence is looked at
	LagP50Seconds  *float64  `json:"lag_p50_seconds"`        // received − occurred, of the last 24 hours; null without events
	LagP95Seconds  *float64  `json:"lag_p95_seconds"`        // likewise
	Volume         Volume    `json:"volume"`
	Day            Counts    `json:"day"`       // the last 24 hours
	DayBytes       int64     `json:"day_bytes"` // of records, as received
}

// Of is how a source does.
type Of struct {
	Stream
	Totals    Counts   `json:"totals"`     // since ever
	Balanced  bool     `json:"balanced"`   // received = stored + duplicate + dead + dropped
	ParseRate *float64 `json:"parse_rate"` // of the last 24 hours, else since ever: what of the received could be read; null without records
	PerDay    PerDay   `json:"per_day"`
	DiskBytes int64    `json:"disk_bytes"` // its share of the lake's files, by records
	Price     Price    `json:"price"`
	Streams   []Stream `json:"streams"`
	Crowded   bool     `json:"crowded"` // there are more streams than are counted apart
}

// PerDay is a mean over the watched days that are kept, at most seven.
type PerDay struct {
	Records float64 `json:"records"`
	Bytes   float64 `json:"bytes"`
}

// Report is how all sources do.
type Report struct {
	At       time.Time `json:"at"`
	Sources  []Of      `json:"sources"`
	Troubles []Trouble `json:"troubles"`
}

// Question is what a report is made from.
type Question struct {
	Book      *Book
	Sources   []Source
	Running   bool  // tocsin serve runs: without it nothing is judged
	LakeBytes int64 // of all data files
	Prices    Prices
	Silences  map[string]time.Duration // by format, in place of SilenceOf
	Now       time.Time
}

// Judge makes the report.
func Judge(q Question) Report {
	r := Report{At: q.Now, Sources: []Of{}, Troubles: []Trouble{}}
	stored := int64(0)
	for _, s := range q.Sources {
		stored += s.Totals.Stored
	}
	for _, s := range q.Sources {
		o := q.source(s)
		if stored > 0 {
			o.DiskBytes = int64(float64(q.LakeBytes) * float64(s.Totals.Stored) / float64(stored))
		}
		o.Price = q.Prices.of(&o)
		r.Sources = append(r.Sources, o)
		r.Troubles = append(r.Troubles, troubles(&o)...)
	}
	return r
}

func (q *Question) source(s Source) Of {
	watched := q.Book.hours(Key{Source: s.Name})
	keys := q.Book.Streams(s.Name)
	least := usualSilence
	for i, k := range keys { // the source is as patient as the most talkative of its formats
		if d := q.silenceOf(k.Format); i == 0 || d < least {
			least = d
		}
	}
	o := Of{Stream: q.stream(s, Key{Source: s.Name}, watched, least), Totals: s.Totals, Balanced: s.Totals.Balances(), Streams: []Stream{}, Crowded: q.Book.Crowded(s.Name)}
	for _, k := range keys {
		o.Streams = append(o.Streams, q.stream(s, k, watched, q.silenceOf(k.Format)))
	}
	read := o.Day
	if read.Received == 0 {
		read = s.Totals
	}
	if read.Received > 0 {
		rate := 1 - float64(read.Dead)/float64(read.Received)
		o.ParseRate = &rate
	}
	o.PerDay = perDay(watched, q.Now)
	return o
}

func (q *Question) stream(s Source, k Key, watched []Hour, least time.Duration) Stream {
	hours := q.Book.hours(k)
	hush := Hush(hours, watched, least, s.From, q.Now)
	st := Stream{Key: k, State: hush.State, LastSeen: hush.Last, SilentSeconds: hush.For.Seconds(), AllowedSeconds: hush.Allowed.Seconds(), Volume: Flow(hours, watched, q.Now)}
	switch {
	case s.Paused:
		st.State = Paused
	case !q.Running && st.State != Never:
		st.State = Stopped
	case s.Ends && st.State == Silent:
		st.State = Quiet
	}
	if s.Paused || s.Ends || !q.Running {
		st.Volume.State = VolumeLearning
	}
	var lags Lags
	for _, h := range between(hours, HourOf(q.Now.Add(-24*time.Hour)), q.Now) {
		st.Day.add(h.Counts)
		st.DayBytes += h.Bytes
		lags.Merge(h.Lags)
	}
	for i := range hours {
		if hours[i].LastOccurred.After(st.LastOccurred) {
			st.LastOccurred = hours[i].LastOccurred
		}
	}
	st.LagP50Seconds, st.LagP95Seconds = seconds(lags.Quantile(0.5)), seconds(lags.Quantile(0.95))
	return st
}

func seconds(d time.Duration, ok bool) *float64 {
	if !ok {
		return nil
	}
	s := d.Seconds()
	return &s
}

// perDay is the mean of the last seven days; of a source that is younger, of the days since its first hour, and of one day at the least.
func perDay(hours []Hour, now time.Time) PerDay {
	week := between(hours, HourOf(now.Add(-7*24*time.Hour)), now)
	if len(week) == 0 {
		return PerDay{}
	}
	var p PerDay
	for i := range week {
		p.Records += float64(week[i].Counts.Received)
		p.Bytes += float64(week[i].Bytes)
	}
	days := max(1, now.Sub(week[0].Start).Hours()/24)
	p.Records /= days
	p.Bytes /= days
	return p
}

func (q *Question) silenceOf(format string) time.Duration {
	if d := q.Silences[format]; d > 0 {
		return d
	}
	return SilenceOf(format)
}
