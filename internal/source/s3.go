package source

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/errgroup"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

// bucket fetches objects of a bucket: those that its notifications name, those that a listing finds, or both.
type bucket struct {
	name, prefix, queue, region, role, externalID, endpoint string
	from, to                                                string // days, "2026-03-01"
	every                                                   time.Duration
}

func openS3(settings map[string]string) (Door, error) {
	b := &bucket{
		name: settings["bucket"], prefix: settings["prefix"], queue: settings["queue"], region: settings["region"], role: settings["role"], externalID: settings["external_id"],
		endpoint: settings["endpoint"], from: settings["from"], to: settings["to"],
	}
	var errs []error
	if b.name == "" && b.queue == "" {
		errs = append(errs, errors.New("give the bucket to list, the queue with its notifications, or both"))
	}
	for name, day := range map[string]string{"from": b.from, "to": b.to} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			errs = append(errs, fmt.Errorf("%s: %q is no day such as 2026-03-01", name, day))
		}
	}
	var err error
	if settings["every"] != "" || b.queue == "" {
		b.every, err = durationOf(settings, "every", 5*time.Minute)
	}
	return b, errors.Join(append(errs, err)...)
}

// clients connects with the default chain of credentials, and the role where one is named.
func (b *bucket) clients(ctx context.Context) (*s3.Client, *sqs.Client, error) {
	options := []func(*config.LoadOptions) error{config.WithRetryMaxAttempts(8)}
	if b.region != "" {
		options = append(options, config.WithRegion(b.region))
	}
	if b.endpoint != "" {
		options = append(options, config.WithBaseEndpoint(b.endpoint))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, nil, fmt.Errorf("AWS configuration: %w", err)
	}
	if b.role != "" {
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), b.role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "tocsin-collect"
			if b.externalID != "" {
				o.ExternalID = &b.externalID
			}
		}))
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = b.endpoint != "" }), sqs.NewFromConfig(cfg), nil
}

// Test asks for one page of the bucket and for the queue's attributes.
func (b *bucket) Test(ctx context.Context) (string, error) {
	objects, queue, err := b.clients(ctx)
	if err != nil {
		return "", err
	}
	var said []string
	if b.name != "" {
		page, err := objects.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &b.prefix})
		if err != nil {
			return "", fmt.Errorf("list %s: %w", b.name, err)
		}
		more := ""
		if aws.ToBool(page.IsTruncated) {
			more = " and more"
		}
		said = append(said, fmt.Sprintf("s3://%s/%s: %d objects%s", b.name, b.prefix, len(page.Contents), more))
	}
	if b.queue != "" {
		a, err := queue.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &b.queue, AttributeNames: []sqsAttribute{"ApproximateNumberOfMessages"}})
		if err != nil {
			return "", fmt.Errorf("ask %s: %w", b.queue, err)
		}
		said = append(said, fmt.Sprintf("%s: about %s messages", b.queue, a.Attributes["ApproximateNumberOfMessages"]))
	}
	return strings.Join(said, "; "), nil
}

// Run lists, and listens to the queue, as it was told.
func (b *bucket) Run(ctx context.Context, env Env) error {
	objects, queue, err := b.clients(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	if b.name != "" {
		group.Go(func() error { return b.listing(ctx, env, objects) })
	}
	if b.queue != "" {
		group.Go(func() error { return b.listening(ctx, env, objects, queue) })
	}
	return group.Wait()
}

// listing delivers what the bucket holds, again and again where every is set.
func (b *bucket) listing(ctx context.Context, env Env, client *s3.Client) error {
	for {
		pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &b.prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return fmt.Errorf("list %s: %w", b.name, err)
			}
			for _, o := range page.Contents {
				key := aws.ToString(o.Key)
				if strings.HasSuffix(key, "/") || !b.within(key) {
					continue
				}
				if err := b.fetch(ctx, env, client, object{b.name, key, strings.Trim(aws.ToString(o.ETag), `"`), ""}, lake.LaneBackfill); err != nil {
					return err
				}
			}
		}
		if b.every == 0 {
			<-ctx.Done()
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(b.every):
		}
	}
}

// dayOfKey finds the day in the ways in which AWS writes it into keys.
var dayOfKey = regexp.MustCompile(`/(?:year=)?(\d{4})/(?:month=)?(\d{2})/(?:day=)?(\d{2})/`)

// within reports whether a key is of the days that are asked for. One without a day is.
func (b *bucket) within(key string) bool {
	m := dayOfKey.FindStringSubmatch(key)
	if m == nil {
		return true
	}
	day := m[1] + "-" + m[2] + "-" + m[3]
	return (b.from == "" || day >= b.from) && (b.to == "" || day < b.to)
}

// object is one version of an object.
type object struct{ bucket, key, etag, version string }

// fetch delivers one object. One that is gone is passed over, with a word.
func (b *bucket) fetch(ctx context.Context, env Env, client *s3.Client, o object, lane string) error {
	name := "s3://" + o.bucket + "/" + o.key
	if o.etag != "" {
		if known, err := env.Desk.WasDelivered(ctx, env.Source, name, o.etag); err != nil || known {
			return err
		}
	}
	in := &s3.GetObjectInput{Bucket: &o.bucket, Key: &o.key}
	if o.version != "" {
		in.VersionId = &o.version
	}
	out, err := client.GetObject(ctx, in)
	var gone *s3types.NoSuchKey
	if errors.As(err, &gone) {
		env.Log.Warn("an object is gone", "object", name)
		return nil
	}
	if err != nil {
		return fmt.Errorf("get %s: %w", name, err)
	}
	defer out.Body.Close() //nolint:errcheck // only read
	etag := strings.Trim(aws.ToString(out.ETag), `"`)
	return Spooled(ctx, env.Spool, out.Body, 0, func(inv *collect.Inventory) error {
		_, err := env.Receive(ctx, pipeline.Delivery{Source: env.Source, Object: name, ETag: etag, Lane: lane, Signature: out.Metadata["signature"], Received: env.Now().UTC(), Inventory: inv})
		return err
	})
}
