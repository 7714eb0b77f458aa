package health

import (
	"slices"
	"time"
)

// State is how a stream does, in a word.
type State string

// The states of a stream.
const (
	Never    State = "never"    // nothing came yet
	Learning State = "learning" // too little came to know what is usual
	Seen     State = "seen"
	Quiet    State = "quiet"  // nothing comes, as usual at this time of the day or week
	Silent   State = "silent" // nothing comes, and that is not usual
	Paused   State = "paused"
	Stopped  State = "stopped" // tocsin serve does not run, so nothing can come
)

// silences are how long a format may be silent at the least: about three times the delivery that AWS states for it, and not below the
// 15 minutes that are usual for cloud sources (elastic/kibana#269911).
var silences = map[string]time.Duration{
	"cloudtrail": 15 * time.Minute, // "typically … within an average of about 5 minutes" (CloudTrail User Guide, How CloudTrail works)
	"vpcflow":    30 * time.Minute, // 10 minutes to S3, best effort (VPC User Guide, Flow log basics)
	"alb":        15 * time.Minute, // a file every 5 minutes (ELB User Guide, Access logs)
	"waf":        15 * time.Minute, // a file every 5 minutes (WAF Developer Guide, Logging to S3)
	"s3access":   12 * time.Hour,   // "within a few hours", best effort (S3 User Guide, Server access logging)
	"guardduty":  24 * time.Hour,   // findings come when there is something to find
	"asff":       24 * time.Hour,
	"insights":   72 * time.Hour, // only unusual activity is written
	"awsconfig":  24 * time.Hour, // snapshots come every 1 to 24 hours as set
}

// usualSilence is that of a format which the table does not name.
const usualSilence = 15 * time.Minute

// SilenceOf is how long a format may be silent at the least.
func SilenceOf(format string) time.Duration {
	if d := silences[format]; d > 0 {
		return d
	}
	return usualSilence
}

const (
	minHours    = 3 // distinct hours with arrivals before anything is known of a stream
	longGap     = 2 * time.Hour
	mayBeLate   = time.Hour // people do not begin at the same minute every day
	gapQuantile = 0.95
	gapFactor   = 3 // random arrivals exceed three times this quantile less than once in a thousand gaps (health_test.go holds it to that)
)

// Silence is what is known of the last arrival.
type Silence struct {
	State   State
	Last    time.Time     // arrival; zero for never
	For     time.Duration // since Last, without the time in which nothing could come
	Allowed time.Duration // how long it may be silent
}

// Hush judges the silence of one key from its hours. least is what its format may be silent; from is since when the source is watched
// without a break; watched are the hours of the whole source.
func Hush(hours, watched []Hour, least time.Duration, from, now time.Time) Silence {
	s := Silence{State: Never, Allowed: least}
	active := 0
	var gaps []time.Duration
	for i := range hours {
		h := &hours[i]
		if h.Last.IsZero() {
			continue
		}
		active++
		s.Last = h.Last
		if h.Gap <= 0 || h.Start.Before(now.Add(-7*24*time.Hour)) || h.Gap > longGap && usuallyQuiet(hours, watched, h.First.Add(-h.Gap), h.First, max(least, mayBeLate)) {
			continue // a night says nothing of the day
		}
		gaps = append(gaps, h.Gap)
	}
	if active == 0 {
		return s
	}
	start := s.Last
	if from.After(start) {
		start = from
	}
	s.For = max(0, now.Sub(start))
	if len(gaps) > 0 {
		slices.Sort(gaps)
		s.Allowed = max(least, gapFactor*gaps[int(gapQuantile*float64(len(gaps)-1)+0.5)])
	}
	switch {
	case active < minHours:
		s.State = Learning
	case s.For <= s.Allowed:
		s.State = Seen
	case usuallyQuiet(hours, watched, start, now, max(s.Allowed, mayBeLate)):
		s.State = Quiet
	default:
		s.State = Silent
	}
	return s
}

// usuallyQuiet reports whether the same stretch of time was as quiet on most of the seven days before. Where the same day of the week is
// known it has the last word: a weekend is like the weekend before. late is by how much one day may begin later than another.
func usuallyQuiet(hours, watched []Hour, from, to time.Time, late time.Duration) bool {
	const day = 24 * time.Hour
	on := func(d int) (quiet, ok bool) {
		back := -time.Duration(d) * day
		return quietOn(hours, watched, from.Add(back), to.Add(back), late)
	}
	if a, ok := on(7); ok {
		b, ok := on(14)
		return a && (b || !ok)
	}
	known, quiet := 0, 0
	for d := 1; d < 7; d++ {
		if is, ok := on(d); ok {
			known++
			if is {
				quiet++
			}
		}
	}
	return known > 0 && 2*quiet > known
}

// quietOn reports whether one gap between arrivals fills a stretch, but for what may be late and at most half of it. ok is false for what lies
// before the history, or where nobody watched.
func quietOn(hours, watched []Hour, from, to time.Time, late time.Duration) (quiet, ok bool) {
	if len(hours) == 0 || from.Before(hours[0].Start) {
		return false, false
	}
	span := to.Sub(from)
	i, _ := slices.BinarySearchFunc(hours, HourOf(from), func(x Hour, t time.Time) int { return x.Start.Compare(t) })
	before := time.Time{} // the last arrival
	for k := i - 1; k >= 0 && before.IsZero(); k-- {
		before = hours[k].Last
	}
	for ; i < len(hours); i++ {
		h := &hours[i]
		if h.Last.IsZero() {
			continue
		}
		if !before.IsZero() {
			filled := earlier(h.First, to).Sub(later(before, from))
			if 2*filled >= span && span-filled <= late {
				is := wasWatched(watched, from, to)
				return is, is
			}
		}
		if before = h.Last; before.After(to) {
			break
		}
	}
	return false, true
}

// wasWatched reports whether at least half of a stretch was watched.
func wasWatched(watched []Hour, from, to time.Time) bool {
	seen := time.Duration(0)
	for _, w := range between(watched, HourOf(from), HourOf(to)) {
		if w.Watched >= fullyWatched {
			seen += earlier(w.Start.Add(time.Hour), to).Sub(later(w.Start, from))
		}
	}
	return 2*seen >= to.Sub(from)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// fullyWatched is how much of an hour must have been watched for its silence and its volume to mean something.
const fullyWatched = 50 * time.Minute
