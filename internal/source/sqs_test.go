package source

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/pipeline"
)

// The notifications of one object, in every shape in which they reach a queue.
func s3Event(bucket, key, etag string) string {
	return fmt.Sprintf(`{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":%q},"object":{"key":%q,"size":9,"eTag":%q}}}]}`, bucket, url.QueryEscape(key), etag)
}

func bridgeEvent(bucket, key, etag string) string {
	return fmt.Sprintf(`{"version":"0","detail-type":"Object Created","source":"aws.s3","detail":{"version":"0","bucket":{"name":%q},"object":{"key":%q,"size":9,"etag":%q}}}`, bucket, key, etag)
}

func trailEvent(bucket, key string) string {
	return fmt.Sprintf(`{"s3Bucket":%q,"s3ObjectKey":[%q]}`, bucket, key)
}

func throughSNS(message string) string {
	b, err := json.Marshal(map[string]string{"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:111111111111:t", "Message": message})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestEveryShapeOfNotification(t *testing.T) {
	t.Parallel()
	c, y := newCloud(t), newYard(t)
	var ids []string
	for i, shape := range []func(key, etag string) string{
		func(k, e string) string { return s3Event(c.name, k, e) },
		func(k, e string) string { return throughSNS(s3Event(c.name, k, e)) },
		func(k, e string) string { return bridgeEvent(c.name, k, e) },
		func(k, e string) string { return throughSNS(bridgeEvent(c.name, k, e)) },
		func(k, _ string) string { return trailEvent(c.name, k) },
		func(k, _ string) string { return throughSNS(trailEvent(c.name, k)) },
	} {
		id := fmt.Sprint("shape", i)
		ids = append(ids, id)
		key := fmt.Sprintf("a b+c/ü=%d.json.gz", i)
		m := shape(key, c.put(key, zipped(trailDoc(id))))
		for range 3 { // SQS delivers at least once, and so do they who fill it
			c.send(m)
		}
	}
	for _, nothing := range []string{
		`{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-03-10T10:00:00.000Z","Bucket":"b"}`,
		strings.Replace(s3Event(c.name, "deleted.json", ""), "ObjectCreated:Put", "ObjectRemoved:Delete", 1),
		strings.Replace(bridgeEvent(c.name, "deleted.json", ""), "Object Created", "Object Deleted", 1),
		s3Event("another-bucket", "x.json", ""),
	} {
		c.send(nothing)
	}
	for _, garbage := range []string{"hello", `{"Records":[]}`, `{"Records":[{"s3":5}]}`, `{"detail":"text"}`, `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"%zz"}}}]}`} {
		c.send(garbage)
	}
	y.run(t, c.door(map[string]string{"queue": c.queue, "bucket": c.name, "every": "1h"}), func() bool { return c.waiting() == 0 })
	y.wants(t, ids...)
	_, faults := y.kept(t)
	want := []string{}
	for range 5 {
		want = append(want, pipeline.ReasonNoNotification)
	}
	if diff := cmp.Diff(want, faults); diff != "" {
		t.Errorf("dead letters:\n%s", diff)
	}
}

// TestNotificationsOfTheEmulator lets the bucket itself tell the queue.
func TestNotificationsOfTheEmulator(t *testing.T) {
	t.Parallel()
	c, y := newCloud(t), newYard(t)
	_, err := c.s3.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{Bucket: &c.name, NotificationConfiguration: &s3types.NotificationConfiguration{
		QueueConfigurations: []s3types.QueueConfiguration{{QueueArn: aws.String("arn:aws:sqs:us-east-1:123456789012:" + c.name), Events: []s3types.Event{"s3:ObjectCreated:*"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		c.put(fmt.Sprintf("AWSLogs/%s/CloudTrail/us-east-1/2026/03/10/%d.json.gz", []string{own, other}[i%2], i), zipped(trailDoc(fmt.Sprint("n", i))))
	}
	y.run(t, c.door(map[string]string{"queue": c.queue, "accounts": own}), func() bool { return c.waiting() == 0 && len(c.asked(isDelete)) >= 5 })
	y.wants(t, "n0", "n2", "n4")
	if n := len(c.asked(isGet)); n != 3 {
		t.Errorf("%d objects were fetched", n)
	}
}

func isDelete(a ask) bool { return a.action == "DeleteMessage" }

// TestAMessageGoesWhenAllOfItIsDurable names three objects in a message and holds the third one back: the door is ended while two are
// in, and the message is there again for the next. Whenever a message is deleted, all that it names is in the stream.
func TestAMessageGoesWhenAllOfItIsDurable(t *testing.T) {
	t.Parallel()
	c, y := newCloud(t), newYard(t)
	names := []string{}
	for i := range 3 {
		key := fmt.Sprintf("part%d.json", i)
		c.put(key, trailDoc(key))
		names = append(names, key)
	}
	list, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	c.send(fmt.Sprintf(`{"s3Bucket":%q,"s3ObjectKey":%s}`, c.name, list))
	held, early := make(chan struct{}), atomic.Int64{}
	var release sync.Once
	t.Cleanup(func() { release.Do(func() { close(held) }) })
	c.failing(func(a ask) int {
		switch {
		case isGet(a) && a.key == "part2.json":
			<-held
		case isDelete(a):
			if events, _ := y.kept(t); len(events) < 3 {
				early.Add(1)
			}
		}
		return 0
	})
	y.run(t, c.door(map[string]string{"queue": c.queue}), func() bool { events, _ := y.kept(t); return len(events) == 2 })
	if n := len(c.asked(isDelete)); n != 0 || c.waiting() != 1 {
		t.Fatalf("%d deletions, %d messages", n, c.waiting())
	}
	release.Do(func() { close(held) })
	y.close(t)
	y.open(t)
	y.run(t, c.door(map[string]string{"queue": c.queue}), func() bool { return c.waiting() == 0 })
	y.wants(t, names...)
	if early.Load() > 0 {
		t.Error("the message was deleted before all of it was in the stream")
	}
}

// TestRedeliveryWhileItIsWorkedOn lets a message become visible again while the door works on it, and after it was delivered but not
// deleted.
func TestRedeliveryWhileItIsWorkedOn(t *testing.T) {
	t.Parallel()
	c, y := newCloud(t), newYard(t)
	c.send(s3Event(c.name, "k.json", c.put("k.json", trailDoc("k"))))
	var refused atomic.Int64
	c.failing(func(a ask) int {
		switch {
		case isDelete(a) && refused.Add(1) <= 9: // more often than the client tries by itself
			return 500
		case a.action == "ChangeMessageVisibility":
			return 403
		}
		return 0
	})
	door := c.door(map[string]string{"queue": c.queue})
	door.hidden = time.Second
	y.run(t, door, func() bool { return c.waiting() == 0 })
	y.wants(t, "k")
	if n := len(c.asked(isGet)); n != 1 {
		t.Errorf("the object was fetched %d times", n)
	}
	if n := len(c.asked(func(a ask) bool { return a.action == "ReceiveMessage" })); n < 2 {
		t.Errorf("the message was received %d times", n)
	}
}

// TestALongDeliveryStaysHidden holds an object back for longer than a message is hidden at first: nobody else gets it meanwhile.
func TestALongDeliveryStaysHidden(t *testing.T) {
	t.Parallel()
	c, y := newCloud(t), newYard(t)
	c.send(s3Event(c.name, "k.json", c.put("k.json", trailDoc("k"))))
	var seen atomic.Int64
	working, held := make(chan struct{}), make(chan struct{})
	c.failing(func(a ask) int {
		if isGet(a) {
			close(working)
			<-held
		}
		return 0
	})
	go func() {
		defer close(held)
		<-working
		for range 25 {
			out, err := c.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &c.queue, VisibilityTimeout: 1})
			if err == nil {
				seen.Add(int64(len(out.Messages)))
			}
			time.Sleep(200 * time.Millisecond)
		}
	}()
	door := c.door(map[string]string{"queue": c.queue})
	door.hidden = 3 * time.Second
	y.run(t, door, func() bool { return c.waiting() == 0 })
	y.wants(t, "k")
	if seen.Load() > 0 {
		t.Errorf("another reader got the message %d times", seen.Load())
	}
}

func TestAnObjectThatWasDeletedIsADeadLetter(t *testing.T) {
	t.Parallel()
	c, y := newCloud(t), newYard(t)
	etag := c.put("k.json", trailDoc("k"))
	if _, err := c.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &c.name, Key: aws.String("k.json")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c.send(s3Event(c.name, "k.json", etag))
	}
	door := c.door(map[string]string{"queue": c.queue})
	y.run(t, door, func() bool { return c.waiting() == 0 })
	if events, faults := y.kept(t); len(events) != 0 || !cmp.Equal(faults, []string{pipeline.ReasonGone}) {
		t.Errorf("%v, %v", events, faults)
	}
	c.send(s3Event(c.name, "k.json", c.put("k.json", trailDoc("k")))) // the same content, and so the same etag
	y.run(t, door, func() bool { return c.waiting() == 0 })
	y.wants(t, "k")
}

// TestABadMessageKeepsNoOtherWaiting denies one object: its message comes back, all others are delivered.
func TestABadMessageKeepsNoOtherWaiting(t *testing.T) {
	t.Parallel()
	c, y := newCloud(t), newYard(t)
	var ids []string
	for i := range 8 {
		key := fmt.Sprintf("k%d.json", i)
		c.send(s3Event(c.name, key, c.put(key, trailDoc(key))))
		if i != 3 {
			ids = append(ids, key)
		}
	}
	c.failing(func(a ask) int {
		if isGet(a) && a.key == "k3.json" {
			return 403
		}
		return 0
	})
	y.run(t, c.door(map[string]string{"queue": c.queue}), func() bool { return c.waiting() == 1 && strings.Contains(y.last(), "k3.json") })
	y.wants(t, ids...)
	if !strings.HasPrefix(y.last(), "failing") {
		t.Errorf("it says %q", y.last())
	}
}

// FuzzObjectsOf looks for a message that makes the reading of notifications panic or name an object without a bucket.
func FuzzObjectsOf(f *testing.F) {
	for _, s := range []string{s3Event("b", "k", "e"), bridgeEvent("b", "k", "e"), trailEvent("b", "k"), throughSNS(s3Event("b", "k", "e")), `{"Records":[{}]}`, `[]`, `"x"`, ``} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		list, ok := objectsOf(body)
		if !ok && len(list) > 0 {
			t.Errorf("no notification, and yet it names %v", list)
		}
		for _, o := range list {
			if o.bucket == "" {
				t.Errorf("an object of no bucket: %+v", o)
			}
		}
	})
}
