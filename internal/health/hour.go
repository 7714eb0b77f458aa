package health

import (
	"strconv"
	"strings"
	"time"
)

// Key names a stream of logs. A whole source is a Key with its name alone.
type Key struct {
	Source  string `json:"source"`
	Format  string `json:"format,omitempty"`
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
}

// Whole is the key of the source.
func (k Key) Whole() Key { return Key{Source: k.Source} }

// asideFormat begins the format of keys that are counted and not judged.
const asideFormat = "lane "

// Aside is the key under which a source's records of a lane are counted that is not live: a back-fill of last year is neither volume
// nor lag, and no sign that the source still speaks.
func Aside(source, lane string) Key { return Key{Source: source, Format: asideFormat + lane} }

// IsAside reports whether a key is one that is not judged.
func (k Key) IsAside() bool { return strings.HasPrefix(k.Format, asideFormat) }

// Counts is the double entry: Received = Stored + Duplicate + Dead + Dropped.
type Counts struct {
	Received  int64 `json:"received"`
	Stored    int64 `json:"stored"`
	Duplicate int64 `json:"duplicate"`
	Dead      int64 `json:"dead"`
	Dropped   int64 `json:"dropped"` // nothing drops today
}

// Balances reports whether the double entry holds.
func (c Counts) Balances() bool { return c.Received == c.Stored+c.Duplicate+c.Dead+c.Dropped }

func (c *Counts) add(o Counts) {
	c.Received += o.Received
	c.Stored += o.Stored
	c.Duplicate += o.Duplicate
	c.Dead += o.Dead
	c.Dropped += o.Dropped
}

// Hour is what a key delivered in one hour of arrival. Of what cannot be read no account is known: it counts for the whole source only.
type Hour struct {
	Key
	Start        time.Time // full hour, UTC
	Counts       Counts
	Bytes        int64         // of records, as received
	Lags         Lags          // of what was stored
	First, Last  time.Time     // of the arrivals
	LastOccurred time.Time     // of the newest event
	Gap          time.Duration // the longest between two arrivals, of which the second is in this hour
	Watched      time.Duration // how long the source was open; of whole sources only
}

// HourOf is the hour of arrival of a time.
func HourOf(t time.Time) time.Time { return t.UTC().Truncate(time.Hour) }

// Arrived notes an arrival.
func (h *Hour) Arrived(at time.Time) {
	if h.First.IsZero() || at.Before(h.First) {
		h.First = at
	}
	if !h.Last.IsZero() {
		h.Gap = max(h.Gap, at.Sub(h.Last))
	}
	if at.After(h.Last) {
		h.Last = at
	}
}

// After tells an hour when its key last delivered before it.
func (h *Hour) After(previous time.Time) {
	if !previous.IsZero() && !h.First.IsZero() {
		h.Gap = max(h.Gap, h.First.Sub(previous))
	}
}

// Merge adds what came later in the same hour.
func (h *Hour) Merge(later Hour) {
	h.Counts.add(later.Counts)
	h.Bytes += later.Bytes
	h.Watched = min(h.Watched+later.Watched, time.Hour)
	h.Lags.Merge(later.Lags)
	later.After(h.Last)
	h.Gap = max(h.Gap, later.Gap)
	if h.First.IsZero() || !later.First.IsZero() && later.First.Before(h.First) {
		h.First = later.First
	}
	if later.Last.After(h.Last) {
		h.Last = later.Last
	}
	if later.LastOccurred.After(h.LastOccurred) {
		h.LastOccurred = later.LastOccurred
	}
}

// lagBounds are the upper bounds of the classes in which lags are counted; the last class has none.
var lagBounds = [...]time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute,
	20 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 72 * time.Hour,
}

// Lags counts how long after they occurred events were received, by class; nil holds none.
type Lags []int64

const lagClasses = len(lagBounds) + 1

// Add counts one lag. One below zero, of a clock that is ahead, counts as none.
func (l *Lags) Add(lag time.Duration) {
	if *l == nil {
		*l = make(Lags, lagClasses)
	}
	i := 0
	for i < len(lagBounds) && lag > lagBounds[i] {
		i++
	}
	(*l)[i]++
}

// Merge adds other lags.
func (l *Lags) Merge(o Lags) {
	if *l == nil && o != nil {
		*l = make(Lags, lagClasses)
	}
	for i, n := range o {
		(*l)[i] += n
	}
}

// Quantile is the lag that the fraction q of events does not exceed, by interpolation within its class; beyond the last bound it is
// that bound. ok is false where there is none.
func (l Lags) Quantile(q float64) (lag time.Duration, ok bool) {
	total := int64(0)
	for _, n := range l {
		total += n
	}
	if total == 0 {
		return 0, false
	}
	rest := q * float64(total)
	from := time.Duration(0)
	for i, n := range l {
		if i == len(lagBounds) {
			break
		}
		if n > 0 && rest <= float64(n) {
			return from + time.Duration(rest/float64(n)*float64(lagBounds[i]-from)), true
		}
		rest -= float64(n)
		from = lagBounds[i]
	}
	return lagBounds[len(lagBounds)-1], true
}

// String writes the counts as the desk keeps them.
func (l Lags) String() string {
	parts := make([]string, len(l))
	for i, n := range l {
		parts[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(parts, " ")
}

// ParseLags reads what String wrote; what is not so reads as nothing.
func ParseLags(text string) Lags {
	parts := strings.Fields(text)
	if len(parts) != lagClasses {
		return nil
	}
	l := make(Lags, lagClasses)
	for i, p := range parts {
		n, err := strconv.ParseInt(p, 10, 64)
		if err != nil {
			return nil
		}
		l[i] = n
	}
	return l
}
