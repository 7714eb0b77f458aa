package source

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// organisation fills a bucket with the tree of an organisation trail, one object for each account, Region and day. It returns the ids of
// the events by account/Region/day.
func (c *cloud) organisation(prefix string, accounts, regions []string, days int) map[string]string {
	c.t.Helper()
	ids := map[string]string{}
	for _, a := range accounts {
		for _, r := range regions {
			for d := range days {
				day := time.Date(2026, 2, 27+d, 0, 0, 0, 0, time.UTC)
				id := a + "/" + r + "/" + day.Format("2006-01-02")
				ids[id] = id
				c.put(fmt.Sprintf("%sAWSLogs/o-abc123/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%sT0005Z_x.json.gz", prefix, a, r, day.Format("2006/01/02"), a, r, day.Format("20060102")), zipped(trailDoc(id)))
			}
		}
	}
	return ids
}

func TestListingLeavesOutWhatIsNotAskedFor(t *testing.T) {
	t.Parallel()
	c, y := newCloud(t), newYard(t)
	accounts, regions := []string{own, other, "333333333333"}, []string{"us-east-1", "eu-west-1"}
	c.organisation("trail/", accounts, regions, 5) // 30 objects, 27 February to 3 March
	for i := range 5 {
		c.put(fmt.Sprintf("elsewhere/%d.json", i), trailDoc("elsewhere"))
	}
	door := c.door(map[string]string{"bucket": c.name, "prefix": "trail/", "accounts": own, "regions": "eu-west-1", "from": "2026-02-28", "to": "2026-03-02", "every": "once"})
	y.run(t, door, func() bool { return y.last() == "done" })
	y.wants(t, own+"/eu-west-1/2026-02-28", own+"/eu-west-1/2026-03-01")
	lists := c.asked(func(a ask) bool { return a.action == "List" })
	// trail/, AWSLogs/, o-…/, account, CloudTrail/, Region, year, two months, two days
	if len(lists) > 11 {
		t.Errorf("%d listings for two days of one Region of one account: %v", len(lists), lists)
	}
	for _, l := range lists {
		for _, no := range []string{other, "333333333333", "us-east-1", "/02/27", "/03/02", "/03/03", "elsewhere"} {
			if strings.Contains(l.prefix, no) {
				t.Errorf("%s was listed", l.prefix)
			}
		}
	}
	y.batches(t, func(b stream.Batch, _ []byte) {
		if b.Lane != lake.LaneBackfill {
			t.Errorf("what is back-filled is of the lane %s", b.Lane)
		}
	})
}

const (
	own   = "111111111111"
	other = "222222222222"
)

func TestListingWithoutBoundsIsOneListing(t *testing.T) {
	t.Parallel()
	c, y := newCloud(t), newYard(t)
	ids := c.organisation("", []string{own, other}, []string{"us-east-1"}, 3)
	y.run(t, c.door(map[string]string{"bucket": c.name, "every": "once"}), func() bool { return y.last() == "done" })
	y.wants(t, keys(ids)...)
	if n := len(c.asked(func(a ask) bool { return a.action == "List" })); n != 1 {
		t.Errorf("%d listings", n)
	}
}

func keys(m map[string]string) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	return out
}

// TestListingGoesOnWhereItStopped ends a door after a few objects, starts everything again, and counts what is fetched in all.
func TestListingGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	c, y := newCloud(t), newYard(t)
	ids := c.organisation("", []string{own}, []string{"us-east-1", "eu-west-1"}, 10)
	settings := map[string]string{"bucket": c.name, "every": "once"}
	var got atomic.Int64
	env := y.env()
	ctx, stop := context.WithCancel(t.Context())
	env.Receive = func(ctx context.Context, d pipeline.Delivery) (pipeline.Receipt, error) {
		r, err := y.house.Receive(ctx, d)
		if err == nil && got.Add(1) == 7 {
			stop()
		}
		return r, err
	}
	if err := c.door(settings).Run(ctx, env); ctx.Err() == nil {
		t.Fatal(err)
	}
	stop()
	before := len(c.asked(isGet))
	y.close(t)
	y.open(t)
	y.run(t, c.door(settings), func() bool { return y.last() == "done" })
	y.wants(t, keys(ids)...)
	// A request that the end cut off may reach the bucket when it is over: those under way beside the seventh.
	if n := len(c.asked(isGet)) - before; n > len(ids)-7+fetches {
		t.Errorf("%d of %d objects were fetched after the restart, and 7 were delivered before", n, len(ids))
	}
}

// TestThrottlingAndBrokenConnectionsLoseNothing lets every third request fail, and answers break off in the middle.
func TestThrottlingAndBrokenConnectionsLoseNothing(t *testing.T) {
	t.Parallel()
	c, y := newCloud(t), newYard(t)
	ids := c.organisation("", []string{own}, []string{"us-east-1"}, 12)
	var n, broken, slowed atomic.Int64
	c.failing(func(a ask) int {
		switch k := n.Add(1); {
		case k%3 == 0:
			slowed.Add(1)
			return 503
		case k%7 == 0 && isGet(a):
			broken.Add(1)
			return -1
		}
		return 0
	})
	y.run(t, c.door(map[string]string{"bucket": c.name, "every": "once", "from": "2026-01-01"}), func() bool { return y.last() == "done" })
	y.wants(t, keys(ids)...)
	if broken.Load() == 0 || slowed.Load() == 0 {
		t.Errorf("nothing failed: %d broken, %d slowed", broken.Load(), slowed.Load())
	}
	t.Logf("%d requests, %d slowed down, %d broken off", n.Load(), slowed.Load(), broken.Load())
}

// TestOneBadObjectKeepsNoOtherWaiting denies one object: all others are delivered, the door says so, and it follows when it may be read.
func TestOneBadObjectKeepsNoOtherWaiting(t *testing.T) {
	t.Parallel()
	c, y := newCloud(t), newYard(t)
	c.put("a.json", trailDoc("a"))
	for i := range 6 {
		c.put(fmt.Sprintf("b%d.json", i), trailDoc(fmt.Sprint("b", i)))
	}
	c.failing(func(a ask) int {
		if isGet(a) && a.key == "a.json" {
			return 403
		}
		return 0
	})
	door := c.door(map[string]string{"bucket": c.name, "every": "once"})
	y.run(t, door, func() bool { return strings.HasPrefix(y.last(), "failing 1 objects") })
	y.wants(t, "b0", "b1", "b2", "b3", "b4", "b5")
	if !strings.Contains(y.last(), "a.json") {
		t.Errorf("it does not say which: %s", y.last())
	}
	c.failing(nil)
	y.run(t, door, func() bool { return y.last() == "done" })
	y.wants(t, "a", "b0", "b1", "b2", "b3", "b4", "b5")
}

// TestAPolledBucketIsLive lists again and again: what comes is delivered on the live lane, and what is known is not fetched again.
func TestAPolledBucketIsLive(t *testing.T) {
	t.Parallel()
	c, y := newCloud(t), newYard(t)
	c.put("AWSLogs/"+own+"/CloudTrail/us-east-1/2020/01/01/old.json.gz", zipped(trailDoc("old")))
	c.put("one.json", trailDoc("one"))
	door := c.door(map[string]string{"bucket": c.name, "every": "50ms"})
	y.run(t, door, func() bool {
		events, _ := y.kept(t)
		if events["one"] == 1 && events["two"] == 0 {
			c.put("two.json", trailDoc("two"))
		}
		return events["two"] == 1
	})
	y.wants(t, "old", "one", "two")
	y.batches(t, func(b stream.Batch, _ []byte) {
		if b.Lane != lake.LaneLive {
			t.Errorf("%s is of the lane %s", b.Object, b.Lane)
		}
	})
	if n := len(c.asked(isGet)); n != 3 {
		t.Errorf("3 objects were fetched with %d requests", n)
	}
}

// TestAChangedObjectIsFetchedAgain puts another content under a key that was delivered, and a gzip of several members.
func TestAChangedObjectIsFetchedAgain(t *testing.T) {
	t.Parallel()
	c, y := newCloud(t), newYard(t)
	c.put("k.json.gz", zipped([]byte(record("m1")+"\n"), []byte(record("m2")+"\n"), []byte(record("m3")+"\n")))
	once := map[string]string{"bucket": c.name, "every": "once"}
	y.run(t, c.door(once), func() bool { return y.last() == "done" })
	y.wants(t, "m1", "m2", "m3")
	c.put("k.json.gz", zipped(trailDoc("m4")))
	y.env().Say("waiting", "")
	y.run(t, c.door(once), func() bool { return y.last() == "done" })
	y.wants(t, "m1", "m2", "m3", "m4")
}

func TestABucketThatIsNotThereIsSaid(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if said, err := c.door(map[string]string{"bucket": c.name, "queue": c.queue}).Test(ctx); err != nil || !strings.Contains(said, "0 objects") || !strings.Contains(said, "about 0 messages") {
		t.Errorf("%q, %v", said, err)
	}
	if _, err := c.door(map[string]string{"bucket": "no-such-bucket"}).Test(ctx); err == nil || !strings.Contains(err.Error(), "no-such-bucket") {
		t.Errorf("%v", err)
	}
}
