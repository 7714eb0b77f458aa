package desk

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

// TestScopeHoldsOnEveryList makes a desk of random findings, and asks it with random Scopes: each list and each document shows exactly
// what the Scope sees, and an incident only to those who see all of its accounts.
func TestScopeHoldsOnEveryList(t *testing.T) {
	accounts := []string{"111111111111", "222222222222", "333333333333", "", "111111111111 222222222222", "-", "%2B"}
	onEach(t, func(t *testing.T, d *Desk) {
		r := rand.New(rand.NewPCG(4, 2))
		c := Conclusion{Findings: true}
		alerts, incidents := map[string]string{}, map[string][]string{}
		for i := range 40 {
			uid := string(rune('A'+i%26)) + string(rune('a'+i/26))
			var list []finding.Alert
			for k := range 1 + r.IntN(3) {
				a := alertOf(uid+string(rune('0'+k)), accounts[r.IntN(len(accounts))])
				alerts[a.UID] = a.Account
				list = append(list, a)
			}
			if r.IntN(3) == 0 {
				c.Loose = append(c.Loose, list...)
				continue
			}
			in := incidentOf(uid, list...)
			incidents[uid] = in.Accounts
			c.Incidents = append(c.Incidents, in)
		}
		c.DeadLetters = []DeadLetter{{ID: "dead", Source: "logs", ReceivedAt: noon}}
		save(t, d, c)
		for range 30 {
			var some []string
			for _, a := range accounts {
				if a != "-" && r.IntN(2) == 0 {
					some = append(some, a)
				}
			}
			scope := access.Accounts(some...)
			if r.IntN(10) == 0 {
				scope = access.Everything()
			}
			shows(t, d, scope, alerts, incidents)
		}
		shows(t, d, access.Scope{}, alerts, incidents)
	})
}

func shows(t *testing.T, d *Desk, scope access.Scope, alerts map[string]string, incidents map[string][]string) {
	t.Helper()
	ctx, q := t.Context(), Query{Limit: 1000}
	rows, err := d.Alerts(ctx, scope, q)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, row := range rows.Items {
		listed[row.UID] = true
	}
	for uid, account := range alerts {
		_, err := d.Alert(ctx, scope, uid)
		if sees := scope.Sees(account); listed[uid] != sees || (err == nil) != sees || err != nil && !errors.Is(err, ErrNotFound) {
			t.Errorf("scope %v (all %v): alert of account %q listed %v, document %v", scope.List(), scope.All(), account, listed[uid], err)
		}
	}
	stories, err := d.Incidents(ctx, scope, q)
	if err != nil {
		t.Fatal(err)
	}
	listed = map[string]bool{}
	for _, row := range stories.Items {
		listed[row.UID] = true
	}
	for uid, of := range incidents {
		sees := true
		for _, a := range of {
			sees = sees && scope.Sees(a)
		}
		_, err := d.Incident(ctx, scope, uid)
		if listed[uid] != sees || (err == nil) != sees {
			t.Errorf("scope %v (all %v): incident of accounts %q listed %v, document %v", scope.List(), scope.All(), of, listed[uid], err)
		}
	}
	told := map[string]bool{}
	for after, upTo := int64(0), int64(-1); after != upTo; {
		var list []Update
		if upTo >= 0 {
			after = upTo
		}
		if list, upTo, err = d.Updates(ctx, scope, after); err != nil {
			t.Fatal(err)
		}
		for _, u := range list {
			told[u.Kind+u.UID] = true
		}
	}
	for uid, account := range alerts {
		if told[Alerts+uid] != scope.Sees(account) {
			t.Errorf("scope %v (all %v): the update of an alert of account %q is told: %v", scope.List(), scope.All(), account, told[Alerts+uid])
		}
	}
	for uid := range incidents {
		if told[Incidents+uid] != listed[uid] {
			t.Errorf("scope %v (all %v): the update of incident %s is told: %v", scope.List(), scope.All(), uid, told[Incidents+uid])
		}
	}
	dead, err := d.DeadLetters(ctx, scope, "", 10)
	_, err2 := d.DeadLetter(ctx, scope, "dead")
	if err != nil || (len(dead) > 0) != scope.All() || (err2 == nil) != scope.All() {
		t.Errorf("scope %v (all %v): dead letters %v, %v, %v", scope.List(), scope.All(), dead, err, err2)
	}
}

// TestQueriesNarrow asks with each bound of a Query.
func TestQueriesNarrow(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		low := alertOf("low", own)
		low.Severity = finding.Low
		save(t, d, Conclusion{Findings: true, Incidents: []incident.Incident{incidentOf("i1", alertOf("high", own))}, Loose: []finding.Alert{low}})
		for name, c := range map[string]struct {
			q    Query
			want int
		}{
			"all": {Query{}, 2}, "severity": {Query{MinSeverity: finding.Medium}, 1}, "status": {Query{Status: "new"}, 2}, "another status": {Query{Status: "closed"}, 0},
			"incident": {Query{Incident: "i1"}, 1}, "limit": {Query{Limit: 1}, 1},
		} {
			if rows, err := d.Alerts(t.Context(), access.Everything(), c.q); err != nil || len(rows.Items) != c.want {
				t.Errorf("%s: %d alerts, not %d (%v)", name, len(rows.Items), c.want, err)
			}
		}
		if rows, err := d.Incidents(t.Context(), access.Everything(), Query{MinSeverity: finding.Critical}); err != nil || len(rows.Items) != 0 {
			t.Errorf("%v, %v", rows, err)
		}
	})
}
