package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/simulate"
)

// TestWhatAnAttackerStartsIsItsIncident: machines that a leaked key rents are seen by other logs, under their own names. They are one story with
// the calls that started them, also where the records arrive in any order.
func TestWhatAnAttackerStartsIsItsIncident(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := simulate.Config{Seed: 3, Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: 5, Scale: 0.1, Attacks: []string{"leaked-key-mining"}, Formats: []string{"cloudtrail", "resolver", "guardduty"}}
	if _, err := simulate.WriteTree(t.Context(), dir, c, nil); err != nil {
		t.Fatal(err)
	}
	inv, err := collect.List(t.Context(), []string{dir}, nil, collect.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close() //nolint:errcheck // a test
	o := Options{Rules: rules(t)}
	r, err := Run(t.Context(), Files{inv}, o)
	if err != nil {
		t.Fatal(err)
	}
	machines, people := map[string]bool{}, false
	for i := range r.Incidents {
		for k := range r.Incidents[i].Alerts {
			switch id := r.Incidents[i].Alerts[k].Origin.ID; {
			case strings.HasPrefix(id, "i-"):
				machines[id] = true
			case strings.HasSuffix(id, "user/ci-legacy"):
				people = true
			}
		}
	}
	if len(r.Incidents) != 1 || !people || len(machines) != 14 {
		t.Errorf("%d incidents; of the thief: %v; %d machines, want 14 with the thief in one", len(r.Incidents), people, len(machines))
	}
	if d := cmp.Diff(told(t, r), told(t, arriving(t, inv, Files{inv}, o, 5))); d != "" {
		t.Errorf("scan and live differ:\n%s", d)
	}
}
