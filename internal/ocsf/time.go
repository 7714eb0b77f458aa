package ocsf

import "time"

func yearOf(millis int64) int { return time.UnixMilli(millis).UTC().Year() }

// parseTime takes the common "2006-01-02T15:04:05Z" apart by place, which is ten times as fast as time.Parse; any
// other form goes there.
func parseTime(s string) (int64, error) {
	if len(s) == 20 && s[4] == '-' && s[7] == '-' && s[10] == 'T' && s[13] == ':' && s[16] == ':' && s[19] == 'Z' {
		year, a := digits(s[0:4])
		month, b := digits(s[5:7])
		day, c := digits(s[8:10])
		hour, d := digits(s[11:13])
		minute, e := digits(s[14:16])
		second, f := digits(s[17:19])
		plausible := month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 && minute < 60 && second < 60
		if a && b && c && d && e && f && plausible {
			if t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC); t.Day() == day {
				return t.UnixMilli(), nil
			}
		}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0, err
	}
	return t.UnixMilli(), nil
}

func digits(s string) (int, bool) {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}
