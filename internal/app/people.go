package app

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/source"
)

// openPeople opens what the desk's database holds of people and of what they did.
func (h *house) openPeople(ctx context.Context) (err error) {
	if h.people, err = access.OpenPeople(ctx, h.desk.Store()); err != nil {
		return err
	}
	h.audit, err = audit.Open(ctx, h.desk.Store())
	return err
}

// setUpLink says where the first admin makes an account, while nobody can sign in. The secret follows a #, which browsers keep to themselves.
func (h *house) setUpLink(ctx context.Context) {
	secret, err := h.people.SetUp(ctx, time.Now())
	if err != nil {
		h.log.Error("the link of the set-up could not be made", "error", err)
		return
	}
	if secret != "" {
		fmt.Fprintf(h.io.Err, "  nobody can sign in yet; make the first account, once: %s/accept#%s\n", h.url(), secret)
	}
}

// url is where the API is.
func (h *house) url() string { return h.o.Config.scheme() + h.listener.Addr().String() }

// relayEvery is how often the outbox of the audit log is looked into.
const relayEvery = 2 * time.Second

// relay puts audit entries into the lake, by the way of all logs.
func (h *house) relay(ctx context.Context) error {
	for {
		n, err := h.audit.Relay(ctx, time.Now(), func(batch string, list []audit.Entry) error { return h.deliverAudit(ctx, batch, list) })
		if err != nil && ctx.Err() == nil {
			h.log.Error("audit entries wait: they could not be put into the lake", "error", err)
		}
		if n > 0 && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(relayEvery):
		}
	}
}

func (h *house) deliverAudit(ctx context.Context, batch string, list []audit.Entry) error {
	events, err := audit.Events(list)
	if err != nil {
		return err
	}
	return source.Spooled(ctx, h.sources.Spool, bytes.NewReader(events), 0, func(inv *collect.Inventory) error {
		_, err := h.sources.Receiver.Receive(ctx, pipeline.Delivery{
			Source: audit.Source, Object: "audit/" + batch, ETag: batch, Lane: lake.LaneLive, Received: time.Now().UTC(), Inventory: inv,
		})
		return err
	})
}
