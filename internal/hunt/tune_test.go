//go:build cgo

package hunt_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/hunt"
)

// alertOf is an alert over events of the lake.
func alertOf(t *testing.T, o organisation, where string, args ...string) []finding.Alert {
	t.Helper()
	var out []finding.Alert
	for _, r := range rows(t, o.lake, "SELECT metadata.uid, raw_data FROM events WHERE "+where+" ORDER BY time_dt", args...) {
		out = append(out, finding.Alert{UID: r[0], Count: 1, EventUIDs: []string{r[0]}, Signals: []finding.Signal{{Event: finding.Card{UID: r[0], Raw: json.RawMessage(r[1])}}}})
	}
	return out
}

const secretsRule = `title: A secret is read
id: 01907a11-0000-4000-8000-000000000001
logsource: {product: aws, service: cloudtrail}
detection:
    call:
        eventSource: secretsmanager.amazonaws.com
        eventName: GetSecretValue
    condition: call
level: medium
tocsin: {tier: decisive, outcome: either}
`

// TestVerdictsProposeAFilterWithItsProof judges the workloads' reading of secrets as benign and the intruder's as true.
func TestVerdictsProposeAFilterWithItsProof(t *testing.T) {
	t.Parallel()
	o := simulated(t)
	v := investigator(o.lake)
	rules, errs := detect.Parse("secrets.yml", []byte(secretsRule))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	const id = "01907a11-0000-4000-8000-000000000001"
	stolen := alertOf(t, o, "operation = 'GetSecretValue' AND origin = $1", backup)
	busiest := rows(t, o.lake, "SELECT json_extract_string(raw_data, '$.userIdentity.sessionContext.sessionIssuer.arn') AS role, count(*) FROM events WHERE operation = 'GetSecretValue' AND origin <> $1 GROUP BY 1 HAVING role IS NOT NULL ORDER BY 2 DESC LIMIT 1", backup)
	if len(busiest) == 0 || len(stolen) < 3 {
		t.Fatalf("nobody of the organisation reads secrets: %v, %d", busiest, len(stolen))
	}
	benign := alertOf(t, o, "operation = 'GetSecretValue' AND json_extract_string(raw_data, '$.userIdentity.sessionContext.sessionIssuer.arn') = $1", busiest[0][0])
	var judged []hunt.Judged
	for i := range benign {
		judged = append(judged, hunt.Judged{Alert: benign[i]})
	}
	for i := range stolen {
		judged = append(judged, hunt.Judged{Alert: stolen[i], Harm: true})
	}
	p, err := v.Tuning(t.Context(), access.Everything(), rules, id, judged)
	if err != nil {
		t.Fatal(err)
	}
	total := rows(t, o.lake, "SELECT count(*) FROM events WHERE operation = 'GetSecretValue'")[0][0]
	if fmt.Sprint(p.Proof.Matches) != total || p.Proof.Hidden < len(benign) || len(p.Proof.Lost) > 0 || p.Proof.Saved == 0 || p.Proof.PerDay <= 0 || p.Left != 0 {
		t.Errorf("of %s: %+v\n%s", total, p.Proof, p.Sigma)
	}
	if !strings.Contains(p.Sigma, busiest[0][0]) || !strings.Contains(p.Sigma, "condition: not selection") {
		t.Errorf("the filter:\n%s", p.Sigma)
	}
	f, err := hunt.ParseFilter(p.Sigma)
	if err != nil {
		t.Fatal(err)
	}
	for i := range stolen {
		if f.Alert(&stolen[i]) {
			t.Errorf("the filter takes the intruder's %s", stolen[i].UID)
		}
	}
	for i := range benign {
		if !f.Alert(&benign[i]) {
			t.Errorf("the filter leaves the benign %s", benign[i].UID)
		}
	}
	t.Logf("%d matches, %d hidden, %.1f alerts a day saved", p.Proof.Matches, p.Proof.Hidden, p.Proof.PerDay)

	var mistake hunt.MistakeError
	for name, err := range map[string]error{
		"no owner": p.Acceptable("", now.Add(time.Hour), now), "no end": p.Acceptable("maria", time.Time{}, now), "too long": p.Acceptable("maria", now.Add(400*24*time.Hour), now),
	} {
		if !errors.As(err, &mistake) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := p.Acceptable("maria", now.Add(90*24*time.Hour), now); err != nil {
		t.Errorf("it cannot be accepted: %v", err)
	}
	lost, err := v.Prove(t.Context(), access.Everything(), rules, f, map[string]bool{p.Proof.Examples[0]: true})
	if err != nil || len(lost.Lost) != 1 {
		t.Errorf("a true positive that it hides is not told: %+v, %v", lost, err)
	}
	p.Proof = lost
	if err := p.Acceptable("maria", now.Add(time.Hour), now); !errors.As(err, &mistake) {
		t.Errorf("a filter that hides a true positive is accepted: %v", err)
	}
}

func TestNothingIsProposedThatWouldHideHarm(t *testing.T) {
	t.Parallel()
	rules, errs := detect.Parse("secrets.yml", []byte(secretsRule))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	alert := func(uid, arn, ip string) finding.Alert {
		raw := fmt.Sprintf(`{"eventName":"GetSecretValue","sourceIPAddress":%q,"userIdentity":{"arn":%q}}`, ip, arn)
		return finding.Alert{UID: uid, Count: 1, EventUIDs: []string{uid}, Signals: []finding.Signal{{Event: finding.Card{UID: uid, Raw: json.RawMessage(raw)}}}}
	}
	for name, list := range map[string][]hunt.Judged{
		"the same as harm": {{Alert: alert("1", "arn:a", "10.0.0.1")}, {Alert: alert("2", "arn:a", "10.0.0.1")}, {Alert: alert("3", "arn:a", "10.0.0.1"), Harm: true}},
		"one alone":        {{Alert: alert("1", "arn:a", "10.0.0.1")}},
		"nothing shared":   {{Alert: alert("1", "arn:a", "10.0.0.1")}, {Alert: alert("2", "arn:b", "10.0.0.2")}, {Alert: alert("3", "arn:c", "10.0.0.3")}, {Alert: alert("4", "arn:d", "10.0.0.4")}},
	} {
		var mistake hunt.MistakeError
		if p, err := hunt.Propose(rules.All[0], list); !errors.As(err, &mistake) {
			t.Errorf("%s: proposed %+v, %v", name, p, err)
		}
	}
	wild, err := hunt.Propose(rules.All[0], []hunt.Judged{{Alert: alert("1", "arn:*", "10.0.0.1")}, {Alert: alert("2", "arn:*", "10.0.0.1")}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := hunt.ParseFilter(wild.Sigma)
	if err != nil {
		t.Fatal(err)
	}
	other := alert("3", "arn:aws:iam::1:user/anybody", "10.0.0.1")
	if f.Alert(&other) {
		t.Error("a star out of a log has become a wildcard")
	}
	many := alert("1", "arn:*", "10.0.0.1")
	if many.Count = 5; f.Alert(&many) {
		t.Error("an alert is taken whose other signals were not judged")
	}
}
