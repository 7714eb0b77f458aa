package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

type sqsAttribute = sqstypes.QueueAttributeName

const (
	hidden    = time.Minute      // for how long a message is kept from others; extended while it is worked on
	againSoon = 15 * time.Second // after which a message that failed comes back, twice as long with each time
	againLast = 15 * time.Minute // at most
)

// letters is a queue being emptied.
type letters struct {
	b       *bucket
	env     Env
	objects *s3.Client
	queue   *sqs.Client
}

// listening delivers the objects that messages name. A message is deleted after all of its objects are durable; one that fails comes
// back later and keeps no other waiting.
func (b *bucket) listening(ctx context.Context, env Env, objects *s3.Client, queue *sqs.Client) error {
	l := &letters{b, env, objects, queue}
	for {
		out, err := queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &b.queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 10, VisibilityTimeout: seconds(b.hidden),
			MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"ApproximateReceiveCount"},
		})
		if err != nil {
			return fmt.Errorf("receive from %s: %w", b.queue, err)
		}
		if err := l.open(ctx, out.Messages); err != nil {
			return err
		}
	}
}

// open works on messages, a few at a time. It fails only where none of several could be delivered: then it is not the message.
func (l *letters) open(ctx context.Context, messages []sqstypes.Message) error {
	var mu sync.Mutex
	var failed []error
	var group errgroup.Group
	group.SetLimit(fetches)
	for _, m := range messages {
		group.Go(func() error {
			if err := l.one(ctx, m); err != nil {
				mu.Lock()
				failed = append(failed, err)
				mu.Unlock()
			}
			return nil
		})
	}
	_ = group.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case len(failed) == 0:
		l.env.Say("waiting", "")
		return nil
	case len(failed) == len(messages):
		return failed[0]
	}
	l.env.Say("failing", fmt.Sprintf("%d messages could not be delivered and come back; the first: %v", len(failed), failed[0]))
	return nil
}

// one delivers one message and deletes it. While it works on it, it keeps the message hidden from others; where it fails, or is told to
// stop, it gives the message back.
func (l *letters) one(ctx context.Context, m sqstypes.Message) error {
	work, done := context.WithCancel(ctx)
	var hiding sync.WaitGroup
	hiding.Go(func() { l.hide(work, m) })
	err := l.b.message(ctx, l.env, l.objects, aws.ToString(m.MessageId), aws.ToString(m.Body))
	done()
	hiding.Wait()
	if err == nil {
		if _, err = l.queue.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &l.b.queue, ReceiptHandle: m.ReceiptHandle}); err == nil {
			return nil
		}
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	wait := time.Duration(0)
	if ctx.Err() == nil {
		l.env.Log.Warn("a message could not be delivered", "message", aws.ToString(m.MessageId), "error", err)
		times, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
		wait = min(againSoon<<min(max(times-1, 0), 10), againLast)
	}
	l.visible(end, m, wait)
	return err
}

// hide extends the time for which a message is kept from others until the context ends.
func (l *letters) hide(ctx context.Context, m sqstypes.Message) {
	tick := time.NewTicker(max(l.b.hidden/3, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			l.visible(ctx, m, l.b.hidden)
		}
	}
}

// visible says when a message may be seen again. Where that fails the message comes back at another time, which is as good.
func (l *letters) visible(ctx context.Context, m sqstypes.Message, after time.Duration) {
	if _, err := l.queue.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &l.b.queue, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds(after)}); err != nil && ctx.Err() == nil {
		l.env.Log.Warn("a message could not be given back", "message", aws.ToString(m.MessageId), "error", err)
	}
}

func seconds(d time.Duration) int32 { return int32(min(d/time.Second, 12*60*60)) } //nolint:gosec // at most twelve hours, as SQS allows

// message delivers what one message names. What is no notification becomes a dead letter: it would come back for ever. So does an object
// that was announced and is gone.
func (b *bucket) message(ctx context.Context, env Env, client *s3.Client, id, body string) error {
	list, ok := objectsOf(body)
	if !ok {
		d := pipeline.Delivery{Source: env.Source, Object: "sqs/" + id, Lane: lake.LaneLive, Received: env.Now().UTC()}
		return env.Refuse(ctx, d, pipeline.ReasonNoNotification, "a message of the queue names no object", []byte(body))
	}
	var errs []error
	for _, o := range list {
		if b.name != "" && o.bucket != b.name || !strings.HasPrefix(o.key, b.prefix) || !b.announced().has(o.key, time.Time{}) {
			env.Log.Info("an object was announced that this source is not for", "object", o.String())
			continue
		}
		gone, err := b.fetch(ctx, env, client, o, lake.LaneLive)
		if gone {
			d := pipeline.Delivery{Source: env.Source, Object: o.String(), ETag: o.etag + "!gone", Lane: lake.LaneLive, Received: env.Now().UTC()}
			err = env.Refuse(ctx, d, pipeline.ReasonGone, "a notification named it, and it was deleted before it was fetched", nil)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// announced is what of the notifications is asked for. The days are for listings.
func (b *bucket) announced() *wanted {
	return &wanted{accounts: b.wanted.accounts, regions: b.wanted.regions}
}

// notification is all the shapes in which S3, EventBridge and CloudTrail tell of new objects.
type notification struct {
	Type    string // SNS
	Message string
	Event   string // s3:TestEvent
	Records []struct {
		EventName string `json:"eventName"`
		S3        struct {
			Bucket struct{ Name string }
			Object struct{ Key, ETag, VersionID string }
		}
	}
	DetailType string `json:"detail-type"`
	Detail     struct {
		Bucket struct{ Name string }
		Object struct {
			Key, ETag string
			VersionID string `json:"version-id"`
		}
	}
	S3Bucket    string   `json:"s3Bucket"` // CloudTrail's own notification
	S3ObjectKey []string `json:"s3ObjectKey"`
}

// objectsOf lists the objects that a message names; ok is false where it is no notification.
func objectsOf(body string) (list []object, ok bool) {
	var n notification
	if err := json.Unmarshal([]byte(body), &n); err != nil {
		return nil, false
	}
	switch {
	case n.Type == "Notification" && n.Message != "":
		return objectsOf(n.Message)
	case n.Event == "s3:TestEvent":
		return nil, true
	case n.S3Bucket != "":
		for _, key := range n.S3ObjectKey {
			list = append(list, object{bucket: n.S3Bucket, key: key})
		}
		return list, true
	case n.Detail.Bucket.Name != "":
		if n.DetailType == "Object Created" {
			list = append(list, object{n.Detail.Bucket.Name, n.Detail.Object.Key, n.Detail.Object.ETag, n.Detail.Object.VersionID})
		}
		return list, true
	}
	for _, r := range n.Records {
		if r.S3.Bucket.Name == "" {
			return nil, false
		}
		if !strings.Contains(r.EventName, "ObjectCreated:") {
			continue
		}
		key, err := url.QueryUnescape(r.S3.Object.Key) // S3 writes keys as a form does
		if err != nil {
			return nil, false
		}
		list = append(list, object{r.S3.Bucket.Name, key, r.S3.Object.ETag, r.S3.Object.VersionID})
	}
	return list, len(n.Records) > 0
}
