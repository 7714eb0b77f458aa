package pipeline

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"

	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/lake"
)

// TestKnownIDsAreBounded tells a known more events of one day than it may hold: the youngest stay known, the oldest go and are counted,
// and nothing goes that waits for a commit.
func TestKnownIDsAreBounded(t *testing.T) {
	t.Parallel()
	l, err := lake.Open(t.Context(), filepath.Join(t.TempDir(), "lake"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a test
	k := newKnown(l)
	k.most = setIDs * 3 / 2
	at := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	id := func(n int) (id detect.EventID) {
		binary.BigEndian.PutUint64(id[:], uint64(n)) //nolint:gosec // not negative
		return id
	}
	isNew := func(n int) bool {
		t.Helper()
		is, err := k.add(t.Context(), at, id(n))
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	const events = setIDs*2 + 10
	for n := range events {
		if !isNew(n) {
			t.Fatalf("event %d is known before it came", n)
		}
	}
	k.stored(0)
	if k.Forgotten.Load() != 0 || isNew(0) {
		t.Error("an event went that no commit holds")
	}
	k.stored(k.cut())
	if held, gone := k.Held.Load(), k.Forgotten.Load(); held > int64(k.most) || held+gone != events {
		t.Errorf("%d held and %d forgotten of %d, at most %d", held, gone, events, k.most)
	}
	if isNew(events - 1) {
		t.Error("the youngest event is not known any more")
	}
	if !isNew(0) {
		t.Error("the oldest event is still known")
	}
}

// TestKnownHoursGoAndComeBack tells a known events of many hours: an hour that nobody asks for goes when the lake holds it, and is
// read again when a late event asks.
func TestKnownHoursGoAndComeBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, t.TempDir())
	defer b.close(t)
	now := time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
	k := newKnown(b.lake)
	k.now = func() time.Time { return now }
	// add tells k of an event, and gives it to then while it is there.
	add := func(hour, n int, then func(e *ocsf.Event)) (isNew bool) {
		t.Helper()
		raw := fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/a","accountId":"111122223333","userName":"a"},"eventTime":"2026-03-20T%02d:%02d:00Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeVpcs","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","eventID":"00000000-0000-4000-8000-%012d","eventType":"AwsApiCall","recipientAccountId":"111122223333"}`, hour, n%60, hour*1000+n)
		err := ocsf.NewDecoder(cloudtrail.Shape(), records.Limits{}).Decode(t.Context(), strings.NewReader(raw), "test", ocsf.Sink{
			Event: func(e *ocsf.Event) (err error) {
				if isNew, err = k.add(t.Context(), e.Time(), idOf(e)); then != nil {
					then(e)
				}
				return err
			},
			Unreadable: func(u ocsf.Unreadable) error { return fmt.Errorf("%s: %s", u.Reason, u.Detail) },
		})
		if err != nil {
			t.Fatal(err)
		}
		return isNew
	}
	const each, hours = 50, 12
	most := int64(0)
	for hour := range hours {
		w, err := b.lake.NewWriter()
		if err != nil {
			t.Fatal(err)
		}
		for n := range each {
			if !add(hour, n, func(e *ocsf.Event) {
				w.Append(lake.Prepare(&lake.Row{Event: e, Format: "cloudtrail", BatchID: "b"}, now))
			}) {
				t.Fatalf("event %d of hour %d is known before it came", n, hour)
			}
		}
		g := k.cut()
		k.stored(g - 1) // the commit before: what is new waits
		if add(hour, each-1, nil) {
			t.Fatal("what no commit holds is forgotten")
		}
		if _, err := w.Commit(t.Context(), lake.Marks{}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
		k.stored(g)
		most = max(most, k.Held.Load())
	}
	if most > 4*each {
		t.Errorf("%d ids held at once; an hour has %d", most, each)
	}
	for hour := range hours {
		if add(hour, 7, nil) {
			t.Errorf("an event of hour %d comes again and is taken for new", hour)
		}
		if !add(hour, each+1, nil) {
			t.Errorf("a new event of hour %d is taken for known", hour)
		}
	}
	now = now.Add(3 * time.Hour)
	k.stored(k.cut())
	if k.Held.Load() != 0 || k.Forgotten.Load() != 0 {
		t.Errorf("%d held and %d let go unsaid when nobody asks any more", k.Held.Load(), k.Forgotten.Load())
	}
}
