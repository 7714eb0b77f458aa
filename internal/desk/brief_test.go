package desk

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

// large is an incident of so many alerts, each with two events.
func large(uid string, n int) incident.Incident {
	var alerts []finding.Alert
	for i := range n {
		a := alertOf(fmt.Sprintf("%s-%05d", uid, i), own)
		a.Signals[0].Related = []finding.Card{{UID: "more-" + a.UID, Account: own}}
		alerts = append(alerts, a)
	}
	in := incident.Tell(alerts, nil)
	in.UID = uid
	for i := range n {
		in.Joins = append(in.Joins, incident.Join{A: alerts[i].UID, B: alerts[0].UID, Reason: fmt.Sprint("reason ", i%7)})
	}
	return in
}

// TestALargeIncidentIsBrief reads one whole and brief, as concluded, as kept before briefs were, and after people regrouped it: the brief
// one says how much there is, and who sees another account sees neither.
func TestALargeIncidentIsBrief(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		ctx, all := t.Context(), access.Everything()
		save(t, d, Conclusion{Findings: true, Incidents: []incident.Incident{large("big", 500), incidentOf("small", alertOf("a", own))}})
		brief := func(alerts int) {
			t.Helper()
			whole, err := d.Case(ctx, all, "big")
			if err != nil || len(whole.Alerts) != alerts || whole.Whole != nil {
				t.Fatalf("whole: %d alerts, %v", len(whole.Alerts), err)
			}
			c, err := d.BriefCase(ctx, all, "big")
			if err != nil || c.Whole == nil || c.Whole.Alerts != alerts || c.Whole.Events != 2*alerts || c.Whole.Sentences != len(whole.Story) {
				t.Fatalf("%+v, %v", c.Whole, err)
			}
			n := cards(c.Signals)
			for i := range c.Alerts {
				n += cards(c.Alerts[i].Signals)
			}
			if len(c.Alerts) != briefAlerts || n > briefCards || n < briefAlerts || c.Headline != whole.Headline || c.Score != whole.Score || c.Decision.Version != whole.Decision.Version {
				t.Errorf("%d alerts, %d events, %q", len(c.Alerts), n, c.Headline)
			}
		}
		brief(500)
		if c, _ := d.BriefCase(ctx, all, "big"); len(c.Joins) != 7 {
			t.Errorf("%d reasons", len(c.Joins))
		}
		if _, err := d.db.ExecContext(ctx, `UPDATE incidents SET brief = ''`); err != nil {
			t.Fatal(err)
		}
		brief(500)
		if c, err := d.BriefCase(ctx, all, "small"); err != nil || c.Whole != nil || len(c.Alerts) != 1 {
			t.Errorf("a small one: %+v, %v", c.Whole, err)
		}
		if _, err := d.BriefCase(ctx, access.Accounts(foreign), "big"); !errors.Is(err, ErrNotFound) {
			t.Errorf("out of scope: %v", err)
		}
		if _, err := d.Merge(ctx, all, "small", "big", "", nil, ann); err != nil {
			t.Fatal(err)
		}
		c, err := d.BriefCase(ctx, all, "big")
		if err != nil || c.Whole == nil || c.Whole.Alerts != 501 || len(c.Merged) != 1 {
			t.Errorf("regrouped: %+v, %v", c.Whole, err)
		}
		if c, err := d.BriefCase(ctx, all, "small"); err != nil || c.Into != "big" {
			t.Errorf("the part: %q, %v", c.Into, err)
		}
	})
}
