package hunt

import (
	"testing"
	"time"
)

func TestStandings(t *testing.T) {
	t.Parallel()
	enough, little := supportOf(40, 0b11111), supportOf(40, 0b1111)
	if !enough.Enough || little.Enough || supportOf(29, 0b11111).Enough {
		t.Errorf("support: %+v %+v", enough, little)
	}
	cases := []struct {
		name string
		h    Habit
		s    Support
		want Standing
	}{
		{"three days", Habit{Now: 1, mask: 0b10101}, enough, Usual},
		{"two days", Habit{Now: 1, mask: 0b101}, enough, Rare},
		{"never", Habit{Now: 1}, enough, New},
		{"never, of little", Habit{Now: 1}, little, Unknown},
		{"three days, of little", Habit{Now: 1, mask: 0b111}, little, Usual},
		{"not now", Habit{mask: 0b1}, enough, Past},
	}
	for _, c := range cases {
		list := []Habit{c.h}
		stand(list, c.s, nil)
		if list[0].Standing != c.want {
			t.Errorf("%s: %s, want %s", c.name, list[0].Standing, c.want)
		}
	}
}

func TestAnHourEarlyIsNoStranger(t *testing.T) {
	t.Parallel()
	list := []Habit{{Key: "0", Now: 1}, {Key: "167", mask: 0b111}, {Key: "3", Now: 1}}
	stand(list, supportOf(100, 0b11111), nextHours(list))
	if list[0].Standing != Usual || list[2].Standing != New {
		t.Errorf("Monday 0 h beside a usual Sunday 23 h: %s; 3 h: %s", list[0].Standing, list[2].Standing)
	}
}

func TestRegroupJoinsDays(t *testing.T) {
	t.Parallel()
	list := regroup([]Habit{{Key: "a", Now: 1, mask: 0b1}, {Key: "b", Now: 2, mask: 0b11}, {Key: "c", Now: 9}}, func(key string) (string, string) {
		if key == "c" {
			return "", ""
		}
		return "net", "Net"
	})
	if len(list) != 1 || list[0].Now != 3 || list[0].mask != 0b11 {
		t.Errorf("%+v", list)
	}
}

func TestRiskHalvesInAWeekAndFalseAlarmsAddNothing(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	list := []Mention{{UID: "a", Score: 40, First: day, Last: day}, {UID: "b", Score: 80, First: day, Last: day, Verdict: "false_positive"}, {UID: "c", Score: 80, First: day.Add(30 * 24 * time.Hour), Last: day.Add(30 * 24 * time.Hour)}}
	r := RiskOf(list, day, day.Add(7*24*time.Hour))
	if r.Points != 20 || len(r.Parts) != 1 || len(r.Days) != 7 || r.Days[6].Points != 20 {
		t.Errorf("%+v", r)
	}
}
