package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/tocsin-security/tocsin/internal/lake"
)

const (
	fetches  = 4              // objects that one door fetches at once
	relisted = 48 * time.Hour // how far back a listing looks that follows a whole one
	wholly   = 24 * time.Hour // between two whole listings
	fresh    = 24 * time.Hour // what was written since is live; the rest is back-fill
	givesUp  = 20             // failures in a row after which a listing ends: it is not the object
)

// listing delivers what the bucket holds, again and again where every is set. A round that follows a whole one looks at the last two
// days only. An object that cannot be fetched does not keep others waiting: the round is tried again.
func (b *bucket) listing(ctx context.Context, env Env, client *s3.Client) error {
	var whole time.Time // when the last whole round began
	wait := time.Second
	for {
		r := &round{b: b, env: env, client: client, want: b.wanted, began: env.Now()}
		complete := whole.IsZero() || r.began.Sub(whole) >= wholly
		if !complete {
			r.want.from = max(b.wanted.from, r.began.Add(-relisted).UTC().Format(time.DateOnly))
		}
		if err := r.run(ctx); err != nil {
			return err
		}
		next := b.every
		switch failed := r.failure(); {
		case failed != nil:
			env.Say("failing", failed.Error())
			env.Log.Error("a listing was not delivered whole", "error", failed, "again in", wait)
			next, wait = wait, min(2*wait, time.Minute)
		case b.every == 0:
			env.Say(map[bool]string{true: "done", false: "waiting"}[b.once], "")
			<-ctx.Done()
			return ctx.Err()
		default:
			env.Say("waiting", "")
			wait = time.Second
			if complete {
				whole = r.began
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(next):
		}
	}
}

// round is one listing and the fetching of what it finds.
type round struct {
	b      *bucket
	env    Env
	client *s3.Client
	want   wanted
	began  time.Time

	mu     sync.Mutex
	failed int
	row    int // failures without a success between them
	first  error
}

// run ends with an error where the bucket cannot be listed; objects that could not be fetched are its failure.
func (r *round) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetches + 1)
	group.Go(func() error {
		return r.descend(ctx, r.b.prefix, branchOf(r.b.prefix), func(o s3types.Object) error {
			if r.hopeless() {
				return errHopeless
			}
			group.Go(func() error { return r.fetch(ctx, o) })
			return nil
		})
	})
	if err := group.Wait(); !errors.Is(err, errHopeless) {
		return err
	}
	return nil
}

var errHopeless = errors.New("too many failures in a row")

func (r *round) hopeless() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.row >= givesUp
}

func (r *round) failure() error {
	if r.failed == 0 {
		return nil
	}
	return fmt.Errorf("%d objects could not be taken in and are tried again; the first: %w", r.failed, r.first)
}

// descend lists what lies below a prefix, branch by branch for as long as some of it can be left out, and then in one go.
func (r *round) descend(ctx context.Context, prefix string, at branch, each func(s3types.Object) error) error {
	in := &s3.ListObjectsV2Input{Bucket: &r.b.name, Prefix: &prefix}
	if r.want.undecided(at) {
		in.Delimiter = aws.String("/")
	}
	pages := s3.NewListObjectsV2Paginator(r.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list s3://%s/%s: %w", r.b.name, prefix, err)
		}
		for _, o := range page.Contents {
			if key := aws.ToString(o.Key); strings.HasSuffix(key, "/") || !r.want.has(key, aws.ToTime(o.LastModified)) {
				continue
			}
			if err := each(o); err != nil {
				return err
			}
		}
		for _, p := range page.CommonPrefixes {
			below := aws.ToString(p.Prefix)
			if next := branchOf(below); !r.want.excluded(next) {
				if err := r.descend(ctx, below, next, each); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// fetch delivers one object and notes whether it could.
func (r *round) fetch(ctx context.Context, o s3types.Object) error {
	lane := lake.LaneBackfill
	if !r.b.once && r.began.Sub(aws.ToTime(o.LastModified)) < fresh {
		lane = lake.LaneLive
	}
	_, err := r.b.fetch(ctx, r.env, r.client, object{r.b.name, aws.ToString(o.Key), strings.Trim(aws.ToString(o.ETag), `"`), ""}, lane)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.row++
	if err == nil {
		r.row = 0
		return nil
	}
	if r.failed++; r.failed == 1 {
		r.first = err
	}
	return nil
}
