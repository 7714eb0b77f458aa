package health

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/finding"
)

// monday is a Monday, 00:00 UTC.
var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// history writes hours into a book as the worker and the watch do.
type history struct {
	book  *Book
	hours map[Key]map[time.Time]*Hour
	last  map[Key]time.Time
}

func newHistory() *history {
	return &history{NewBook(), map[Key]map[time.Time]*Hour{}, map[Key]time.Time{}}
}

func (h *history) hour(k Key, at time.Time) *Hour {
	if h.hours[k] == nil {
		h.hours[k] = map[time.Time]*Hour{}
	}
	start := HourOf(at)
	if h.hours[k][start] == nil {
		h.hours[k][start] = &Hour{Key: k, Start: start}
	}
	return h.hours[k][start]
}

// arrive notes records of a stream and of its source.
func (h *history) arrive(k Key, at time.Time, records int64) {
	for _, key := range []Key{k, k.Whole()} {
		d := Hour{Key: key, Start: HourOf(at), Counts: Counts{Received: records, Stored: records}, Bytes: 500 * records, LastOccurred: at.Add(-4 * time.Minute)}
		d.Arrived(at)
		if at.After(h.last[key]) {
			d.After(h.last[key])
			h.last[key] = at
		}
		for range min(records, 100) {
			d.Lags.Add(4 * time.Minute)
		}
		x := h.hour(key, at)
		x.Merge(d)
		h.book.Put(*x)
	}
}

func (h *history) watched(source string, from, to time.Time) {
	for t := HourOf(from); t.Before(to); t = t.Add(time.Hour) {
		x := h.hour(Key{Source: source}, t)
		x.Watched = time.Hour
		h.book.Put(*x)
	}
}

// every delivers in a rhythm, where the time is busy.
func (h *history) every(k Key, from, to time.Time, gap time.Duration, records int64, busy func(time.Time) bool) {
	for t := from; t.Before(to); t = t.Add(gap) {
		if busy == nil || busy(t) {
			h.arrive(k, t, records)
		}
	}
	h.watched(k.Source, from, to)
}

func (h *history) judge(now time.Time, sources ...Source) Report {
	return Judge(Question{Book: h.book, Sources: sources, Running: true, Prices: DefaultPrices(), Now: now})
}

func stream(account, region string) Key {
	return Key{Source: "trail", Format: "cloudtrail", Account: account, Region: region}
}

func office(t time.Time) bool { return !weekend(t) && t.Hour() >= 8 && t.Hour() < 18 }

func TestSilence(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for _, c := range []struct {
		name  string
		fill  func(h *history, k Key)
		from  time.Duration // since when it is watched, after monday
		now   time.Duration // likewise
		state State
	}{
		{"nothing ever came", func(*history, Key) {}, 0, time.Hour, Never},
		{"one hour of arrivals teaches nothing", func(h *history, k Key) { h.every(k, monday, monday.Add(time.Hour), 5*time.Minute, 10, nil) }, 0, 10 * time.Hour, Learning},
		{"it is heard", func(h *history, k Key) { h.every(k, monday, monday.Add(5*time.Hour), 5*time.Minute, 10, nil) }, 0, 5*time.Hour + 4*time.Minute, Seen},
		{"it is silent for longer than its format may be", func(h *history, k Key) { h.every(k, monday, monday.Add(5*time.Hour), 5*time.Minute, 10, nil) }, 0, 5*time.Hour + 15*time.Minute, Silent},
		{"one that comes every three hours may be silent for nine", func(h *history, k Key) { h.every(k, monday, monday.Add(3*day), 3*time.Hour, 10, nil) }, 0, 3*day + 5*time.Hour, Seen},
		{"and not for longer", func(h *history, k Key) { h.every(k, monday, monday.Add(3*day), 3*time.Hour, 10, nil) }, 0, 3*day + 7*time.Hour, Silent},
		{"a night is like the nights before", func(h *history, k Key) { h.every(k, monday, monday.Add(3*day), 5*time.Minute, 10, office) }, 0, 2*day + 23*time.Hour, Quiet},
		{"a weekend is like the weekend before", func(h *history, k Key) { h.every(k, monday, monday.Add(12*day), 5*time.Minute, 10, office) }, 0, 12*day + 12*time.Hour, Quiet},
		{"a Monday is not like a Sunday", func(h *history, k Key) { h.every(k, monday, monday.Add(14*day), 5*time.Minute, 10, office) }, 0, 14*day + 9*time.Hour + 10*time.Minute, Silent},
		{"after a start it has as long again", func(h *history, k Key) { h.every(k, monday, monday.Add(5*time.Hour), 5*time.Minute, 10, nil) }, 30 * time.Hour, 30*time.Hour + 10*time.Minute, Seen},
		{"and no longer", func(h *history, k Key) { h.every(k, monday, monday.Add(5*time.Hour), 5*time.Minute, 10, nil) }, 30 * time.Hour, 30*time.Hour + 16*time.Minute, Silent},
		{"hours in which Tocsin did not run are not quiet ones", func(h *history, k Key) {
			h.every(k, monday, monday.Add(20*time.Hour), 5*time.Minute, 10, nil)
			h.every(k, monday.Add(day), monday.Add(day+20*time.Hour), 5*time.Minute, 10, nil) // and none from 20 to 24
		}, 0, day + 21*time.Hour, Silent},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHistory()
			k := stream("111122223333", "eu-west-1")
			c.fill(h, k)
			got := Hush(h.book.hours(k), h.book.hours(k.Whole()), SilenceOf(k.Format), monday.Add(c.from), monday.Add(c.now))
			if got.State != c.state {
				t.Errorf("it is %s (for %s of %s), want %s", got.State, got.For, got.Allowed, c.state)
			}
		})
	}
}

func TestVolume(t *testing.T) {
	t.Parallel()
	k := stream("111122223333", "eu-west-1")
	week := 7 * 24 * time.Hour
	for _, c := range []struct {
		name    string
		history time.Duration
		hours   []int64 // that follow, records each 5 minutes
		state   VolumeState
	}{
		{"three days teach nothing", 3 * 24 * time.Hour, []int64{0, 0}, VolumeLearning},
		{"as always", week, []int64{10, 10}, VolumeNormal},
		{"half for one hour can be chance", week, []int64{10, 4}, VolumeNormal},
		{"half for two hours is low", week, []int64{4, 4}, VolumeLow},
		{"a tenth is a collapse at once", week, []int64{10, 1}, VolumeCollapsed},
		{"a flood is no alarm", week, []int64{10, 500}, VolumeNormal},
		{"a flood a day ago does not move the band", week, []int64{500, 500, 10, 10}, VolumeNormal},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHistory()
			now := monday.Add(c.history)
			h.every(k, monday, now, 5*time.Minute, 10, nil)
			for _, n := range c.hours {
				if n > 0 {
					h.every(k, now, now.Add(time.Hour), 5*time.Minute, n, nil)
				}
				h.watched(k.Source, now, now.Add(time.Hour))
				now = now.Add(time.Hour)
			}
			got := Flow(h.book.hours(k), h.book.hours(k.Whole()), now.Add(10*time.Minute))
			if got.State != c.state {
				t.Errorf("the volume is %s, want %s: %+v", got.State, c.state, got)
			}
		})
	}
}

func TestTheFirstWeekendIsNoCollapse(t *testing.T) {
	t.Parallel()
	h := newHistory()
	k := stream("111122223333", "eu-west-1")
	h.every(k, monday, monday.Add(21*24*time.Hour), 5*time.Minute, 10, office)
	for now := monday.Add(5 * time.Minute); now.Before(monday.Add(21 * 24 * time.Hour)); now = now.Add(time.Hour) {
		cut := NewBook()
		for key, p := range h.book.keys {
			for _, x := range p.hours {
				if x.Start.Add(time.Hour).After(now) {
					break
				}
				x.Key = key
				cut.Put(x)
			}
		}
		if v := Flow(cut.hours(k), cut.hours(k.Whole()), now); v.State == VolumeLow || v.State == VolumeCollapsed {
			t.Fatalf("at %s (%s) the volume is %s: %+v", now, now.Weekday(), v.State, v)
		}
	}
}

// TestStationaryNoiseHardlyEverAlarms lets streams of many rates and unrests run for weeks in which nothing changes, and counts alarms. The stated
// rates: fewer than 1 false silence and 1 false volume alarm in 1,000 hours of a stream, and at most 2 of each in four weeks of the worst.
func TestStationaryNoiseHardlyEverAlarms(t *testing.T) {
	t.Parallel()
	hours, silent, low := 0, 0, 0
	for n, c := range []struct {
		perHour float64 // arrivals, at random times
		records float64 // of one arrival, median
		unrest  float64 // sigma of its logarithm
	}{{12, 10, 0.3}, {12, 100, 1}, {4, 30, 0.5}, {1, 50, 0.5}, {0.3, 20, 0.5}, {60, 5, 0.2}, {12, 3, 0}, {30, 40, 1.5}} {
		r := rand.New(rand.NewPCG(7, uint64(n)))
		h := newHistory()
		k := stream("111122223333", "eu-west-1")
		before := [2]int{silent, low}
		var wasSilent, wasLow bool
		next := monday
		for hour := range 24 * 28 {
			start := monday.Add(time.Duration(hour) * time.Hour)
			for minute := 0; minute < 60; minute += 5 {
				now := start.Add(time.Duration(minute) * time.Minute)
				for next.Before(now) {
					h.arrive(k, next, int64(c.records*math.Exp(c.unrest*r.NormFloat64()))+1)
					next = next.Add(time.Duration(r.ExpFloat64() / c.perHour * float64(time.Hour)))
				}
				s := Hush(h.book.hours(k), h.book.hours(k.Whole()), SilenceOf(k.Format), monday, now)
				if is := s.State == Silent; is && !wasSilent {
					silent++
					wasSilent = true
				} else if !is {
					wasSilent = false
				}
			}
			h.watched(k.Source, start, start.Add(time.Hour))
			v := Flow(h.book.hours(k), h.book.hours(k.Whole()), start.Add(settleTime))
			is := v.State == VolumeLow || v.State == VolumeCollapsed
			if is && !wasLow {
				low++
			}
			wasLow = is
			hours++
		}
		if s, l := silent-before[0], low-before[1]; s > 2 || l > 2 {
			t.Errorf("%+v: %d false silences and %d false volume alarms in four weeks", c, s, l)
		}
	}
	t.Logf("%d hours: %d false silences, %d false volume alarms", hours, silent, low)
	if limit := hours / 1000; silent > limit || low > limit {
		t.Errorf("%d hours of noise made %d false silences and %d false volume alarms, more than %d of either", hours, silent, low, limit)
	}
}

func TestOneCauseMakesOneTrouble(t *testing.T) {
	t.Parallel()
	accounts := []string{"111111111111", "222222222222", "333333333333", "444444444444"}
	regions := []string{"eu-west-1", "us-east-1", "eu-north-1"}
	until := monday.Add(6 * time.Hour)
	now := until.Add(2 * time.Hour)
	for _, c := range []struct {
		name   string
		silent func(account, region string) bool
		want   []string
	}{
		{"all is well", func(string, string) bool { return false }, nil},
		{"a Region of an account", func(a, r string) bool { return a == accounts[0] && r == regions[1] }, []string{"medium trail/cloudtrail/111111111111/us-east-1 1"}},
		{"an account", func(a, _ string) bool { return a == accounts[2] }, []string{"medium trail//333333333333/ 3"}},
		{"the source", func(string, string) bool { return true }, []string{"high trail/// 12"}},
		{"most of it", func(a, r string) bool { return r != regions[0] || a == accounts[3] }, []string{
			"medium trail/cloudtrail/111111111111/us-east-1 1", "medium trail/cloudtrail/111111111111/eu-north-1 1", "medium trail/cloudtrail/222222222222/us-east-1 1",
			"medium trail/cloudtrail/222222222222/eu-north-1 1", "medium trail/cloudtrail/333333333333/us-east-1 1", "medium trail/cloudtrail/333333333333/eu-north-1 1", "medium trail//444444444444/ 3",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHistory()
			for _, a := range accounts {
				for _, r := range regions {
					end := now
					if c.silent(a, r) {
						end = until
					}
					h.every(stream(a, r), monday, end, 5*time.Minute, 10, nil)
				}
			}
			got := map[string]bool{}
			for _, x := range h.judge(now, Source{Name: "trail"}).Troubles {
				got[x.Severity.String()+" "+x.Name()+" "+string(rune('0'+x.Streams/10))+string(rune('0'+x.Streams%10))] = true
			}
			want := map[string]bool{}
			for _, w := range c.want {
				i := strings.LastIndexByte(w, ' ')
				n := w[i+1:]
				want[w[:i]+" "+strings.Repeat("0", 2-len(n))+n] = true
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMoreThanAFewTroublesAreOne(t *testing.T) {
	t.Parallel()
	h := newHistory()
	now := monday.Add(8 * time.Hour)
	for i := range 40 {
		end := now
		if i%3 == 0 {
			end = monday.Add(5 * time.Hour)
		}
		k := stream("1111111111"+string(rune('0'+i/10))+string(rune('0'+i%10)), "eu-west-1")
		h.every(k, monday, end, 5*time.Minute, 10, nil)
	}
	got := h.judge(now, Source{Name: "trail"}).Troubles
	if len(got) != 1 || got[0].Streams != 14 || !strings.Contains(got[0].Sentence, "14 of 40 streams of source trail") {
		t.Errorf("got %+v", got)
	}
}

func TestPausesEndsAndStops(t *testing.T) {
	t.Parallel()
	h := newHistory()
	k := stream("111122223333", "eu-west-1")
	h.every(k, monday, monday.Add(6*time.Hour), 5*time.Minute, 10, nil)
	now := monday.Add(20 * time.Hour)
	if r := h.judge(now, Source{Name: "trail"}); len(r.Troubles) != 1 {
		t.Fatalf("without a pause it is silent: %+v", r.Troubles)
	}
	for name, c := range map[string]struct {
		s     Source
		state State
	}{"paused": {Source{Name: "trail", Paused: true}, Paused}, "done": {Source{Name: "trail", Ends: true}, Quiet}, "just resumed": {Source{Name: "trail", From: now.Add(-5 * time.Minute)}, Seen}} {
		if r := h.judge(now, c.s); len(r.Troubles) != 0 || r.Sources[0].State != c.state {
			t.Errorf("%s: it is %s and gives %+v", name, r.Sources[0].State, r.Troubles)
		}
	}
	r := Judge(Question{Book: h.book, Sources: []Source{{Name: "trail"}}, Now: now})
	if len(r.Troubles) != 0 || r.Sources[0].State != Stopped {
		t.Errorf("without a server it is %s and gives %+v", r.Sources[0].State, r.Troubles)
	}
}

func TestAReportAddsUp(t *testing.T) {
	t.Parallel()
	h := newHistory()
	h.every(stream("111122223333", "eu-west-1"), monday, monday.Add(48*time.Hour), 5*time.Minute, 30, nil)
	h.every(Key{Source: "trail", Format: "vpcflow", Account: "111122223333", Region: "eu-west-1"}, monday, monday.Add(48*time.Hour), 5*time.Minute, 10, nil)
	r := Judge(Question{Book: h.book, Running: true, Now: monday.Add(48 * time.Hour), LakeBytes: 1000, Prices: DefaultPrices(), Sources: []Source{
		{Name: "trail", Totals: Counts{Received: 100, Stored: 75, Duplicate: 20, Dead: 5}}, {Name: "other", Totals: Counts{Received: 30, Stored: 25}},
	}})
	o := r.Sources[0]
	if !o.Balanced || r.Sources[1].Balanced {
		t.Errorf("balanced: %v and %v", o.Balanced, r.Sources[1].Balanced)
	}
	if o.DiskBytes != 750 || math.Abs(o.PerDay.Records-288*40) > 1 || math.Abs(o.PerDay.Bytes-288*40*500) > 500 {
		t.Errorf("disk %d, per day %+v", o.DiskBytes, o.PerDay)
	}
	if o.ParseRate == nil || *o.ParseRate != 1 || o.LagP50Seconds == nil || *o.LagP50Seconds < 120 || *o.LagP95Seconds > 300 {
		t.Errorf("parse rate %v, lag %v to %v", o.ParseRate, o.LagP50Seconds, o.LagP95Seconds)
	}
	// A quarter of 5.76 MB a day are flow logs: 30 days of 1.44 MB at 0.25 USD/GB.
	if want := 30 * 1.44e6 / 1e9 * 0.25; math.Abs(o.Price.Deliver-want) > want/50 || !o.Price.RatesKnown || !o.Price.Estimate {
		t.Errorf("price %+v, want %v", o.Price, want)
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	var l Lags
	if _, ok := l.Quantile(0.5); ok {
		t.Error("nothing has a quantile")
	}
	for _, d := range []time.Duration{-time.Hour, time.Second, 3 * time.Minute, 3 * time.Minute, 400 * 24 * time.Hour} {
		l.Add(d)
	}
	for q, want := range map[float64][2]time.Duration{0.2: {0, time.Second}, 0.6: {2 * time.Minute, 5 * time.Minute}, 1: {72 * time.Hour, 72 * time.Hour}} {
		if got, ok := l.Quantile(q); !ok || got < want[0] || got > want[1] {
			t.Errorf("quantile %v is %v, want one in %v", q, got, want)
		}
	}
	if d := cmp.Diff(l, ParseLags(l.String())); d != "" {
		t.Error("written and read:", d)
	}
	for _, bad := range []string{"", "1 2", strings.Repeat("x ", len(l))} {
		if ParseLags(bad) != nil {
			t.Errorf("%q is read as something", bad)
		}
	}
}

func TestABookIsBounded(t *testing.T) {
	t.Parallel()
	b := NewBook()
	for i := range MaxStreams + 10 {
		b.Put(Hour{Key: stream(time.Duration(i).String(), "x"), Start: monday})
	}
	if len(b.Streams("trail")) != MaxStreams || !b.Crowded("trail") {
		t.Errorf("%d streams, crowded %v", len(b.Streams("trail")), b.Crowded("trail"))
	}
	b.Forget(monday.Add(Kept + time.Hour))
	if n := len(b.Streams("trail")); n != 0 {
		t.Errorf("%d streams are kept beyond their time", n)
	}
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	h := newHistory()
	now := monday.Add(8 * time.Hour)
	h.every(stream("111111111111", "eu-west-1"), monday, now, 5*time.Minute, 10, nil)
	h.every(stream("222222222222", "eu-west-1"), monday, monday.Add(5*time.Hour), 5*time.Minute, 10, nil)
	h.every(stream("999999999999", "eu-west-1"), monday, now, 5*time.Minute, 10, nil)
	r := h.judge(now, Source{Name: "trail"})
	unknown := Cover(r, Expected{})
	if !unknown.Unknown || unknown.Never != 0 || unknown.Cells[0].Expected != "unknown" {
		t.Errorf("without a list: %+v", unknown)
	}
	e := Expected{Regions: []string{"eu-west-1", "us-east-1"}, Accounts: []ExpectedAccount{{ID: "111111111111", Name: "production"}, {ID: "222222222222"}, {ID: "333333333333", Closed: true}}}
	got := map[string]string{}
	c := Cover(r, e)
	for _, x := range c.Cells {
		got[x.Account+" "+x.Region] = string(x.State) + " " + x.Expected + " " + x.Name
	}
	want := map[string]string{
		"111111111111 eu-west-1": "seen yes production", "111111111111 us-east-1": "never yes production", "222222222222 eu-west-1": "silent yes ",
		"222222222222 us-east-1": "never yes ", "999999999999 eu-west-1": "seen no ",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if n := c.Within(func(a string) bool { return a == "222222222222" }); len(n.Cells) != 2 || n.Silent != 1 || n.Never != 1 || n.Seen != 0 {
		t.Errorf("narrowed: %+v", n)
	}
}

func TestTheOrganisationsAccounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, fault string
		want        []ExpectedAccount
	}{
		"two":      {`{"Accounts":[{"Id":"111111111111","Name":"a","Status":"ACTIVE"},{"Id":"222222222222","Name":"b","Status":"SUSPENDED"}]}`, "", []ExpectedAccount{{"111111111111", "a", false, "organizations"}, {"222222222222", "b", true, "organizations"}}},
		"none":     {`{"Accounts":[]}`, "lists no account", nil},
		"no id":    {`{"Accounts":[{"Id":"12"}]}`, "not 12 digits", nil},
		"not JSON": {`Accounts:`, "list-accounts", nil},
	} {
		path := filepath.Join(t.TempDir(), "accounts.json")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadOrganization(path)
		if (err != nil) != (c.fault != "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v, want %q", name, err, c.fault)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestATroubleIsAnAlertOfOneEpisode(t *testing.T) {
	t.Parallel()
	x := Trouble{Key: stream("111122223333", "eu-west-1"), Kind: KindSilence, Since: monday, Severity: finding.Medium, Streams: 1, Sentence: "a"}
	a, b := x.Alert(monday.Add(time.Hour)), x.Alert(monday.Add(2*time.Hour))
	if a.UID != b.UID || a.Account != "111122223333" || a.Rule.ID != "tocsin.health.silence" {
		t.Errorf("%+v", a)
	}
	x.Since = monday.Add(time.Hour)
	if c := x.Alert(monday.Add(2 * time.Hour)); c.UID == a.UID {
		t.Error("the next episode has the same UID")
	}
}
