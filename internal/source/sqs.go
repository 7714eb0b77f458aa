package source

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

type sqsAttribute = sqstypes.QueueAttributeName

// hidden is for how long a message that is being worked on is kept from others, in seconds.
const hidden = 300

// listening delivers the objects that messages name. A message is deleted after all of its objects are durable.
func (b *bucket) listening(ctx context.Context, env Env, objects *s3.Client, queue *sqs.Client) error {
	for {
		out, err := queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &b.queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 10, VisibilityTimeout: hidden})
		if err != nil {
			return fmt.Errorf("receive from %s: %w", b.queue, err)
		}
		group, inner := errgroup.WithContext(ctx)
		group.SetLimit(4)
		for _, m := range out.Messages {
			group.Go(func() error {
				if err := b.message(inner, env, objects, aws.ToString(m.MessageId), aws.ToString(m.Body)); err != nil {
					return err
				}
				_, err := queue.DeleteMessage(inner, &sqs.DeleteMessageInput{QueueUrl: &b.queue, ReceiptHandle: m.ReceiptHandle})
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
}

// message delivers what one message names. What is no notification becomes a dead letter: it would come back for ever.
func (b *bucket) message(ctx context.Context, env Env, client *s3.Client, id, body string) error {
	list, ok := objectsOf(body)
	if !ok {
		return Spooled(ctx, env.Spool, strings.NewReader("SQS message that names no object: "+body), 0, func(inv *collect.Inventory) error {
			_, err := env.Receive(ctx, pipeline.Delivery{Source: env.Source, Object: "sqs/" + id, Lane: lake.LaneLive, Received: env.Now().UTC(), Inventory: inv})
			return err
		})
	}
	for _, o := range list {
		if b.name != "" && o.bucket != b.name || !strings.HasPrefix(o.key, b.prefix) {
			continue
		}
		if err := b.fetch(ctx, env, client, o, lake.LaneLive); err != nil {
			return err
		}
	}
	return nil
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
