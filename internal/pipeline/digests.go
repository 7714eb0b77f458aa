package pipeline

import (
	"context"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/ledger"
)

// Prover tells the ledger what was received, and what the digest files of CloudTrail say of it.
type Prover struct {
	Desk   *desk.Desk
	Ledger *ledger.Ledger
	Keys   cloudtrail.PublicKeys // nil: no digest can be valid
	Now    func() time.Time

	mu     sync.Mutex // one Prove at a time
	judged time.Time  // when the digests that miss something were last judged
}

// The verdicts on a digest file.
const (
	digestValid   = desk.DigestValid
	digestInvalid = desk.DigestInvalid
	digestMissing = desk.DigestMissing
)

// digestWait is how long what a digest names may be on its way before the digest is said to miss it.
const digestWait = 2 * time.Hour

// perAppend bounds the leaves of one call.
const perAppend = 1000

// missEvery is how often digests that miss something are judged again where nothing came in between.
const missEvery = 10 * time.Minute

// Run proves again and again, until the context ends: a digest makes no commit that Prove could follow. What fails is tried again.
func (p *Prover) Run(ctx context.Context, every time.Duration, failed func(error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := p.Prove(ctx); err != nil && ctx.Err() == nil {
			failed(err)
		}
	}
}

// Prove appends a leaf for each object that was received, and for each verdict on a digest that is new. The desk remembers what was told
// after the ledger holds it; a kill in between repeats leaves, which is harmless.
func (p *Prover) Prove(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	came := false
	for {
		list, err := p.Desk.Unledgered(ctx, perAppend)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			break
		}
		came = true
		leaves := make([]ledger.Leaf, len(list))
		for i, x := range list {
			leaf := ledger.ObjectReceived{Bytes: x.Bytes, ETag: x.ETag, Key: x.Object, Source: x.Source}
			if err := leaf.SHA256.UnmarshalText([]byte(x.SHA256)); err != nil {
				return fmt.Errorf("delivery of %s: %w", x.Object, err)
			}
			leaves[i] = leaf
		}
		if _, err := p.Ledger.Append(ctx, leaves...); err != nil {
			return err
		}
		if err := p.Desk.Ledgered(ctx, list, p.Now()); err != nil {
			return err
		}
		if len(list) < perAppend { // what came meanwhile is the next call's: where sources never rest, this one would not end
			break
		}
	}
	read, err := p.read(ctx)
	if err != nil {
		return err
	}
	if !came && !read && since(p.Now(), p.judged) < missEvery {
		return nil
	}
	p.judged = p.Now()
	return p.digests(ctx)
}

// read keeps what each digest says that came since the last time, and reports whether there was one.
func (p *Prover) read(ctx context.Context) (some bool, err error) {
	for {
		list, err := p.Desk.UnreadDigests(ctx, 10)
		if err != nil || len(list) == 0 {
			return some, err
		}
		some = true
		for i := range list {
			says := desk.DigestSaying{Name: desk.NoDigest}
			if file, err := cloudtrail.ParseDigest([]byte(list[i].Raw)); err == nil {
				says = desk.DigestSaying{
					Name: file.Object, Chain: cloudtrail.Chain(file.Object), Account: file.Account, Start: file.Start, End: file.End(), Files: len(file.LogFiles),
					Previous: file.PreviousObject, PreviousSignature: file.PreviousSignature,
				}
				says.Region, says.Trail = file.Place()
			}
			if err := p.Desk.ReadDigest(ctx, list[i].Content, &says); err != nil {
				return some, err
			}
		}
	}
}

// digests judges every digest that has no final verdict.
func (p *Prover) digests(ctx context.Context) error {
	list, err := p.Desk.UnjudgedDigests(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		d, err := p.Desk.Digest(ctx, list[i].Content)
		if err != nil {
			return err
		}
		verdict, reason, err := p.judge(ctx, d)
		if err != nil {
			return err
		}
		if verdict == digestMissing && p.Now().Sub(d.Received) < digestWait || verdict == d.Verdict && reason == d.Reason {
			continue
		}
		leaf := ledger.DigestVerdict{Key: d.Object, Reason: reason, Source: d.Source, Verdict: verdict}
		if _, err := hex.Decode(leaf.SHA256[:], []byte(d.Content)); err != nil {
			return err
		}
		if _, err := p.Ledger.Append(ctx, leaf); err != nil {
			return err
		}
		if err := p.Desk.JudgeDigest(ctx, d, verdict, reason, p.Now()); err != nil {
			return err
		}
	}
	return nil
}

// judge checks one digest: its place, its signature, the digest before it, and each log file that it lists against what was received.
func (p *Prover) judge(ctx context.Context, d *desk.Digest) (verdict, reason string, err error) {
	file, err := cloudtrail.ParseDigest([]byte(d.Raw))
	if err != nil {
		return digestInvalid, err.Error(), nil
	}
	if path.Base(file.Object) != path.Base(d.Object) {
		return digestInvalid, "it says that it is " + file.Object + ": a copy under another name", nil
	}
	lacks := []string{}
	for _, check := range []func(context.Context, *desk.Digest, *cloudtrail.Digest) (string, string, error){p.signed, p.chained, p.listed} {
		lack, wrong, err := check(ctx, d, file)
		if err != nil {
			return "", "", err
		}
		if wrong != "" {
			return digestInvalid, wrong, nil
		}
		if lack != "" {
			lacks = append(lacks, lack)
		}
	}
	if len(lacks) > 0 {
		return digestMissing, lacks[0], nil
	}
	return digestValid, fmt.Sprintf("%d log files as CloudTrail wrote them", len(file.LogFiles)), nil
}

// signed checks a digest's signature. It returns what lacks for that, or what is wrong.
func (p *Prover) signed(ctx context.Context, d *desk.Digest, file *cloudtrail.Digest) (lack, wrong string, err error) {
	signature := d.Signature
	if signature == "" {
		if signature, err = p.Desk.NextSignature(ctx, file.Object); err != nil {
			return "", "", err
		}
	}
	key := p.Keys[file.Fingerprint]
	if key == nil {
		return desk.NoDigestKey + file.Fingerprint + " (digests.keys)", "", nil
	}
	if signature == "" {
		return "its signature did not come: it lies beside the object in S3, and in the next digest", "", nil
	}
	if err := file.Verify(key, signature); err != nil {
		return "", err.Error(), nil
	}
	return "", "", nil
}

// chained checks the digest before it.
func (p *Prover) chained(ctx context.Context, _ *desk.Digest, file *cloudtrail.Digest) (lack, wrong string, err error) {
	if file.PreviousObject == "" {
		return "", "", nil
	}
	before, err := p.Desk.DigestsCalled(ctx, file.PreviousObject)
	if err != nil {
		return "", "", err
	}
	if slices.ContainsFunc(before, func(b desk.Digest) bool { return b.Content == file.PreviousHash }) {
		return "", "", nil
	}
	if len(before) > 0 {
		return "", "the digest before it, " + file.PreviousObject + ", has another hash than it had", nil
	}
	first, err := p.Desk.FirstOf(ctx, cloudtrail.Chain(file.Object))
	if err != nil || first == file.Object {
		return "", "", err
	}
	return "the digest before it did not come: " + file.PreviousObject, "", nil
}

// listed checks each log file that a digest lists against what was received.
func (p *Prover) listed(ctx context.Context, d *desk.Digest, file *cloudtrail.Digest) (lack, wrong string, err error) {
	for _, log := range file.LogFiles {
		contents, err := p.Desk.Contents(ctx, d.Source, path.Base(log.Object))
		switch {
		case err != nil:
			return "", "", err
		case len(contents) == 0 && lack == "":
			lack = "a log file that it lists did not come: " + log.Object
		case slices.ContainsFunc(contents, func(c string) bool { return c != log.Hash }):
			return "", "the log file " + log.Object + " was not received as CloudTrail wrote it", nil
		}
	}
	return lack, "", nil
}
