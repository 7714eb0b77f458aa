package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
)

// hashing hashes a stream as it is read. sum reads what is left of it; it is "" where the stream breaks off.
func hashing(in io.Reader) (out io.Reader, sum func() string) {
	h := sha256.New()
	out = io.TeeReader(in, h)
	return out, func() string {
		if _, err := io.Copy(io.Discard, out); err != nil {
			return ""
		}
		return hex.EncodeToString(h.Sum(nil))
	}
}

// hashes fills in what the ledger is told of a delivery.
func (in *receiving) hashes(note *desk.Delivery) error {
	if len(in.d.Inventory.Files) != 1 {
		return nil
	}
	sum, err := in.d.Inventory.Files[0].SHA256()
	if err != nil {
		return fmt.Errorf("hash it: %w", err)
	}
	note.SHA256 = hex.EncodeToString(sum[:])
	if len(in.contents) == 1 {
		note.Content = in.contents[0]
	}
	return nil
}

// ReasonDigestLong is given for a digest file that is too long to be one.
const ReasonDigestLong = "CloudTrail digest file of more than 64 MiB"

// digest keeps a digest file, which stands at the head. It holds no records, so it counts as none.
func (in *receiving) digest(ctx context.Context, name string) error {
	raw, err := io.ReadAll(io.LimitReader(in.head, cloudtrail.MaxDigest+1))
	if err != nil {
		return in.faults(ctx, name, "")
	}
	if len(raw) > cloudtrail.MaxDigest {
		in.problem(collect.Problem{Source: name, Reason: ReasonDigestLong})
		return in.faults(ctx, name, "")
	}
	sum := sha256.Sum256(raw)
	in.receipt.Digests++
	return in.r.Desk.AddDigest(ctx, &desk.Digest{
		Content: hex.EncodeToString(sum[:]), Source: in.d.Source, Object: in.object(name), Signature: in.d.Signature, Raw: string(raw), Received: in.d.Received,
	})
}
