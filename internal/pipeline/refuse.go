package pipeline

import (
	"context"
	"fmt"

	"github.com/tocsin-security/tocsin/internal/desk"
)

// The reasons for which a source gives up an object. Each becomes a dead letter: what was announced and cannot be had is counted too.
const (
	ReasonNoNotification = "not a notification"
	ReasonGone           = "the object is gone"
	ReasonTooLarge       = "the object can never be taken in"
)

// Refuse puts the fact that a delivery cannot be read into the stream, where it becomes a dead letter with a reason and, where it is
// known, the text that was received. When it returns without an error that is durable. d needs no Inventory.
func (r *Receiver) Refuse(ctx context.Context, d Delivery, reason, detail string, raw []byte) error {
	known, err := r.Desk.WasDelivered(ctx, d.Source, d.Object, d.ETag)
	if err != nil || known {
		return err
	}
	in := &receiving{r: r, d: d}
	cutter := in.cut("", "")
	defer cutter.Close() //nolint:errcheck // temporary files
	if err := in.addFault(cutter, fault{Reason: reason, Detail: detail, Raw: raw[:min(len(raw), maxFaultRaw)]}); err != nil {
		return err
	}
	if err := in.publish(ctx, cutter); err != nil {
		return fmt.Errorf("note that %s cannot be read: %w", d.Object, err)
	}
	return r.Desk.Delivered(ctx, desk.Delivery{Source: d.Source, Object: d.Object, ETag: d.ETag, Records: in.receipt.Unreadable, At: d.Received})
}
