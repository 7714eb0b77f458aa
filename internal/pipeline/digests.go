package pipeline

import (
	"context"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
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
}

// The verdicts on a digest file.
const (
	digestValid   = "valid"
	digestInvalid = "invalid"
	digestMissing = "missing" // something that is needed to judge it did not come
)

// digestWait is how long what a digest names may be on its way before the digest is said to miss it.
const digestWait = 2 * time.Hour

// perAppend bounds the leaves of one call.
const perAppend = 1000

// Prove appends a leaf for each object that was received, and for each verdict on a digest that is new. The desk remembers what was told
// after the ledger holds it; a kill in between repeats leaves, which is harmless.
func (p *Prover) Prove(ctx context.Context) error {
	for {
		list, err := p.Desk.Unledgered(ctx, perAppend)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return p.digests(ctx)
		}
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
	}
}

// chained is a digest with what was read of it.
type chained struct {
	*desk.Digest
	file *cloudtrail.Digest
}

// digests judges every digest that has no final verdict.
func (p *Prover) digests(ctx context.Context) error {
	list, err := p.Desk.Digests(ctx)
	if err != nil {
		return err
	}
	byObject := map[string]chained{}
	signatures := map[string]string{} // by object, as the digest after it names it
	oldest := map[string]string{}     // object by chain
	for i := range list {
		file, err := cloudtrail.ParseDigest([]byte(list[i].Raw))
		if err != nil {
			continue // it is judged below
		}
		byObject[file.Object] = chained{&list[i], file}
		if file.PreviousObject != "" {
			signatures[file.PreviousObject] = file.PreviousSignature
		}
		if chain := cloudtrail.Chain(file.Object); oldest[chain] == "" || byObject[oldest[chain]].file.EndText > file.EndText {
			oldest[chain] = file.Object
		}
	}
	for i := range list {
		d := &list[i]
		if d.Verdict == digestValid || d.Verdict == digestInvalid {
			continue
		}
		verdict, reason, err := p.judge(ctx, d, byObject, signatures, oldest)
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
		if err := p.Desk.JudgeDigest(ctx, d.Content, verdict, reason, p.Now()); err != nil {
			return err
		}
	}
	return nil
}

// judge checks one digest: its place, its signature, the digest before it, and each log file that it lists against what was received.
func (p *Prover) judge(ctx context.Context, d *desk.Digest, byObject map[string]chained, signatures, oldest map[string]string) (verdict, reason string, err error) {
	file, err := cloudtrail.ParseDigest([]byte(d.Raw))
	if err != nil {
		return digestInvalid, err.Error(), nil
	}
	if path.Base(file.Object) != path.Base(d.Object) {
		return digestInvalid, "it says that it is " + file.Object + ": a copy under another name", nil
	}
	missing := ""
	lacks := func(format string, args ...any) {
		if missing == "" {
			missing = fmt.Sprintf(format, args...)
		}
	}
	signature := d.Signature
	if signature == "" {
		signature = signatures[file.Object]
	}
	switch key := p.Keys[file.Fingerprint]; {
	case key == nil:
		lacks("no public key has the fingerprint %s (digests.keys)", file.Fingerprint)
	case signature == "":
		lacks("its signature did not come: it lies beside the object in S3, and in the next digest")
	default:
		if err := file.Verify(key, signature); err != nil {
			return digestInvalid, err.Error(), nil
		}
	}
	if before, known := byObject[file.PreviousObject]; known && before.file.Content() != file.PreviousHash {
		return digestInvalid, "the digest before it, " + file.PreviousObject + ", has another hash than it had", nil
	} else if !known && file.PreviousObject != "" && oldest[cloudtrail.Chain(file.Object)] != file.Object {
		lacks("the digest before it did not come: %s", file.PreviousObject)
	}
	for _, log := range file.LogFiles {
		contents, err := p.Desk.Contents(ctx, d.Source, path.Base(log.Object))
		switch {
		case err != nil:
			return "", "", err
		case len(contents) == 0:
			lacks("a log file that it lists did not come: %s", log.Object)
		case slices.ContainsFunc(contents, func(c string) bool { return c != log.Hash }):
			return digestInvalid, "the log file " + log.Object + " was not received as CloudTrail wrote it", nil
		}
	}
	if missing != "" {
		return digestMissing, missing, nil
	}
	return digestValid, fmt.Sprintf("%d log files as CloudTrail wrote them", len(file.LogFiles)), nil
}
