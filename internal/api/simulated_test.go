package api

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/simulate"
)

// TestASimulatedOrganisationIsPushed: what simulate --live pushes is taken, whatever its format; a paused source is asked again when it said, and a
// writer that lost its memory brings nothing twice.
func TestASimulatedOrganisationIsPushed(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	if err := s.desk.PauseSource(t.Context(), "apps", true); err != nil {
		t.Fatal(err)
	}
	total := func() int {
		events, others := s.kept() // lines of flow logs are no JSON
		for _, n := range events {
			others += n
		}
		return others
	}
	var mu sync.Mutex
	waited := time.Duration(0)
	push := func() {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := simulate.Live(ctx, simulate.LiveConfig{
			Config: simulate.Config{Seed: 4, Days: 2, Scale: 0.05, Attacks: []string{"help-desk-takeover"}, Formats: []string{"all"}}, Dir: t.TempDir(),
			To:  []simulate.Destination{{URL: s.URL + "/api/v1/ingest/apps", Token: s.tokens["apps"]}},
			Now: func() time.Time { return time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC) },
			Wait: func(ctx context.Context, d time.Duration) error {
				mu.Lock()
				defer mu.Unlock()
				if waited == 0 { // the server said when to come again
					waited = d
					return s.desk.PauseSource(ctx, "apps", false)
				}
				cancel() // the past is delivered, and the rest is waited for
				return ctx.Err()
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	push()
	first := total()
	if waited != time.Minute || first < 300 {
		t.Errorf("it waited %s, and %d records are kept", waited, first)
	}
	push()
	if again := total(); again != first {
		t.Errorf("%d records are kept, and %d after they were pushed again", first, again)
	}
}
