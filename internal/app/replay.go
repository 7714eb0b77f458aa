package app

import (
	"context"
	"errors"
	"time"

	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

// ReplayOptions are what `tocsin replay` is asked for.
type ReplayOptions struct {
	ScanOptions
	Lake    string
	Diff    []string // two folders of rules; "" is the embedded ones
	Restart bool     // a comparison begins anew, though an earlier one was not ended

	kept  func()        // of a test: told each time that a comparison has kept its place
	every time.Duration // between two keepings; 0: keepEvery
}

// Replay judges the lake's history as a scan judges files.
func Replay(ctx context.Context, o ReplayOptions, streams Streams) error {
	p, err := o.prepare()
	if err != nil {
		return err
	}
	l, err := lake.OpenExisting(ctx, o.Lake)
	if errors.Is(err, lake.ErrNoLake) {
		return UsageError{Err: err, Hint: "fill one with: tocsin ingest ./AWSLogs --lake " + o.Lake}
	}
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // only read
	files, err := l.Plan(ctx, p.from, p.to)
	if err != nil {
		return err
	}
	p.files = len(files)
	for _, f := range files {
		p.bytes += f.Bytes
	}
	in := pipeline.History{Lake: l, Files: files}
	if len(o.Diff) == 2 {
		return o.compare(ctx, p, in, streams)
	}
	result, err := o.judge(ctx, p, in)
	if err != nil {
		return err
	}
	o.Paths = []string{o.Lake}
	scan := o.report(p, result)
	scan.Next = nil
	if err := o.write(scan, streams); err != nil {
		return err
	}
	return o.outcome(p, result, scan)
}

func (o *ReplayOptions) judge(ctx context.Context, p *prepared, in pipeline.History) (*pipeline.Result, error) {
	places, err := openPlaces()
	if err != nil {
		return nil, err
	}
	return pipeline.Run(ctx, in, pipeline.Options{Rules: p.rules, Environment: p.env, Intel: p.intel, Places: places, From: p.from, To: p.to, Workers: o.Workers})
}
