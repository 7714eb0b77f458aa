package simulate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Store says how S3 is reached. The credentials are of the AWS SDK's default chain.
type Store struct {
	Endpoint string // of an emulator, or another store that speaks S3; empty is AWS
	Region   string // empty is what the environment says, else us-east-1
}

// bucket takes objects below a prefix.
type bucket struct {
	client       *s3.Client
	name, prefix string
}

func openStore(ctx context.Context, where string, how Store) (target, error) {
	u, err := url.Parse(where)
	if err != nil {
		return nil, err
	}
	var options []func(*config.LoadOptions) error
	if how.Region != "" {
		options = append(options, config.WithRegion(how.Region))
	}
	if how.Endpoint != "" {
		options = append(options, config.WithBaseEndpoint(how.Endpoint))
	}
	cfg, err := config.LoadDefaultConfig(ctx, append(options, config.WithRetryMaxAttempts(10))...)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	b := &bucket{name: u.Host, prefix: strings.TrimPrefix(u.Path, "/")}
	if b.prefix != "" && !strings.HasSuffix(b.prefix, "/") {
		b.prefix += "/"
	}
	b.client = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = how.Endpoint != "" })
	return b, nil
}

func (b *bucket) put(ctx context.Context, name string, body []byte) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: aws.String(b.prefix + name), Body: bytes.NewReader(body)})
	var says interface{ ErrorCode() string }
	switch {
	case !errors.As(err, &says):
		return err
	case says.ErrorCode() == "NoSuchBucket":
		return fmt.Errorf("there is no bucket %s: make it first (aws s3 mb s3://%s): %w", b.name, b.name, err)
	case says.ErrorCode() == "AccessDenied":
		return fmt.Errorf("access denied (needs s3:PutObject on %s/%s*): %w", b.name, b.prefix, err)
	}
	return err
}
