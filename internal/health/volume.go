package health

import (
	"math"
	"slices"
	"time"
)

// Volume is how much came in the last full hour, against the same hour of the days before.
type Volume struct {
	State   VolumeState `json:"state"`
	Hour    time.Time   `json:"hour,omitzero"`
	Records int64       `json:"records"`
	Median  float64     `json:"median"` // of the same hour on the days that are compared
	Low     float64     `json:"low"`    // below it the hour leaves the band
	High    float64     `json:"high"`   // shown, never an alarm
	Days    int         `json:"days"`   // that are compared
	Ratio   float64     `json:"ratio"`  // Records / Median; 1 where there is no band
	Since   time.Time   `json:"since,omitzero"`
	steady  bool        // on no day that is compared this hour, or the one before or after it, was below half of the median
}

// VolumeState is a volume in a word.
type VolumeState string

// The states of a volume.
const (
	VolumeLearning  VolumeState = "learning"
	VolumeNormal    VolumeState = "normal"
	VolumeLow       VolumeState = "low"       // down by half or more, for two hours; for three where the volume is unsteady
	VolumeCollapsed VolumeState = "collapsed" // down by nine tenths or more; for three hours where the volume is unsteady
)

const (
	minDays     = 4   // of the same hour, before there is a band
	maxDays     = 7   // that are compared
	minMedian   = 20  // records an hour below which halves are chance
	warnRatio   = 0.5 // −50 % and −90 %: the thresholds of elastic/kibana#269911, against the median of the same hour in place of the 7-day mean,
	critRatio   = 0.1 // which nights and weekends pull about and one flood of a day moves for a week
	spreadTimes = 3
	madToSigma  = 1.4826 // of a normal distribution
	settleTime  = 5 * time.Minute
)

// Flow judges how much one key delivered. watched are the hours of the whole source, which say when silence means nothing.
func Flow(hours, watched []Hour, now time.Time) Volume {
	end := HourOf(now.Add(-settleTime)) // what came at the end of the hour must be counted
	v := flow(hours, watched, end.Add(-time.Hour))
	if v.State != VolumeLow && v.State != VolumeCollapsed {
		return v
	}
	before := flow(hours, watched, v.Hour.Add(-time.Hour))
	for n := 0; n < 7*24 && (before.State == VolumeLow || before.State == VolumeCollapsed); n++ {
		v.Since = before.Hour
		before = flow(hours, watched, before.Hour.Add(-time.Hour))
	}
	lasts := v.Hour.Sub(v.Since)
	switch { // one hour can be chance
	case v.State == VolumeLow && lasts < time.Hour, !v.steady && lasts < 2*time.Hour:
		v.State = VolumeNormal
	}
	return v
}

// flow judges one hour by itself.
func flow(hours, watched []Hour, hour time.Time) Volume {
	v := Volume{State: VolumeLearning, Hour: hour, Since: hour, Ratio: 1}
	if h, ok := at(hours, hour); ok {
		v.Records = h.Counts.Stored + h.Counts.Duplicate
	}
	if w, ok := at(watched, hour); !ok || w.Watched < fullyWatched {
		return v
	}
	days := v.band(hours, watched)
	if v.Days = len(days); v.Days < minDays || v.Median < minMedian {
		return v
	}
	v.Ratio = float64(v.Records) / v.Median
	switch {
	case float64(v.Records) >= v.Low || float64(v.Records) >= slices.Min(days): // it came to that before
		v.State = VolumeNormal
	case v.Ratio <= critRatio:
		v.State = VolumeCollapsed
	case v.Ratio <= warnRatio:
		v.State = VolumeLow
	default:
		v.State = VolumeNormal
	}
	return v
}

// band gathers the same hour of the days before, those of the same kind (working day or weekend) where there are enough of them, and
// sets what is usual. Where there are too few of the kind, its lowest counts as much as all others: a first weekend is no collapse.
func (v *Volume) band(hours, watched []Hour) []float64 {
	if len(hours) == 0 {
		return nil
	}
	var same, other []float64
	least := math.MaxFloat64
	for d := 1; d <= 14; d++ {
		start := v.Hour.Add(-time.Duration(d) * 24 * time.Hour)
		if start.Before(hours[0].Start) {
			break
		}
		if w, ok := at(watched, start); !ok || w.Watched < fullyWatched {
			continue
		}
		n := recordsAt(hours, start)
		least = min(least, n, recordsAt(hours, start.Add(-time.Hour)), recordsAt(hours, start.Add(time.Hour)))
		if weekend(start) == weekend(v.Hour) {
			if len(same) < maxDays {
				same = append(same, n)
			}
		} else if d <= 7 {
			other = append(other, n)
		}
	}
	days := same
	if len(same) < minDays && weekend(v.Hour) {
		if len(same) == 0 {
			return nil // of the first weekend nothing is known
		}
		days = slices.Concat(same, other)
	}
	if len(days) == 0 {
		return nil
	}
	v.Median = median(days)
	if len(same) < minDays && len(same) > 0 {
		v.Median = min(v.Median, slices.Min(same))
	}
	v.steady = least >= warnRatio*v.Median
	off := make([]float64, len(days))
	for i, n := range days {
		off[i] = math.Abs(n - v.Median)
	}
	spread := max(madToSigma*median(off), math.Sqrt(v.Median), v.Median/10)
	v.Low, v.High = max(0, v.Median-spreadTimes*spread), v.Median+spreadTimes*spread
	return days
}

func recordsAt(hours []Hour, start time.Time) float64 {
	h, _ := at(hours, start)
	return float64(h.Counts.Stored + h.Counts.Duplicate)
}

func weekend(t time.Time) bool { d := t.Weekday(); return d == time.Saturday || d == time.Sunday }

func median(list []float64) float64 {
	s := slices.Sorted(slices.Values(list))
	n := len(s)
	if n%2 == 1 {
		return s[n/2]
	}
	return (s[n/2-1] + s[n/2]) / 2
}
