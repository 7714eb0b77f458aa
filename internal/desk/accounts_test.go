package desk

import (
	"errors"
	"slices"
	"testing"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

// acrossAccounts is an alert whose deciding event is of own, with a related event of foreign.
func acrossAccounts(uid string) finding.Alert {
	a := alertOf(uid, own)
	a.Signals[0].Related = []finding.Card{{UID: "r-" + uid, Account: foreign, SrcIP: "192.0.2.77", Raw: []byte(`{"secret":1}`)}}
	return a
}

// hidden asks by every way for an alert and incident that hold data of two accounts, as somebody who sees one.
func hidden(t *testing.T, d *Desk, scope access.Scope, sees bool) {
	t.Helper()
	ctx := t.Context()
	rows, err := d.Alerts(ctx, scope, Query{})
	if err != nil || (rows.Total == 2) != sees || (len(rows.Items) == 2) != sees {
		t.Errorf("%v lists alerts %+v, %v", scope.List(), rows, err)
	}
	stories, err := d.Incidents(ctx, scope, Query{})
	if err != nil || (stories.Total == 1) != sees || (len(stories.Items) == 1) != sees {
		t.Errorf("%v lists incidents %+v, %v", scope.List(), stories, err)
	}
	mentions, err := d.Mentions(ctx, scope, "192.0.2.77", 10)
	if err != nil || (len(mentions) == 2) != sees {
		t.Errorf("%v finds %+v, %v", scope.List(), mentions, err)
	}
	updates, _, err := d.Updates(ctx, scope, 0)
	if err != nil || (len(updates) == 3) != sees {
		t.Errorf("%v is told of %+v, %v", scope.List(), updates, err)
	}
	judged, err := d.JudgedAlerts(ctx, scope, "rule")
	if err != nil || (len(judged) == 1) != sees {
		t.Errorf("%v reads judged alerts %+v, %v", scope.List(), judged, err)
	}
	uses, err := d.RuleUses(ctx, scope, noon)
	if err != nil || (uses["rule"].Alerts == 2) != sees {
		t.Errorf("%v counts %+v, %v", scope.List(), uses, err)
	}
	for name, ask := range map[string]func() error{
		"alert":    func() error { _, err := d.Alert(ctx, scope, "loose"); return err },
		"case":     func() error { _, err := d.AlertCase(ctx, scope, "part"); return err },
		"decision": func() error { _, err := d.Decision(ctx, scope, Alerts, "loose"); return err },
		"incident": func() error { _, err := d.Case(ctx, scope, "i"); return err },
	} {
		if err := ask(); (err == nil) != sees || err != nil && !errors.Is(err, ErrNotFound) {
			t.Errorf("%v asks for the %s: %v", scope.List(), name, err)
		}
	}
	done, err := d.Decide(ctx, scope, Alerts, []string{"loose"}, nil, Change{Comment: "x"}, ann)
	if err != nil || (len(done.Changed) == 1) != sees {
		t.Errorf("%v changes %+v, %v", scope.List(), done, err)
	}
}

// TestRelatedEventsAreOfTheScopeToo saves an alert, loose and in an incident, whose related event is of another account: who sees one
// of the two accounts reads nothing of it, also where it was saved before the desk kept whose events it holds.
func TestRelatedEventsAreOfTheScopeToo(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		save(t, d, Conclusion{Findings: true, Loose: []finding.Alert{acrossAccounts("loose")}, Incidents: []incident.Incident{incidentOf("i", acrossAccounts("part"))}})
		if _, err := d.db.ExecContext(t.Context(), `UPDATE alerts SET verdict = 'true_positive' WHERE uid = 'loose'`); err != nil {
			t.Fatal(err)
		}
		ask := func() {
			t.Helper()
			hidden(t, d, access.Accounts(own), false)
			hidden(t, d, access.Accounts(foreign), false)
			hidden(t, d, access.Accounts(own, foreign), true)
			hidden(t, d, access.Everything(), true)
		}
		ask()
		for _, query := range []string{`UPDATE alerts SET accounts = ''`, `DELETE FROM alert_accounts`, `UPDATE incidents SET related_told = 0, accounts = ' ` + own + ` '`} {
			if _, err := d.db.ExecContext(t.Context(), query); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.fillAccounts(t.Context()); err != nil {
			t.Fatal(err)
		}
		ask()
	})
}

// TestSignalsThatAreNotKeptCount folds more signals than an alert keeps: the account that only the last names is one of the alert's.
func TestSignalsThatAreNotKeptCount(t *testing.T) {
	t.Parallel()
	var signals []finding.Signal
	for i := range finding.MaxKeptSignals + 1 {
		s := finding.Signal{UID: string(rune('a' + i)), Rule: finding.Rule{ID: "rule"}, Time: noon, Event: finding.Card{UID: string(rune('a' + i)), Account: own, Time: noon}}
		if i == finding.MaxKeptSignals {
			s.Related = []finding.Card{{UID: "r", Account: foreign, Time: noon}}
		}
		signals = append(signals, s)
	}
	alerts := finding.Fold(signals, nil)
	if len(alerts) != 1 || !slices.Equal(accountsOf(&alerts[0]), distinct([]string{own, foreign})) {
		t.Errorf("%d alerts of %q", len(alerts), alerts[0].Accounts)
	}
	if in := incident.Tell(alerts, nil); !slices.Equal(in.Accounts, distinct([]string{own, foreign})) {
		t.Errorf("the incident is of %q", in.Accounts)
	}
}

// TestAMergedIncidentGrowsIntoAnotherAccount merges two incidents of one account, and concludes an alert of another account for the part,
// then for an alert that was placed: who sees the one account only sees neither any more.
func TestAMergedIncidentGrowsIntoAnotherAccount(t *testing.T) {
	onEach(t, func(t *testing.T, d *Desk) {
		ctx, all := t.Context(), access.Everything()
		c := Conclusion{Findings: true, Incidents: []incident.Incident{incidentOf("t", alertOf("a", own)), incidentOf("p", alertOf("b", own), alertOf("c", own))}}
		save(t, d, c)
		if _, err := d.Merge(ctx, all, "p", "t", "", nil, ann); err != nil {
			t.Fatal(err)
		}
		sees := func(uid string, want bool) {
			t.Helper()
			_, err := d.Case(ctx, access.Accounts(own), uid)
			page, err2 := d.Incidents(ctx, access.Accounts(own), Query{})
			listed := slices.ContainsFunc(page.Items, func(r IncidentRow) bool { return r.UID == uid })
			if (err == nil) != want || listed != want || err2 != nil {
				t.Errorf("%s is read %v, listed %v (%v)", uid, err, listed, err2)
			}
		}
		sees("t", true)
		c.Position, c.Incidents[1] = 2, incidentOf("p", alertOf("b", own), alertOf("c", own), alertOf("d", foreign))
		save(t, d, c)
		sees("t", false)
		if _, err := d.Decide(ctx, access.Accounts(own), Incidents, []string{"t"}, nil, Change{Comment: "x"}, ann); err != nil {
			t.Fatal(err)
		}
		if s, err := d.Decision(ctx, all, Incidents, "t"); err != nil || slices.ContainsFunc(s.Activity, func(a Activity) bool { return a.Kind == kindNote }) {
			t.Errorf("it was changed out of scope: %+v, %v", s.Activity, err)
		}
		c.Position, c.Incidents[1] = 3, incidentOf("p", alertOf("b", own), alertOf("c", own))
		save(t, d, c)
		sees("t", true)
		part, _, err := d.Split(ctx, all, "t", SplitOff{Alerts: []string{"c"}}, nil, ann)
		if err != nil {
			t.Fatal(err)
		}
		sees(part, true)
		c.Position, c.Incidents[1] = 4, incidentOf("p", alertOf("b", own), acrossAccounts("c"))
		save(t, d, c)
		sees(part, false)
	})
}
