package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/errgroup"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

// bucket fetches objects of a bucket: those that its notifications name, those that a listing finds, or both.
type bucket struct {
	name, prefix, queue, region, role, externalID, endpoint string
	wanted                                                  wanted
	every                                                   time.Duration // between two listings; 0: one, and then it listens
	once                                                    bool          // list once, and then it is done
	hidden                                                  time.Duration // for how long a message that is worked on is kept from others
}

func openS3(settings map[string]string) (Door, error) {
	b := &bucket{
		name: settings["bucket"], prefix: settings["prefix"], queue: settings["queue"], region: settings["region"], role: settings["role"], externalID: settings["external_id"],
		endpoint: settings["endpoint"], once: settings["every"] == "once", hidden: hidden,
	}
	var errs []error
	if b.name == "" && b.queue == "" {
		errs = append(errs, errors.New("give the bucket to list, the queue with its notifications, or both"))
	}
	if settings["as"] != "" {
		errs = append(errs, desk.CheckName(settings["as"]))
	}
	var err error
	b.wanted, err = openWanted(settings)
	errs = append(errs, err)
	switch {
	case b.once && b.queue != "":
		errs = append(errs, errors.New("every=once is for listing a bucket, without a queue"))
	case b.once:
	case settings["every"] != "" || b.queue == "":
		b.every, err = durationOf(settings, "every", 5*time.Minute)
		errs = append(errs, err)
	}
	return b, errors.Join(errs...)
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
	if cfg.Region == "" {
		return nil, nil, errors.New("no Region: give the setting region, or AWS_REGION")
	}
	if b.role != "" {
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), b.role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "tocsin-collect"
			if b.externalID != "" {
				o.ExternalID = &b.externalID
			}
		}))
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = b.endpoint != ""
		o.DisableLogOutputChecksumValidationSkipped = true // other stores than Amazon's have none, and a line for each object helps nobody
	}), sqs.NewFromConfig(cfg), nil
}

// testTime is how long a door may take to be tested.
const testTime = 20 * time.Second

// Test asks for one page of the bucket and for the queue's attributes.
func (b *bucket) Test(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
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

// object is one version of an object.
type object struct{ bucket, key, etag, version string }

func (o object) String() string { return "s3://" + o.bucket + "/" + textOf(o.key) }

// fetch delivers one object. gone reports that there is no such object any more.
func (b *bucket) fetch(ctx context.Context, env Env, client *s3.Client, o object, lane string) (gone bool, err error) {
	name := o.String()
	if o.etag != "" {
		if known, err := env.Desk.WasDelivered(ctx, env.Source, name, o.etag); err != nil || known {
			return false, err
		}
	}
	in := &s3.GetObjectInput{Bucket: &o.bucket, Key: &o.key}
	if o.version != "" {
		in.VersionId = &o.version
	}
	out, err := client.GetObject(ctx, in)
	if isGone(err) {
		env.Log.Warn("an object is gone", "object", name)
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("get %s: %w", name, err)
	}
	defer out.Body.Close() //nolint:errcheck // only read
	etag := strings.Trim(aws.ToString(out.ETag), `"`)
	err = Spooled(ctx, env.Spool, out.Body, 0, func(inv *collect.Inventory) error {
		_, err := env.Receive(ctx, pipeline.Delivery{Source: env.Source, Object: name, ETag: etag, Lane: lane, Received: env.Now().UTC(), Inventory: inv})
		return err
	})
	if err != nil {
		err = fmt.Errorf("get %s: %w", name, err)
	}
	return false, err
}

// isGone knows the answers of S3 for an object or a version that is not there.
func isGone(err error) bool {
	var said interface{ ErrorCode() string }
	return errors.As(err, &said) && (said.ErrorCode() == "NoSuchKey" || said.ErrorCode() == "NoSuchVersion")
}
