//go:build cgo

package hunt_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/hunt"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

// watched is a lake with one call from an address, and with two audit entries that name it: somebody who asked for it, from it.
func watched(t *testing.T, address string) *lake.Lake {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	l, err := lake.Open(t.Context(), filepath.Join(t.TempDir(), "lake"))
	must(err)
	t.Cleanup(func() { must(l.Close()) })
	at := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	call := fmt.Sprintf(`{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"alice","accountId":"111111111111","arn":"arn:aws:iam::111111111111:user/alice"},"eventTime":%q,"eventSource":"iam.amazonaws.com","eventName":"ListUsers","awsRegion":"us-east-1","sourceIPAddress":%q,"eventID":"one","recipientAccountId":"111111111111"}`, at.Format(time.RFC3339), address)
	own, err := audit.Events([]audit.Entry{
		{ID: "1", At: at, Actor: "ada", Kind: "person", Address: address, Action: "pivot", Object: address, Outcome: audit.Success},
		{ID: "2", At: at.Add(time.Minute), Actor: "ada", Kind: "person", Address: "127.0.0.1", Action: "entity", Object: "ip:" + address, Outcome: audit.Success, Detail: "about " + address},
	})
	must(err)
	for source, text := range map[string]string{"logs": call + "\n", audit.Source: string(own)} {
		file := filepath.Join(t.TempDir(), "events.jsonl")
		must(os.WriteFile(file, []byte(text), 0o600))
		inv, err := collect.List(t.Context(), []string{file}, nil, collect.Limits{})
		must(err)
		_, err = pipeline.Store(t.Context(), pipeline.Files{Inventory: inv}, pipeline.StoreOptions{Lake: l, Source: source, Now: now})
		must(err)
		must(inv.Close())
	}
	return l
}

// TestTocsinsOwnIsLeftOut asks for an address that a log names once, and that the audit log names because it was asked for.
func TestTocsinsOwnIsLeftOut(t *testing.T) {
	t.Parallel()
	const address = "203.0.113.9"
	v := investigator(watched(t, address))
	for _, c := range []struct {
		own    bool
		depth  string
		events int
	}{{false, hunt.DepthRecords, 1}, {true, hunt.DepthRecords, 3}, {false, "", 1}, {true, "", 2}} {
		p, err := v.Pivot(t.Context(), access.Everything(), hunt.PivotQuery{Value: address, Depth: c.depth, Own: c.own})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Sightings) != c.events || p.Own != c.own {
			t.Errorf("a pivot of the depth %q, own %v: %+v, want %d", c.depth, c.own, p.Sightings, c.events)
		}
	}
	for own, want := range map[bool]int64{false: 1, true: 2} {
		p, err := v.Entity(t.Context(), access.Everything(), hunt.EntityQuery{Kind: "ip", Value: address, Own: own})
		if err != nil {
			t.Fatal(err)
		}
		if p.Events != want || p.Own != own {
			t.Errorf("the profile, own %v: %d events, want %d", own, p.Events, want)
		}
		g, err := v.Graph(t.Context(), access.Everything(), hunt.GraphQuery{Kind: "ip", Value: address, Own: own})
		if err != nil {
			t.Fatal(err)
		}
		if g.Nodes[0].Events != want {
			t.Errorf("the graph, own %v: %d events, want %d", own, g.Nodes[0].Events, want)
		}
	}
}

// TestTocsinsOwnIsFoundByItsName looks an audit event up by its id.
func TestTocsinsOwnIsFoundByItsName(t *testing.T) {
	t.Parallel()
	p, err := investigator(watched(t, "203.0.113.9")).Pivot(t.Context(), access.Everything(), hunt.PivotQuery{Value: audit.Source + "-1"})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Sightings) != 1 || !p.Own {
		t.Errorf("%+v", p.Sightings)
	}
}
